import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let sandbox: Sandbox;
let home: string;
beforeEach(() => {
  sandbox = openSandbox();
  home = join(sandbox.root, `o'neill "x" $HOME \\`);
  mkdirSync(home);
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const shims = (): string => join(home, '.local/share/pyrsia/shims');
const env = (words: readonly string[] = [], more: Readonly<Record<string, string | undefined>> = {}) =>
  sandbox.pyrsia(['env', ...words], { env: { HOME: home, SHELL: '/bin/bash', ...more } });

/** Has pyrsia on the PATH, as a user has. */
function withPyrsia(): Record<string, string> {
  const bin = join(sandbox.root, 'bin');
  mkdirSync(bin);
  const command = sandbox.pyrsiaCommand([]).join(' ');
  writeFileSync(join(bin, 'pyrsia'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  return { HOME: home, PATH: [bin, sandbox.env['PATH']].join(delimiter) };
}

describe('the shell that evaluates it', () => {
  it.each([
    ['bash', ['bash', '-c'], 'eval "$(pyrsia env)"'],
    ['zsh', ['zsh', '-c'], 'eval "$(pyrsia env)"'],
    ['dash', ['dash', '-euc'], 'eval "$(pyrsia env)"'],
    ['ash', ['busybox', 'sh', '-c'], 'eval "$(pyrsia env)"'],
    ['fish', ['fish', '-c'], 'pyrsia env --shell fish | source'],
    ['fish', ['fish', '-c'], 'pyrsia env | source'],
  ] as const)(
    '%s (%j) has the shims first, once, however often it does (%s)',
    async (shell, [program, ...args], line) => {
      const list = shell === 'fish' ? '(string join : $PATH)' : '"$PATH"';
      const text = [line, line, `printf '%s' ${list}`].join('\n');
      const { code, stdout, stderr } = await sandbox.run(program, [...args, text], {
        env: { ...withPyrsia(), SHELL: `/bin/${shell}` },
      });
      expect([code, stderr]).toEqual([0, '']);
      const path = stdout.split(delimiter);
      expect([path[0], path.filter((entry) => entry === shims()).length]).toEqual([shims(), 1]);
      expect(path.length).toBeGreaterThan(2);
    },
  );
});

describe('pyrsia env', () => {
  it('prints lines on stdout and nothing else', async () => {
    const { code, stdout, stderr } = await env();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^pyrsia_shims=[^]*\nhash -r\n$/);
  });

  it('is for the shell that the user logs in with, or the one that is named', async () => {
    expect((await env([], { SHELL: '/usr/bin/fish' })).stdout).toContain('set -gx PATH');
    expect((await env(['--shell', 'powershell'])).stdout).toContain('$env:PATH');
    expect((await env(['--shell', 'dockerfile'])).stdout).toBe(
      `ENV PATH="${shims().replaceAll(/[\\"$]/g, String.raw`\$&`)}:$PATH"\n`,
    );
  });

  it.each(['/bin/tcsh', '/usr/bin/nu'])('says that it knows nothing for %s', async (SHELL) => {
    const { code, stdout, stderr } = await env([], { SHELL });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      `pyrsia: There are no lines for ${SHELL}: give --shell, one of bash, zsh, fish, sh, dash, ash, ksh, mksh, powershell\n`,
    );
  });

  it('knows a shell where $SHELL is not set', async () => {
    expect(await env([], { SHELL: undefined })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('PATH'),
    });
  });

  it('prints it all as JSON', async () => {
    const { stdout } = await env(['--json']);
    const lines = (await env()).stdout.trimEnd().split('\n');
    expect(JSON.parse(stdout)).toEqual({ shell: 'bash', directory: shims(), lines });
  });

  it('changes nothing', async () => {
    const before = readFileSync(join(sandbox.home, '.npmrc'), 'utf8');
    await sandbox.pyrsia(['env'], { env: { SHELL: '/bin/bash' } });
    expect(readFileSync(join(sandbox.home, '.npmrc'), 'utf8')).toBe(before);
    const { stdout } = await sandbox.run('ls', ['-A', sandbox.home]);
    expect(stdout).toBe('.npmrc\n');
  });
});
