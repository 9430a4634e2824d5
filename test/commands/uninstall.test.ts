import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pathsOf } from '../../src/paths.ts';
import type { Finished } from '../support/command.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from '../support/network.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { snapshot } from '../support/snapshot.ts';
import { openTerminal } from '../support/terminal.ts';

/** Everything lies where it does for somebody who has set nothing. */
const unset = { XDG_CACHE_HOME: undefined, XDG_STATE_HOME: undefined, XDG_CONFIG_HOME: undefined };

let sandbox: Sandbox;
let before: Record<string, string>;
beforeEach(() => {
  sandbox = openSandbox();
  writeFileSync(join(sandbox.home, '.bashrc'), 'alias ll="ls -l"\r\n# no end');
  chmodSync(join(sandbox.home, '.bashrc'), 0o640);
  before = state();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

type Env = Readonly<Record<string, string | undefined>>;
const env = (more: Env = {}): Env => ({ SHELL: '/bin/bash', ...unset, ...more });
const pyrsia = (args: readonly string[], more?: Env): Promise<Finished> =>
  sandbox.pyrsia(args, { env: env(more) });
const purge = (more?: Env): Promise<Finished> => pyrsia(['uninstall', '--purge', '--yes'], more);
const agentStatus = async () => JSON.parse((await pyrsia(['agent', 'status', '--json'])).stdout) as object;
const inHome = (...names: string[]): string => join(sandbox.home, ...names);
const paths = (more?: Env) => pathsOf({ ...sandbox.env, ...env(more) });

/** All that is in the sandbox. */
function state(): Record<string, string> {
  return snapshot(sandbox.root);
}

/** The names of it, but for compiled code, which any command may add to. */
const names = (): string[] => Object.keys(state()).filter((name) => !name.includes('pyrsia-compiled'));

/** Does what leaves traces. */
async function settle(more?: Env): Promise<void> {
  for (const args of [
    ['shim', 'install', '--yes'],
    ['config', 'set', 'policy', 'locked'],
    ['exec', '--', 'true'],
    ['pull', 'npm:nothing', '--json'],
  ])
    await pyrsia(args, more);
  expect(existsSync(paths(more).runtime)).toBe(true);
}

describe('pyrsia uninstall --purge', () => {
  it('leaves a home as it was before', async () => {
    await settle();
    expect(Object.keys(state()).length).toBeGreaterThan(Object.keys(before).length + 20);
    const { code, stdout, stderr } = await purge();
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: '' });
    expect(state()).toEqual(before);
    expect(sandbox.processes()).toEqual([]);
    expect(stderr).toMatch(/^pyrsia: To remove the program itself: /m);
  });

  it('leaves directories that were there before, though they are empty', async () => {
    for (const name of ['.cache', '.config', '.local/state', '.config/pyrsia', 'run/pyrsia'])
      mkdirSync(inHome(name), { recursive: true, mode: 0o750 });
    before = state();
    await settle();
    expect(await purge()).toMatchObject({ code: 0 });
    expect(state()).toEqual(before);
  });

  it.each([
    ['settings', ['config', 'set', 'policy', 'locked']],
    ['files of the shell', ['shim', 'install', '--yes']],
  ])('takes ~/.config along, whoever made it first: %s', async (_, first) => {
    const fish = { SHELL: '/usr/bin/fish' };
    await pyrsia(first, fish);
    await settle(fish);
    expect(existsSync(inHome('.config', 'fish', 'config.fish'))).toBe(true);
    expect(await purge(fish)).toMatchObject({ code: 0 });
    expect(state()).toEqual(before);
  });

  it('leaves nothing after it was called without --purge first', async () => {
    await settle();
    const { code, stderr } = await pyrsia(['uninstall', '--yes']);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('--purge deletes them'),
    });
    expect(existsSync(paths().shims)).toBe(false);
    expect(readFileSync(inHome('.bashrc'), 'utf8')).not.toContain('pyrsia');
    expect(existsSync(join(paths().config, 'config.json'))).toBe(true);
    expect(sandbox.processes()).toEqual([]);
    expect(await purge()).toMatchObject({ code: 0 });
    expect(state()).toEqual(before);
  });

  it('has nothing to do the second time but to remove what it needs itself', async () => {
    await settle();
    await purge();
    const { code, stdout } = await pyrsia(['uninstall', '--purge', '--yes', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      shims: [],
      files: [],
      agents: [],
      left: [],
      directories: [inHome('.cache', 'pyrsia-compiled')],
    });
    expect(state()).toEqual(before);
  });

  it('removes the other half when one half is missing', async () => {
    await settle();
    for (const path of [paths().cache, paths().state, inHome('.bashrc'), join(paths().shims, 'npx')])
      rmSync(path, { recursive: true });
    expect(await purge()).toMatchObject({ code: 0 });
    expect(names().filter((name) => name.includes('pyrsia'))).toEqual([]);
    expect(sandbox.processes()).toEqual([]);
  });

  it('removes what an agent has made again after somebody deleted the cache', async () => {
    await settle();
    rmSync(paths().cache, { recursive: true });
    mkdirSync(join(paths().cache, 'content', 'tmp'), { recursive: true });
    expect(await purge()).toMatchObject({ code: 0 });
    expect(state()).toEqual(before);
  });

  it('ends an agent that hangs', { timeout: 120_000 }, async () => {
    await settle();
    const [agent] = sandbox.processes();
    process.kill(agent!.pid, 'SIGSTOP');
    const { code, stderr } = await purge();
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`(pid ${agent!.pid}) did not answer and was killed`),
    });
    expect(sandbox.processes()).toEqual([]);
    expect(state()).toEqual(before);
  });

  it.runIf(canUnshareNetwork())('ends agents of other network namespaces', async () => {
    await settle();
    const command = inNamespaceWithoutNetwork(sandbox.pyrsiaCommand(['exec', '--', 'true']));
    expect(await sandbox.start(command, { env: env() }).result).toMatchObject({ code: 0 });
    expect(sandbox.processes()).toHaveLength(2);
    const { code, stderr } = await purge();
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/\(pid \d+, \d+\)/) });
    expect(sandbox.processes()).toEqual([]);
    expect(state()).toEqual(before);
  });

  it('ends an agent that cron has started, whose runtime directory is another one', async () => {
    await settle();
    expect(await pyrsia(['exec', '--', 'true'], { XDG_RUNTIME_DIR: undefined })).toMatchObject({ code: 0 });
    expect(sandbox.processes()).toHaveLength(2);
    expect(await purge()).toMatchObject({ code: 0 });
    expect(sandbox.processes()).toEqual([]);
    expect(state()).toEqual(before);
  });

  it('says that commands are running through the agent', async () => {
    await settle();
    const running = sandbox.start(sandbox.pyrsiaCommand(['exec', '--', 'sleep', '60']), { env: env() });
    await expect.poll(agentStatus).toMatchObject({ launches: 1 });
    const { code, stderr } = await purge();
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('1 command is running through it and may fail'),
    });
    running.kill();
    expect(state()).toEqual(before);
  });
});

