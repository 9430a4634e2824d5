import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from '../support/command.ts';
import { openTerminal } from '../support/terminal.ts';

let directory: string;
let wrapper: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-run-tool-'));
  wrapper = join(directory, 'wrapper.ts');
  const module = pathToFileURL(join(import.meta.dirname, '../../src/shims/run-tool.ts')).href;
  writeFileSync(
    wrapper,
    `import { endAs, runTool } from ${JSON.stringify(module)};
     const [tool, ...args] = process.argv.slice(2);
     const result = await runTool(tool!, args, { env: process.env });
     if (result.error) console.error(result.error);
     endAs(result);`,
  );
});
/** The command that runs a tool under the wrapper. */
const wrapped = (...tool: string[]): Command => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  wrapper,
  ...tool,
];
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a tool under the wrapper, without a terminal. */
function start(...tool: string[]): ChildProcess {
  const [node, ...args] = wrapped(...tool);
  return spawn(node, args, { detached: true });
}

function endOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}

/** Resolves once the tool has said `word`; rejects when it ends without. */
async function says(child: ChildProcess, word: string): Promise<void> {
  let said = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (said.includes(word)) return;
  }
  throw new Error(`It ended without saying ${word}: ${said}`);
}

describe('a wrapped tool', () => {
  it.each([0, 1, 7, 137, 255])('ends with its own code %i', async (code) => {
    expect(await endOf(start('sh', '-c', `exit ${code}`))).toEqual({ code, signal: null });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSEGV', 'SIGPIPE', 'SIGUSR1'] as const)(
    'ends by its own %s',
    async (signal) => {
      const child = start('sh', '-c', `ulimit -c 0; kill -${signal.slice(3)} $$; sleep 60`);
      expect(await endOf(child)).toEqual({ code: null, signal });
    },
  );

  it('is 127 when there is none, 126 when it cannot be run', async () => {
    const missing = start(join(directory, 'pyrsia-no-such-tool'));
    const [said, end] = await Promise.all([text(missing.stderr!), endOf(missing)]);
    expect(end.code).toBe(127);
    expect(said).toContain('pyrsia-no-such-tool');
    const plain = join(directory, 'plain');
    writeFileSync(plain, 'no program', { mode: 0o644 });
    expect((await endOf(start(plain))).code).toBe(126);
    expect((await endOf(start(directory))).code).toBe(126);
  });

  it('gets our stdin and gives its output, byte for byte', async () => {
    const child = start('cat');
    const sent = 'ö\0\n'.repeat(200_000);
    child.stdin!.end(sent);
    expect(await text(child.stdout!)).toBe(sent);
  });

  it('gets its arguments as they are', async () => {
    const args = ['a b', '', '"q"', "'s'", '$HOME', 'a\nb', '--', '*'];
    const child = start(process.execPath, '-p', 'JSON.stringify(process.argv.slice(1))', '--', ...args);
    expect(JSON.parse(await text(child.stdout!))).toEqual(args);
  });

  it('dies of a pipe that nobody reads, as it would alone', async () => {
    const command = `"${process.execPath}" --disable-warning=ExperimentalWarning "${wrapper}" yes | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const shell = spawn('bash', ['-c', command]);
    expect(await text(shell.stdout)).toBe(`y\n${128 + 13}\n`);
  });

  it.each(['TERM', 'HUP', 'USR1', 'USR2', 'CONT', 'INT', 'QUIT'])(
    'is told of a SIG%s that we got',
    async (name) => {
      const child = start(
        'sh',
        '-c',
        `trap 'echo caught; exit 9' ${name}; echo ready; while :; do sleep 0.05; done`,
      );
      await says(child, 'ready');
      const end = endOf(child);
      child.kill(`SIG${name}` as NodeJS.Signals);
      await says(child, 'caught');
      expect(await end).toEqual({ code: 9, signal: null });
    },
  );

  it('ends us by the signal that it does not survive', async () => {
    const child = start('sh', '-c', 'echo ready; exec sleep 60');
    await says(child, 'ready');
    const end = endOf(child);
    child.kill('SIGTERM');
    expect(await end).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('decides itself what an interrupt from the terminal means, and gets it once', async () => {
    const tool = `trap 'n=$((n+1)); echo caught' INT; echo ready; while [ -z "$n" ]; do sleep 0.05; done; sleep 0.3; echo "n is $n"; exit 5`;
    await using terminal = openTerminal(wrapped('sh', '-c', tool), { env: { PATH: process.env['PATH']! } });
    await terminal.says('ready');
    terminal.write('\x03');
    await terminal.says('n is 1');
    expect(await terminal.ends()).toEqual({ code: 5, signal: null });
  });
});

describe('on Windows', () => {
  it('quotes arguments for the command files that tools are there', async () => {
    const program = `Object.defineProperty(process, 'platform', { value: 'win32' });
      const { default: spawn } = await import('cross-spawn');
      console.log(JSON.stringify(spawn._parse('npm.cmd', ['a b', '"&calc"', '%PATH%']).args));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: join(import.meta.dirname, '../..'),
    });
    expect(JSON.parse(await text(child.stdout))).toEqual([
      '/d',
      '/s',
      '/c',
      String.raw`"npm.cmd ^"a^ b^" ^"\^"^&calc\^"^" ^"^%PATH^%^""`,
    ]);
  });
});
