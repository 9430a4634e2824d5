import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainly } from '../../src/shims/sh.ts';
import { RUN_SCRIPT } from '../../src/shims/terminal-script.ts';
import { type Finished, start } from '../support/command.ts';
import { SHELLS } from './stand-in.ts';

describe.each(Object.entries(SHELLS))('A tool that %s runs', (name, shell) => {
  let root: string;
  let receipt: string;
  const applet = name === 'busybox' ? ['sh'] : plainly(shell);
  const env = { PATH: '/usr/bin:/bin', SHLVL: '3', PYRSIA_SHIM_DEPTH: '2:e:1:/a:/b' };
  const run = (script: string, { file = receipt, given = {} } = {}): Promise<Finished> =>
    start([shell, ...applet, '-c', RUN_SCRIPT, 'npm', file, '/bin/sh', '-c', script, 'tool', 'a b', ''], {
      env: { ...env, ...given },
    }).result;

  const level = async (given: Record<string, string | undefined>, file = receipt) =>
    (await run('echo "${SHLVL-none}"', { file, given: given as Record<string, string> })).stdout.trim();
  const missing = async (file: string, executable: string) =>
    start([shell, ...applet, '-c', RUN_SCRIPT, 'npm', file, executable], { env }).result;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'pyrsia-run-'));
    receipt = join(root, 'it is.receipt');
    writeFileSync(receipt, 'pyrsia: one \\n\npyrsia:  two');
  });
  afterAll(() => rmSync(root, { recursive: true }));
  const said = 'pyrsia: one \\n\npyrsia:  two\n';

  it('has its arguments, its exit code, and the receipt after what it says itself', async () => {
    const { code, stdout, stderr } = await run('echo "$@" >&2; echo "$#"; exit 41');
    expect({ code, stdout, stderr }).toEqual({ code: 41, stdout: '2\n', stderr: `a b \n${said}` });
  });

  it('outlives an interrupt together with the shell', async () => {
    const { code, stderr } = await run('kill -INT $PPID; exit 5');
    expect({ code, stderr }).toEqual({ code: 5, stderr: said });
  });

  it('is left alone where there is no receipt', async () => {
    for (const file of ['', join(root, 'nowhere')])
      expect(await run('exit 3', { file })).toMatchObject({ code: 3, stderr: '' });
  });

  it('takes the place of the shell where none is wanted', async () => {
    const { stdout } = await run('echo "$PYRSIA_SHIM_DEPTH"; exec sh -c \'echo $PPID\'', { file: '' });
    expect(stdout).toBe(`2:e:1:/a:/b\n${process.pid}\n`);
  });

  it('knows that it runs below the shell', async () => {
    const { stdout } = await run('echo "$PYRSIA_SHIM_DEPTH $PPID"');
    const [, pid, ppid] = /^2:c:(\d+):\/a:\/b (\d+)\n$/.exec(stdout)!;
    expect(pid).toBe(ppid);
  });

  it('is as deep in shells as the user is', async () => {
    const isBusybox = name === 'busybox';
    expect(await level({})).toBe(isBusybox ? '4' : '3');
    expect(await level({}, '')).toBe(isBusybox ? '4' : '3');
    expect(await level({ SHLVL: undefined })).toBe(isBusybox ? '1' : 'none');
  });

  it.each(['TERM', 'KILL', 'INT', 'QUIT', 'HUP', 'SEGV', 'PIPE', 'USR1'] as const)(
    'ends by SIG%s for whoever waits, and nobody talks about it',
    async (signal) => {
      const { code, signal: by, stdout, stderr } = await run(`kill -${signal} $$`);
      // Where the system's own shell ignores SIGQUIT, nothing helps.
      const direct = await start(['/bin/sh', '-c', `kill -${signal} $$; exit 131`], { env }).result;
      expect([code, by, stdout, stderr]).toEqual([direct.code, direct.signal, '', said]);
    },
  );

  it.each([255, 128, 148, 200])('may end with code %d, which is no signal’s', async (code) => {
    expect(await run(`exit ${code}`)).toMatchObject({ code, signal: null });
  });

  it('is said to be missing by the shell, with the code for that', async () => {
    const plain = join(root, 'plain');
    writeFileSync(plain, '');
    chmodSync(plain, 0o644);
    for (const file of ['', receipt]) {
      const gone = await missing(file, join(root, 'nowhere'));
      expect([gone.code, gone.stdout]).toEqual([127, '']);
      expect(gone.stderr).toMatch(/nowhere.*(not found|No such file)/);
      expect(await missing(file, plain)).toMatchObject({
        code: 126,
        stderr: expect.stringMatching(/denied/),
      });
    }
  });

  it('has the descriptors that the user gave it, and none of ours', async () => {
    const list = 'ls /proc/self/fd | tr "\\n" " "';
    const direct = await start(['/bin/sh', '-c', list], { env }).result;
    expect((await run(list)).stdout).toBe(direct.stdout);
    const inherited = await start(
      [
        '/bin/sh',
        '-c',
        `exec 9>"${root}/nine" 3>"${root}/three"; exec "$@"`,
        'sh',
        shell,
        ...applet,
        '-c',
        RUN_SCRIPT,
        'npm',
        receipt,
        '/bin/sh',
        '-c',
        'echo nine >&9; echo three >&3; echo err >&2',
      ],
      { env },
    ).result;
    expect(inherited).toMatchObject({ code: 0, stderr: `err\n${said}` });
    expect((await start(['/bin/cat', join(root, 'nine'), join(root, 'three')], {}).result).stdout).toBe(
      'nine\nthree\n',
    );
  });
});
