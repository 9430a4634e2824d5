import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PIECE } from '../../src/content/buffers.ts';
import { digestOf } from '../../src/content/digest.ts';
import { HELD_BACK } from '../../src/content/verified.ts';
import { bytesOf } from '../conformance/store.ts';
import { cacheIn, contentOf, filesBelow } from './world.ts';

const bytes = contentOf('a layer', 300_000);
const wanted = { digests: [digestOf(bytes, 'sha512')], size: bytes.length };
const partialsIn = (path: string): string[] => filesBelow(join(path, 'partial'));

/** What `promise` rejects with, awaited from now on. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('partial content', () => {
  it('becomes visible when it is finished, without being copied', async () => {
    const cache = await cacheIn();
    const partial = await cache.partial(wanted);
    await partial.write(bytes.subarray(0, 100_000));
    expect(await cache.content.open(wanted)).toBeUndefined();
    const { ino } = statSync(join(cache.path, 'partial', partialsIn(cache.path)[0]!));

    await partial.write(bytes.subarray(100_000));
    const stored = await partial.finish();
    expect(stored).toEqual({ digests: [digestOf(bytes, 'sha256'), ...wanted.digests], size: bytes.length });
    expect(statSync(cache.pathOf(stored.digests[0])!)).toMatchObject({ ino });
    expect(statSync(cache.pathOf(stored.digests[0])!).mode & 0o777).toBe(0o444);
    expect(await bytesOf((await cache.content.open(wanted))!)).toEqual(bytes);
    expect(partialsIn(cache.path)).toEqual([]);
  });

  it('is read along by any number, who get its end only when it is proven', async () => {
    const cache = await cacheIn();
    const partial = await cache.partial(wanted);
    const received = [0, 0];
    const read = async (reader: number, offset: number): Promise<Buffer> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of partial.read({ offset })) {
        chunks.push(chunk);
        received[reader]! += chunk.byteLength;
      }
      return Buffer.concat(chunks);
    };
    const readers = Promise.all([read(0, 0), read(1, 150_000)]);
    await partial.write(bytes.subarray(0, 200_000));
    await partial.write(bytes.subarray(200_000));
    await expect.poll(() => received).toEqual([bytes.length - HELD_BACK, bytes.length - HELD_BACK - 150_000]);
    await partial.finish();
    expect(await readers).toEqual([bytes, bytes.subarray(150_000)]);
    expect(await Array.fromAsync(partial.read({ offset: bytes.length }))).toEqual([]);
  });

  it('that turns out wrong is removed, and those who read along get no end', async () => {
    const cache = await cacheIn();
    const partial = await cache.partial(wanted);
    const reader = failureOf(Array.fromAsync(partial.read()));
    await partial.write(contentOf('something else', bytes.length));
    await expect(partial.finish()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await reader).toMatchObject({ code: 'DIGEST_MISMATCH' });
    await expect(partial.write(bytes)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(partialsIn(cache.path)).toEqual([]);
    expect(await cache.content.open(wanted)).toBeUndefined();
  });

  it('fails at the first byte too many', async () => {
    const cache = await cacheIn();
    const partial = await cache.partial(wanted);
    await partial.write(bytes);
    await expect(partial.write(Buffer.from('!'))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(partialsIn(cache.path)).toEqual([]);
  });

  it('goes on where a broken transfer stopped, in another process too', async () => {
    const cache = await cacheIn();
    const first = await cache.partial(wanted);
    // The second waits while the first is written.
    await first.write(bytes.subarray(0, 23_456));
    await first.write(bytes.subarray(23_456, 123_456));
    const reader = failureOf(Array.fromAsync(first.read()));
    await cache[Symbol.asyncDispose]();
    expect(await reader).toMatchObject({ message: 'The cache was closed' });

    const again = await cacheIn(cache.path);
    const second = await again.partial(wanted);
    expect(second.size).toBe(123_456);
    await second.write(bytes.subarray(second.size));
    await second.finish();
    expect(await bytesOf((await again.content.open(wanted))!)).toEqual(bytes);
  });

  it('waits for the disk, which has what was taken', async () => {
    const cache = await cacheIn();
    const many = contentOf('many', 8e6);
    const partial = await cache.partial({ digests: [digestOf(many, 'sha256')], size: many.length });
    const path = join(cache.path, 'partial', partialsIn(cache.path)[0]!);
    let most = 0;
    for (let at = 0; at < many.length; at += 100_000) {
      await partial.write(many.subarray(at, at + 100_000));
      most = Math.max(most, partial.size - statSync(path).size);
    }
    expect(most).toBeLessThanOrEqual(4 * PIECE);
    const { digests } = await partial.finish();
    expect(digests).toEqual([digestOf(many, 'sha256')]);
  });

  it('drops a beginning that is longer than the whole', async () => {
    const cache = await cacheIn();
    const first = await cache.partial({ digests: wanted.digests });
    await first.write(contentOf('longer', bytes.length + 1));
    await first.suspend(new Error('enough'));
    expect((await cache.partial(wanted)).size).toBe(0);
  });

  it('with a damaged beginning is noticed at its end', async () => {
    const cache = await cacheIn();
    const first = await cache.partial(wanted);
    await first.write(bytes.subarray(0, 1000));
    await first.suspend(new Error('enough'));
    const path = join(cache.path, 'partial', partialsIn(cache.path)[0]!);
    writeFileSync(path, readFileSync(path).fill(0, 10, 20));

    const second = await cache.partial(wanted);
    await second.write(bytes.subarray(1000));
    await expect(second.finish()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect((await cache.partial(wanted)).size).toBe(0);
  });

  it('leaves nothing behind when it is discarded, nor when no digest says what it was to become', async () => {
    const cache = await cacheIn();
    for (const what of [wanted, { digests: [] }]) {
      const partial = await cache.partial(what);
      await partial.write(bytes);
      await (what === wanted ? partial.discard(new Error('enough')) : partial.suspend(new Error('enough')));
    }
    expect(partialsIn(cache.path)).toEqual([]);
  });

  it('is a file of its own where another one of the same digest is open', async () => {
    const cache = await cacheIn();
    const [first, second] = [await cache.partial(wanted), await cache.partial(wanted)];
    await first.write(bytes.subarray(0, 1000));
    expect(second.size).toBe(0);
    await Promise.all([first.write(bytes.subarray(1000)), second.write(bytes)]);
    await Promise.all([first.finish(), second.finish()]);
    expect(partialsIn(cache.path)).toEqual([]);
    expect(await bytesOf((await cache.content.open(wanted))!)).toEqual(bytes);
  });

  it('lets a reader go who has given up waiting', async () => {
    const cache = await cacheIn();
    const partial = await cache.partial(wanted);
    const abort = new AbortController();
    const reader = Array.fromAsync(partial.read({ signal: abort.signal }));
    abort.abort(new Error('Enough'));
    await expect(reader).rejects.toThrow('Enough');
    await partial.write(bytes);
    await partial.finish();
  });

  it('is not collected while somebody goes on with it, however old its beginning is', async () => {
    const cache = await cacheIn();
    const first = await cache.partial(wanted);
    await first.write(bytes.subarray(0, 1000));
    await first.suspend(new Error('enough'));
    const path = join(cache.path, 'partial', partialsIn(cache.path)[0]!);
    utimesSync(path, new Date(), new Date(Date.now() - 8 * 24 * 60 * 60 * 1000));

    const second = await cache.partial(wanted);
    expect(await cache.gc()).toMatchObject({ partials: 0 });
    await second.write(bytes.subarray(1000));
    await second.finish();
    expect(await bytesOf((await cache.content.open(wanted))!)).toEqual(bytes);
  });

  it('is collected when nobody went on with it for a week, or when its process is gone', async () => {
    const cache = await cacheIn();
    const suspended = async (seed: string): Promise<string> => {
      const partial = await cache.partial({ digests: [digestOf(contentOf(seed), 'sha256')] });
      await partial.write(Buffer.from('beginning'));
      await partial.suspend(new Error('enough'));
      return join(cache.path, 'partial', digestOf(contentOf(seed), 'sha256').replace(':', '-'));
    };
    const open = await cache.partial(wanted);
    const fresh = await suspended('fresh');
    const old = await suspended('old');
    utimesSync(old, new Date(), new Date(Date.now() - 8 * 24 * 60 * 60 * 1000));
    // No process has this number: Linux ends at four million.
    const orphan = join(cache.path, 'partial', '999999999-1-00000000');
    writeFileSync(orphan, 'rubbish');

    expect(await cache.gc({ dryRun: true })).toMatchObject({ partials: 2 });
    expect(partialsIn(cache.path)).toHaveLength(4);
    expect(await cache.gc()).toMatchObject({ partials: 2 });
    expect(partialsIn(cache.path)).toHaveLength(2);
    expect(readFileSync(fresh, 'utf8')).toBe('beginning');
    await open.discard(new Error('done'));
  });
});
