import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { HELD_BACK } from '../../src/content/verified.ts';
import { cacheIn, contentOf } from './world.ts';

const bytes = contentOf('a layer', 3_000_000);
const sha256 = digestOf(bytes, 'sha256');
const wanted = { digests: [sha256], size: bytes.length };

describe('what may be given to others while it arrives', () => {
  it('is what has been offered, as far as it is in the file, and the last of it once it is proven', async () => {
    const cache = await cacheIn();
    const partial = await cache.partial(wanted);
    await partial.write(Buffer.from(bytes.subarray(0, 2_000_000)));
    expect(cache.offered(sha256)).toBeUndefined();
    partial.offer(bytes.length);
    await expect.poll(() => cache.offered(sha256)?.available).toBe(2_000_000 - HELD_BACK);
    const offered = cache.offered(sha256)!;
    expect(offered).toMatchObject({ sha256, size: bytes.length });
    expect(
      readFileSync(offered.path).subarray(0, offered.available).equals(bytes.subarray(0, offered.available)),
    ).toBe(true);
    await partial.write(Buffer.from(bytes.subarray(2_000_000)));
    await expect.poll(() => cache.offered(sha256)?.available).toBe(bytes.length - HELD_BACK);
    await partial.finish();
    // Its coordinates are bound a little later.
    const all = { sha256, size: bytes.length, available: bytes.length, path: cache.pathOf(sha256) };
    expect(cache.offered(sha256)).toEqual(all);
    await cache.content.delete(sha256);
    expect(cache.offered(sha256)).toBeUndefined();
  });

  it('is nothing any more once it has broken off or is wrong', async () => {
    const cache = await cacheIn();
    for (const end of ['suspend', 'discard', 'finish'] as const) {
      const partial = await cache.partial(wanted);
      if (partial.size < 2_000_000) await partial.write(Buffer.alloc(2_000_000, 1));
      partial.offer(bytes.length);
      await expect.poll(() => cache.offered(sha256)).toBeDefined();
      if (end === 'finish') await expect(partial.finish()).rejects.toThrow('2000000');
      else await partial[end](new Error('enough'));
      expect(cache.offered(sha256)).toBeUndefined();
    }
  });

  it('is known by the sha256 alone that it has to have', async () => {
    const cache = await cacheIn();
    const sha512 = digestOf(bytes, 'sha512');
    const partial = await cache.partial({ digests: [sha512] });
    await partial.write(Buffer.from(bytes.subarray(0, 2_000_000)));
    partial.offer(bytes.length);
    await partial.write(Buffer.from(bytes.subarray(2_000_000)));
    expect(cache.offered(sha512)).toBeUndefined();
    expect(cache.offered(sha256)).toBeUndefined();
    await partial.discard(new Error('enough'));
  });
});
