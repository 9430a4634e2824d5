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

/**
 * Reads the log below `prefix`. What is not there may be 404 or 410; any other status but 200 is `UPSTREAM_FAILED`, a
 * file beyond the limit that is asked with `DOCUMENT_TOO_LARGE`.
 */
export function httpTiles(prefix: URL, upstreams: Upstreams, connection: ConnectionSettings): TileSource {
  return {
    name: prefix.href,
    async read(path, limit) {
      const url = new URL(path, prefix);
      const reply = await upstreams.ask({ url, connection, headers: { 'accept-encoding': 'gzip' } });
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
      const body = await decoded({ path: url.href, body: Buffer.concat(chunks), headers: reply.headers });
      if (body.byteLength > limit) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: url.href, limit });
      return body;
    },
  };
}
