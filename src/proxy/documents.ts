/**
 * The registry's mutable answers: asked of upstream with a condition, passed on byte for byte, and served
 * from the cache, marked stale, when upstream cannot be asked.
 *
 * @module
 */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { DocumentKey, Documents, StoredDocument } from '../cache/cache.ts';
import type { DocumentAddress, Headers } from '../ecosystems/ecosystem.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { openAbsences } from './absences.ts';
import type { Asker } from './asker.ts';
import { statusOf, type UpstreamReply, type Upstreams } from './upstream.ts';

/** The largest document that is accepted, as sent and as decoded, of registries that know no smaller limit: 128 MiB. */
export const DOCUMENT_LIMIT = 128 * 2 ** 20;

/** Reply headers that are kept with a document. */
const KEPT = [
  'content-type',
  'content-encoding',
  'etag',
  'last-modified',
  'vary',
  'cache-control',
  'link',
  'oci-filters-applied',
];

const DECODERS: Readonly<
  Record<string, (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** A document, and how fresh it is. */
export interface Answer {
  /** Undefined: upstream says that there is none (404), or wants credentials (401, 403). */
  readonly document?: StoredDocument;
  /** Upstream's status; 200 for what came from the cache. */
  readonly status: number;
  readonly from: 'upstream' | 'unchanged' | 'stale';
  /** Why upstream was not asked or did not answer, for what is stale. */
  readonly reason?: string;
}

/** Documents of any registry. */
export interface DocumentService {
  /**
   * The document as upstream has it now, or as it was when upstream was last reached.
   *
   * @param headers - the client's own request headers that may go to upstream
   * @param keep - whether it will be of use again: what it says of one artifact is remembered with that anyway
   * @throws PyrsiaError `OFFLINE_MISS`, `UPSTREAM_FAILED`, `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE`
   */
  get(
    asker: Asker,
    address: DocumentAddress,
    headers?: Headers,
    options?: { readonly keep?: boolean },
  ): Promise<Answer>;
  /** Where the documents of `upstream` that came by said its artifacts lie: a host, with its port. */
  artifactHost(upstream: URL): string | undefined;
  /** The copy at hand, without asking anybody. */
  atHand(asker: Asker, address: DocumentAddress): Promise<StoredDocument | undefined>;
}

/** Opens the service over a cache's documents. */
export function openDocuments(
  documents: Documents,
  upstreams: Upstreams,
  now: () => number,
): DocumentService {
  const flying = new Map<string, Promise<Answer>>();
  const hosts = new Map<string, string>();
  const absences = openAbsences(now);

  async function fetch(
    asker: Asker,
    address: DocumentAddress,
    headers: Headers,
    isKept: boolean,
  ): Promise<Answer> {
    const key = keyOf(asker, address);
    const cached = await documents.get(key);
    if (asker.offline !== undefined) return stale(cached, address.path, asker.offline);
    if (absences.has(asker, address.path)) return { status: 404, from: 'upstream' };

    const url = asker.upstream.ecosystem.registry.locate(address.path, asker.upstream.url);
    let reply: UpstreamReply;
    try {
      reply = await (asker.ask ?? upstreams.ask)({
        url,
        connection: asker.connection,
        headers: { ...headers, accept: address.accept, 'accept-encoding': 'gzip', ...conditionOf(cached) },
      });
    } catch (error) {
      if (!cached || !isPyrsiaError(error, 'UPSTREAM_FAILED')) throw error;
      return stale(cached, address.path, error.details.reason);
    }

    if (reply.status === 304 && cached) {
      await reply.discard();
      documents.touch(key, now());
      return { document: cached, status: 200, from: 'unchanged' };
    }
    if (reply.status === 200) {
      try {
        const document = await taken(asker, address, reply);
        if (isKept) await keep(asker, document);
        return { document, status: 200, from: 'upstream' };
      } catch (error) {
        if (cached && error instanceof PyrsiaError) return stale(cached, address.path, reasonOf(error));
        throw error;
      }
    }
    await reply.discard();
    if (reply.status === 404 || reply.status === 410) absences.add(asker, address.path);
    if ([401, 403, 404, 410].includes(reply.status)) return { status: reply.status, from: 'upstream' };
    const reason = statusOf(reply);
    if (cached) return stale(cached, address.path, reason);
    throw new PyrsiaError('UPSTREAM_FAILED', { url: `${url.origin}${url.pathname}`, reason });
  }

  /** What came, if it is a document. */
  async function taken(
    asker: Asker,
    address: DocumentAddress,
    reply: UpstreamReply,
  ): Promise<StoredDocument> {
    const headers = Object.fromEntries(
      KEPT.flatMap((name) => (reply.headers[name] ? [[name, reply.headers[name]]] : [])),
    );
    const limit = asker.upstream.ecosystem.registry.documentLimit ?? DOCUMENT_LIMIT;
    const body = await gathered(reply, limit);
    const document = {
      ...keyOf(asker, address),
      body,
      headers,
      checkedAt: now(),
      private: !asker.upstream.public,
    };
    try {
      const text = await decoded(document, limit);
      const { ecosystem, url } = asker.upstream;
      ecosystem.registry.check(text, reply.url, address.path);
      const host = hosts.has(url.href) ? undefined : ecosystem.registry.artifactHost(text);
      if (host !== undefined) hosts.set(url.href, host);
    } catch (error) {
      if (!isPyrsiaError(error, 'DOCUMENT_INVALID')) throw error;
      const came = `${body.byteLength} bytes of ${headers['content-type'] ?? 'no type'} came`;
      const reason = `${error.details.reason} (${came})`;
      throw new PyrsiaError('DOCUMENT_INVALID', { what: reply.url, reason }, { cause: error });
    }
    return document;
  }

  async function keep(asker: Asker, document: StoredDocument): Promise<void> {
    await documents
      .put(document)
      .catch((error: Error) => asker.reporter.note(`not everything is stored: ${error.message}`, 'storing'));
  }

  return {
    async get(asker, address, headers = {}, { keep: isKept = true } = {}) {
      const key = JSON.stringify([keyOf(asker, address), asker.offline, isKept]);
      let answer = flying.get(key);
      if (!answer) {
        answer = fetch(asker, address, headers, isKept);
        flying.set(key, answer);
        void answer.catch(() => undefined).finally(() => flying.delete(key));
      }
      return answer;
    },
    artifactHost: ({ href }) => hosts.get(href),
    atHand: async (asker, address) => documents.get(keyOf(asker, address)),
  };
}

/** A document's body as the registry meant it, without Content-Encoding. @throws PyrsiaError `DOCUMENT_INVALID` */
export async function decoded(
  document: Pick<StoredDocument, 'path' | 'body' | 'headers'>,
  limit = DOCUMENT_LIMIT,
): Promise<Uint8Array> {
  const encoding = (document.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') return document.body;
  const decode = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (!decode)
    throw new PyrsiaError('DOCUMENT_INVALID', { what: document.path, reason: `encoded as "${encoding}"` });
  try {
    return await decode(document.body, { maxOutputLength: limit });
  } catch (error) {
    if (error instanceof RangeError)
      throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: document.path, limit });
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError(
      'DOCUMENT_INVALID',
      { what: document.path, reason: `broken ${encoding}: ${reason}` },
      { cause: error },
    );
  }
}

