import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredDocument } from '../../src/cache/cache.ts';
import { defaultLimit } from '../../src/cache/room.ts';
import { digestOf } from '../../src/content/digest.ts';
import { bytesOf, slices } from '../conformance/store.ts';
import { bindingOf, cacheIn, contentOf, filesBelow, temporaryDirectory } from './world.ts';

const onDisk = (path: string): number =>
  1024 * Number(execFileSync('du', ['-sk', path], { encoding: 'utf8' }).split('\t')[0]);
const megabyte = 1e6;

const named = (i: number) => ({ digests: [digestOf(contentOf(i), 'sha512')] });

const document = (i: number): StoredDocument => ({
  upstream: 'npm',
  path: `/${i}`,
  accept: '*/*',
  body: contentOf(i, 300_000),
  headers: {},
  checkedAt: 0,
  private: false,
});

describe('the size limit', () => {
  it('holds for everything on the disk, whatever is stored, and what was used last stays', async () => {
    const limit = 12 * megabyte;
    let time = 0;
    const cache = await cacheIn(undefined, { limit, now: () => ++time });
    const favourite = await cache.content.put({ digests: [] }, [contentOf('favourite')]);
    const sizes = [300, 5_000, 20_000, 100_000, 1_500_000];
    let stored = 0;
    let last = favourite;
    for (let i = 0; stored < 30 * megabyte; i++) {
      const size = sizes[i % sizes.length]!;
      last = await cache.content.put({ digests: [] }, slices(contentOf(i, size)));
      await cache.bindings.put(bindingOf(last, `package-${i}`));
      await bytesOf((await cache.content.open(favourite))!);
      stored += size;
      if (i % 10 === 0) expect(onDisk(cache.path)).toBeLessThanOrEqual(limit);
    }
    expect(onDisk(cache.path)).toBeLessThanOrEqual(limit);
    expect(onDisk(cache.path)).toBeGreaterThan(limit / 2);
    expect(cache.size().diskBytes).toBeLessThanOrEqual(limit);
    for (const { digests } of [favourite, last]) expect(cache.pathOf(digests[0])).toBeDefined();
    expect(await cache.verify()).toMatchObject({ damaged: [], orphans: 0 });
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'package-0' })).toHaveLength(1);
  });

  it('says within a few blocks what du says', async () => {
    const cache = await cacheIn();
    for (let i = 0; i < 100; i++) {
      const stored = await cache.content.put({ digests: [] }, [contentOf(i, 100 * i)]);
      if (i % 2 === 0) await cache.bindings.put(bindingOf(stored, `package-${i}`));
    }
    const actual = onDisk(cache.path);
    expect(cache.size().diskBytes).toBeGreaterThanOrEqual(actual * 0.95);
    expect(cache.size().diskBytes).toBeLessThan(actual * 1.2);
  });

  it('holds for documents too, the least recently used first', async () => {
    let time = 0;
    const cache = await cacheIn(undefined, { limit: 12 * megabyte, now: () => ++time });
    for (let i = 0; i < 60; i++) {
      await cache.documents.put(document(i));
      await cache.documents.get(document(0));
    }
    expect(onDisk(cache.path)).toBeLessThanOrEqual(12 * megabyte);
    expect(await cache.documents.get(document(0))).toBeDefined();
    expect(await cache.documents.get(document(1))).toBeUndefined();
    expect(await cache.documents.get(document(59))).toBeDefined();
  });

  it('gives up what is left of broken transfers when nothing else is left, and nothing that arrives', async () => {
    const limit = 4 * megabyte;
    const cache = await cacheIn(undefined, { limit });
    for (let i = 0; i < 5; i++) {
      const broken = await cache.partial(named(i));
      await broken.write(contentOf(i, 500_000));
      await broken.suspend(new Error('The line broke'));
    }
    const arriving = await cache.partial(named(0));
    const whole = await cache.content.put({ digests: [] }, [contentOf('whole', 1_800_000)]);
    expect(cache.pathOf(whole.digests[0])).toBeDefined();
    await arriving.write(contentOf(4));
    await arriving.suspend(new Error('Enough'));
    expect((await cache.partial(named(0))).size).toBeGreaterThan(500_000);
    expect((await cache.partial(named(1))).size).toBe(0);
  });

  it('holds when many are stored at once', async () => {
    const limit = 4 * megabyte;
    const cache = await cacheIn(undefined, { limit });
    const puts = Array.from({ length: 20 }, (_, i) =>
      cache.content.put({ digests: [] }, [contentOf(i, 500_000)]),
    );
    await Promise.allSettled(puts);
    expect(onDisk(cache.path)).toBeLessThanOrEqual(limit);
  });

  it('counts what is arriving, and what broken transfers have left', async () => {
    const limit = 12 * megabyte;
    const cache = await cacheIn(undefined, { limit });
    const partial = await cache.partial({ digests: [digestOf(contentOf('broken'), 'sha256')] });
    for (const slice of slices(contentOf('broken', 4e6))) await partial.write(slice);
    await expect.poll(() => cache.size().diskBytes).toBeGreaterThan(4e6);
    await partial.suspend(new Error('The line went dead'));
    for (let i = 0; i < 20; i++) await cache.content.put({ digests: [] }, [contentOf(i, 700_000)]);
    expect(onDisk(cache.path)).toBeLessThanOrEqual(limit);
    expect(filesBelow(join(cache.path, 'partial'))).toHaveLength(1);
  });

  it('refuses what can never fit, before anything is given up for it', async () => {
    const cache = await cacheIn(undefined, { limit: 2 * megabyte });
    const kept = await cache.content.put({ digests: [] }, [contentOf('kept')]);
    const refused = { code: 'CACHE_READ_ONLY' };
    await expect(cache.content.put({ digests: [] }, slices(contentOf('big', 3e6)))).rejects.toMatchObject(
      refused,
    );
    const wanted = { digests: [digestOf(contentOf('big', 3e6), 'sha256')], size: 3e6 };
    await expect(cache.partial(wanted)).rejects.toMatchObject(refused);
    expect(await cache.content.open(kept)).toBeDefined();
    expect(filesBelow(join(cache.path, 'partial'))).toEqual([]);
  });

  it('that became smaller is kept by gc, which says first what would go', async () => {
    let time = 0;
    const cache = await cacheIn(undefined, { now: () => ++time });
    const stored = [];
    for (let i = 0; i < 30; i++)
      stored.push(await cache.content.put({ digests: [] }, [contentOf(i, 100_000)]));
    await cache[Symbol.asyncDispose]();

    const smaller = await cacheIn(cache.path, { limit: 2 * megabyte, now: () => ++time });
    const planned = await smaller.gc({ dryRun: true });
    expect(smaller.size().artifacts).toBe(30);
    const { artifacts, bytes } = await smaller.gc();
    expect(artifacts.length).toBeGreaterThanOrEqual(planned.artifacts.length);
    expect(planned.artifacts[0]).toEqual({ digest: stored[0]!.digests[0], size: 100_000 });
    expect(bytes).toBe(100_000 * artifacts.length);
    expect(smaller.size().artifacts).toBe(30 - artifacts.length);
    expect(onDisk(cache.path)).toBeLessThanOrEqual(2 * megabyte);
    expect(await smaller.content.open(stored[29]!)).toBeDefined();
    expect(await smaller.gc()).toEqual({ artifacts: [], orphans: 0, partials: 0, bytes: 0 });
  });

  it('is at most 20 GB, and a tenth of the disk, by default', () => {
    const directory = temporaryDirectory();
    const { blocks, bsize } = statfsSync(directory);
    const expected = Math.min(20e9, Math.floor((blocks * bsize) / 10));
    expect(defaultLimit(directory)).toBe(expected);
    expect(defaultLimit(join(directory, 'not', 'yet', 'there'))).toBe(expected);
  });
});
