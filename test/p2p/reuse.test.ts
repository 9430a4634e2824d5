import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCache } from '../../src/cache/open-cache.ts';
import { giveBack, takeChunkBuffer } from '../../src/content/buffers.ts';
import type { Digest } from '../../src/content/digest.ts';
import { openLane } from '../../src/p2p/fetch/ask-lane.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import { openBucket } from '../../src/p2p/wire/bucket.ts';
import { peerSource } from '../../src/proxy/peer-source.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import { giver } from '../support/peer-hosts.ts';
import { peerNode } from '../support/peer-nodes.ts';
import { contentOf } from './givers.ts';

const MiB = 2 ** 20;
const CHUNKS = 40;
const content = contentOf(CHUNKS * MiB);

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'pyrsia-reuse-'))));
afterEach(() => rm(directory, { recursive: true }));

it('No memory is used again that a reader still holds, in whatever order readers are done, and also where some give up', async () => {
  await using one = await giver();
  const sha256 = await one.offer(content);
  const memories = new Map<ArrayBufferLike, number>();
  const lane = await openLane(await one.connect(), {
    clock: monotonicClock,
    download: openBucket(undefined, 0, monotonicClock),
    memory(length) {
      const bytes = takeChunkBuffer(length);
      memories.set(bytes.buffer, (memories.get(bytes.buffer) ?? 0) + 1);
      return bytes;
    },
  });
  const held: { at: number; bytes: Uint8Array }[] = [];
  const isRight = ({ at, bytes }: { at: number; bytes: Uint8Array }): boolean =>
    Buffer.from(bytes).equals(content.subarray(at * MiB, (at + 1) * MiB));
  for (let at = 0; at < CHUNKS; at += 4) {
    const asks = [0, 1, 2, 3].map(async (i) => {
      const over = new AbortController();
      const asked = lane.fetch(sha256, (at + i) * MiB, MiB, { signal: over.signal });
      if (i === 2) over.abort();
      const bytes = await asked.catch(() => undefined);
      if (bytes) held.push({ at: at + i, bytes });
    });
    await Promise.all(asks);
    expect(held.every(isRight)).toBe(true);
    // Neither the oldest nor the newest is done with first.
    for (const { bytes } of held.splice(held.length >> 1, 3)) giveBack(bytes);
  }
  expect(held.every(isRight)).toBe(true);
  expect(Math.max(...memories.values())).toBeGreaterThan(1);
  expect(memories.size).toBeLessThan(CHUNKS / 2);
  lane.close();
});

it('What is written while it comes from peers is right, with memory that is used again', async () => {
  await using one = await peerNode();
  const sha256 = await one.offer(content);
  await using other = await peerNode({ bootstrap: [one.address], memory: takeChunkBuffer });
  await using cache = await openCache(directory, {});
  const wanted: { digests: Digest[] } = { digests: [sha256] };
  while ((await other.peers.near(wanted)) === undefined) await monotonicClock.sleep(10);
  const found = await openResolver(cache).resolve(wanted, [peerSource(other.peers, 'near')], { flight: 'x' });
  expect(found?.source).toBe('peer');
  let at = 0;
  for await (const bytes of found!.chunks) {
    expect(Buffer.from(bytes).equals(content.subarray(at, at + bytes.byteLength))).toBe(true);
    at += bytes.byteLength;
  }
  expect(at).toBe(content.byteLength);
  expect(await found!.stored).toBeUndefined();
});
