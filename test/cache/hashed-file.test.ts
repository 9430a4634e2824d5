import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Cache } from '../../src/cache/cache.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { cacheIn, contentOf } from './world.ts';

const sizes = [1, 1000, 2 ** 20, 3 * 2 ** 20 + 7];

/** A cache that holds `size` bytes, and where. */
async function holding(size: number): Promise<{ cache: Cache; bytes: Buffer; sha256: Digest; path: string }> {
  const cache = await cacheIn();
  const bytes = contentOf('a package', size);
  const sha256 = digestOf(bytes, 'sha256');
  await cache.content.put({ digests: [sha256] }, [bytes]);
  return { cache, bytes, sha256, path: cache.pathOf(sha256)! };
}

/** Puts other bytes into a file that may not be written. */
function overwrite(path: string, bytes: Uint8Array): void {
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

describe('a file that is used where it lies', () => {
  it.each(sizes)('is given when its %i bytes are right', async (size) => {
    const { cache, bytes, sha256, path } = await holding(size);
    expect(await cache.hashed({ digests: [sha256] })).toEqual({ path, size });
    const both = { digests: [sha256, digestOf(bytes, 'sha512')] };
    expect(await cache.hashed(both)).toEqual({ path, size });
  });

  it.each(sizes)('is not given when one of its %i bytes is wrong, and is removed', async (size) => {
    const { cache, bytes, sha256, path } = await holding(size);
    const wrong = Buffer.from(bytes);
    wrong[size - 1]! ^= 1;
    overwrite(path, wrong);
    const actual = digestOf(wrong, 'sha256');
    await expect(cache.hashed({ digests: [sha256] })).rejects.toMatchObject({
      code: 'CACHE_CORRUPT',
      details: { digest: sha256, actual },
    });
    expect(existsSync(path)).toBe(false);
    expect(await cache.hashed({ digests: [sha256] })).toBeUndefined();
  });

  it.each([-1, 1])('is not given when it is longer or shorter, by %i', async (by) => {
    const { cache, bytes, sha256, path } = await holding(1000);
    overwrite(path, Buffer.concat([bytes, bytes]).subarray(0, 1000 + by));
    await expect(cache.hashed({ digests: [sha256] })).rejects.toMatchObject({ code: 'CACHE_CORRUPT' });
    expect(existsSync(path)).toBe(false);
  });

  it('counts as used, so that it outlives what was not', async () => {
    let time = 0;
    const cache = await cacheIn(undefined, { limit: 2_000_000, now: () => ++time });
    const put = async (seed: string) =>
      (await cache.content.put({ digests: [] }, [contentOf(seed, 300_000)])).digests[0];
    const used = await put('used');
    const unused = await put('unused');
    for (const seed of ['a', 'b']) await put(seed);
    await cache.hashed({ digests: [used] });
    for (const seed of ['c', 'd', 'e']) await put(seed);
    expect([used, unused].map((digest) => cache.pathOf(digest) !== undefined)).toEqual([true, false]);
  });

  it('is not given, and stays, when it has not all of the digests that are wanted', async () => {
    const { cache, bytes, sha256, path } = await holding(1000);
    const other = digestOf(contentOf('another package'), 'sha1');
    await expect(cache.hashed({ digests: [sha256, other] })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      details: { expected: other, actual: digestOf(bytes, 'sha1') },
    });
    expect(readFileSync(path)).toEqual(bytes);
  });

  it('is forgotten when it has gone', async () => {
    const { cache, sha256, path } = await holding(1000);
    rmSync(path);
    expect(await cache.hashed({ digests: [sha256] })).toBeUndefined();
    expect(cache.size().artifacts).toBe(0);
  });
});
