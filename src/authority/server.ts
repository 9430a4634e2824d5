/**
 * What an authority answers over HTTP: its log as static files, and what the other authorities and clients ask.
 *
 * | request                 | answer                                                                    |
 * | ----------------------- | ------------------------------------------------------------------------- |
 * | `GET checkpoint`, …     | the files of the log: c2sp.org/tlog-tiles, and the index of coordinates    |
 * | `POST add-checkpoint`   | a cosignature: c2sp.org/tlog-witness                                       |
 * | `POST entry`            | takes an entry that is signed; 200 with its index once it is final         |
 * | `POST observe`          | fetches an artifact and says what it saw                                   |
 * | `POST submit`           | has enough authorities observe an artifact; 200 once the entry is final    |
 * | `GET find`              | which entries coordinates, a digest, a registry or an observer lead to    |
 * | `GET status`            | how far the log is, and who is wanting                                     |
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { PyrsiaError } from '../errors.ts';
import type { TileSource } from '../log/read-tiles.ts';
import { BUNDLE_LIMIT } from '../log/tiles.ts';

/** The most bytes of a request: 512 KiB, of a checkpoint with many signatures. */
const REQUEST_LIMIT = 512 * 2 ** 10;

/** How long a request may take to arrive, in milliseconds: 30 s. */
const REQUEST_MS = 30_000;

/** How many connections are open at once. */
const CONNECTIONS_LIMIT = 1000;

/** A request, whole. */
export interface Posted {
  readonly body: Uint8Array;
  /** The address that it came from. */
  readonly from: string;
  /** Aborts when whoever asked has gone. */
  readonly signal: AbortSignal;
}

/** An answer. */
export interface Answered {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is answered. */
export interface Endpoints {
  readonly files: TileSource;
  readonly status: () => object;
  readonly find: (query: URLSearchParams) => Answered;
  /** By path, below the prefix. */
  readonly posts: ReadonlyMap<string, (posted: Posted) => Promise<Answered>>;
  readonly log: (line: string) => void;
}

/** A server that listens. */
export interface NodeServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens at `host` and `port`; 0: any. Rejects with `UPSTREAM_FAILED` where that is not possible. */
export async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  endpoints: Endpoints,
): Promise<NodeServer> {
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    void respond(request, endpoints, gone.signal)
      .catch((error: unknown): Answered => {
        if (error instanceof PyrsiaError && error.code === 'DOCUMENT_TOO_LARGE')
          return { status: 413, body: `${error.message}\n` };
        endpoints.log(`${request.method} ${request.url}: ${String(error)}`);
        return { status: 500, body: 'This authority has failed; its own log says why\n' };
      })
      .then((answered) => send(response, request, answered));
  });
  server.requestTimeout = REQUEST_MS;
  server.maxConnections = CONNECTIONS_LIMIT;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('UPSTREAM_FAILED', { url: `http://${host}:${port}/`, reason }, { cause: error });
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

type Body = Omit<Answered, 'body'> & { readonly body: string | Uint8Array };

async function respond(
  request: IncomingMessage,
  { files, status, find, posts }: Endpoints,
  signal: AbortSignal,
): Promise<Body> {
  const path = (request.url ?? '').replace(/\?.*$/s, '').replace(/^\//, '');
  if (request.method === 'POST') {
    const post = posts.get(path);
    if (post === undefined) return { status: 404, body: 'There is nothing to be asked here\n' };
    const body = await bodyOf(request);
    return post({ body, from: request.socket.remoteAddress ?? '', signal });
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, headers: { allow: 'GET, HEAD, POST' }, body: '' };
  if (path === 'status')
    return { status: 200, type: 'application/json', body: `${JSON.stringify(status(), undefined, 2)}\n` };
  if (path === 'find') return find(new URLSearchParams(/\?(.*)$/s.exec(request.url ?? '')?.[1]));
  const kind = kindOf(path);
  const bytes = kind && (await files.read(path, BUNDLE_LIMIT));
  if (!kind || bytes === undefined) return { status: 404, body: 'Not found\n' };
  return { status: 200, type: kind.type, headers: { 'cache-control': kind.kept }, body: bytes };
}

const KEPT = 'public, max-age=31536000, immutable';

/** What a path of the log holds, and how long it may be kept; undefined for what is no file of it. */
function kindOf(path: string): { readonly type: string; readonly kept: string } | undefined {
  if (path === 'checkpoint') return { type: 'text/plain; charset=utf-8', kept: 'no-cache' };
  if (path === 'index/recent') return { type: 'application/octet-stream', kept: 'no-cache' };
  // No number is longer than that of an entry: what no disk could have is not looked for, and leaves no line in the log.
  const isFile =
    /^tile\/(?:entries|[0-9]{1,2})\/(?:x[0-9]{3}\/){0,6}[0-9]{3}(?:\.p\/[0-9]{1,3})?$/.test(path) ||
    /^index\/[0-9]{1,19}\/(?:x[0-9]{3}\/){0,6}[0-9]{3}$/.test(path);
  return isFile ? { type: 'application/octet-stream', kept: KEPT } : undefined;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > REQUEST_LIMIT)
      throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: 'the request', limit: REQUEST_LIMIT });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, request: IncomingMessage, answered: Body): void {
  const { status, type = 'text/plain; charset=utf-8', headers, body } = answered;
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...headers,
    // Of a request that was not read to its end nothing more is to come.
    ...(status === 413 && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
