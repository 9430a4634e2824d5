import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let home: Sandbox;
beforeEach(() => {
  home = openSandbox();
});
afterEach(() => home[Symbol.asyncDispose]());

const bypass = (command: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  home.pyrsia(['bypass', '--', ...command], { env });
const shims = (): string => join(home.home, '.local/share/pyrsia/shims');

describe('pyrsia bypass', () => {
  it.each([
    [['--', 'sh', '-c', 'exit 7'], 7],
    [['sh', '-c', 'exit 8'], 8],
    [['true'], 0],
  ])('runs %j and ends as it does', async (words, code) => {
    expect(await home.pyrsia(['bypass', ...words])).toMatchObject({ code, stdout: '', stderr: '' });
  });

  it('ends by the signal that the command ended by', async () => {
    expect(await bypass(['sh', '-c', 'kill -TERM $$'])).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  it('says what a shell says of commands that cannot be run', async () => {
    const missing = await bypass(['pyrsia-no-such-command']);
    expect([missing.code, missing.stderr]).toEqual([
      127,
      'pyrsia: pyrsia-no-such-command: command not found\n',
    ]);
    writeFileSync(join(home.home, 'plain'), '', { mode: 0o644 });
    expect((await bypass(['./plain'])).code).toBe(126);
    expect((await home.pyrsia(['bypass'])).code).toBe(2);
  });

  it('gives the command its input, its own options and all of its output', async () => {
    const { stdout } = await home.pyrsia(
      ['bypass', 'node', '-p', 'process.argv.slice(1)', '--', '--help', '--json'],
      {
        env: { PATH: [join(process.execPath, '..'), home.env['PATH']].join(delimiter) },
      },
    );
    expect(stdout).toBe("[ '--help', '--json' ]\n");
    expect((await home.pyrsia(['bypass', 'cat'], { input: 'ö\n' })).stdout).toBe('ö\n');
  });

  it('gives it the environment that the user had, and switches us off below it', async () => {
    const { stdout } = await bypass(
      ['sh', '-c', 'echo "$PYRSIA $npm_config_registry ${npm_config_userconfig-unset}"'],
      {
        npm_config_registry: 'http://127.0.0.1:1/',
        PYRSIA_WAS_npm_config_registry: 'http://mine/',
        npm_config_userconfig: '/ours',
        PYRSIA_WAS_npm_config_userconfig: '',
      },
    );
    expect(stdout).toBe('off http://mine/ unset\n');
  });

  it('goes past shims, in the command and below it', async () => {
    expect(await home.pyrsia(['shim', 'install', 'npm', '--no-path'])).toMatchObject({ code: 0 });
    const env = { PATH: [shims(), home.env['PATH']].join(delimiter) };
    const { stdout } = await home.npm(['--version']);
    expect(await bypass(['npm', '--version'], env)).toMatchObject({ code: 0, stdout });
    expect(await bypass(['sh', '-c', 'command -v npm; npm --version'], env)).toMatchObject({
      code: 0,
      stdout: `${join(shims(), 'npm')}\n${stdout}`,
    });
    writeFileSync(join(shims(), 'npm'), '#!/bin/sh\nexit 99\n');
    expect(await bypass(['npm', '--version'], env)).toMatchObject({ code: 0, stdout });
    // It asked nobody, so no agent was started.
    expect(home.processes()).toEqual([]);
  });

  it('tells as JSON how it ended, and has the command talk on stderr then', async () => {
    const { code, stdout, stderr } = await home.pyrsia([
      'bypass',
      '--json',
      '--',
      'sh',
      '-c',
      'echo hello; exit 3',
    ]);
    expect([code, JSON.parse(stdout), stderr]).toEqual([3, { code: 3 }, 'hello\n']);
  });
});
