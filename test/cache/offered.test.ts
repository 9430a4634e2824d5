import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { bindingOf, cacheIn, contentOf } from './world.ts';

describe('what may be given to others', () => {
  it('is what some public upstream’s coordinates are bound to, by each digest that was computed', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('public', 5000);
    const sha512 = digestOf(bytes, 'sha512');
    const stored = await cache.content.put({ digests: [sha512] }, [bytes]);
    expect(cache.offered(sha512)).toBeUndefined();
    await cache.bindings.put({ ...bindingOf(stored, 'own'), private: true });
    expect(cache.offered(sha512)).toBeUndefined();
    await cache.bindings.put(bindingOf(stored, 'everybodys'));
    const [sha256] = stored.digests;
    for (const digest of [sha512, sha256])
      expect(cache.offered(digest)).toEqual({
        sha256,
        size: 5000,
        available: 5000,
        path: cache.pathOf(sha256),
      });
    expect(cache.offered(digestOf(bytes, 'sha1'))).toBeUndefined();
  });

  it('is not what is bound by a digest that was never computed from it, nor what is gone', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('known by sha256', 5000);
    const stored = await cache.content.put({ digests: [] }, [bytes]);
    await cache.bindings.put({
      ...bindingOf(stored, 'promised'),
      digests: [digestOf(bytes, 'sha512')],
    });
    expect(cache.offered(stored.digests[0])).toBeUndefined();
    await cache.bindings.put(bindingOf(stored, 'seen'));
    expect(cache.offered(stored.digests[0])).toBeDefined();
    rmSync(cache.pathOf(stored.digests[0])!);
    expect(cache.offered(stored.digests[0])).toBeUndefined();
  });

  it('has a record of its own where it is no part of something, or large', async () => {
    const cache = await cacheIn();
    const put = async (name: string, size: number, more: object) => {
      const stored = await cache.content.put({ digests: [] }, [contentOf(name, size)]);
      const binding = bindingOf(stored, name);
      await cache.bindings.put({ ...binding, coordinates: { ...binding.coordinates, ...more } });
      return stored.digests[0];
    };
    const whole = await put('whole', 100, {});
    const large = await put('large', 3000, { file: 'blob' });
    await put('part', 100, { file: 'blob' });
    const bytes = contentOf('as lockfiles know it');
    const sha512 = digestOf(bytes, 'sha512');
    await cache.bindings.put(bindingOf(await cache.content.put({ digests: [sha512] }, [bytes]), 'locked'));
    expect([...cache.offeredSets(3000)].toSorted()).toEqual([whole, large, sha512].toSorted());
  });
});
