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
import { HEAD_LIMIT, type Incoming, readerOf } from './docker-reader.ts';
import { type Framing, framingOf, parseHead, type RequestHead } from './http-head.ts';
import { passOn, reading } from './pieces.ts';

/**
 * How long the sessions of a build go on that was refused, in milliseconds. A client whose build fails before its session is there
 * may wait for that to end, and the daemon for the build: none does when it is cut.
 */
const SESSION_AFTER_MS = 1000;

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
  /** What has to be done before this request goes on, whatever it is. Resolves to why it does not, if it does not. Never rejects. */
  before?(this: void, head: RequestHead): Promise<string | undefined>;
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
  const sessions = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (accepted) => {
    const incoming = readerOf(accepted);
    const { client } = incoming;
    clients.add(client);
    client.once('close', () => clients.delete(client));
    const served = 'find' in parts ? parts.find() : parts;
    void relay(incoming, served, sessions).catch((error: unknown) => {
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

async function relay(
  incoming: Incoming,
  served: DockerSocketParts | Promise<DockerSocketParts>,
  sessions: Set<Socket>,
): Promise<void> {
  const { client } = incoming;
  client.on('error', () => undefined);
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
    const daemon = connect({
      path,
      allowHalfOpen: true,
      ...reading((bytes, done) => passOn(bytes, done, daemon, client)),
    });
    opened = daemon;
    opened.once('end', () => client.end());
    // Who fails is gone, and the other one hears of it by that; but whom nobody has heard is told what docker says then.
    opened.on('error', (error) => {
      const isNobody = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT');
      if (isNobody && asked) client.write(refusal(asked, nobodyAt(path)));
    });
    opened.once('close', () => client.destroySoon());
    return opened;
  };
  client.once('close', () => opened?.destroy());
  const send = (bytes: Buffer, done = (): void => undefined): void => {
    if (!client.destroyed) passOn(bytes, done, client, toDaemon());
  };

  /**
   * A head with a short body that belongs to it. A daemon for which the connection becomes something else takes what
   * comes apart from the head for what is said then.
   */
  const withBody = async (head: Buffer, framing: Framing): Promise<Buffer> => {
    const parts = [head];
    let size = 0;
    await incoming.give(
      (piece) => {
        const used = framing.feed(piece);
        size += used;
        parts.push(piece.subarray(0, used));
        return used;
      },
      () => framing.isOver || size >= HEAD_LIMIT,
    );
    return Buffer.concat(parts);
  };

  for (;;) {
    const bytes = await incoming.head();
    if (bytes === undefined) break;
    const head = parseHead(bytes);
    const framing = head && framingOf(head);
    const refused = head && (await before?.(head));
    if (refused !== undefined) {
      client.end(refusal(head, refused));
      setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, SESSION_AFTER_MS).unref();
      // Who still sends a body would hear of a broken pipe instead.
      await incoming.give(({ byteLength }) => byteLength);
      return;
    }
    asked = head;
    if (head && /\/session(?:\?|$)/.test(head.target)) {
      sessions.add(client);
      client.once('close', () => sessions.delete(client));
    }
    if (!head || !framing || isHijacked(head)) {
      send(framing && head?.headers.has('content-length') ? await withBody(bytes, framing) : bytes);
      await incoming.give((piece, done) => {
        send(piece, done);
        return piece.byteLength;
      });
      break;
    }
    const exchange = { ...head, write: (text: string) => void client.write(text), signal: incoming.gone };
    // SDKs put into a body once more what the address says.
    const isAnswered = await answer(exchange);
    if (!isAnswered) send(bytes);
    if (framing.isOver) continue;
    await incoming.give(
      (piece, done) => {
        const used = framing.feed(piece);
        if (!isAnswered) send(piece.subarray(0, used), done);
        return used;
      },
      () => framing.isOver,
    );
  }
  const rest = incoming.rest();
  if (rest.byteLength > 0) send(rest);
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

/** Whether the connection is something else from here on; old clients do not say so. */
function isHijacked({ method, target, headers }: RequestHead): boolean {
  if (headers.has('upgrade')) return true;
  return method === 'POST' && /\/(?:containers\/[^/]+\/attach|exec\/[^/]+\/start)(?:\?|$)/.test(target);
}
