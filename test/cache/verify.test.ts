import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Cache } from '../../src/cache/cache.ts';
import { contentPath, layoutOf } from '../../src/cache/layout.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf, integrityOf } from '../../src/content/digest.ts';
import { slices } from '../conformance/store.ts';
import { bindingOf, cacheIn, contentOf, filesBelow } from './world.ts';

const clean = { damaged: [], damagedDocuments: [], orphans: 0 };
const document = {
  upstream: 'npm',
  path: '/lodash',
  accept: '*/*',
  body: contentOf('packument'),
  headers: {},
  checkedAt: 5,
  private: false,
};

/** Two packages, content that nothing is bound to, and a document. */
async function filled(): Promise<Cache> {
  let time = 1_700_000_000_000;
  const cache = await cacheIn(undefined, { now: () => ++time });
  for (const [name, size] of [
    ['small', 1000],
    ['large', 2_000_000],
  ] as const) {
    const bytes = contentOf(name, size);
    const stored = await cache.content.put({ digests: [digestOf(bytes, 'sha512')] }, slices(bytes));
    await cache.bindings.put(bindingOf(stored, name));
  }
  await cache.content.put({ digests: [digestOf(contentOf('unbound'), 'sha512')] }, [contentOf('unbound')]);
  await cache.documents.put(document);
  return cache;
}

const everything = async (cache: Cache) => ({
  artifacts: cache.artifacts({ sort: 'name' }).map((artifact) => ({ ...artifact, storedAt: 0, usedAt: 0 })),
  content: new Set(await Array.fromAsync(cache.content.list())),
  document: await cache.documents.get(document),
  size: { ...cache.size(), diskBytes: 0 },
});

function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

/** Leaves the catalogue as a writer does that is killed while it rebuilds. */
function unseal(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('DELETE FROM content; DELETE FROM binding; DELETE FROM document; PRAGMA user_version = 0');
  database.close();
}

describe('verify', () => {
  it('reads every file again and finds nothing wrong', async () => {
    const seen: number[] = [];
    const onProgress = (checked: number, total: number): number => seen.push(checked, total);
    expect(await (await filled()).verify({ onProgress })).toEqual({ ...clean, checked: 4, rebuilt: false });
    expect(seen).toEqual([1, 4, 2, 4, 3, 4, 4, 4]);
  });

  it.each([
    ['small', 1000],
    ['large', 2_000_000],
  ])('names damaged %s content and removes it', async (name, size) => {
    const cache = await filled();
    const digest = digestOf(contentOf(name, size), 'sha256');
    damage(cache.pathOf(digest)!);
    const { damaged } = await cache.verify();
    const purls = [`pkg:npm/${name}@1.0.0`];
    expect(damaged).toEqual([{ digest, actual: expect.stringMatching(/^sha256:/), purls, removed: true }]);
    expect(cache.pathOf(digest)).toBeUndefined();
    expect(await cache.verify()).toMatchObject(clean);
  });

  it('only names what is damaged in a cache that it may not write', async () => {
    const cache = await filled();
    const digest = digestOf(contentOf('small'), 'sha256');
    damage(cache.pathOf(digest)!);
    const reader = await cacheIn(cache.path, { readOnly: true });
    expect(await reader.verify({ rebuild: true })).toMatchObject({
      damaged: [{ digest, removed: false }],
      rebuilt: false,
    });
    expect(cache.pathOf(digest)).toBeDefined();
  });

  it('names damaged documents and forgets them', async () => {
    const cache = await filled();
    damage(
      join(
        cache.path,
        filesBelow(cache.path).find((file) => file.startsWith('documents'))!,
      ),
    );
    expect(await cache.verify()).toMatchObject({ damaged: [], damagedDocuments: ['npm /lodash'] });
    expect(await cache.verify()).toMatchObject({ ...clean, checked: 3 });
  });

  it('counts files that nobody knows, and gc frees them', async () => {
    const cache = await filled();
    const bytes = contentOf('stray');
    const stray = contentPath(layoutOf(cache.path), digestOf(bytes, 'sha256'));
    mkdirSync(dirname(stray), { recursive: true });
    writeFileSync(stray, bytes);
    writeFileSync(join(cache.path, 'documents', 'unrelated'), 'not ours');

    expect(await cache.verify()).toMatchObject({ ...clean, orphans: 1 });
    expect(await cache.gc({ dryRun: true })).toMatchObject({ orphans: 1, bytes: bytes.length });
    expect(await cache.gc()).toMatchObject({ orphans: 1, bytes: bytes.length });
    expect(await cache.verify()).toMatchObject({ ...clean, orphans: 0 });
  });
});

