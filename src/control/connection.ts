/**
 * One connection to an agent, as its client sees it.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { PyrsiaError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { socketPath } from './directory.ts';
import { isRecord, readMessages, toLine } from './lines.ts';
import { PROTOCOL } from './protocol.ts';
import type { Cancel, Hello, Method, Methods, Request } from './protocol.ts';

/** The longest line that a client accepts: 64 MiB. */
const LINE_LIMIT = 64 * 2 ** 20;

/** How long an agent that accepts a connection may take to say who it is, unless the caller says so. */
const HELLO_TIMEOUT_MS = 1000;

/** What may be given along with a call. */
export interface CallOptions<M extends Method> {
  readonly onProgress?: (progress: Methods[M]['progress']) => void;
  /** Aborting rejects the call at once and asks the agent to give it up. */
  readonly signal?: AbortSignal;
}

/** An agent that runs. Launches that were made over this connection end with it. */
export interface AgentClient extends AsyncDisposable {
  readonly hello: Hello;
  /** Where it lives, and expects launch files. */
  readonly directory: string;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  /**
   * Asks the agent to do something.
   *
   * Rejects with the agent's own error, with `AGENT_REFUSED` when it has none of our codes, with
   * `AGENT_UNAVAILABLE` when the connection ends before the answer, or with the signal's reason.
   */
  call<M extends Method>(
    method: M,
    params: Methods[M]['params'],
    options?: CallOptions<M>,
  ): Promise<Methods[M]['result']>;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly progress: (progress: unknown) => void;
}

/**
 * Connects to the agent in `directory`; undefined when none is running there, or it is just ending.
 *
 * @throws PyrsiaError `AGENT_UNAVAILABLE` when something answers that is no agent, or nothing in time.
 */
export async function openConnection(
  directory: string,
  helloTimeoutMs = HELLO_TIMEOUT_MS,
): Promise<AgentClient | undefined> {
  const path = socketPath(directory);
  if (process.platform !== 'win32' && !existsSync(path)) return undefined;
  const socket = connect(path);
  if (!(await connected(socket))) return undefined;

  const calls = new Map<number, Pending>();
  const hello = Promise.withResolvers<Hello | undefined>();
  const closed = Promise.withResolvers<void>();
  let lastId = 0;
  let failure: PyrsiaError = unavailable('it closed the connection');

  readMessages(socket, LINE_LIMIT, {
    onMessage(message) {
      if (isHello(message)) hello.resolve(message);
      else settle(message);
    },
    onMalformed(reason) {
      fail(unavailable(`${reason} from ${path}`));
    },
  });
  socket.once('error', (error) => (failure = unavailable(error.message)));
  socket.once('close', () => {
    hello.resolve(undefined);
    for (const call of calls.values()) call.reject(failure);
    calls.clear();
    closed.resolve();
  });

  // A timer that is due runs before what the socket has brought meanwhile: hear that first.
  const patience = setTimeout(
    () => setImmediate(() => fail(unavailable('it does not answer'))),
    helloTimeoutMs,
  );
  const greeting = await hello.promise.finally(() => clearTimeout(patience));
  if (!greeting) return undefined;

  return {
    hello: greeting,
    directory,
    closed: closed.promise,

    async call(method, params, { onProgress, signal } = {}) {
      signal?.throwIfAborted();
      if (socket.destroyed) throw failure;
      if (greeting.protocol !== PROTOCOL && method !== 'stop') {
        throw unavailable(`pyrsia ${greeting.pyrsia} is running, which speaks another protocol`);
      }
      const id = ++lastId;
      const { promise, resolve, reject } = Promise.withResolvers<Methods[typeof method]['result']>();
      const onAbort = (): void => {
        send({ cancel: id });
        reject(signal?.reason);
        calls.delete(id);
      };
      calls.set(id, {
        resolve: (result) => resolve(trusted(result)),
        reject,
        progress: (progress) => onProgress?.(trusted(progress)),
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      send({ id, method, params });
      return promise.finally(() => signal?.removeEventListener('abort', onAbort));
    },

    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed.promise;
    },
  };

  function send(message: Request | Cancel): void {
    socket.write(toLine(message));
  }

  function settle(message: Record<string, unknown>): void {
    const error = message['error'];
    if (message['id'] === 0 && isRecord(error)) fail(revived(error));
    const call = calls.get(Number(message['id']));
    if (!call) return; // It was given up.
    if ('progress' in message) return call.progress(message['progress']);
    calls.delete(Number(message['id']));
    if (isRecord(error)) call.reject(revived(error));
    else call.resolve(message['result']);
  }

  function fail(reason: PyrsiaError): void {
    failure = reason;
    hello.reject(reason);
    socket.destroy();
  }
}

function connected(socket: Socket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // A full backlog (EAGAIN) is an agent that is asked by many at once.
      if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EAGAIN'].includes(error.code ?? '')) resolve(false);
      else reject(unavailable(error.message));
    });
  });
}

function isHello(message: Record<string, unknown>): message is Record<string, unknown> & Hello {
  return typeof message['pyrsia'] === 'string' && typeof message['protocol'] === 'number';
}

function unavailable(reason: string): PyrsiaError<'AGENT_UNAVAILABLE'> {
  return new PyrsiaError('AGENT_UNAVAILABLE', { reason });
}

/** The agent's error as one of ours. */
function revived({ code, details, message }: Record<string, unknown>): PyrsiaError {
  try {
    return new PyrsiaError<ErrorCode>(trusted(code), trusted(details));
  } catch {
    return new PyrsiaError('AGENT_REFUSED', { reason: typeof message === 'string' ? message : String(code) });
  }
}

/** What the agent says is taken as it is: it is the same program, speaks the same protocol, and is the user's own. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function trusted<T>(value: unknown): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value as T;
}
