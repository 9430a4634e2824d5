import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredDocument } from '../../src/cache/cache.ts';
import { cacheIn, contentOf, filesBelow } from './world.ts';

const packument: StoredDocument = {
  upstream: 'npm',
  path: '/@types%2fnode?write=true',
  accept: 'application/json',
  body: contentOf('packument', 5000),
  headers: { etag: '"one"', 'content-encoding': 'gzip' },
  checkedAt: 1000,
  private: true,
};
const fileOf = (path: string): string => join(path, 'documents', filesBelow(join(path, 'documents'))[0]!);

describe('documents', () => {
  it('come back byte for byte with their headers', async () => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    expect(await cache.documents.get(packument)).toEqual(packument);
    expect(cache.size()).toMatchObject({ documents: 1, artifacts: 0 });
  });

  it.each([
    ['upstream', { upstream: 'https://npm.example/' }],
    ['path', { path: '/other' }],
    ['accept', { accept: '*/*' }],
  ])('of another %s are others', async (_, other) => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    expect(await cache.documents.get({ ...packument, ...other })).toBeUndefined();
  });

  it('replace the one before', async () => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    await cache.documents.put({ ...packument, body: Buffer.from('two'), headers: {} });
    expect(await cache.documents.get(packument)).toEqual({
      ...packument,
      body: Buffer.from('two'),
      headers: {},
    });
    expect(cache.size().documents).toBe(1);
    expect(filesBelow(join(cache.path, 'documents'))).toHaveLength(1);
  });

  it('may be empty', async () => {
    const cache = await cacheIn();
    await cache.documents.put({ ...packument, body: Buffer.alloc(0) });
    expect((await cache.documents.get(packument))?.body).toEqual(Buffer.alloc(0));
  });

  it('remember when upstream last said that they are current, also in the next process', async () => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    cache.documents.touch(packument, 2000);
    expect((await cache.documents.get(packument))?.checkedAt).toBe(2000);
    await cache[Symbol.asyncDispose]();
    expect((await (await cacheIn(cache.path)).documents.get(packument))?.checkedAt).toBe(2000);
  });

  it.each([0, 70, 300, 2000])('are forgotten when byte %i of their file is damaged', async (at) => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    const bytes = readFileSync(fileOf(cache.path));
    bytes[at]! ^= 1;
    writeFileSync(fileOf(cache.path), bytes);

    expect(await cache.documents.get(packument)).toBeUndefined();
    expect(filesBelow(join(cache.path, 'documents'))).toEqual([]);
    expect(cache.size().documents).toBe(0);
    await cache.documents.put(packument);
    expect(await cache.documents.get(packument)).toEqual(packument);
  });

  it('are forgotten when the file of another one lies in their place', async () => {
    const cache = await cacheIn();
    const other = { ...packument, path: '/other' };
    await cache.documents.put(packument);
    const file = fileOf(cache.path);
    await cache.documents.put(other);
    const [otherFile] = filesBelow(join(cache.path, 'documents'))
      .map((name) => join(cache.path, 'documents', name))
      .filter((each) => each !== file);
    copyFileSync(otherFile!, file);
    expect(await cache.documents.get(packument)).toBeUndefined();
    expect(await cache.documents.get(other)).toEqual(other);
  });

  it('are forgotten when their file has gone', async () => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    rmSync(fileOf(cache.path));
    expect(await cache.documents.get(packument)).toBeUndefined();
    expect(cache.size().documents).toBe(0);
  });

  it('survive the loss of the catalogue', async () => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    await cache[Symbol.asyncDispose]();
    rmSync(join(cache.path, 'catalogue.sqlite'));
    expect(await (await cacheIn(cache.path)).documents.get(packument)).toEqual(packument);
  });

  it("are nobody else's to read", async () => {
    const cache = await cacheIn();
    await cache.documents.put(packument);
    expect(statSync(fileOf(cache.path)).mode & 0o777).toBe(0o600);
  });
});
