/**
 * A socket that stands for a docker daemon's: byte for byte what that one says, but for requests that we answer.
 *
 * Answers are passed on unread. Of requests the heads are read and where their bodies end; after an upgrade
 * (attach, exec, a build's session) nothing is.
 *
 * @module
 */
import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { type Framing, framingOf, parseHead, type RequestHead } from './http-head.ts';

/** The longest head that is looked at: 64 KiB. */
const HEAD_LIMIT = 2 ** 16;
/** How much may wait for its turn before a client has to, and then once more for the daemon to take it: 1 MiB. */
const WAITING_LIMIT = 2 ** 20;

/** A request that may be answered here. */
export interface DockerExchange extends RequestHead {
  /** Writes to the client. */
  write(this: void, bytes: string): void;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** What stands in front of a daemon. */
export interface DockerSocketParts {
  /** The daemon's own socket. */
  readonly daemon: string;
  /** Answers a request by its head, and resolves to whether it did: else it goes on as it came. Never rejects. */
  answer(this: void, exchange: DockerExchange): Promise<boolean>;
  /** What has to be done before this request goes on, whatever it is. Never rejects. */
  before?(this: void, head: RequestHead): Promise<void>;
  log(this: void, text: string): void;
}

/** What will stand there once somebody has come, who waits for it meanwhile. */
export interface DockerSocketToCome extends Pick<DockerSocketParts, 'log'> {
  /** Rejects with why nobody is served, which the client is told. */
  find(this: void): Promise<DockerSocketParts>;
}

/**
 * Listens at `path`, for its user alone.
 *
 * Rejects with the system's error.
 */
export async function openDockerSocket(
  path: string,
  parts: DockerSocketParts | DockerSocketToCome,
): Promise<AsyncDisposable> {
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    const served = 'find' in parts ? parts.find() : parts;
    void relay(client, served).catch((error: unknown) => {
      parts.log(`Gave up a connection to docker: ${String(error)}`);
      client.destroy();
    });
  });
  // An agent before us was killed, and somebody still knows the socket.
  rmSync(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  // The directory keeps others out as well.
  chmodSync(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      for (const client of clients) client.destroy();
      await Promise.resolve();
    },
  };
}

async function relay(client: Socket, served: DockerSocketParts | Promise<DockerSocketParts>): Promise<void> {
  client.on('error', () => undefined);
  const incoming = readerOf(client);
  let found: DockerSocketParts;
  try {
    found = await served;
  } catch (error) {
    const bytes = await incoming.head();
    const why = error instanceof Error ? error.message : String(error);
    client.end(bytes ? refusal(parseHead(bytes), `pyrsia: ${why}`) : '');
    return;
  }
  const { daemon: path, answer, before } = found;
  /** What the daemon was asked last. */
  let asked: RequestHead | undefined;
  let opened: Socket | undefined;
  /** Not before it is told something: it waits 5 minutes for a first request, and what we do ourselves may take longer. */
  const toDaemon = (): Socket => {
    if (opened) return opened;
    opened = connect({ path, allowHalfOpen: true });
    opened.pipe(client);
    // Who fails is gone, and the other one hears of it by that; but whom nobody has heard is told what docker says then.
    opened.on('error', (error) => {
      const isNobody = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT');
      if (isNobody && asked) client.write(refusal(asked, nobodyAt(path)));
    });
    opened.once('close', () => client.destroySoon());
    return opened;
  };
  client.once('close', () => opened?.destroy());
  const send = async (bytes: Buffer): Promise<void> => {
    if (client.destroyed) return;
    const daemon = toDaemon();
    if (!daemon.write(bytes) && daemon.writableLength > WAITING_LIMIT && !daemon.destroyed)
      await drained(daemon);
  };

  /**
   * A head with a short body that belongs to it. A daemon for which the connection becomes something else takes what
   * comes apart from the head for what is said then.
   */
  const withBody = async (head: Buffer, framing: Framing): Promise<Buffer> => {
    const parts = [head];
    for (let size = 0; !framing.isOver && size < HEAD_LIMIT;) {
      const piece = await incoming.next();
      if (piece === undefined) break;
      const used = framing.feed(piece);
      size += used;
      parts.push(piece.subarray(0, used));
      incoming.giveBack(piece.subarray(used));
    }
    return Buffer.concat(parts);
  };

  for (;;) {
    const bytes = await incoming.head();
    if (bytes === undefined) break;
    const head = parseHead(bytes);
    const framing = head && framingOf(head);
    if (head) await before?.(head);
    asked = head;
    if (!head || !framing || isHijacked(head)) {
      await send(framing && head?.headers.has('content-length') ? await withBody(bytes, framing) : bytes);
      return client.destroyed ? undefined : incoming.pipe(toDaemon());
    }
    const exchange = { ...head, write: (text: string) => void client.write(text), signal: incoming.gone };
    // SDKs put into a body once more what the address says.
    const isAnswered = await answer(exchange);
    if (!isAnswered) await send(bytes);
    while (!framing.isOver) {
      const piece = await incoming.next();
      if (piece === undefined) break;
      const used = framing.feed(piece);
      if (!isAnswered) await send(piece.subarray(0, used));
      incoming.giveBack(piece.subarray(used));
    }
  }
  const rest = incoming.rest();
  if (rest.byteLength > 0) await send(rest);
  if (opened) opened.end();
  else client.end();
}

