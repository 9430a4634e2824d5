import type { Digest } from '../content/digest.ts';
import type { Content, Source } from '../content/source.ts';
import type { Headers } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import { statusOf, type UpstreamRequest, type Upstreams } from './upstream.ts';

const NOTHING_PROVEN: readonly Digest[] = [];

/** One artifact at its upstream. */
export interface UpstreamSource extends Source {
  /** Without userinfo and query. */
  readonly url: string;
  /** Headers of the latest reply. */
  headers(): Headers;
}

/**
 * One artifact at its upstream, as a {@link Source}. A Range continuation that the upstream ignores is
 * made up for by skipping; a reply that is another file by then is found out by the digest.
 *
 * `open` resolves to undefined for 404 and 410 and rejects with `CREDENTIALS_NEEDED` for 401 and 403.
 */
export function upstreamSource(
  upstreams: Pick<Upstreams, 'ask'>,
  asked: Pick<UpstreamRequest, 'url' | 'connection' | 'ahead'> & { readonly headers: Headers },
): UpstreamSource {
  let validator: string | undefined;
  let latest: Headers = {};

  return {
    name: 'upstream',
    url: `${asked.url.origin}${asked.url.pathname}`,
    headers: () => latest,
    async open(_wanted, { offset = 0, length, signal } = {}): Promise<Content | undefined> {
      const range =
        offset > 0 || length !== undefined
          ? {
              range: `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`,
              ...(validator ? { 'if-range': validator } : {}),
            }
          : undefined;
      const { url } = asked;
      const headers = { ...asked.headers, ...range, 'accept-encoding': 'identity' };
      const reply = await upstreams.ask({ ...asked, headers, ...(signal ? { signal } : {}) });

      latest = reply.headers;

      if (reply.status === 200) {
        validator = strongValidator(reply.headers);
        const size = lengthOf(reply.headers['content-length']);
        const chunks = range ? part(reply.body, offset, length) : reply.body;
        return { proven: NOTHING_PROVEN, chunks, ...(size === undefined ? {} : { size }) };
      }
      if (reply.status === 206 && range) {
        const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(reply.headers['content-range'] ?? '') ?? [];
        if (Number(start) === offset)
          return { proven: NOTHING_PROVEN, chunks: reply.body, size: Number(total) };
      }
      await reply.discard();
      if (reply.status === 404 || reply.status === 410) return undefined;
      if (reply.status === 416 && range)
        throw new Error(`promised more than the ${offset} bytes that it has`);
      const place = `${url.origin}${url.pathname}`;
      if (reply.status === 401 || reply.status === 403) {
        throw new PyrsiaError('CREDENTIALS_NEEDED', { what: url.pathname, upstream: url.origin });
      }
      throw new PyrsiaError('UPSTREAM_FAILED', { url: place, reason: statusOf(reply) });
    },
  };
}

/** An ETag that promises the same bytes (RFC 9110 §8.8.3), or a date. */
function strongValidator(headers: Headers): string | undefined {
  const { etag } = headers;
  return etag && !etag.startsWith('W/') ? etag : headers['last-modified'];
}

function lengthOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** The bytes from `offset` on, `length` of them. */
async function* part(
  chunks: AsyncIterable<Uint8Array>,
  offset: number,
  length = Infinity,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of chunks) {
    const wanted = chunk.subarray(Math.max(0, offset - at), Math.max(0, offset + length - at));
    at += chunk.byteLength;
    if (wanted.byteLength > 0) yield wanted;
    if (at >= offset + length) return;
  }
}
