/**
 * Removing what we keep: for whoever leaves for good.
 *
 * @see decisions/what-is-ours.md
 * @module
 */
import { lstatSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isPrivate } from '../control/directory.ts';
import { type Lock, tryLock } from '../control/lock.ts';
import { type Left, type Removal, removeOurs } from '../ours.ts';
import { compiledCode, type Paths, runtimeDirectories } from '../paths.ts';

/** A directory that we keep something in. */
export interface Kept {
  readonly what: string;
  readonly path: string;
}

/** What an agent that runs makes again in its cache after somebody has deleted it all. */
const CACHE = /^(content|documents|partial|projects|catalogue\.sqlite(-\w+)?|writer\.lock)$/;

/** The directories that are there. */
export function keptDirectories(paths: Paths, env: NodeJS.ProcessEnv): Kept[] {
  const all: Kept[] = [
    { what: 'cache', path: paths.cache },
    { what: 'state', path: paths.state },
    { what: 'config', path: paths.config },
    ...runtimeDirectories(env).map((path) => ({ what: 'runtime', path })),
    { what: 'compiled code', path: compiledCode(env) },
  ];
  return all.filter(({ path }) => lstatSync(path, { throwIfNoEntry: false }));
}

/** Removes them as far as they are ours. It is to be called when no agent can write to them. Never throws. */
export function purge(paths: Paths, env: NodeJS.ProcessEnv, home: string): Removal {
  const removals = [
    removeOurs(paths.cache, { home, isName: (name) => CACHE.test(name) }),
    ...[paths.state, paths.config, compiledCode(env)].map((path) => removeOurs(path, { home })),
    ...runtimeDirectories(env).map(removeRuntime),
  ];
  return {
    left: removals.flatMap(({ left }) => left),
    above: removals.flatMap(({ above }) => above),
  };
}

/** Takes the agent's place, so that none can start; undefined where none can anyway. */
export function holdOff(runtime: string): Lock | 'busy' | undefined {
  try {
    if (process.platform === 'win32' || !isPrivate(runtime)) return undefined;
    return tryLock(join(runtime, 'agent.lock')) ?? 'busy';
  } catch {
    return undefined;
  }
}

/** Nobody but us has a directory of this name and kind. The one above it may serve others as well. */
function removeRuntime(runtime: string): Removal {
  const left: Left[] = [];
  try {
    if (!isPrivate(runtime)) return { left, above: [] };
    rmSync(runtime, { recursive: true });
    rmdirSync(dirname(runtime));
  } catch (error) {
    if (lstatSync(runtime, { throwIfNoEntry: false }))
      left.push({ path: runtime, reason: error instanceof Error ? error.message : String(error) });
  }
  return { left, above: [] };
}
