/**
 * A log that a server publishes: any static one will do.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import type { TileSource } from '../log/read-tiles.ts';
import type { ConnectionSettings } from '../shims/settings.ts';
import { decoded } from './documents.ts';
import { statusOf, type Upstreams } from './upstream.ts';

/** How long a file may take, in milliseconds: a minute, and the time in which its most bytes come at 64 kB/s. */
const FILE_MS = 60_000;
const BYTES_PER_MS = 64;

/** How long a server that took longer is not asked for anything, in milliseconds: a minute. */
const REST_MS = 60_000;

/**
 * Reads the log below `prefix`. What is not there may be 404 or 410; any other status but 200 is `UPSTREAM_FAILED`, and so is a
 * server that lets its files drip in; a file beyond the limit that is asked with `DOCUMENT_TOO_LARGE`.
 */
export function httpTiles(
  prefix: URL,
  upstreams: Pick<Upstreams, 'ask'>,
  connection: ConnectionSettings,
  { fileMs = FILE_MS }: { readonly fileMs?: number } = {},
): TileSource {
  let restsUntil = -Infinity;

  async function fetched(url: URL, limit: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const reply = await upstreams.ask({ url, connection, headers: { 'accept-encoding': 'gzip' }, signal });
    if (reply.status === 404 || reply.status === 410) {
      await reply.discard();
      return undefined;
    }
    if (reply.status !== 200) {
      await reply.discard();
      throw new PyrsiaError('UPSTREAM_FAILED', { url: url.href, reason: statusOf(reply) });
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of reply.body) {
      size += chunk.byteLength;
      if (size > limit) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: url.href, limit });
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    return decoded({ path: url.href, body, headers: reply.headers }, limit);
  }

  return {
    name: prefix.href,
    async read(path, limit) {
      const url = new URL(path, prefix);
      const late = (): PyrsiaError =>
        new PyrsiaError('UPSTREAM_FAILED', { url: url.href, reason: 'it sends too slowly' });
      if (performance.now() < restsUntil) throw late();
      const signal = AbortSignal.timeout(fileMs + limit / BYTES_PER_MS);
      try {
        return await fetched(url, limit, signal);
      } catch (error) {
        if (!signal.aborted || error instanceof PyrsiaError) throw error;
        restsUntil = performance.now() + REST_MS;
        throw late();
      }
    },
  };
}
