import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { TileSource } from '../../src/log/read-tiles.ts';
import { httpTiles } from '../../src/proxy/http-tiles.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';

const upstreams = openUpstreams({ silenceMs: 5000 });
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
afterAll(async () => upstreams[Symbol.asyncDispose]());

async function logServedBy(listener: RequestListener, options?: { fileMs: number }): Promise<TileSource> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return httpTiles(new URL(`http://127.0.0.1:${port}/log/`), upstreams, { strictSsl: true }, options);
}

describe('A log on a server', () => {
  it('is read also where it comes packed', async () => {
    const tile = Buffer.alloc(8192, 7);
    const log = await logServedBy((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(tile));
    });
    expect(Buffer.from((await log.read('tile/0/000', 8192))!).equals(tile)).toBe(true);
  });

  it('2: unpacks no more of a file than the file may have', async () => {
    const packed = gzipSync(Buffer.alloc(4 * 2 ** 20));
    // Whoever comes to the end finds it broken.
    packed.fill(0xff, packed.byteLength - 200);
    const log = await logServedBy((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    });
    await expect(log.read('tile/0/000', 8192)).rejects.toThrow('larger than the limit of 8192 bytes');
  });

  it('2: that drips in is given up, and left alone for a while', async () => {
    let requests = 0;
    const log = await logServedBy(
      (_, response) => {
        requests++;
        response.writeHead(200).write('a');
        const timer = setInterval(() => response.write('a'), 20);
        response.once('close', () => clearInterval(timer));
      },
      { fileMs: 300 },
    );
    for (let i = 0; i < 3; i++)
      await expect(log.read('checkpoint', 4096)).rejects.toThrow('it sends too slowly');
    expect(requests).toBe(1);
  });
});
