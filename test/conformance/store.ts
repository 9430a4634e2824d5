import { describe, expect, it } from 'vitest';
import type { Wanted } from '../../src/content/descriptor.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { Content, OpenOptions, Store } from '../../src/content/source.ts';

/** What every {@link Store} must do. Each implementation runs this same suite. */
export function storeConformance(openStore: () => Promise<Store> | Store): void {
  const hello = Buffer.from('hello, world');
  const sha256 = digestOf(hello, 'sha256');
  const sha512 = digestOf(hello, 'sha512');
  const sha1 = digestOf(hello, 'sha1');
  const wanted: Wanted = { digests: [sha512], size: hello.length };
  const large = Buffer.alloc(3 * 2 ** 20, 'the same text again and again, ');

  describe('as a Store', () => {
    it('opens undefined for a digest it does not know', async () => {
      const store = await openStore();
      expect(await store.open(wanted)).toBeUndefined();
      expect(await store.open({ digests: [] })).toBeUndefined();
    });

    it.each([
      ['none', []],
      ['sha256', [sha256]],
      ['sha512', [sha512]],
      ['sha1', [sha1]],
      ['all', [sha1, sha256, sha512]],
    ])('opens what was put, wanted by %s of its digests, by each that was computed', async (_, digests) => {
      const store = await openStore();
      const stored = await store.put({ digests }, [hello]);
      expect(stored.digests[0]).toBe(sha256);
      expect(new Set(stored.digests)).toEqual(new Set([sha256, ...digests]));
      expect(stored.size).toBe(hello.length);
      for (const digest of stored.digests) expect(await open(store, { digests: [digest] })).toEqual(hello);
    });

    it('says which digests it has proven, and the size', async () => {
      const store = await openStore();
      await store.put(wanted, [hello]);
      const content = await store.open({ digests: [sha256] });
      expect(content?.size).toBe(hello.length);
      expect(content?.proven).toEqual([sha256, sha512]);
    });

    it('opens a digest that only a later put computed', async () => {
      const store = await openStore();
      await store.put({ digests: [] }, [hello]);
      expect(await store.open(wanted)).toBeUndefined();
      await store.put(wanted, [hello]);
      expect(await open(store, wanted)).toEqual(hello);
    });

    it('has nothing for digests that contradict each other, nor for another size', async () => {
      const store = await openStore();
      await store.put(wanted, [hello]);
      const other = digestOf(Buffer.from('other'), 'sha256');
      expect(await store.open({ digests: [sha512, other] })).toBeUndefined();
      const third = digestOf(Buffer.from('other'), 'sha512');
      expect(await store.open({ digests: [sha256, third] })).toBeUndefined();
      expect(await store.open({ digests: [sha512], size: 1 })).toBeUndefined();
    });

    it('opens the same content twice, at the same time too', async () => {
      const store = await openStore();
      await store.put(wanted, [hello]);
      expect(await Promise.all([open(store, wanted), open(store, wanted)])).toEqual([hello, hello]);
    });

    it('takes content in any number of chunks', async () => {
      const store = await openStore();
      await store.put(
        wanted,
        [...hello].map((byte) => Uint8Array.of(byte)),
      );
      expect(await open(store, wanted)).toEqual(hello);
    });

    it('takes empty content', async () => {
      const store = await openStore();
      const stored = await store.put({ digests: [], size: 0 }, []);
      expect(stored).toEqual({ digests: [digestOf(Buffer.alloc(0), 'sha256')], size: 0 });
      expect(await open(store, { digests: stored.digests })).toEqual(Buffer.alloc(0));
      expect(await Array.fromAsync(store.list())).toEqual([stored]);
    });

    it('takes content of some megabytes', async () => {
      const store = await openStore();
      const stored = await store.put({ digests: [digestOf(large, 'sha512')] }, slices(large));
      expect(stored.digests[0]).toBe(digestOf(large, 'sha256'));
      expect((await open(store, { digests: stored.digests }))?.equals(large)).toBe(true);
    });

    it.each([
      ['small', hello],
      ['large', large],
    ])('opens a part of %s content', async (_, bytes) => {
      const store = await openStore();
      const { digests } = await store.put({ digests: [] }, slices(bytes));
      const part = (options: OpenOptions) => open(store, { digests }, options);
      expect((await part({ offset: 7 }))?.equals(bytes.subarray(7))).toBe(true);
      expect(await part({ offset: 3, length: 5 })).toEqual(bytes.subarray(3, 8));
      expect(await part({ length: 4 })).toEqual(bytes.subarray(0, 4));
      expect(await part({ offset: bytes.length - 2, length: 99 })).toEqual(bytes.subarray(-2));
      expect(await part({ offset: bytes.length })).toEqual(Buffer.alloc(0));
      const content = (await store.open({ digests }, { offset: 3 }))!;
      expect(content.size).toBe(bytes.length);
      await bytesOf(content);
    });

    it('keeps one copy of content that is put twice, at the same time too', async () => {
      const store = await openStore();
      await store.put(wanted, [hello]);
      await Promise.all(Array.from({ length: 8 }, () => store.put(wanted, [hello])));
      const [only, ...others] = await Array.fromAsync(store.list());
      expect(only).toEqual({ digests: [sha256, sha512], size: hello.length });
      expect(others).toEqual([]);
    });

    const wrong = Buffer.from('hello, w0rld');
    it.each([
      ['does not match its digest', [wrong], 'DIGEST_MISMATCH'],
      ['stops early', [hello.subarray(0, 5)], 'SIZE_MISMATCH'],
      ['goes on too long', [hello, hello], 'SIZE_MISMATCH'],
    ])('keeps no trace of content that %s', async (_, chunks, code) => {
      const store = await openStore();
      await expect(store.put(wanted, chunks)).rejects.toMatchObject({ code });
      expect(await store.open(wanted)).toBeUndefined();
      expect(await Array.fromAsync(store.list())).toEqual([]);
    });

    it('believes no sha256 beside a right sha512', async () => {
      const store = await openStore();
      const put = store.put({ digests: [sha512, digestOf(wrong, 'sha256')] }, [hello]);
      await expect(put).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      expect(await Array.fromAsync(store.list())).toEqual([]);
    });

    it('keeps no trace of large content that does not match', async () => {
      const store = await openStore();
      const put = store.put({ digests: [sha512] }, slices(large));
      await expect(put).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      expect(await Array.fromAsync(store.list())).toEqual([]);
    });

    it('keeps no trace of content whose source fails, and passes its error on', async () => {
      const store = await openStore();
      const error = Object.assign(new Error('The line went dead'), { code: 'ECONNRESET', errno: -104 });
      for (const bytes of [hello.subarray(0, 5), large]) {
        await expect(store.put({ digests: [] }, breaksAfter(bytes, error))).rejects.toBe(error);
      }
      expect(await Array.fromAsync(store.list())).toEqual([]);
    });

    it.each([
      ['small', hello.subarray(0, 5)],
      ['large', large],
    ])('gives up a silent source of %s content when aborted, and keeps no trace', async (_, bytes) => {
      const store = await openStore();
      const silent = async function* (): AsyncGenerator<Uint8Array> {
        yield* slices(bytes);
        abort.abort(new Error('Enough'));
        await new Promise(() => undefined);
      };
      const abort = new AbortController();
      const put = store.put({ digests: [] }, silent(), { signal: abort.signal });
      await expect(put).rejects.toThrow('Enough');
      expect(await Array.fromAsync(store.list())).toEqual([]);
    });

    it('opens nothing for a caller that has given up', async () => {
      const store = await openStore();
      await store.put(wanted, [hello]);
      await expect(store.open(wanted, { signal: AbortSignal.abort(new Error('Enough')) })).rejects.toThrow(
        'Enough',
      );
    });

    it('forgets content by any of its digests, and says whether there was any', async () => {
      const store = await openStore();
      await store.put(wanted, [hello]);
      expect(await store.delete(sha512)).toBe(true);
      expect(await store.delete(sha512)).toBe(false);
      expect(await store.open({ digests: [sha256] })).toBeUndefined();
      expect(await Array.fromAsync(store.list())).toEqual([]);
    });

    it('lists what is stored', async () => {
      const store = await openStore();
      const stored = [await store.put(wanted, [hello]), await store.put({ digests: [] }, [wrong])];
      expect(new Set(await Array.fromAsync(store.list()))).toEqual(new Set(stored));
    });
  });
}

async function open(store: Store, what: Wanted, options?: OpenOptions): Promise<Buffer | undefined> {
  const content = await store.open(what, options);
  return content && (await bytesOf(content));
}

/** Everything that content holds. */
export async function bytesOf({ chunks }: Content): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

/** `bytes` as a source hands them over: 64 KiB at a time. */
export function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 2 ** 16) yield bytes.subarray(at, at + 2 ** 16);
}

async function* breaksAfter(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* slices(bytes);
  throw error;
}
