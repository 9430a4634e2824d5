/**
 * Asking another authority over HTTP.
 *
 * @module
 */
import { Readable } from 'node:stream';
import { PyrsiaError } from '../errors.ts';
import type { UpstreamReply, Upstreams } from '../proxy/upstream.ts';
import type { ConnectionSettings } from '../shims/settings.ts';

/** The most bytes of an answer: 512 KiB. */
const ANSWER_LIMIT = 512 * 2 ** 10;

/** Posts to authorities. */
export type Post = (
  url: URL,
  body: Uint8Array,
  signal: AbortSignal,
) => Promise<Pick<UpstreamReply, 'status' | 'headers'> & { readonly body: Buffer }>;

/** How authorities are asked. Rejects with `UPSTREAM_FAILED` when nobody answered, `DOCUMENT_TOO_LARGE`. */
export function openPost(ask: Upstreams['ask'], connection: ConnectionSettings): Post {
  return async (url, body, signal) => {
    const reply = await ask({
      method: 'POST',
      url,
      connection,
      signal,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(body.byteLength) },
      body: Readable.from([body]),
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of reply.body) {
      size += chunk.byteLength;
      if (size > ANSWER_LIMIT)
        throw new PyrsiaError('DOCUMENT_TOO_LARGE', {
          what: `the answer of ${url.href}`,
          limit: ANSWER_LIMIT,
        });
      chunks.push(chunk);
    }
    return { status: reply.status, headers: reply.headers, body: Buffer.concat(chunks) };
  };
}
