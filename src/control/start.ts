/**
 * Starts an agent that outlives us.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';
import { makeOurs } from '../ours.ts';
import type { Paths } from '../paths.ts';
import { makePrivate } from './directory.ts';

const FLAGS = [
  // node:sqlite is "experimental" on some of the versions that we run on.
  '--disable-warning=ExperimentalWarning',
  // It stays, and most of what it allocates is dead a moment later: collecting that sooner halves what it
  // takes beyond bare Node, and costs no CPU time that could be measured.
  '--optimize-for-size',
];

/** What is started. */
export interface StartOptions {
  /** Path of the agent's program; its only argument is the directory it is to live in. */
  readonly entry: string;
  /** Default: this process's environment; only what {@link agentEnvironment} keeps of it is passed on. */
  readonly env?: NodeJS.ProcessEnv;
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
  const child = spawn(process.execPath, [...FLAGS, entry, directory], {
    cwd: process.platform === 'win32' ? paths.runtime : '/',
    detached: true,
    env: { ...agentEnvironment(env), ...compileCache() },
    stdio: ['ignore', 'ignore', stderr ?? 'ignore'],
    windowsHide: true,
  });
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
  /^(HOME|USER|USERPROFILE|PATH|TMPDIR|TEMP|LANG|LC_\w+|TZ|XDG_\w+|PYRSIA_(IDLE|CACHE_LIMIT|UPSTREAM_TIMEOUT)|SYSTEMROOT|LOCALAPPDATA)$/i;

/**
 * What of `env` an agent inherits. It serves many launches: whatever concerns one of them, such as proxies,
 * certificates and a tool's own settings, comes with that launch.
 */
export function agentEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => kept.test(name)));
}
