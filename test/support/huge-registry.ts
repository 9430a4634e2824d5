/**
 * A registry of one image with one layer, as large as it takes: zeros, made while they are sent. Such a layer is
 * an empty tar.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Digest, digestOf } from '../../src/content/digest.ts';

/** How many bytes are sent at a time. */
const PIECE = Buffer.alloc(2 ** 20);

/** A request for the layer. */
export interface Sent {
  /** Where it was to begin. */
  readonly from: number;
  bytes: number;
}

/** A running registry; its image is `app:1`. */
export interface HugeRegistry extends AsyncDisposable {
  readonly host: string;
  readonly layer: { readonly digest: Digest; readonly size: number };
  /** What was sent of the layer, request by request. */
  readonly sent: Sent[];
  /** Sends nothing from this byte on, until {@link HugeRegistry.release}. */
  holdAt(byte: number): void;
  release(): void;
}

/** Starts one whose layer has `size` bytes. */
export async function startHugeRegistry(size: number): Promise<HugeRegistry> {
  const hash = createHash('sha256');
  for (let at = 0; at < size; at += PIECE.byteLength) hash.update(PIECE.subarray(0, size - at));
  const digest: Digest = `sha256:${hash.digest('hex')}`;
  const stored = new Map<string, Buffer>();
  const store = (mediaType: string, value: object) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const described = { mediaType, digest: digestOf(bytes, 'sha256'), size: bytes.byteLength };
    stored.set(described.digest, bytes);
    return described;
  };
  const config = store('application/vnd.oci.image.config.v1+json', {
    os: 'linux',
    architecture: 'amd64',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digest] },
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size }];
  const manifest = store(mediaType, { schemaVersion: 2, mediaType, config, layers });

  const sent: Sent[] = [];
  let held: { readonly at: number; readonly over: Promise<void>; readonly end: () => void } | undefined;

  async function send(response: ServerResponse, from: number): Promise<void> {
    const entry = { from, bytes: 0 };
    sent.push(entry);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    for (let at = from; at < size && !response.destroyed;) {
      const stop = held && at < held.at ? held.at : size;
      if (held && at >= held.at) {
        await held.over;
        continue;
      }
      const piece = PIECE.subarray(0, stop - at);
      entry.bytes += piece.byteLength;
      at += piece.byteLength;
      if (!response.write(piece)) await once(response, 'drain', { signal: gone.signal });
    }
    response.end();
  }

  const server = createServer((request, response) => {
    const { url = '', method, headers } = request;
    const last = url.slice(url.lastIndexOf('/') + 1);
    const bytes = stored.get(last === '1' ? manifest.digest : last);
    if (bytes) {
      response.writeHead(200, {
        'content-length': bytes.byteLength,
        'docker-content-digest': last === '1' ? manifest.digest : last,
        ...(url.includes('/manifests/') ? { 'content-type': mediaType } : {}),
      });
      return void response.end(method === 'HEAD' ? undefined : bytes);
    }
    if (last !== digest) return void response.writeHead(url === '/v2/' ? 200 : 404).end();
    const [, start] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
    const from = Number(start ?? 0);
    response.writeHead(start === undefined ? 200 : 206, {
      'content-length': size - from,
      ...(start === undefined ? {} : { 'content-range': `bytes ${from}-${size - 1}/${size}` }),
    });
    if (method === 'HEAD') return void response.end();
    return void send(response, from).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    layer: { digest, size },
    sent,
    holdAt(at) {
      const { promise: over, resolve: end } = Promise.withResolvers<void>();
      held = { at, over, end };
    },
    release() {
      held?.end();
      held = undefined;
    },
    async [Symbol.asyncDispose]() {
      held?.end();
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}