describe('the catalogue', () => {
  it('is rebuilt on demand to what it was', async () => {
    const cache = await filled();
    const before = await everything(cache);
    expect(await cache.verify({ rebuild: true })).toEqual({ ...clean, checked: 4, rebuilt: true });
    expect(await everything(cache)).toEqual(before);
  });

  it('keeps last uses when it is rebuilt', async () => {
    const cache = await filled();
    const before = cache.artifacts().map(({ name, usedAt }) => [name, usedAt]);
    await cache.verify({ rebuild: true });
    expect(cache.artifacts().map(({ name, usedAt }) => [name, usedAt])).toEqual(before);
  });

  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['no database', (path: string) => writeFileSync(path, 'nonsense'.repeat(1000))],
    ['empty', (path: string) => writeFileSync(path, '')],
    ['cut short', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 20_000))],
    [
      'damaged in the middle',
      (path: string) => writeFileSync(path, readFileSync(path).fill(0xff, 9000, 40_000)),
    ],
    ['not finished', unseal],
    ['of another version', (path: string) => writeFileSync(path, readFileSync(path).fill(9, 60, 64))],
  ])('that is %s is rebuilt when the cache is opened, by a reader in memory', async (how, harm) => {
    const cache = await filled();
    const before = await everything(cache);
    await cache[Symbol.asyncDispose]();
    harm(join(cache.path, 'catalogue.sqlite'));
    const files = filesBelow(cache.path);

    // Only the writer walks every page.
    if (how !== 'damaged in the middle') {
      await using reader = await openCache(cache.path, { readOnly: true, limit: 1e9 });
      expect(await everything(reader)).toEqual(before);
      expect(filesBelow(cache.path)).toEqual(files);
    }
    await using writer = await openCache(cache.path, { limit: 1e9 });
    expect(await everything(writer)).toEqual(before);
    expect(await writer.verify()).toMatchObject({ ...clean, checked: 4 });
  });

  it('survives lines of the record that are torn or make no sense', async () => {
    const cache = await filled();
    const before = await everything(cache);
    for (const file of filesBelow(cache.path).filter((each) => each.includes('index-v5'))) {
      writeFileSync(join(cache.path, file), '\n0123\t{"key":"torn', { flag: 'a' });
    }
    const { default: cacache } = await import('cacache');
    const sha512 = 'sha512-' + Buffer.alloc(64).toString('base64');
    for (const key of ['plain', '[]', '["npm"]', '["npm","cobol","a","1"]', `sha256:${'0'.repeat(64)}`]) {
      await cacache.index.insert(join(cache.path, 'content'), key, sha512, { metadata: { digests: ['x'] } });
    }
    await cache.verify({ rebuild: true });
    expect(await everything(cache)).toEqual(before);
  });

  it('takes what it cannot read of the record for private', async () => {
    const cache = await filled();
    const { default: cacache } = await import('cacache');
    const said = { nothing: {}, nonsense: { private: 'no' }, no: { private: false } };
    for (const [name, more] of Object.entries(said)) {
      const digest = digestOf(Buffer.from(name), 'sha256');
      const metadata = { digests: [digest], ...more };
      const key = JSON.stringify(['npm', 'npm', name, '1.0.0']);
      await cacache.index.insert(join(cache.path, 'content'), key, integrityOf(digest), { metadata });
    }
    await cache.verify({ rebuild: true });
    const isPrivate = (name: string) => cache.bindings.find({ ecosystem: 'npm', name })[0]?.private;
    expect(Object.keys(said).map(isPrivate)).toEqual([true, true, false]);
  });
});