/** In docker's client's own words. */
function nobodyAt(path: string): string {
  return `Cannot connect to the Docker daemon at unix://${path}. Is the docker daemon running?`;
}

/** An answer that says why there is none, after which the connection ends. */
function refusal(head: RequestHead | undefined, message: string): string {
  const body = head?.method === 'HEAD' ? '' : `${JSON.stringify({ message })}\n`;
  const lines = [
    'HTTP/1.1 503 Service Unavailable',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Resolves when more can be written, or nothing any more. */
async function drained(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('drain', resolve).once('close', resolve);
  await promise;
  socket.off('drain', resolve).off('close', resolve);
}

/** Whether the connection is something else from here on; old clients do not say so. */
function isHijacked({ method, target, headers }: RequestHead): boolean {
  if (headers.has('upgrade')) return true;
  return method === 'POST' && /\/(?:containers\/[^/]+\/attach|exec\/[^/]+\/start)(?:\?|$)/.test(target);
}

/** What a client sends, piece by piece. It is read also while nobody takes it, so that its end is noticed. */
interface Incoming {
  /** The next head, with the empty line at its end, or without it the beginning of one that is too long; undefined when none comes any more. */
  head(): Promise<Buffer | undefined>;
  next(): Promise<Buffer | undefined>;
  giveBack(bytes: Buffer): void;
  /** What has come and was not taken. */
  rest(): Buffer;
  /** All that still comes goes there. */
  pipe(to: Socket): void;
  /** Aborts when nothing comes any more. */
  readonly gone: AbortSignal;
}

function readerOf(client: Socket): Incoming {
  let waiting: Buffer[] = [];
  let isOver = false;
  let wake: (() => void) | undefined;
  const gone = new AbortController();
  const size = (): number => waiting.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const take = (bytes: Buffer): void => {
    waiting.push(bytes);
    if (size() > WAITING_LIMIT) client.pause();
    wake?.();
  };
  const over = (): void => {
    isOver = true;
    gone.abort();
    wake?.();
  };
  client.on('data', take).once('end', over).once('close', over);

  const come = async (): Promise<boolean> => {
    if (isOver) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    client.resume();
    await promise;
    wake = undefined;
    return true;
  };
  const incoming: Incoming = {
    gone: gone.signal,
    async head() {
      for (;;) {
        const bytes = Buffer.concat(waiting);
        const end = bytes.indexOf('\r\n\r\n');
        if (end >= 0) {
          waiting = end + 4 < bytes.byteLength ? [bytes.subarray(end + 4)] : [];
          return bytes.subarray(0, end + 4);
        }
        waiting = [];
        if (bytes.byteLength > HEAD_LIMIT) return bytes;
        if (bytes.byteLength > 0) waiting = [bytes];
        if (!(await come())) return undefined;
      }
    },
    async next() {
      while (waiting.length === 0) if (!(await come())) return undefined;
      return waiting.shift();
    },
    giveBack(bytes) {
      if (bytes.byteLength > 0) waiting.unshift(bytes);
    },
    rest() {
      const bytes = Buffer.concat(waiting);
      waiting = [];
      return bytes;
    },
    pipe(to) {
      client.off('data', take);
      const rest = incoming.rest();
      if (rest.byteLength > 0) to.write(rest);
      if (isOver) to.end();
      else client.pipe(to);
    },
  };
  return incoming;
}
