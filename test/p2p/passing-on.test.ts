import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCache } from '../../src/cache/open-cache.ts';
import { takeChunkBuffer } from '../../src/content/buffers.ts';
import type { Wanted } from '../../src/content/descriptor.ts';
import type { Source } from '../../src/content/source.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import { peerSource } from '../../src/proxy/peer-source.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import { bytesOf } from '../support/streams.ts';
import { peerNode } from '../support/peer-nodes.ts';
import { contentOf, nameOf } from './givers.ts';

const MiB = 2 ** 20;
const content = contentOf(12 * MiB + 5);
const wanted: Wanted & { readonly size: number } = { digests: [nameOf(content)], size: content.byteLength };
const half = 6 * MiB;

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'pyrsia-passing-on-'))));
afterEach(() => rm(directory, { recursive: true }));

/** Upstream, which sends the second half only once it is let. */
function halting(): Source & { readonly goOn: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    name: 'upstream',
    goOn: resolve,
    async open(_, { offset = 0, signal } = {}) {
      const left = signal ? once(signal, 'abort') : promise;
      async function* chunks(): AsyncGenerator<Uint8Array> {
        yield content.slice(offset, half);
        await Promise.race([promise, left]);
        signal?.throwIfAborted();
        yield content.slice(half);
      }
      return { size: content.byteLength, proven: [], chunks: chunks() };
    },
  };
}

it('Who fetches from upstream gives to a third what has come, and the rest as it comes', async () => {
  await using cache = await openCache(join(directory, 'middle'), {});
  await using middle = await peerNode({ offers: { find: cache.offered, async *sets() {} } });
  await using last = await peerNode({ bootstrap: [middle.address], memory: takeChunkBuffer });
  await using own = await openCache(join(directory, 'last'), {});
  const upstream = halting();
  const found = await openResolver(cache).resolve(wanted, [upstream], {
    flight: 'x',
    offeredFrom: 'upstream',
  });
  const whole = bytesOf(found!.chunks);
  await expect.poll(() => cache.offered(nameOf(content))?.available).toBeGreaterThan(5 * MiB);
  while ((await last.peers.near(wanted)) === undefined) await monotonicClock.sleep(10);

  const source = peerSource(last.peers, 'near');
  const third = await openResolver(own).resolve(wanted, [source], { flight: 'y' });
  let came = 0;
  for await (const chunk of third!.chunks) {
    if (came < 4 * MiB && came + chunk.byteLength >= 4 * MiB) {
      // All of this was before the one in the middle had the end.
      expect(cache.pathOf(nameOf(content))).toBeUndefined();
      upstream.goOn();
    }
    expect(Buffer.from(chunk).equals(content.subarray(came, came + chunk.byteLength))).toBe(true);
    came += chunk.byteLength;
  }
  expect(came).toBe(content.byteLength);
  expect(source.given?.()).toEqual([{ peer: middle.peers.name, bytes: came, chunks: 13 }]);
  expect(Buffer.from(await whole).equals(content)).toBe(true);
});

it('What peers send for what only a lockfile names is given to nobody, nor a beginning that was here before', async () => {
  await using cache = await openCache(join(directory, 'middle'), {});
  const peer: Source = { ...halting(), name: 'peer' };
  const found = await openResolver(cache).resolve(wanted, [peer], { flight: 'x', offeredFrom: 'upstream' });
  const reading = (found!.chunks as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await reading.next();
  expect(cache.offered(nameOf(content))).toBeUndefined();
  await reading.return?.();
  expect(await found!.stored).toBeDefined();

  const upstream = halting();
  const again = await openResolver(cache).resolve(wanted, [upstream], {
    flight: 'x',
    offeredFrom: 'upstream',
  });
  expect(again!.takenOver).toBe(true);
  const rest = (again!.chunks as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await rest.next();
  expect(cache.offered(nameOf(content))).toBeUndefined();
  await rest.return?.();
});
