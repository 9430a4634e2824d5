import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pathsOf } from '../../src/paths.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { openTerminal } from '../support/terminal.ts';

const GREETING =
  'pyrsia: 🎉 Installation Complete 🎉\npyrsia: Next: pyrsia shim install, and npm goes through pyrsia as you type it\n' +
  'pyrsia: What is public comes from computers near you, too, and goes to them: pyrsia share off keeps yours here\n';

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = openSandbox();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

/** What a person sees who runs this, on a terminal. */
async function shown(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  await using terminal = openTerminal(sandbox.pyrsiaCommand(args), { env: { ...sandbox.env, ...env } });
  await terminal.ends();
  return terminal.screen;
}

it('The first command on a terminal is preceded by a greeting, the second is not', async () => {
  expect(await shown(['agent', 'status'])).toBe(
    `${GREETING}No agent is running; the first command that needs one starts it\n`,
  );
  expect(await shown(['agent', 'status'])).not.toContain('Installation');
});

it.each([[[]], [['--help']], [['help']], [['cache', 'ls', '--help']], [['nonsense']]])(
  'Whoever begins with %j is greeted',
  async (args) => {
    expect(await shown(args)).toContain(GREETING);
  },
);

it.each([
  [['--version']],
  [['agent', 'status', '--json']],
  [['exec', '--', 'true']],
  [['env']],
  [['uninstall', '--help']],
  [['shim', '--help']],
])('%j is not disturbed, and whoever comes after it is greeted', async (args) => {
  expect(await shown(args)).not.toContain('Installation');
  expect(await shown(['agent', 'status'])).toContain(GREETING);
});

it('Nobody is greeted in a pipe, in CI, or without a terminal', async () => {
  const words = sandbox.pyrsiaCommand(['agent', 'status']);
  const shell = async (script: string): Promise<string> => {
    await using terminal = openTerminal(['sh', '-c', script, 'sh', ...words], { env: sandbox.env });
    await terminal.ends();
    return terminal.screen;
  };
  expect(await shell('"$@" | cat')).not.toContain('Installation');
  expect(await shell('echo "$("$@")"')).not.toContain('Installation');
  expect(await shell('"$@" 2>&1 >/dev/null | cat')).not.toContain('Installation');
  expect(await shown(['agent', 'status'], { CI: 'true' })).not.toContain('Installation');
  expect((await sandbox.pyrsia(['agent', 'status'])).stderr).toBe('');
  expect(await shown(['agent', 'status'])).toContain(GREETING);
});

it('Nobody is greeted again and again where that cannot be noted', async () => {
  writeFileSync(join(sandbox.root, 'file'), '');
  const env = { XDG_STATE_HOME: join(sandbox.root, 'file') };
  expect(await shown(['agent', 'status'], env)).not.toContain('Installation');
});

it('Nobody is told to do what is done', async () => {
  mkdirSync(pathsOf(sandbox.env).shims, { recursive: true });
  expect(await shown(['agent', 'status'])).not.toContain('Installation');
});
