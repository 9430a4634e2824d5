/**
 * The local HTTP server of one upstream: admitted request → ecosystem route → reply. On its port that
 * registry is the root `/`, because npm asks for tarballs without any prefix of ours.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { digestOf, hexOf } from '../content/digest.ts';
import type { Headers, Reply, Route } from '../ecosystems/ecosystem.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { checkHeaders, credentialOf, ownerOf } from './admission.ts';
import { type ArtifactService, outcomeOf } from './artifacts.ts';
import { type Asker, passedOn } from './asker.ts';
import { decoded, type DocumentService } from './documents.ts';
import type { UpstreamReply, Upstreams } from './upstream.ts';

/** Whoever shows `credential` at this gate, with what its user configured; undefined for strangers. */
export type Admit = (credential: string) => Asker | undefined;

/** What a gate works with. */
export interface GateParts {
  readonly artifacts: ArtifactService;
  readonly documents: DocumentService;
  readonly upstreams: Upstreams;
  readonly admit: Admit;
  readonly log: (message: string) => void;
}

/** A server that listens. */
export interface Gate extends AsyncDisposable {
  /** Ends in `/`. */
  readonly base: string;
  readonly port: number;
}

/**
 * Listens on an IPv4 loopback address: on `port` if it can be had, else on any.
 *
 * @throws the system's error when no port can be had at all
 */
