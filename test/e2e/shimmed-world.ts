/**
 * A user who has typed `pyrsia shim install` and types `npm` from then on.
 *
 * @module
 */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { expect } from 'vitest';
import { type Paths, pathsOf } from '../../src/paths.ts';
import type { Finished, RunOptions } from '../support/command.ts';
import type { Sandbox } from '../support/sandbox.ts';
import { openWorld, type World, type WorldOptions } from './everyday-world.ts';

/** The two ways in which a shim leads its tool. */
export type Way = 'quick' | 'slow';

/** How a shimmed world is opened. */
export interface ShimmedOptions extends WorldOptions {
  /** Added to the environment of all that runs in it; what is undefined is not set. */
  readonly env?: (sandbox: Sandbox) => Readonly<Record<string, string | undefined>>;
  /** The shell that the shims run in. Default: what was chosen at install. */
  readonly interpreter?: string;
  /** Whether lockfiles have a say in how npm is led, as where its registry is not the one that it ships. Default: no. */
  readonly lockfilesMatter?: boolean;
}

/** A world in which the shims of npm and npx are installed. */
export interface ShimmedWorld extends World {
  readonly paths: Paths;
  /** The user's PATH without our directory, and with it first. */
  readonly plainPath: string;
  readonly path: string;
  /** Runs a command with our directory first on the PATH. */
  type(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** As {@link ShimmedWorld.type}, with npm's own cache empty. */
  typeAfresh(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs it as if we had never been installed, with npm's own cache empty. */
  direct(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Sees to it that the next calls go this way, where nothing in them decides. Clears the logs. */
  prepare(way: Way): Promise<void>;
  /** What the shims have started the Node that they recorded for since this was asked last, one line each. */
  starts(): readonly string[];
}

/** Opens a world and installs the shims, with every start of the recorded Node counted. */
export async function openShimmedWorld({
  env: change,
  interpreter,
  lockfilesMatter = false,
  ...options
}: ShimmedOptions = {}): Promise<ShimmedWorld> {
  const world = await openWorld({
    ...options,
    npmrc: { ...(!lockfilesMatter && { 'replace-registry-host': 'always' }), ...options.npmrc },
  });
  const { sandbox } = world;
  const own = change?.(sandbox) ?? {};
  const paths = pathsOfUser({ ...sandbox.env, ...own });
  const installed = await sandbox.pyrsia(['shim', 'install', 'npm', 'npx', '--yes'], {
    env: { ...own, SHELL: '/bin/bash' },
  });
  expect(installed.code, installed.stderr).toBe(0);
  if (interpreter !== undefined) {
    rewrite(paths.shims, (text) => text.replace(/("interpreter":)"[^"]*"/, `$1"${interpreter}"`));
    // Made anew from what it says of itself.
    const renewed = await sandbox.pyrsia(['shim', 'enable', 'npm', 'npx'], { env: own });
    expect(renewed.code, renewed.stderr).toBe(0);
    expect(readFileSync(join(paths.shims, 'npm'), 'utf8')).toMatch(new RegExp(`^#!${interpreter}( -p)?\n`));
  }

  const counter = join(sandbox.root, 'tmp', 'node-that-counts');
  const count = join(sandbox.root, 'tmp', 'starts');
  const script = `#!/bin/sh\nprintf '%s\\n' "$*" >> '${count}'\nexec '${process.execPath}' "$@"\n`;
  writeFileSync(counter, script, { mode: 0o755 });
  rewrite(paths.shims, (text) => {
    expect(text).toContain(process.execPath);
    return text.replaceAll(process.execPath, counter);
  });

  const plainPath = sandbox.env['PATH']!;
  const path = [paths.shims, plainPath].join(delimiter);
  const type: ShimmedWorld['type'] = ([program, ...args], { env, ...rest } = {}) =>
    sandbox.run(program!, args, { ...rest, env: { ...own, PATH: path, ...env } });
  const settings = [join(own['HOME'] ?? sandbox.home, '.npmrc'), join(paths.config, 'config.json')];
  /** Has the agent write a quick file; it counts as older than what changed in the second before. */
  const invite = async (tool: string, file: string): Promise<void> => {
    await type([tool, ...(tool === 'npx' ? ['--yes'] : ['view']), 'no-such-package']);
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true);
  };
  const starts = (): readonly string[] => {
    const lines = existsSync(count) ? readFileSync(count, 'utf8').split('\n').filter(Boolean) : [];
    rmSync(count, { force: true });
    return lines;
  };

  return {
    ...world,
    paths,
    plainPath,
    path,
    type,
    typeAfresh(command, rest) {
      sandbox.freshNpmCache();
      return type(command, rest);
    },
    direct([program, ...args], rest) {
      sandbox.freshNpmCache();
      return sandbox.run(program!, args, rest);
    },
    async prepare(way) {
      for (const tool of ['npm', 'npx']) {
        const file = join(paths.runtime, `quick-${tool}`);
        if (way === 'slow') rmSync(file, { force: true });
        else
          while (!isOfLivingAgent(file) || mtimeOf(file) <= Math.max(...settings.map(mtimeOf)))
            await invite(tool, file);
      }
      starts();
      world.registry.log.clear();
    },
    starts,
  };
}

/** Changes the text of both shims. */
function rewrite(directory: string, change: (text: string) => string): void {
  for (const name of ['npm', 'npx']) {
    const file = join(directory, name);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  }
}

/** Whether the agent that has written this quick file runs. */
function isOfLivingAgent(file: string): boolean {
  const pid = existsSync(file) && readFileSync(file, 'utf8').split('\n')[1];
  return pid !== false && existsSync(`/proc/${pid}/cwd`);
}

/** Long ago where there is no such file. */
function mtimeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The paths for whoever has this environment, which need not be who runs the tests. */
function pathsOfUser(env: Readonly<Record<string, string | undefined>>): Paths {
  const paths = pathsOf(env);
  const { XDG_RUNTIME_DIR: run } = env;
  return run === undefined ? paths : { ...paths, runtime: join(run, 'pyrsia', basename(paths.runtime)) };
}
