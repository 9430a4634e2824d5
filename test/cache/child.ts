/**
 * What the tests of the cache do in a process of its own: to be killed, to run out of disk, or to be
 * somebody else. Run as `node child.ts SCENARIO PATH`; a scenario prints what it saw as JSON.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredDocument } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf } from '../../src/content/digest.ts';

/** This file. */
export const CHILD = import.meta.filename;

const contentOf = (seed: string | number, size: number): Buffer =>
  createHash('shake256', { outputLength: size }).update(String(seed)).digest();

const packageNamed = (name: string) =>
  ({ upstream: 'npm', coordinates: { ecosystem: 'npm', name, version: '1.0.0' } }) as const;

const documentAt = (path: string): StoredDocument => ({
  upstream: 'npm',
  path,
  accept: '*/*',
  body: contentOf(path, 2000),
  headers: {},
  checkedAt: 1,
  private: false,
});

/** How something failed: the code of our error. */
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

const scenarios = {
  /** Stores, binds, evicts, and reads for ever, many at a time: 350 packages in turn, as the record of each is kept. */
  async forever(path: string) {
    const cache = await openCache(path, { limit: 12e6 });
    let i = 0;
    const work = async (): Promise<never> => {
      for (;;) {
        const seed = String((i += 1) % 350);
        const size = i % 7 === 0 ? 1_500_000 : 3_000 * (i % 5);
        const bytes = contentOf(seed, size);
        const stored = await cache.content.put({ digests: [digestOf(bytes, 'sha512')] }, [bytes]);
        await cache.bindings.put({ ...packageNamed(seed), ...stored, private: false, seenAt: 1 });
        await cache.documents.put(documentAt(`/${i % 10}`));
        await cache.content
          .open(stored, { length: 1 })
          .then(async (content) => content && Array.fromAsync(content.chunks));
        const partial = await cache.partial({ digests: [digestOf(Buffer.from(seed), 'sha512')] });
        await partial.write(bytes);
        await partial.discard(new Error('changed its mind'));
        if (i === 8) process.stdout.write('at work\n');
      }
    };
    return Promise.all([work(), work(), work()]);
  },

  /** Stores until the disk is full, and goes on as well as it can. */
  async fullDisk(path: string) {
    const cache = await openCache(path, { limit: 1e9 });
    const put = (i: number | string, size: number) =>
      cache.content.put({ digests: [] }, [contentOf(i, size)]);
    const first = await put('first', 50_000);
    let full: unknown = 'none';
    for (let i = 0; full === 'none'; i++) full = await codeOf(put(i, 50_000));

    const large = await codeOf(put('large', 3_000_000));
    const partial = await cache.partial({ digests: [] });
    const reader = codeOf(Array.fromAsync(partial.read()));
    const growing = await codeOf(partial.write(contentOf('growing', 3_000_000)));
    const document = await codeOf(
      cache.documents.put({ ...documentAt('/big'), body: contentOf('big', 3_000_000) }),
    );
    cache.documents.touch(documentAt('/1'), 2);
    const content = await cache.content.open(first);
    const read =
      content && Buffer.concat(await Array.fromAsync(content.chunks)).equals(contentOf('first', 50_000));
    const rubbish = readdirSync(join(path, 'partial'));
    const { damaged, orphans } = await cache.verify();
    await cache.content.delete(first.digests[0]);
    const again = await codeOf(put('again', 20_000));
    await cache[Symbol.asyncDispose]();
    return { full, large, growing, reader: await reader, document, read, rubbish, damaged, orphans, again };
  },

  /** Uses a cache that it may not write, in which `known` is bound and stored. */
  async unwritable(path: string) {
    await using cache = await openCache(path, { limit: 1e9 });
    const [known] = cache.artifacts();
    const content = known && (await cache.content.open({ digests: [known.digest] }));
    const stored = { digests: [digestOf(Buffer.from('new'), 'sha256')], size: 3 } as const;
    const binding = { ...packageNamed('new'), ...stored, private: false, seenAt: 1 };
    await cache.bindings.put(binding);
    await cache.documents.put(documentAt('/new'));
    return {
      readOnlyBecause: cache.readOnlyBecause,
      names: cache.artifacts().map(({ name }) => name),
      read: content && Buffer.concat(await Array.fromAsync(content.chunks)).toString(),
      bound: cache.bindings.get(packageNamed('known'))?.digests[0] === known?.digest,
      binding: cache.bindings.get(packageNamed('new'))?.digests[0] === stored.digests[0],
      document: (await cache.documents.get(documentAt('/new')))?.body.byteLength,
      oldDocument: (await cache.documents.get(documentAt('/old')))?.body.byteLength,
      put: await codeOf(cache.content.put({ digests: [] }, [Buffer.from('new')])),
      delete: await codeOf(cache.content.delete(stored.digests[0])),
      partial: await codeOf(cache.partial({ digests: [] })),
      gc: await codeOf(cache.gc()),
      damaged: (await cache.verify()).damaged,
    };
  },
};

if (process.argv[1] === import.meta.filename) {
  const [, , name, path] = process.argv;
  const scenario = Object.entries(scenarios).find(([each]) => each === name)?.[1];
  if (!scenario || path === undefined) throw new Error(`No such scenario: ${name}`);
  process.stdout.write(JSON.stringify(await scenario(path)));
}
