/**
 * The composition root of a command: which implementations it works with, each made when first asked for.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cache } from './cache/cache.ts';
import { readConfig, type ReadConfig } from './config/read-config.ts';
import type { AgentClient } from './control/connection.ts';
import { type Paths, pathsOf } from './paths.ts';

/** Which program this is, and for whom it runs. */
export interface SessionOptions {
  readonly version: string;
  /** The directory of our package.json. */
  readonly root: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Everything a command may need. */
export interface Session extends AsyncDisposable {
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly paths: Paths;
  readonly config: ReadConfig;
  /** Where the agent writes what it does. */
  readonly logPath: string;
  /** The agent, started where none is running. Rejects with `AGENT_UNAVAILABLE` when there is none within 10 s. */
  agent(): Promise<AgentClient>;
  /** The agent if it is running. */
  runningAgent(): Promise<AgentClient | undefined>;
  /** The cache, to be read only. */
  cache(): Promise<Cache>;
}

/** Starts a session. It opens nothing yet, and closes what it has opened when it is disposed of. */
export function openSession({
  version,
  root,
  env = process.env,
  cwd = process.cwd(),
}: SessionOptions): Session {
  const paths = pathsOf(env);
  const config = readConfig(paths, env, cwd);
  const opened: AsyncDisposable[] = [];

  const once = <T extends AsyncDisposable | undefined>(open: () => Promise<T>): (() => Promise<T>) => {
    let value: Promise<T> | undefined;
    return () =>
      (value ??= open().then((resource) => {
        if (resource) opened.push(resource);
        return resource;
      }));
  };
  const connect = async (start: boolean): Promise<AgentClient | undefined> => {
    const { connectAgent } = await import('./control/client.ts');
    return connectAgent(paths, { version, ...(start ? { start: { entry: agentEntry(root), env } } : {}) });
  };

  return {
    version,
    env,
    cwd,
    paths,
    config,
    logPath: join(paths.state, 'agent.log'),
    agent: once(async () => (await connect(true))!),
    runningAgent: once(() => connect(false)),
    cache: once(async () => {
      const { openCache } = await import('./cache/open-cache.ts');
      const limit = config.values['cache.limit'];
      return openCache(paths.cache, { readOnly: true, ...(limit !== 'auto' && { limit }) });
    }),
    async [Symbol.asyncDispose]() {
      for (const resource of opened.toReversed()) await resource[Symbol.asyncDispose]();
    },
  };
}

/** The agent's program: as it was built, or its source where nothing is built. */
export function agentEntry(root: string): string {
  const built = join(root, 'dist', 'agent.cjs');
  return existsSync(built) ? built : join(root, 'src', 'agent.ts');
}
