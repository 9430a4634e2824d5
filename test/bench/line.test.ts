import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openLine } from '../../bench/npm-ci/line.ts';
import { tryLine } from '../../bench/npm-ci/try-line.ts';

const MS = 1 / 1000;

/** A server that sends `content` to whoever connects, and then ends. */
async function sends(content: Buffer): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => socket.on('error', () => {}).end(content));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));

describe('A slow line', () => {
  it('brings every connection all bytes as they were', async () => {
    await using server = await sends(content);
    await using line = await openLine(server.port, { bits: 50e6, roundTripMs: 10 });
    const received = await Promise.all(
      Array.from({ length: 5 }, async () => buffer(connect(line.port, '127.0.0.1'))),
    );
    for (const each of received) expect(each.equals(content)).toBe(true);
  });

  it('lets no more through in a second than it is said to, by all connections together', async () => {
    await using server = await sends(content);
    const bits = 16e6;
    await using line = await openLine(server.port, { bits, roundTripMs: 0 });
    const begun = performance.now();
    await Promise.all(Array.from({ length: 4 }, async () => buffer(connect(line.port, '127.0.0.1'))));
    const seconds = (performance.now() - begun) * MS;
    // Which is 200 ms; the bucket holds another 5, and timers may be early.
    expect(seconds).toBeGreaterThanOrEqual((4 * content.length * 8) / bits - 10 * MS);
  });

  it('delays whatever passes', async () => {
    const { roundTripMs } = await tryLine({ bits: 100e6, roundTripMs: 60 });
    expect(roundTripMs).toBeGreaterThanOrEqual(57);
  });

  it('tells what it delivers, which is not more than it is said to', async () => {
    const { mbits } = await tryLine({ bits: 100e6, roundTripMs: 20 });
    // Half a second, into which the burst and the pieces that were under way may come.
    expect(mbits).toBeLessThan(100 * 1.05);
    expect(mbits).toBeGreaterThan(0);
  });

  it('ends what its server breaks off', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).resetAndDestroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using line = await openLine((server.address() as AddressInfo).port, { bits: 1e6, roundTripMs: 1 });
    const socket = connect(line.port, '127.0.0.1').on('error', () => {});
    await once(socket.resume(), 'close');
    server.close();
    expect(socket.bytesRead).toBe(0);
  });
});
