/**
 * Starts an agent that outlives us.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { devNull } from 'node:os';
import { dirname, join } from 'node:path';
import { makeOurs } from '../ours.ts';
import type { Paths } from '../paths.ts';
import { makePrivate } from './directory.ts';

const FLAGS = [
  // node:sqlite is "experimental" on some of the versions that we run on.
  '--disable-warning=ExperimentalWarning',
  // Its heap is small, and whatever passes through is garbage, soon (`decisions/garbage.md`).
  '--no-parallel-scavenge',
  '--max-semi-space-size=1',
];

/** One arena of glibc's is enough for its few threads: each keeps what it was ever given (`decisions/garbage.md`). */
const ALLOCATION = { MALLOC_ARENA_MAX: '1' };

/** What is started. */
export interface StartOptions {
  /** Path of the agent's program; its only argument is the directory it is to live in. */
  readonly entry: string;
  /** Default: this process's environment; only what {@link agentEnvironment} keeps of it is passed on. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * What runs an agent, for whoever is to keep it running: the command, and variables besides those of a session. It stays, however
 * long an agent may be idle.
 */
export function agentCommand(
  entry: string,
  env: NodeJS.ProcessEnv,
): { readonly command: readonly string[]; readonly variables: Readonly<Record<string, string>> } {
  const kept = Object.entries(agentEnvironment(env)).filter(
    (each): each is [string, string] =>
      each[1] !== undefined && /^(PATH|XDG_(CACHE|CONFIG|STATE|DATA)_HOME|PYRSIA_(?!IDLE)\w+)$/.test(each[0]),
  );
  return {
    command: [process.execPath, ...FLAGS, entry],
    variables: { ...Object.fromEntries(kept), ...ALLOCATION },
  };
}

/** An agent on its way. */
export interface StartingAgent {
  readonly running: boolean;
  /** Why it will not come; undefined while it may, and when it ended because another one was there. */
  readonly failure: string | undefined;
}

/**
 * Starts the agent of `directory`. It is done when somebody can connect to it.
 *
 * @throws PyrsiaError `AGENT_UNAVAILABLE` when its directory cannot be made or is not safe.
 */
export function startAgent(
  paths: Paths,
  directory: string,
  { entry, env = process.env }: StartOptions,
): StartingAgent {
  makePrivate(paths.runtime);
  makePrivate(directory);

  const log = join(paths.state, 'agent.log');
  const stderr = openForAppend(paths.state, log);
  const nothing = openSync(devNull, 'r+');
  const child = spawn(process.execPath, [...FLAGS, entry, directory], {
    cwd: process.platform === 'win32' ? paths.runtime : '/',
    detached: true,
    env: { ...agentEnvironment(env), ...compileCache(), ...ALLOCATION },
    stdio: ['ignore', 'ignore', stderr ?? 'ignore', ...insteadOf(inheritable(), nothing)],
    windowsHide: true,
  });
  closeSync(nothing);
  if (stderr !== undefined) closeSync(stderr);
  child.unref();

  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => {
    if (code !== 0)
      failure = `it ended with ${signal ?? `exit code ${code}`} (${stderr === undefined ? 'no log' : log})`;
  });
  return {
    get running() {
      return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
    },
    get failure() {
      return failure;
    },
  };
}

/** In Linux's files about descriptors: a program that is started does not get it. */
const CLOSED_ON_EXEC = 0o2000000;

/**
 * Descriptors beyond the usual three that whatever we start would get. They are our caller's: a pipe whose end
 * somebody waits for (`npm ci > >(tee log)`), a lock. Node keeps back those below 16 and what follows them
 * without a gap. Empty where the system does not say.
 */
function inheritable(): number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number).filter(isInheritable);
  } catch {
    return [];
  }
}

function isInheritable(descriptor: number): boolean {
  try {
    const about = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    const [, flags = ''] = /^flags:\s*([0-7]+)$/m.exec(about) ?? [];
    return descriptor > 2 && (parseInt(flags, 8) & CLOSED_ON_EXEC) === 0;
  } catch {
    return false; // The one by which the others were listed.
  }
}

/** What stands in the places of `descriptors`, from the third on. */
function insteadOf(descriptors: readonly number[], nothing: number): (number | 'ignore')[] {
  const length = Math.max(2, ...descriptors) - 2;
  return Array.from({ length }, (_, i) => (descriptors.includes(i + 3) ? nothing : 'ignore'));
}

/** Compiled code is shared with the commands; its directory has one below it for each version of Node. */
function compileCache(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir();
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) };
}

function openForAppend(directory: string, file: string): number | undefined {
  try {
    makeOurs(directory);
    return openSync(file, 'a', 0o600);
  } catch {
    return undefined; // A home that is read-only: there will be no log.
  }
}

const kept =
  /^(HOME|USER|USERPROFILE|PATH|TMPDIR|TEMP|LANG|LC_\w+|TZ|XDG_\w+|PYRSIA_(IDLE|CACHE_LIMIT|UPSTREAM_TIMEOUT|PEERS|SHARE)|SYSTEMROOT|LOCALAPPDATA)$/i;

/**
 * What of `env` an agent inherits. It serves many launches: whatever concerns one of them, such as proxies,
 * certificates and a tool's own settings, comes with that launch.
 */
export function agentEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => kept.test(name)));
}
