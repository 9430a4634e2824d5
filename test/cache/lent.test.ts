import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { StoredDocument } from '../../src/cache/cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import { cacheIn } from './world.ts';

const documentOf = (name: string, more: Partial<StoredDocument> = {}): StoredDocument => ({
  upstream: 'https://registry.example/',
  path: `/${name}`,
  accept: 'application/json',
  body: Buffer.from(`{"name":"${name}"}`),
  headers: { 'content-encoding': 'gzip', etag: '"1"' },
  checkedAt: 5000,
  private: false,
  ...more,
});

describe('a registry’s answer that others may have', () => {
  it('is one of a public registry, told by its name, and its body by a digest from then on', async () => {
    const cache = await cacheIn();
    const document = documentOf('left');
    await cache.documents.put(document);
    await cache.documents.put(documentOf('own', { upstream: 'https://own.example/', private: true }));
    const places = [...cache.offeredDocuments!.places()];
    expect(places.map(({ upstream, path }) => [upstream, path])).toEqual([[document.upstream, '/left']]);
    const sha256 = digestOf(document.body, 'sha256');
    expect(cache.offered(sha256)).toBeUndefined();
    const { accept } = document;
    const size = document.body.byteLength;
    const offered = { accept, encoding: 'gzip', sha256, size, seenAt: 5000 };
    expect(cache.offeredDocuments!.find(places[0]!.key)).toEqual(offered);
    const file = cache.offered(sha256)!;
    expect(file).toMatchObject({ sha256, size });
    expect(readFileSync(file.path)).toEqual(document.body);
    expect(cache.offered(sha256)).toEqual(file);
    cache.documents.touch(document, 9000);
    expect(cache.offeredDocuments!.find(places[0]!.key)).toEqual({ ...offered, seenAt: 9000 });
  });

  it('is never a private one, whatever else of that registry is public', async () => {
    const cache = await cacheIn();
    await cache.documents.put(documentOf('own', { private: true }));
    await cache.documents.put(documentOf('left'));
    for (const { key, path } of cache.offeredDocuments!.places())
      expect(cache.offeredDocuments!.find(key) !== undefined).toBe(path === '/left');
    expect(cache.offered(digestOf(documentOf('own').body, 'sha256'))).toBeUndefined();
  });

  it('is not given by the digest of what it was, once it is something else', async () => {
    const cache = await cacheIn();
    await cache.documents.put(documentOf('left'));
    const { key } = [...cache.offeredDocuments!.places()][0]!;
    const { sha256 } = cache.offeredDocuments!.find(key)!;
    await cache.documents.put(documentOf('left', { body: Buffer.from('{"name":"left","more":1}') }));
    expect(cache.offered(sha256)).toBeUndefined();
  });
});
