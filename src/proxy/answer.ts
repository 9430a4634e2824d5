/**
 * The reply to one admitted request: an artifact with its verdict, a document, or whatever upstream says.
 *
 * @module
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StoredDocument } from '../cache/cache.ts';
import { type Coordinates, packagePurl, purlOf } from '../content/coordinates.ts';
import { type Digest, digestOf, hexOf } from '../content/digest.ts';
import type { DocumentAddress, Headers, Reply, Route } from '../ecosystems/ecosystem.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { Outcome } from '../resolve/report.ts';
import { suffices } from '../verify/expect.ts';
import type { ArtifactRequest, ArtifactService } from './artifact-service.ts';
import { outcomeOf } from './outcome.ts';
import { type Asker, passedOn } from './asker.ts';
import type { CopyService } from './copies.ts';
import { type Answer, decoded, type DocumentService } from './documents.ts';
import type { Upstreams } from './upstream.ts';

/** The longest artifact that is read besides being delivered, in bytes: 1 MiB. */
const READ_LIMIT = 2 ** 20;

/** What answers come from. */
export interface AnswerParts {
  readonly artifacts: ArtifactService;
  readonly documents: DocumentService;
  /** Neighbours' copies of documents; absent where there are none. */
  readonly copies?: Pick<CopyService, 'document'>;
  readonly upstreams: Upstreams;
  /** Told of each document that a client is given as upstream has it now. */
  readonly onDocument?: (asker: Asker, given: Delivered) => void;
  /** Who wants to read all of an artifact of this name that a client is given; it should be a short one. */
  readonly readerOf?: (asker: Asker, coordinates: Coordinates) => ((body: Uint8Array) => void) | undefined;
}

/** A document on its way to a client. */
export interface Delivered {
  readonly address: DocumentAddress;
  /** What it is about. */
  readonly what: string;
  readonly document: StoredDocument;
  /** With which the client has asked. */
  readonly headers: Headers;
}

/** One request, admitted. */
export interface Call {
  readonly parts: AnswerParts;
  readonly asker: Asker;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path with query, as it came. */
  readonly url: string;
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

/**
 * Replies as the route says.
 *
 * @throws whatever it failed with; when nothing has been sent yet, the caller says so to the client
 */
export async function answer(call: Call, route: Route): Promise<void> {
  switch (route.kind) {
    case 'artifact':
      return artifact(call, route);
    case 'metadata':
      return metadata(call, route);
    case 'digest':
      return digest(call, route);
    case 'answer':
      return reply(call.response, route.reply);
    case 'refused':
      return reply(call.response, call.asker.upstream.ecosystem.registry.refuse('refused', route.reason));
    case 'passthrough':
      if (route.nameless !== undefined) acceptNameless(call.asker, route.nameless);
      return passThrough(call);
    default:
      throw new Error(`No such route: ${JSON.stringify(route satisfies never)}`);
  }
}

/** Bytes of which nobody can tell what they are meant to be pass where any will do, and the receipt says so. */
function acceptNameless({ policy, reporter }: Asker, path: string): void {
  if (!suffices(policy, 'unknown', [])) {
    throw new PyrsiaError('EVIDENCE_TOO_LOW', { purl: path, policy, word: 'unknown' });
  }
  reporter.note(`${path} tells no version, so it was passed on unverified`);
}

async function artifact(
  call: Call,
  { coordinates, claimed, changes }: Route & { kind: 'artifact' },
): Promise<void> {
  const { parts, asker, response, signal } = call;
  const startedAt = Date.now();
  const path = call.url;
  const report = async (outcome: Outcome, reason?: string): Promise<void> =>
    asker.reporter.add(parts.artifacts.lineFor(asker, coordinates, outcome, startedAt, reason));
  try {
    const asked = {
      coordinates,
      path,
      headers: forArtifacts(call.headers),
      signal,
      ...(claimed ? { claimed } : {}),
      ...(changes ? { changes } : {}),
    };
    let withheld: string | undefined;
    const delivery = await parts.artifacts.deliver(asker, asked).catch((error: unknown) => {
      if (!isPyrsiaError(error, 'CREDENTIALS_NEEDED')) throw error;
      withheld = error.message;
      return undefined;
    });
    const { absent, headersFor } = asker.upstream.ecosystem.registry;
    // One of several that a tool looks into need not have it: that is no news.
    if (!delivery && absent && withheld === undefined && asker.authorization === undefined)
      return reply(response, absent.reply);
    if (!delivery) {
      const otherwise = withheld === undefined ? 'not found' : 'unavailable';
      return await passThrough(call, {
        vouched: (chunks) => parts.artifacts.passed(asker, asked, chunks),
        beforeEnd: async (isGiven) => report(isGiven ? 'passed' : otherwise, withheld),
      });
    }
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      ...headersFor?.(delivery.digests),
      ...(delivery.size === undefined ? {} : { 'content-length': delivery.size }),
    });
    // The last piece waits until the report is written, so that it is complete when the tool has ended.
    let last: Uint8Array | undefined;
    const reader = parts.readerOf?.(asker, coordinates);
    const read: Uint8Array[] = [];
    for await (const chunk of delivery.chunks) {
      if (last && !response.write(last)) await once(response, 'drain', { signal });
      last = chunk;
      if (reader && (delivery.size ?? Infinity) <= READ_LIMIT) read.push(Buffer.from(chunk));
    }
    if (read.length > 0) reader?.(Buffer.concat(read));
    await asker.reporter.add(await delivery.line());
    response.end(last);
  } catch (failure) {
    if (signal.aborted) throw failure;
    const error = missed(call, coordinates, failure);
    const reason = error instanceof Error ? error.message : String(error);
    await report(outcomeOf(error), reason);
    throw error;
  }
}

