import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Cache } from '../../src/cache/cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import { bindingOf, cacheIn, contentOf, filesBelow } from './world.ts';

const bytes = contentOf('lodash');
const sha512 = digestOf(bytes, 'sha512');
const sha1 = digestOf(bytes, 'sha1');
const store = async (cache: Cache) => cache.content.put({ digests: [sha512, sha1] }, [bytes]);

describe('bindings', () => {
  it('remember what coordinates were bound to at an upstream', async () => {
    const cache = await cacheIn();
    const binding = bindingOf(await store(cache), '@types/node');
    await cache.bindings.put(binding);
    expect(cache.bindings.get(binding)).toEqual(binding);
  });

  it.each([
    ['upstream', { upstream: 'https://npm.example/' }],
    ['version', { coordinates: { ecosystem: 'npm', name: 'lodash', version: '2.0.0' } }],
    ['file', { coordinates: { ecosystem: 'npm', name: 'lodash', version: '1.0.0', file: 'x.tgz' } }],
  ] as const)('of another %s are others', async (_, other) => {
    const cache = await cacheIn();
    const binding = bindingOf(await store(cache), 'lodash');
    await cache.bindings.put(binding);
    expect(cache.bindings.get({ ...binding, ...other })).toBeUndefined();
    await cache.bindings.put({ ...binding, ...other, private: true });
    expect(cache.bindings.get({ ...binding, ...other })).toEqual({ ...binding, ...other, private: true });
    expect(cache.bindings.get(binding)).toEqual(binding);
  });

  it('stay as they were first seen, until a human gives a reason', async () => {
    const cache = await cacheIn();
    const first = bindingOf(await store(cache), 'lodash');
    const second = bindingOf(await cache.content.put({ digests: [] }, [contentOf('other')]), 'lodash');
    await cache.bindings.put(first);
    await cache.bindings.put(second);
    expect(cache.bindings.get(first)).toEqual(first);
    await cache.bindings.put({ ...second, reason: 'The maintainer republished' });
    expect(cache.bindings.get(first)).toEqual({ ...second, reason: 'The maintainer republished' });
  });

  it('are found by package, by version and by any digest of the content', async () => {
    const cache = await cacheIn();
    const lodash = bindingOf(await store(cache), 'lodash');
    const other = bindingOf(await cache.content.put({ digests: [] }, [contentOf('other')]), 'other');
    // This one was bound without its sha1.
    const again = {
      ...lodash,
      upstream: 'https://npm.example/',
      digests: lodash.digests.slice(0, 2),
      seenAt: lodash.seenAt + 1,
    };
    for (const binding of [lodash, other, again]) await cache.bindings.put(binding);

    expect(cache.bindings.find({ ecosystem: 'npm', name: 'lodash' })).toEqual([lodash, again]);
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'lodash', version: '1.0.0' })).toEqual([
      lodash,
      again,
    ]);
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'lodash', version: '2.0.0' })).toEqual([]);
    expect(cache.bindings.find({ ecosystem: 'maven', name: 'lodash' })).toEqual([]);
    for (const digest of lodash.digests) expect(cache.bindings.find({ digest })).toEqual([lodash, again]);
  });

  it('outlive their content', async () => {
    const cache = await cacheIn();
    const binding = bindingOf(await store(cache), 'lodash');
    await cache.bindings.put(binding);
    await cache.content.delete(sha512);
    await cache.gc();
    expect(cache.bindings.get(binding)).toEqual(binding);
    expect(cache.bindings.find({ digest: sha512 })).toEqual([binding]);
  });

  it('survive the loss of the catalogue, content or not', async () => {
    const cache = await cacheIn();
    const kept = bindingOf(await store(cache), 'lodash', { private: true, reason: 'We built it' });
    const gone = bindingOf(await cache.content.put({ digests: [] }, [contentOf('gone')]), '@scope/gone');
    const declared = { ...bindingOf({ digests: [] as never, size: 0 }, 'declared'), digests: [sha512] };
    for (const binding of [kept, gone, declared]) await cache.bindings.put(binding);
    await cache.content.delete(gone.digests[0]!);
    await cache[Symbol.asyncDispose]();
    rmSync(join(cache.path, 'catalogue.sqlite'));

    const again = await cacheIn(cache.path);
    for (const binding of [kept, gone, declared]) expect(again.bindings.get(binding)).toEqual(binding);
  });

  it('leave content an entry of its own as long as they do not tell all of its digests', async () => {
    const cache = await cacheIn();
    const stored = await store(cache);
    await cache.bindings.put(bindingOf({ ...stored, digests: [stored.digests[0], sha512] }, 'lodash'));
    const told = await cache.content.put({ digests: [] }, [contentOf('told')]);
    await cache.bindings.put(bindingOf(told, 'told'));
    await cache[Symbol.asyncDispose]();
    const lines = filesBelow(cache.path).filter((each) => each.includes('index-v5'));
    expect(lines).toHaveLength(3);
    rmSync(join(cache.path, 'catalogue.sqlite'));

    const again = await cacheIn(cache.path);
    expect(again.pathOf(sha1)).toBeDefined();
    expect(again.pathOf(told.digests[0])).toBeDefined();
  });

  it('are found in the record after a line that was torn', async () => {
    const cache = await cacheIn();
    const first = bindingOf(await store(cache), 'lodash');
    await cache.bindings.put(first);
    const [line = ''] = filesBelow(cache.path).filter((each) => each.includes('index-v5'));
    writeFileSync(join(cache.path, line), '\n0123\t{"key":"torn', { flag: 'a' });
    const accepted = { ...first, reason: 'The maintainer republished' };
    await cache.bindings.put(accepted);
    await cache[Symbol.asyncDispose]();
    rmSync(join(cache.path, 'catalogue.sqlite'));

    const again = await cacheIn(cache.path);
    expect(again.bindings.get(first)).toEqual(accepted);
  });

  it('of a mere declaration lead nobody to content that has other digests', async () => {
    const cache = await cacheIn();
    const { digests, size } = await cache.content.put({ digests: [] }, [bytes]);
    const wrong = digestOf(contentOf('something else'), 'sha512');
    await cache.bindings.put(bindingOf({ digests: [digests[0], wrong], size }, 'liar'));
    expect(await cache.content.open({ digests: [wrong] })).toBeUndefined();

    await cache.verify({ rebuild: true });
    expect(await cache.content.open({ digests: [wrong] })).toBeUndefined();
    expect(await cache.content.open({ digests })).toBeDefined();
  });
});
