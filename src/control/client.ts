/**
 * Finds the agent that serves this process, and starts one where that is wanted.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import type { Paths } from '../paths.ts';
import { type Arrival, expectAgent } from './arrival.ts';
import { openConnection } from './connection.ts';
import type { AgentClient } from './connection.ts';
import { isPrivate, namespaceDirectory, networkNamespace } from './directory.ts';
import { PROTOCOL } from './protocol.ts';
import type { StartOptions, StartingAgent } from './start.ts';

/** How long an agent may take to start, or to end for a newer one. */
const START_TIMEOUT_MS = 10_000;

/** How an agent is looked for. */
export interface ConnectOptions {
  /** Ours. An agent of another version is replaced once nobody uses it, where one may be started. */
  readonly version: string;
  /** How to start an agent where none is running. */
  readonly start?: StartOptions;
  /** Default: 10 s. */
  readonly timeoutMs?: number;
  /** How long an agent that is running may take to say who it is. Default: 1 s. */
  readonly helloTimeoutMs?: number;
}

/**
 * The agent of this user, state directory and network namespace. Without `start`: whichever is running, or
 * undefined.
 *
 * However many ask at once, one agent is started and all are connected to it.
 *
 * @throws PyrsiaError `AGENT_UNAVAILABLE` when the runtime directory is not safe, the agent does not start or
 * hangs, or one that speaks another protocol is in use.
 */
export async function connectAgent(paths: Paths, options: ConnectOptions): Promise<AgentClient | undefined> {
  const { version, start, timeoutMs = START_TIMEOUT_MS, helloTimeoutMs } = options;
  const begun = Date.now();
  const deadline = begun + timeoutMs;
  let starting: StartingAgent | undefined;
  let arrival: Arrival | undefined;

  try {
    for (;;) {
      const place = await findAgent(paths.runtime, helloTimeoutMs);
      if (!start) return place.client;
      if (place.client) {
        const client = await settled(place.client, version, deadline);
        if (client) return client;
      }
      if (Date.now() > deadline) unavailable(`none answered within ${timeoutMs} ms`);
      if (starting?.failure) unavailable(starting.failure);
      if (!starting?.running) {
        // One that was not needed ended without failure: it met another that was starting, or just ending.
        const { startAgent } = await import('./start.ts');
        starting = startAgent(paths, place.directory, start);
        arrival?.[Symbol.dispose]();
        arrival = expectAgent(place.directory);
      }
      // Also by the clock, since one that fails changes no file: whoever waits loses an eighth of the time at most.
      await arrival?.wait(Math.min(Math.max((Date.now() - begun) / 8, 5), 50));
    }
  } finally {
    arrival?.[Symbol.dispose]();
  }
}

/** Where the agent of our network namespace is, or would have to be. */
async function findAgent(
  runtime: string,
  helloTimeoutMs?: number,
): Promise<{ directory: string; client?: AgentClient }> {
  const net = networkNamespace();
  if (!isPrivate(runtime)) return { directory: runtime };

  const ours = net === undefined ? undefined : namespaceDirectory(runtime, net);
  const beside =
    ours !== undefined && isPrivate(ours) ? await openConnection(ours, helloTimeoutMs) : undefined;
  if (beside) return { directory: beside.directory, client: beside };

  const client = await openConnection(runtime, helloTimeoutMs);
  if (!client) return { directory: runtime };
  if (ours === undefined || client.hello.net === undefined || client.hello.net === net)
    return { directory: runtime, client };
  await client[Symbol.asyncDispose]();
  return { directory: ours };
}

/** `client` if it will do; undefined when its agent has ended to make room for ours. */
async function settled(
  client: AgentClient,
  version: string,
  deadline: number,
): Promise<AgentClient | undefined> {
  const { hello } = client;
  if (hello.pyrsia === version && hello.protocol === PROTOCOL) return client;

  const patience = setTimeout(() => void client[Symbol.asyncDispose](), Math.max(0, deadline - Date.now()));
  const stopping = await client.call('stop', { whenIdle: true }).then(
    (answer) => answer.stopping,
    () => true, // It went away, or hangs.
  );
  if (stopping) await client.closed;
  clearTimeout(patience);
  if (stopping) return undefined;
  if (hello.protocol === PROTOCOL) return client;
  await client[Symbol.asyncDispose]();
  return unavailable(`pyrsia ${hello.pyrsia} is in use, which speaks another protocol`);
}

function unavailable(reason: string): never {
  throw new PyrsiaError('AGENT_UNAVAILABLE', { reason });
}
