import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { environmentOf, umaskOf } from '../../src/shims/process-environment.ts';

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

function started(script: string, env: Record<string, string>): number {
  const child = spawn('/bin/sh', ['-c', script], { env });
  children.push(child);
  return child.pid!;
}

it.runIf(process.platform === 'linux')('is what a process was started with, whatever the names', async () => {
  const env = { 'npm_config_@acme:registry': 'https://acme.example/?a=b', EMPTY: '', LINES: 'a\nb=c' };
  const pid = started('sleep 60', env);
  await expect.poll(() => environmentOf(pid)).toMatchObject(env);
});

it.runIf(process.platform === 'linux')(
  'is there also while the process becomes another program',
  async () => {
    const again = 'n=$1; [ $n -eq 0 ] || exec /bin/sh -c "$AGAIN" sh $((n - 1)); exec sleep 60';
    const pid = started('exec /bin/sh -c "$AGAIN" sh 2000', {
      AGAIN: again,
      MARK: 'mine',
      PATH: '/usr/bin:/bin',
    });
    await expect.poll(async () => (await environmentOf(pid))['MARK']).toBe('mine');
    for (let times = 0; times < 2000; times++)
      expect(await environmentOf(pid)).toMatchObject({ MARK: 'mine' });
  },
);

it('is an error where there is no such process', async () => {
  await expect(environmentOf(spawnSync('true').pid)).rejects.toMatchObject({ code: 'ENOENT' });
});

it.runIf(process.platform === 'linux')('has its umask with it', async () => {
  const pid = started('umask 027; exec sleep 60', { PATH: '/usr/bin:/bin' });
  await expect.poll(() => umaskOf(pid)).toBe(0o027);
  expect(umaskOf(spawnSync('true').pid)).toBeUndefined();
});