describe('what cannot or must not be removed', () => {
  it('is named when a file of a shell is read-only, and the rest goes', async () => {
    await settle();
    const [bashrc, profile] = [inHome('.bashrc'), inHome('.profile')];
    chmodSync(bashrc, 0o400);
    const text = readFileSync(bashrc, 'utf8');
    const { code, stderr } = await purge();
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${bashrc} stays: it is read-only`),
    });
    expect(readFileSync(bashrc, 'utf8')).toBe(text);
    expect(existsSync(profile)).toBe(false);
    chmodSync(bashrc, 0o640);
    expect(await purge()).toMatchObject({ code: 0 });
    expect(state()).toEqual(before);
  });

  it('is a directory in which something lay before us', async () => {
    const clone = inHome('src', 'pyrsia');
    mkdirSync(clone, { recursive: true });
    writeFileSync(join(clone, 'README.md'), 'mine');
    const odd = {
      XDG_STATE_HOME: inHome('src'),
      XDG_CACHE_HOME: inHome('src'),
      XDG_CONFIG_HOME: inHome('src'),
    };
    await settle(odd);
    const { code, stderr } = await purge(odd);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${clone} stays: it held other things`),
    });
    expect(readFileSync(join(clone, 'README.md'), 'utf8')).toBe('mine');
  });

  it('is a file of somebody else among the shims', async () => {
    await settle();
    const pnpm = join(paths().shims, 'pnpm');
    writeFileSync(pnpm, '#!/bin/sh\n', { mode: 0o755 });
    const { code, stderr } = await purge();
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${pnpm} stays: it is none of ours`),
    });
    expect(readdirSync(paths().shims)).toEqual(expect.arrayContaining(['pnpm']));
    rmSync(pnpm);
    expect(await purge()).toMatchObject({ code: 0 });
    expect(state()).toEqual(before);
  });

  it('is what a link leads to that is not ours', async () => {
    mkdirSync(inHome('.cache'), { mode: 0o700 });
    mkdirSync(inHome('photographs'));
    writeFileSync(inHome('photographs', 'one'), 'mine');
    symlinkSync(inHome('photographs'), inHome('.cache', 'pyrsia'));
    before = state();
    await settle();
    expect(await purge()).toMatchObject({ code: 1 });
    expect(state()).toMatchObject(before);
  });

  it('is the directory on a larger disk that a link leads to; what we put there goes', async () => {
    mkdirSync(inHome('.cache'), { mode: 0o700 });
    mkdirSync(inHome('disk'));
    symlinkSync(inHome('disk'), inHome('.cache', 'pyrsia'));
    before = state();
    await settle();
    expect(readdirSync(inHome('disk'))).toContain('content');
    expect(await purge()).toMatchObject({ code: 0 });
    expect(state()).toEqual(before);
  });

  it('are directories into which others have put something since', async () => {
    await settle();
    mkdirSync(inHome('.local', 'share', 'others'));
    expect(await purge()).toMatchObject({ code: 0 });
    expect(readdirSync(inHome('.local'), { recursive: true })).toEqual(['share', 'share/others']);
  });
});

describe('whoever is asked', () => {
  it('and does not say yes keeps everything', async () => {
    await settle();
    const kept = names();
    await using terminal = openTerminal(sandbox.pyrsiaCommand(['uninstall', '--purge']), {
      env: defined(env()),
    });
    const said = await terminal.says('Go on? [y/N] ');
    expect(said).toContain(`Takes our lines out of ${inHome('.bashrc')} and ${inHome('.profile')}`);
    expect(said).toContain(`Deletes ${paths().cache} (cache, `);
    terminal.write('\r');
    expect(await terminal.ends()).toEqual({ code: 2, signal: null });
    expect(names()).toEqual(kept);
  });

  it('and says yes has left', async () => {
    await settle();
    await using terminal = openTerminal(sandbox.pyrsiaCommand(['uninstall', '--purge']), {
      env: defined(env()),
    });
    await terminal.says('Go on? [y/N] ');
    terminal.write('y\r');
    expect(await terminal.ends()).toEqual({ code: 0, signal: null });
    expect(state()).toEqual(before);
  });

  it('has to sit at a terminal, or to give --yes', async () => {
    await settle();
    const kept = names();
    const { code, stderr } = await pyrsia(['uninstall', '--purge']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Nothing was removed'),
    });
    expect(names()).toEqual(kept);
  });
});

/** The sandbox's environment with `changes`, without what is undefined. */
function defined(changes: Env): Record<string, string> {
  const all = Object.entries({ ...sandbox.env, ...changes });
  return Object.fromEntries(
    all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}
