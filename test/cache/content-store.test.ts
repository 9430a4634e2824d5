import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import cacache from 'cacache';
import { describe, expect, it } from 'vitest';
import { contentPath, layoutOf } from '../../src/cache/layout.ts';
import { digestOf, integrityOf } from '../../src/content/digest.ts';
import { bytesOf, slices, storeConformance } from '../conformance/store.ts';
import { bindingOf, cacheIn, contentOf, filesBelow, temporaryDirectory } from './world.ts';

const contentFilesOf = (path: string): string[] =>
  filesBelow(path).filter((file) => file.includes('content-v2'));

/** Damages one byte in the middle of a file. */
function flipByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

describe('the store on the disk', () => {
  storeConformance(async () => (await cacheIn()).content);

  it('keeps content where cacache looks for it, and an index that cacache reads', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('lodash');
    const stored = await cache.content.put({ digests: [digestOf(bytes, 'sha512')] }, [bytes]);
    await cache.bindings.put(bindingOf(stored, 'lodash'));

    const key = JSON.stringify(['npm', 'npm', 'lodash', '1.0.0']);
    const entry = await cacache.get.info(join(cache.path, 'content'), key);
    expect(entry?.path).toBe(cache.pathOf(stored.digests[0]));
    expect(entry?.integrity).toBe(integrityOf(stored.digests[0]));
    expect(readFileSync(entry!.path)).toEqual(bytes);
  });

  it.each([0o000, 0o022, 0o077])('keeps content 0444 in directories 0700 with umask %i', async (umask) => {
    const before = process.umask(umask);
    try {
      const cache = await cacheIn();
      const small = await cache.content.put({ digests: [] }, [contentOf(1)]);
      const large = await cache.content.put({ digests: [] }, slices(contentOf(2, 2e6)));
      for (const { digests } of [small, large]) {
        const path = cache.pathOf(digests[0])!;
        expect(statSync(path).mode & 0o777).toBe(0o444);
        expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
      }
      for (const directory of ['', 'content', 'documents', 'partial']) {
        expect(statSync(join(cache.path, directory)).mode & 0o777).toBe(0o700);
      }
    } finally {
      process.umask(before);
    }
  });

  it('keeps one file of equal content by two names', async () => {
    const cache = await cacheIn();
    for (const name of ['left-pad', 'right-pad']) {
      await cache.bindings.put(bindingOf(await cache.content.put({ digests: [] }, [contentOf('pad')]), name));
    }
    expect(contentFilesOf(cache.path)).toHaveLength(1);
    expect(cache.artifacts().map(({ name }) => name)).toEqual(['left-pad', 'right-pad']);
    expect(cache.size()).toMatchObject({ artifacts: 1, bytes: 1000 });
  });

  it('keeps one file when eight put the same content at once', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('popular', 2e6);
    const all = await Promise.all(
      Array.from({ length: 8 }, () => cache.content.put({ digests: [] }, slices(bytes))),
    );
    expect(new Set(all.map(({ digests }) => digests[0])).size).toBe(1);
    expect(contentFilesOf(cache.path)).toHaveLength(1);
    expect(filesBelow(join(cache.path, 'partial'))).toEqual([]);
  });

  it('leaves nothing in partial/ when a put fails', async () => {
    const cache = await cacheIn();
    const put = cache.content.put(
      { digests: [digestOf(randomBytes(8), 'sha256')] },
      slices(contentOf(3, 2e6)),
    );
    await expect(put).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(filesBelow(join(cache.path, 'partial'))).toEqual([]);
  });

  it('serves no byte of damaged small content, removes it, and is healed by the next put', async () => {
    const cache = await cacheIn();
    const stored = await cache.content.put({ digests: [] }, [contentOf('small')]);
    const path = cache.pathOf(stored.digests[0])!;
    flipByte(path);

    await expect(cache.content.open(stored)).rejects.toMatchObject({ code: 'CACHE_CORRUPT' });
    expect(await cache.content.open(stored)).toBeUndefined();
    expect(contentFilesOf(cache.path)).toEqual([]);

    await cache.content.put({ digests: [] }, [contentOf('small')]);
    expect(await bytesOf((await cache.content.open(stored))!)).toEqual(contentOf('small'));
  });

  it('serves no part of damaged small content either', async () => {
    const cache = await cacheIn();
    const stored = await cache.content.put({ digests: [] }, [contentOf('small')]);
    flipByte(cache.pathOf(stored.digests[0])!);
    await expect(cache.content.open(stored, { offset: 990 })).rejects.toMatchObject({
      code: 'CACHE_CORRUPT',
    });
  });

  it('never completes damaged large content, removes it, and is healed by the next put', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('large', 3e6);
    const stored = await cache.content.put({ digests: [] }, slices(bytes));
    flipByte(cache.pathOf(stored.digests[0])!);

    let received = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of (await cache.content.open(stored))!.chunks) received += chunk.byteLength;
    };
    await expect(read()).rejects.toMatchObject({ code: 'CACHE_CORRUPT' });
    expect(received).toBeLessThanOrEqual(bytes.length - 2 ** 16);
    expect(await cache.content.open(stored)).toBeUndefined();

    await cache.content.put({ digests: [] }, slices(bytes));
    expect((await bytesOf((await cache.content.open(stored))!)).equals(bytes)).toBe(true);
  });

  it('heals damage that nobody noticed when the content is put again', async () => {
    const cache = await cacheIn();
    const stored = await cache.content.put({ digests: [] }, [contentOf('small')]);
    flipByte(cache.pathOf(stored.digests[0])!);
    await cache.content.put({ digests: [] }, [contentOf('small')]);
    expect(await bytesOf((await cache.content.open(stored))!)).toEqual(contentOf('small'));
  });

  it('proves nothing of a part of large content, which it cannot check', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('large', 2e6);
    const { digests } = await cache.content.put({ digests: [] }, slices(bytes));
    const part = (await cache.content.open({ digests }, { offset: 1 }))!;
    expect(part.proven).toEqual([]);
    expect(await bytesOf(part)).toEqual(bytes.subarray(1));
    const whole = (await cache.content.open({ digests }))!;
    expect(whole.proven).toEqual(digests);
    await bytesOf(whole);
  });

  it('notices large content that was cut short before any of it is read', async () => {
    const cache = await cacheIn();
    const stored = await cache.content.put({ digests: [] }, slices(contentOf('large', 3e6)));
    const path = cache.pathOf(stored.digests[0])!;
    chmodSync(path, 0o600);
    truncateSync(path, 2e6);
    await expect(cache.content.open(stored, { offset: 5 })).rejects.toMatchObject({
      code: 'CACHE_CORRUPT',
      details: { actual: '2000000 bytes' },
    });
  });

  it.each([
    ['small', 1000],
    ['large', 3e6],
  ])('forgets %s content whose file has gone', async (_, size) => {
    const cache = await cacheIn();
    const stored = await cache.content.put({ digests: [] }, slices(contentOf('gone', size)));
    rmSync(cache.pathOf(stored.digests[0])!);
    expect(cache.pathOf(stored.digests[0])).toBeUndefined();
    expect(await cache.content.open(stored)).toBeUndefined();
    expect(cache.size().artifacts).toBe(0);
  });

  it('goes on with large content that is evicted while it is read', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('large', 3e6);
    const stored = await cache.content.put({ digests: [] }, slices(bytes));
    const content = (await cache.content.open(stored))!;
    await cache.content.delete(stored.digests[0]);
    expect((await bytesOf(content)).equals(bytes)).toBe(true);
  });

  it('closes the file of content that is opened and never read', async () => {
    const cache = await cacheIn();
    const stored = await cache.content.put({ digests: [] }, slices(contentOf('large', 3e6)));
    const { chunks } = (await cache.content.open(stored))!;
    const iterator = (chunks as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await iterator.return!();
    expect((await iterator.next()).done).toBe(true);
  });

  it('does not disturb a running put by verifying and collecting', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('slow', 2e6);
    const slowly = async function* (): AsyncGenerator<Uint8Array> {
      for (const slice of slices(bytes)) {
        yield slice;
        await cache.gc();
        await cache.verify();
      }
    };
    const stored = await cache.content.put({ digests: [] }, slowly());
    expect((await bytesOf((await cache.content.open(stored))!)).equals(bytes)).toBe(true);
  });

  it('goes on when somebody deletes the whole directory', async () => {
    const cache = await cacheIn();
    await cache.content.put({ digests: [] }, [contentOf('before')]);
    rmSync(cache.path, { recursive: true });

    const stored = [
      await cache.content.put({ digests: [] }, [contentOf('small')]),
      await cache.content.put({ digests: [] }, slices(contentOf('large', 2e6))),
    ];
    for (const each of stored) await bytesOf((await cache.content.open(each))!);
    await cache.bindings.put(bindingOf(stored[0]!, 'small'));
    await cache[Symbol.asyncDispose]();

    const again = await cacheIn(cache.path);
    expect(new Set(await Array.fromAsync(again.content.list()))).toEqual(new Set(stored));
    expect(again.bindings.find({ ecosystem: 'npm', name: 'small' })).toHaveLength(1);
  });

  it('computes the same path as cacache for any digest', async () => {
    const directory = temporaryDirectory();
    const layout = layoutOf(directory);
    for (let i = 0; i < 20; i++) {
      const digest = digestOf(contentOf(i), 'sha256');
      await cacache.index.insert(layout.content, digest, integrityOf(digest), {});
      const entry = await cacache.get.info(layout.content, digest);
      expect(contentPath(layout, digest)).toBe(entry?.path);
    }
  });
});
