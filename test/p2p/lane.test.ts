import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { type LaneOptions, openLane } from '../../src/p2p/fetch/ask-lane.ts';
import { openBucket } from '../../src/p2p/wire/bucket.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import { type Giver, giver } from '../support/peer-hosts.ts';

const options: LaneOptions = {
  clock: monotonicClock,
  download: openBucket(undefined, 0, monotonicClock),
};

describe('a lane', () => {
  let one: Giver;
  beforeAll(async () => {
    one = await giver({ lists: async ({ size }) => (size > 5000 ? Buffer.alloc(64, 7) : undefined) });
  });
  afterAll(() => one[Symbol.asyncDispose]());

  it('brings exactly what was asked for', async () => {
    const bytes = randomBytes(3_000_000);
    const sha256 = await one.offer(bytes);
    const lane = await openLane(await one.connect(), options);
    expect(lane.peer).toBe(one.host.name);
    expect(lane.available(sha256)).toBeUndefined();
    expect(bytes.equals(await lane.fetch(sha256, 0, bytes.length))).toBe(true);
    expect(lane.available(sha256)).toBe(bytes.length);
    expect(bytes.subarray(-1).equals(await lane.fetch(digestOf(bytes, 'sha512'), 2_999_999, 1))).toBe(true);
    expect(await lane.fetch(sha256, 5, 0)).toHaveLength(0);
    lane.close();
    expect(lane.open).toBe(false);
    await expect(lane.fetch(sha256, 0, 1)).rejects.toMatchObject({ kind: 'cut' });
  });

  it('answers many requests at a time, in their order', async () => {
    const all = await Promise.all(
      [1, 20_000, 300_000, 4_000_000, 7, 65_536].map(async (size) => {
        const bytes = randomBytes(size);
        return { bytes, sha256: await one.offer(bytes) };
      }),
    );
    const lane = await openLane(await one.connect(), options);
    const many = Array.from({ length: 20 }, () => all).flat();
    const came = await Promise.all(many.map(({ bytes, sha256 }) => lane.fetch(sha256, 0, bytes.length)));
    expect(came.every((bytes, i) => many[i]!.bytes.equals(bytes))).toBe(true);
    lane.close();
  });

  it('says what a peer has not, and goes on', async () => {
    const bytes = randomBytes(10_000);
    const sha256 = await one.offer(bytes, { available: 6000 });
    const lane = await openLane(await one.connect(), options);
    const unknown = digestOf(Buffer.from('else'), 'sha256');
    const came = await Promise.allSettled([
      lane.fetch(unknown, 0, 10),
      lane.fetch(sha256, 0, 6001),
      lane.fetch(sha256, 1, 5999),
      lane.list(unknown),
      lane.list(sha256),
    ]);
    expect(came).toMatchObject([
      { reason: { kind: 'none' } },
      { reason: { kind: 'none' } },
      { value: bytes.subarray(1, 6000) },
      { value: undefined },
      { value: Buffer.alloc(64, 7) },
    ]);
    expect(lane.available(sha256)).toBe(6000);
    lane.close();
  });
});