/** What it means that an artifact did not come: nothing is wrong with upstream when it was not reached at all. */
function missed({ parts, asker }: Call, coordinates: Coordinates, failure: unknown): unknown {
  const isOut = parts.upstreams.unreachable().includes(asker.upstream.url.origin);
  if (!isOut || !isPyrsiaError(failure, 'UPSTREAM_FAILED')) return failure;
  const { reason } = failure.details;
  return new PyrsiaError('OFFLINE_MISS', { what: purlOf(coordinates), reason }, { cause: failure });
}

async function metadata(call: Call, route: Route & { kind: 'metadata' }): Promise<void> {
  const { parts, asker, response, headers } = call;
  const { document, status, from, reason } = await documentFor(call, route);
  const { absent } = asker.upstream.ecosystem.registry;
  if (!document && absent && asker.authorization === undefined && (status === 404 || status === 410))
    return reply(response, absent.reply);
  if (!document) return passThrough(call);
  if (from !== 'copy') asker.reporter.document(from);
  if (from === 'upstream' || from === 'unchanged')
    parts.onDocument?.(asker, { address: route, what: route.what, document, headers });
  if (from === 'stale' && asker.offline === undefined)
    asker.reporter.note(`documents are taken from the cache: ${reason ?? 'it did not answer'}`);

  const etag = document.headers['etag'] ?? `"${hexOf(digestOf(document.body, 'sha256')).slice(0, 32)}"`;
  const kept: Record<string, string> = { ...document.headers, etag };
  if (from === 'stale' || from === 'copy')
    kept['warning'] = `110 pyrsia "${(reason ?? '').replaceAll(/[^ -!#-[\]-~]/g, '?')}"`;
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

/** The registry's own document, or a neighbour's copy where the registry is not asked and there is none. */
async function documentFor(
  { parts, asker, headers }: Call,
  route: Route & { kind: 'metadata' },
): Promise<Omit<Answer, 'from'> & { readonly from: Answer['from'] | 'copy' }> {
  try {
    return await parts.documents.get(asker, route, forArtifacts(headers));
  } catch (error) {
    if (!isPyrsiaError(error, 'OFFLINE_MISS')) throw error;
    const name = route.what;
    const copied = await parts.copies?.document(asker, route, name);
    if (!copied) throw error;
    const { document, peer, seenAt } = copied;
    asker.reporter.copied(packagePurl({ ecosystem: asker.upstream.ecosystem.name, name }), { peer, seenAt });
    const reason = `a neighbour's copy, seen at ${new Date(seenAt).toISOString()}`;
    return { document, status: 200, from: 'copy', reason };
  }
}

/** Tells the digest of what is delivered: of an artifact the bytes that were seen, of a document those that are at hand. */
async function digest(call: Call, { of, algorithm, word }: Route & { kind: 'digest' }): Promise<void> {
  const { parts, asker, response, headers, signal } = call;
  const asked = forArtifacts(headers);
  let found: Digest | undefined;
  if (of.kind === 'artifact') {
    const { coordinates, path = call.url } = of;
    const about = { coordinates, path, headers: asked, signal, ...(of.changes && { changes: of.changes }) };
    if (word) return digestAsSaid(call, word, about);
    found = await parts.artifacts.digest(asker, about, algorithm);
  } else {
    const { documents } = parts;
    const document = (await documents.atHand(asker, of)) ?? (await documents.get(asker, of, asked)).document;
    found = document && digestOf(await decoded(document), algorithm);
  }
  const { absent } = asker.upstream.ecosystem.registry;
  if (!found) return absent ? reply(response, absent.reply) : passThrough(call);
  reply(response, { status: 200, headers: { 'content-type': 'text/plain' }, body: hexOf(found) });
}

/**
 * Gives upstream's own word on a digest. One on bytes that were never seen is kept, and held against them when they come.
 *
 * @throws PyrsiaError `CONTRADICTED` where the bytes that were seen have another one
 */
async function digestAsSaid(call: Call, word: DocumentAddress, about: ArtifactRequest): Promise<void> {
  const { parts, asker, headers } = call;
  const { document } = await parts.documents.get(asker, word, forArtifacts(headers));
  const said =
    document && asker.upstream.ecosystem.registry.digest(await decoded(document), about.coordinates);
  if (said) await parts.artifacts.heldAgainst(asker, about, said);
  return metadata(call, { kind: 'metadata', what: word.path.slice(1), ...word });
}

/**
 * Hands a request to upstream and its reply back, untouched and unkept. What is refused to a stranger is
 * asked again with the user's own credential. What is asked for as an `artifact` is one whatever the answer
 * is called, and nothing of it is sent that is not vouched for.
 *
 * @throws PyrsiaError `OFFLINE_MISS`, `UPSTREAM_FAILED`
 */
async function passThrough(
  call: Call,
  passing?: {
    vouched(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
    /** Told whether the client gets it, before the reply ends. */
    beforeEnd(isGiven: boolean): Promise<void>;
  },
): Promise<void> {
  const { parts, asker, request, response, signal } = call;
  const { upstream, connection, authorization, offline } = asker;
  if (offline !== undefined) throw new PyrsiaError('OFFLINE_MISS', { what: call.url, reason: offline });
  const url = upstream.ecosystem.registry.locate(call.url, upstream.url);
  const method = request.method ?? 'GET';
  const body = method === 'GET' || method === 'HEAD' ? undefined : request;
  const asked = { url, method, connection, signal, ...(body ? { body } : {}) };

  const headers = passing ? { ...forArtifacts(call.headers), 'accept-encoding': 'identity' } : call.headers;
  const ask = asker.ask ?? parts.upstreams.ask;
  let theirs = await ask({ ...asked, headers });
  if (authorization !== undefined && !body && [401, 403, 404].includes(theirs.status)) {
    await theirs.discard();
    theirs = await ask({ ...asked, headers: { ...headers, authorization } });
  }
  const isGiven = theirs.status < 400;
  const begin = (): unknown =>
    response.headersSent || response.writeHead(theirs.status, passedOn(theirs.headers));
  try {
    for await (const chunk of passing && isGiven && method !== 'HEAD'
      ? passing.vouched(theirs.body)
      : theirs.body) {
      begin();
      if (!response.write(chunk)) await once(response, 'drain', { signal });
    }
  } catch (error) {
    void theirs.discard().catch(() => undefined);
    throw error;
  }
  await passing?.beforeEnd(isGiven);
  begin();
  response.end();
}

/** What one client wants of a reply is not what upstream is asked for everybody. */
function forArtifacts(headers: Headers): Headers {
  const own = ['range', 'if-range', 'if-none-match', 'if-modified-since', 'accept-encoding'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)));
}

/** Sends a whole reply. */
export function reply(response: ServerResponse, { status, phrase, headers, body }: Reply): void {
  if (phrase !== undefined) response.statusMessage = phrase;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