export async function openGate(
  parts: GateParts,
  where: { readonly host: string; readonly port?: number },
): Promise<Gate> {
  const server = createServer({ keepAliveTimeout: 60_000 });
  const port = await listen(server, where.host, where.port);
  const address = `${where.host}:${port}`;

  server.on('request', (request, response) => {
    void serve(parts, address, request, response).catch((error: unknown) => {
      parts.log(`Broke down over ${request.method} ${request.url}: ${String(error)}`);
      response.destroy();
    });
  });
  return {
    base: `http://${address}/`,
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}

async function listen(server: Server, host: string, wanted = 0): Promise<number> {
  for (const port of wanted === 0 ? [0] : [wanted, 0]) {
    try {
      server.listen(port, host);
      await once(server, 'listening');
      const address = server.address();
      if (typeof address === 'object' && address) return address.port;
    } catch (error) {
      const taken =
        error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
      if (port === 0 || !taken) throw error;
    }
  }
  throw new Error('unreachable');
}

async function serve(
  parts: GateParts,
  address: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const turnedAway = checkHeaders(request, address);
  if (turnedAway) return reply(response, plain(turnedAway.status, turnedAway.reason));
  const credential = credentialOf(request);
  const asker = credential === undefined ? undefined : parts.admit(credential);
  if (!asker) return reply(response, plain(401, 'this address serves commands started by pyrsia only'));
  const owner = await ownerOf(request.socket);
  if (owner !== undefined && owner !== process.getuid?.()) {
    return reply(response, plain(403, 'this address serves another user'));
  }

  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { method = 'GET', url = '/', headers } = request;
  const at = url.indexOf('?');
  const [path, query] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
  const { registry } = asker.upstream.ecosystem;
  const flat = passedOn(headers);
  const route = registry.route(method, path, query, flat);
  const call: Call = { parts, asker, request, response, url, headers: flat, signal: gone.signal };

  try {
    await dispatch(call, route);
  } catch (error) {
    if (gone.signal.aborted || response.headersSent) {
      if (!gone.signal.aborted) parts.log(`Gave up ${url}: ${String(error)}`);
      return void response.destroy();
    }
    if (!(error instanceof PyrsiaError)) throw error;
    reply(response, registry.refuse(refusalFor(error), error.message));
  }
}

/** One request, admitted. */
interface Call {
  readonly parts: GateParts;
  readonly asker: Asker;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path with query, as it came. */
  readonly url: string;
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

async function dispatch(call: Call, route: Route): Promise<void> {
  switch (route.kind) {
    case 'artifact':
      return artifact(call, route);
    case 'metadata':
      return metadata(call, route);
    case 'answer':
      return reply(call.response, route.reply);
    case 'refused':
      return reply(call.response, call.asker.upstream.ecosystem.registry.refuse('refused', route.reason));
    case 'passthrough':
      return void (await passThrough(call));
    default:
      throw new Error(`No such route: ${JSON.stringify(route satisfies never)}`);
  }
}

async function artifact(call: Call, { coordinates, claimed }: Route & { kind: 'artifact' }): Promise<void> {
  const { parts, asker, response, signal } = call;
  const startedAt = Date.now();
  const path = call.url;
  try {
    const asked = {
      coordinates,
      path,
      headers: forArtifacts(call.headers),
      signal,
      ...(claimed ? { claimed } : {}),
    };
    const delivery = await parts.artifacts.deliver(asker, asked);
    if (!delivery) {
      const status = await passThrough(call);
      const outcome = status < 300 ? 'passed' : 'not found';
      return await asker.reporter.add(parts.artifacts.lineFor(asker, coordinates, outcome, startedAt));
    }
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      ...(delivery.size === undefined ? {} : { 'content-length': delivery.size }),
    });
    // The last piece waits until the report is written, so that it is complete when the tool has ended.
    let last: Uint8Array | undefined;
    for await (const chunk of delivery.chunks) {
      if (last && !response.write(last)) await once(response, 'drain', { signal });
      last = chunk;
    }
    await asker.reporter.add(await delivery.line());
    response.end(last);
  } catch (error) {
    if (signal.aborted) throw error;
    if (isPyrsiaError(error, 'CREDENTIALS_NEEDED') && !response.headersSent) {
      const status = await passThrough(call);
      const outcome = status < 300 ? 'passed' : 'unavailable';
      return asker.reporter.add(
        parts.artifacts.lineFor(asker, coordinates, outcome, startedAt, error.message),
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    await asker.reporter.add(
      parts.artifacts.lineFor(asker, coordinates, outcomeOf(error), startedAt, reason),
    );
    throw error;
  }
}

async function metadata(call: Call, route: Route & { kind: 'metadata' }): Promise<void> {
  const { parts, asker, response, headers } = call;
  const { document, from, reason } = await parts.documents.get(asker, route, forArtifacts(headers));
  if (!document) return void (await passThrough(call));
  asker.reporter.document(from);
  if (from === 'stale' && asker.offline === undefined)
    asker.reporter.note(`documents are taken from the cache: ${reason ?? 'it did not answer'}`);

  const etag = document.headers['etag'] ?? `"${hexOf(digestOf(document.body, 'sha256')).slice(0, 32)}"`;
  const kept: Record<string, string> = { ...document.headers, etag };
  if (from === 'stale') kept['warning'] = `110 pyrsia "${(reason ?? '').replaceAll(/[^ -!#-[\]-~]/g, '?')}"`;
  if (headers['if-none-match']?.split(/\s*,\s*/).includes(etag)) {
    response.writeHead(304, { etag });
    return void response.end();
  }
  let { body } = document;
  if (kept['content-encoding'] && !headers['accept-encoding']?.includes(kept['content-encoding'])) {
    body = await decoded(document);
    delete kept['content-encoding'];
  }
  response.writeHead(200, { ...kept, 'content-length': body.byteLength });
  response.end(call.request.method === 'HEAD' ? undefined : body);
}

/**
 * Hands a request to upstream and its reply back, untouched and unkept. What is refused to a stranger is
 * asked again with the user's own credential. Resolves to upstream's status.
 *
 * @throws PyrsiaError `OFFLINE_MISS`, `UPSTREAM_FAILED`
 */
async function passThrough(call: Call): Promise<number> {
  const { parts, asker, request, response, signal } = call;
  const { upstream, connection, authorization, offline } = asker;
  if (offline !== undefined) throw new PyrsiaError('OFFLINE_MISS', { what: call.url, reason: offline });
  const url = upstream.ecosystem.registry.locate(call.url, upstream.url);
  const method = request.method ?? 'GET';
  const body = method === 'GET' || method === 'HEAD' ? undefined : request;
  const asked = { url, method, connection, signal, ...(body ? { body } : {}) };

  let answer = await parts.upstreams.ask({ ...asked, headers: call.headers });
  if (authorization !== undefined && !body && [401, 403, 404].includes(answer.status)) {
    await answer.discard();
    answer = await parts.upstreams.ask({ ...asked, headers: { ...call.headers, authorization } });
  }
  await copy(answer, response, signal);
  return answer.status;
}

async function copy(answer: UpstreamReply, response: ServerResponse, signal: AbortSignal): Promise<void> {
  response.writeHead(answer.status, passedOn(answer.headers));
  for await (const chunk of answer.body) {
    if (!response.write(chunk)) await once(response, 'drain', { signal });
  }
  response.end();
}

/** What one client wants of a reply is not what upstream is asked for everybody. */
function forArtifacts(headers: Headers): Headers {
  const own = ['range', 'if-range', 'if-none-match', 'if-modified-since', 'accept-encoding'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)));
}

function refusalFor(error: PyrsiaError): 'refused' | 'unavailable' {
  return outcomeOf(error) === 'refused' ? 'refused' : 'unavailable';
}

function plain(status: number, reason: string): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: `pyrsia: ${reason}` }),
  };
}

function reply(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
