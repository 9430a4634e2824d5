import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { forRoot } from '../../src/command/lead-docker.ts';

/** What sudo is told when somebody types `command`. */
function toldSudo(command: string): string[] {
  const shell = `sudo() { printf '%s\\0' "$@"; }; ${command}`;
  return execFileSync('/bin/sh', ['-c', shell], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('The command that root is to type', () => {
  it.each(['/etc/docker/daemon.json', '/a b; touch c', "/it's $(id)", '/a\nb', '/`id`*'])(
    'does no more to a file that is called %j',
    (file) => {
      expect(toldSudo(forRoot(file, undefined))).toEqual(['rm', file]);
      expect(toldSudo(forRoot(file, file))).toEqual(['install', '-D', '-m', '644', file, file]);
    },
  );

  it('is as one would type it', () => {
    expect(forRoot('/etc/docker/daemon.json', undefined)).toBe('sudo rm /etc/docker/daemon.json');
  });
});
