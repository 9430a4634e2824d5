/**
 * The agent's side of the control connection: greets, takes requests, passes on what its handlers answer.
 *
 * @module
 */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { isRecord, readMessages, toLine } from './lines.ts';
import type { Log } from './log.ts';
import type { Hello, Method, Methods, Response } from './protocol.ts';

/** The longest line that an agent accepts: 1 MiB. */
const LINE_LIMIT = 2 ** 20;

/** Progress is dropped while a client has this much to read, in bytes. */
const BACKLOG_LIMIT = 2 ** 20;

/** What a handler may know of its request besides the parameters. */
export interface RequestContext<M extends Method> {
  /** Aborts when the client gives the request up, and when its connection ends. */
  readonly signal: AbortSignal;
  /** Aborts when the client's connection ends, also after the request was answered. */
  readonly disconnected: AbortSignal;
  readonly progress: (progress: Methods[M]['progress']) => void;
}

/** Answers to every request. They check their parameters, and refuse by throwing a PyrsiaError. */
export type Handlers = {
  readonly [M in Method]: (
    params: Methods[M]['params'],
    context: RequestContext<M>,
  ) => Promise<Methods[M]['result']> | Methods[M]['result'];
};

/** A control server and what goes on in it. */
export interface ControlServer {
  readonly server: Server;
  /** Number of clients that are connected. */
  connections(): number;
  /** Number of requests that are being answered. */
  requests(): number;
  /** Stops listening and reading, and gives up what is running. The connections end with the process. */
  close(): void;
}

/** Serves `handlers` on a server that is not listening yet. */
export function controlServer(hello: Hello, handlers: Handlers, log: Log): ControlServer {
  const sockets = new Set<Socket>();
  const ending = new AbortController();
  let requests = 0;

  const server = createServer((socket) => {
    const disconnected = new AbortController();
    const running = new Map<number, AbortController>();
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      sockets.delete(socket);
      for (const request of [...running.values(), disconnected]) request.abort();
      server.emit('left');
    });
    socket.write(toLine(hello));

    readMessages(socket, LINE_LIMIT, {
      onMessage(message) {
        if (typeof message['cancel'] === 'number') running.get(message['cancel'])?.abort();
        else void answer(message);
      },
      onMalformed: (reason) => refuse(reason),
    });

    async function answer({ id, method, params }: Record<string, unknown>): Promise<void> {
      if (
        typeof id !== 'number' ||
        typeof method !== 'string' ||
        !isRecord(params) ||
        id < 1 ||
        running.has(id)
      ) {
        return refuse('no request but something else came');
      }
      const request = new AbortController();
      running.set(id, request);
      requests += 1;
      try {
        if (!isMethod(method))
          throw new PyrsiaError('AGENT_REFUSED', { reason: `it does not know "${method}"` });
        const context: RequestContext<Method> = {
          signal: AbortSignal.any([request.signal, ending.signal]),
          disconnected: disconnected.signal,
          progress(progress) {
            if (socket.writableLength < BACKLOG_LIMIT) send({ id, progress });
          },
        };
        const result: unknown = await Reflect.apply(handlers[method], undefined, [params, context]);
        send({ id, result });
      } catch (error) {
        send({ id, error: failureOf(error, method, request.signal.aborted) });
      } finally {
        requests -= 1;
        running.delete(id);
      }
    }

    function send(response: Response): void {
      if (socket.writable) socket.write(toLine(response));
    }

    function refuse(reason: string): void {
      log(`Closed a connection: ${reason}`);
      send({ id: 0, error: { code: 'AGENT_REFUSED', details: { reason } } });
      socket.destroySoon();
    }
  });

  return {
    server,
    connections: () => sockets.size,
    requests: () => requests,
    close() {
      server.close(); // This also removes the socket.
      for (const socket of sockets) socket.pause();
      ending.abort();
    },
  };

  function isMethod(name: string): name is Method {
    return Object.hasOwn(handlers, name);
  }

  function failureOf(error: unknown, method: string, expected: boolean): NonNullable<Response['error']> {
    if (isPyrsiaError(error)) return { code: error.code, details: error.details };
    if (!expected)
      log(
        `Failed to answer ${method}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
  }
}