function keyOf(asker: Asker, { path, accept }: DocumentAddress): DocumentKey {
  return { upstream: asker.upstream.url.href, path, accept };
}

function stale(cached: StoredDocument | undefined, path: string, reason: string): Answer {
  if (!cached) throw new PyrsiaError('OFFLINE_MISS', { what: path, reason });
  return { document: cached, status: 200, from: 'stale', reason };
}

/** What was wrong with a document, without its name where that can be left out: the same for many. */
function reasonOf(error: PyrsiaError): string {
  return isPyrsiaError(error, 'DOCUMENT_INVALID') || isPyrsiaError(error, 'UPSTREAM_FAILED')
    ? error.details.reason
    : error.message;
}

function conditionOf(cached: StoredDocument | undefined): Headers {
  const { etag, 'last-modified': modified } = cached?.headers ?? {};
  if (etag) return { 'if-none-match': etag };
  return modified ? { 'if-modified-since': modified } : {};
}

async function gathered(reply: UpstreamReply, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = Number(reply.headers['content-length'] ?? 0);
  if (size <= limit) {
    size = 0;
    try {
      for await (const chunk of reply.body) {
        size += chunk.byteLength;
        if (size > limit) break;
        parts.push(chunk);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new PyrsiaError(
        'UPSTREAM_FAILED',
        { url: reply.url, reason: `broke off: ${reason}` },
        { cause: error },
      );
    }
  }
  if (size <= limit) return Buffer.concat(parts);
  await reply.discard();
  throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: reply.url, limit });
}
