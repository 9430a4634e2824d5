/**
 * The life of an agent: at most one in a directory, started by whoever needs it first, gone when nobody does.
 *
 * The lock decides who lives; only its holder touches the socket, so one that a dead agent left behind is
 * simply replaced.
 *
 * @see decisions/agent-lock.md
 * @module
 */
import { once } from 'node:events';
import { accessSync, chmodSync, constants, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { makeOurs } from '../ours.ts';
import type { Paths } from '../paths.ts';
import { makePrivate, networkNamespace, socketPath } from './directory.ts';
import { tryLock } from './lock.ts';
import type { Lock } from './lock.ts';
import { openLog } from './log.ts';
import type { Log } from './log.ts';
import { PROTOCOL } from './protocol.ts';
import { controlServer } from './server.ts';
import type { Handlers } from './server.ts';
import { isKept, takeTurn } from './take-turn.ts';

/** How long an agent waits for the client that started it. */
const FIRST_CLIENT_MS = 10_000;

/** How long a service may take to close before the agent ends all the same. */
const CLOSE_TIMEOUT_MS = 5000;

/** What a service is given. */
export interface AgentContext {
  readonly paths: Paths;
  /** Where this agent lives; its launch files are in `launch/` below. */
  readonly directory: string;
  /** Why this agent must not write the cache; undefined when it may. */
  readonly readOnly?: string;
  readonly log: Log;
}

/** What an agent does. */
export interface Service {
  /** Answers to all requests but `stop`. */
  readonly handlers: Omit<Handlers, 'stop'>;
  /** Loads what answers take. Called once somebody has been greeted, who now thinks of what to ask. */
  prepare?(): void;
  /** Number of launches and transfers that are running: while there are any the agent stays. */
  busy(): number;
  /**
   * Stops inviting launches that would not ask first, then takes up those that came meanwhile. Called before
   * the agent ends, which it does not do by itself where that makes it busy.
   */
  withdraw(): void;
  /** Ends launches, removes their files, gives up what is running. It has five seconds. */
  close(): Promise<void>;
}

/** How an agent lives. */
export interface AgentOptions {
  readonly paths: Paths;
  /** Default: the runtime directory. */
  readonly directory?: string;
  readonly version: string;
  /** How long it stays without anything to do; 0: not longer than its last client and launch. */
  readonly idleMs: number;
  /** Whether it stays although nobody needs it now. Default: it does not. */
  stays?(this: void): boolean;
  /** Opens what the agent serves. Called only in the agent that holds the lock. */
  serve(context: AgentContext): Promise<Service>;
}

/**
 * Lives as an agent. Resolves when it has ended: by itself after `idleMs`, by a `stop` request, by SIGTERM or
 * SIGINT, or at once when another agent lives there, unless systemd keeps it: then it waits. The process is to exit then, which ends the connections:
 * whoever waits for that can start another agent.
 *
 * Rejects when the agent cannot live here: `AGENT_UNAVAILABLE`, or whatever `serve` throws.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { paths, directory = paths.runtime } = options;
  process.umask(0o077);
  makePrivate(paths.runtime);
  makePrivate(directory);
  // On Windows the pipe's name is the lock.
  const path = join(directory, 'agent.lock');
  const lock =
    process.platform === 'win32'
      ? { release() {} }
      : isKept()
        ? await takeTurn(directory, path)
        : tryLock(path);
  if (!lock) return;
  makePrivate(join(directory, 'launch'));
  // Whoever finds our pid in a file sees by this whether it is still us.
  process.chdir(directory);

  const log = openLog(join(paths.state, 'agent.log'));
  process.once('uncaughtException', (error) => {
    log(`Broke down: ${error.stack ?? error.message}`);
    process.exit(1);
  });
  const writer = lockCache(paths.cache);
  const readOnly = typeof writer === 'string' ? writer : undefined;
  try {
    const context = { paths, directory, log, ...(readOnly !== undefined && { readOnly }) };
    await live(options, context, await options.serve(context));
  } finally {
    if (typeof writer === 'object') writer.release();
    lock.release();
  }
}

async function live(
  { version, idleMs, stays = () => false }: AgentOptions,
  context: AgentContext,
  service: Service,
): Promise<void> {
  const { directory, log, readOnly } = context;
  const ended = Promise.withResolvers<string>();
  const net = networkNamespace();
  const hello = { pyrsia: version, protocol: PROTOCOL, pid: process.pid, ...(net !== undefined && { net }) };
  const control = controlServer(hello, { ...service.handlers, stop }, log);
  const busy = (): number => control.connections() + control.requests() + service.busy();

  if (await listen(control.server, socketPath(directory))) {
    log(
      `Started pyrsia ${version} in ${directory}${readOnly === undefined ? '' : ` (read-only: ${readOnly})`}`,
    );
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(signal));
    // Only then, since the greeting would have to wait for it.
    control.server.once('connection', () => setImmediate(() => service.prepare?.()));
    stopWhenIdle();
    log(`Ending: ${await ended.promise}`);
  }
  await within(CLOSE_TIMEOUT_MS, service.close());

  function stop({ whenIdle }: { whenIdle: boolean }): { stopping: boolean } {
    // Whoever asks is connected, and this is a request.
    if (whenIdle && busy() <= 2) service.withdraw();
    const stopping = !whenIdle || busy() <= 2;
    if (stopping) end('asked to');
    return { stopping };
  }

  function end(reason: string): void {
    service.withdraw();
    control.close(); // At once: whoever is greeted may rely on us.
    setImmediate(() => ended.resolve(reason)); // Answers that are on their way go out first.
  }

  function stopWhenIdle(): void {
    let until = Date.now() + Math.max(idleMs, FIRST_CLIENT_MS);
    const look = (): void => {
      if (busy() === 0 && (Date.now() < until || stays())) return;
      if (busy() === 0) service.withdraw();
      if (busy() > 0) until = Date.now() + idleMs;
      else end('idle');
    };
    control.server.on('connection', look).on('left', look);
    const timer = setInterval(look, Math.min(1000, Math.max(50, idleMs / 10)));
    void ended.promise.then(() => clearInterval(timer));
  }
}

/** Whether `server` now listens at `path`. Only on Windows can somebody else do so. */
async function listen(server: Server, path: string): Promise<boolean> {
  if (process.platform !== 'win32') rmSync(path, { force: true });
  server.listen(path);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
  if (process.platform !== 'win32') chmodSync(path, 0o600);
  return true;
}

/** The lock for writing the cache, or why it cannot be had. */
function lockCache(cache: string): Lock | string {
  try {
    makeOurs(cache);
    // SQLite would only say that it cannot open a file.
    accessSync(cache, constants.R_OK | constants.W_OK | constants.X_OK);
    return tryLock(join(cache, 'writer.lock')) ?? 'another agent writes this cache';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, ms);
  await Promise.race([work, timer.promise]).finally(() => clearTimeout(timeout));
}
