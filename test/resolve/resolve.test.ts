import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { giveBack, takeBuffer } from '../../src/content/buffers.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { ByteStream, Source } from '../../src/content/source.ts';
import { openResolver, type Resolver } from '../../src/resolve/resolve.ts';

const MiB = 2 ** 20;
const small = randomBytes(20_000);
const middle = randomBytes(3 * MiB);
const large = randomBytes(12 * MiB);
const wantedOf = (bytes: Uint8Array) => ({ digests: [digestOf(bytes, 'sha512')] });

async function* pieces(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

interface Upstream extends Source {
  /** Offsets at which it was asked to begin. */
  readonly offsets: number[];
}

/** An upstream that answers with what `body` makes of the bytes from an offset on. */
function upstream(
  bytes: Uint8Array,
  body: (rest: Uint8Array, asked: number) => ByteStream = (rest) => pieces(rest),
): Upstream {
  const offsets: number[] = [];
  return {
    name: 'upstream',
    offsets,
    async open(_wanted, { offset = 0 } = {}) {
      offsets.push(offset);
      return { proven: [], size: bytes.byteLength, chunks: body(bytes.subarray(offset), offsets.length) };
    },
  };
}

async function* breaking(rest: Uint8Array, after: number): AsyncGenerator<Uint8Array> {
  yield* pieces(rest.subarray(0, after));
  throw new Error('connection reset');
}

async function bytesOf(chunks: ByteStream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

let directory: string;
let cache: Cache;
let resolver: Resolver;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'resolve-'));
  cache = await openCache(join(directory, 'cache'));
  resolver = openResolver(cache);
});
afterEach(async () => {
  await cache[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

describe.each([
  ['20 KB', small],
  ['3 MiB', middle],
  ['12 MiB', large],
])('content of %s', (_name, bytes) => {
  const wanted = wantedOf(bytes);

  it('comes from upstream, is stored, and then comes from the cache without asking upstream', async () => {
    const source = upstream(bytes);
    const first = await resolver.resolve(wanted, [source], { flight: 'x' });
    expect(first?.source).toBe('upstream');
    expect((await bytesOf(first!.chunks)).equals(bytes)).toBe(true);
    expect(await first!.stored).toBeUndefined();

    const second = await resolver.resolve(wanted, [source], { flight: 'x' });
    expect(second?.source).toBe('cache');
    expect((await bytesOf(second!.chunks)).equals(bytes)).toBe(true);
    expect(source.offsets).toEqual([0]);
  });

  it('is fetched once for eight who want it at the same time', async () => {
    const source = upstream(bytes);
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const found = await resolver.resolve(wanted, [source], { flight: 'x' });
        return bytesOf(found!.chunks);
      }),
    );
    for (const each of all) expect(each.equals(bytes)).toBe(true);
    expect(source.offsets).toEqual([0]);
  });

  it('goes on from where a broken transfer stopped', async () => {
    const half = bytes.byteLength >> 1;
    const source = upstream(bytes, (rest, asked) => (asked === 1 ? breaking(rest, half) : pieces(rest)));
    const found = await resolver.resolve(wanted, [source], { flight: 'x' });
    expect((await bytesOf(found!.chunks)).equals(bytes)).toBe(true);
    expect(source.offsets).toEqual([0, half]);
  });

  it('is never delivered whole, nor stored, when a byte is wrong', async () => {
    const wrong = Buffer.from(bytes);
    wrong[10] = wrong[10]! ^ 1;
    const source = upstream(wrong);
    let stored: Promise<string | undefined> | undefined;
    await expect(async () => {
      const found = await resolver.resolve(wanted, [source], { flight: 'x' });
      ({ stored } = found!);
      await bytesOf(found!.chunks);
    }).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', details: { expected: wanted.digests[0] } });
    await stored;
    expect(await cache.content.open(wanted)).toBeUndefined();
    expect(await readdir(join(directory, 'cache', 'partial')).catch(() => [])).toEqual([]);
  });

  it('is never delivered whole without a disk either, when a byte is wrong', async () => {
    const wrong = Buffer.from(bytes);
    wrong[10] = wrong[10]! ^ 1;
    await using diskless = await openCache(join(directory, 'none'), { readOnly: true });
    await expect(async () => {
      const found = await openResolver(diskless).resolve(wanted, [upstream(wrong)], { flight: 'x' });
      await bytesOf(found!.chunks);
    }).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it('is refused when there are bytes too many', async () => {
    const source = upstream(Buffer.concat([bytes, Buffer.from('!')]));
    await expect(async () => {
      const found = await resolver.resolve({ ...wanted, size: bytes.byteLength }, [source], { flight: 'x' });
      await bytesOf(found!.chunks);
    }).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  it('fails in the end when upstream breaks again and again', async () => {
    const source = upstream(bytes, (rest) => breaking(rest, 0));
    await expect(resolver.resolve(wanted, [source], { flight: 'the file' })).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
      details: { url: 'the file', reason: 'connection reset' },
    });
    expect(source.offsets).toHaveLength(4);
  });

  it('is delivered without being stored where the cache cannot be written', async () => {
    await cache[Symbol.asyncDispose]();
    await rm(join(directory, 'cache'), { recursive: true });
    cache = await openCache(join(directory, 'cache'), { readOnly: true });
    const found = await openResolver(cache).resolve(wanted, [upstream(bytes)], { flight: 'x' });
    expect((await bytesOf(found!.chunks)).equals(bytes)).toBe(true);
    expect(await found!.stored).toBeTypeOf('string');
    expect((await found!.measured).digests).toContain(digestOf(bytes, 'sha256'));
  });
});

describe('resolve', () => {
  it('delivers content that the cache drops before it is read', async () => {
    const source = upstream(middle);
    const found = await resolver.resolve(wantedOf(middle), [source], { flight: 'x' });
    await found!.stored;
    await cache.content.delete(wantedOf(middle).digests[0]!);
    expect((await bytesOf(found!.chunks)).equals(middle)).toBe(true);
    expect(source.offsets).toEqual([0, 0]);
  });

  it('gives all who read small content the same bytes, whichever of them has used its memory again', async () => {
    const chunk = takeBuffer();
    const bytes = Buffer.from(chunk.fill(7));
    const source = upstream(bytes, () => [chunk]);
    const find = async () => resolver.resolve(wantedOf(bytes), [source], { flight: 'x' });
    const [first, second] = await Promise.all([find(), find()]);
    for await (const each of first!.chunks) giveBack(each);
    for (let i = 0; i < 32; i++) takeBuffer().fill(0);
    expect((await bytesOf(second!.chunks)).equals(bytes)).toBe(true);
    expect(source.offsets).toEqual([0]);
  });

  it('takes the next source when one lies, and says so', async () => {
    const liar: Source = { ...upstream(randomBytes(20_000)), name: 'peer' };
    const found = await resolver.resolve(wantedOf(small), [liar, upstream(small)], { flight: 'x' });
    expect(found?.source).toBe('upstream');
    expect(await bytesOf(found!.chunks)).toEqual(small);
    expect(found?.passedOver).toMatchObject([
      { source: 'peer', reason: expect.stringContaining('does not match') },
    ]);
  });

  it('shares no transfer with who names another digest for the same address', async () => {
    const other = wantedOf(randomBytes(20_000));
    const [right, wrong] = await Promise.allSettled(
      [wantedOf(small), other].map(async (wanted) => {
        const found = await resolver.resolve(wanted, [upstream(small)], { flight: 'x' });
        return bytesOf(found!.chunks);
      }),
    );
    expect(right).toEqual({ status: 'fulfilled', value: small });
    expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'DIGEST_MISMATCH' } });
  });

  it('believes no digest that the cache has never computed', async () => {
    const stored = digestOf(small, 'sha256');
    await cache.content.put({ digests: [] }, [small]);
    const wrong = { digests: [stored, digestOf(middle, 'sha512')] };
    await expect(async () => {
      const found = await resolver.resolve(wrong, [], { flight: 'x' });
      await bytesOf(found!.chunks);
    }).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    const right = await resolver.resolve({ digests: [stored, ...wantedOf(small).digests] }, [], {
      flight: 'x',
    });
    expect(await bytesOf(right!.chunks)).toEqual(small);
  });

  it('finds nothing when nobody has it', async () => {
    const nobody: Source = { name: 'upstream', open: async () => undefined };
    expect(await resolver.resolve(wantedOf(small), [nobody], { flight: 'x' })).toBeUndefined();
    expect(await resolver.resolve(wantedOf(small), [], { flight: 'x' })).toBeUndefined();
  });

  it('stores content of which nobody named a digest under what it turns out to be', async () => {
    const found = await resolver.resolve({ digests: [] }, [upstream(small)], { flight: 'x' });
    expect(await bytesOf(found!.chunks)).toEqual(small);
    expect((await found!.measured).digests).toContain(digestOf(small, 'sha256'));
    await found!.stored;
    expect(cache.pathOf(digestOf(small, 'sha256'))).toBeDefined();
  });

  it('does not put two halves together of which nobody named a digest', async () => {
    const source = upstream(small, (rest) => breaking(rest, 10_000));
    await expect(resolver.resolve({ digests: [] }, [source], { flight: 'x' })).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
    });
    expect(source.offsets).toEqual([0]);
  });

  it('fetches damaged content again, and has it sound afterwards', async () => {
    await bytesOf((await resolver.resolve(wantedOf(small), [upstream(small)], { flight: 'x' }))!.chunks);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { chmodSync, writeFileSync } = await import('node:fs');
    const path = cache.pathOf(wantedOf(small).digests[0]!)!;
    chmodSync(path, 0o644);
    writeFileSync(path, Buffer.from(small).fill(0, 0, 9));

    const found = await resolver.resolve(wantedOf(small), [upstream(small)], { flight: 'x' });
    expect(found?.source).toBe('upstream');
    expect(found?.passedOver).toMatchObject([{ source: 'cache' }]);
    expect(await bytesOf(found!.chunks)).toEqual(small);
    await found!.stored;
    expect((await resolver.resolve(wantedOf(small), [], { flight: 'x' }))?.source).toBe('cache');
  });

  it('lets a client of a large transfer have all but the end before the digest is known', async () => {
    const gate = Promise.withResolvers<void>();
    const source = upstream(large, async function* (rest) {
      yield* pieces(rest.subarray(0, -1));
      await gate.promise;
      yield rest.subarray(-1);
    });
    const found = await resolver.resolve(wantedOf(large), [source], { flight: 'x' });
    const chunks = found!.chunks as AsyncGenerator<Uint8Array>;
    let got = 0;
    while (got < large.byteLength - 1 - 64 * 1024) got += (await chunks.next()).value.byteLength;
    expect(got).toBe(large.byteLength - 1 - 64 * 1024);
    gate.resolve();
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) got += next.value.byteLength;
    expect(got).toBe(large.byteLength);
  });

  it.each([
    ['of something else', randomBytes(2 * MiB)],
    ['longer than the whole', randomBytes(4 * MiB)],
  ])('begins anew where what an earlier transfer left is the beginning %s', async (_, beginning) => {
    const partial = await cache.partial(wantedOf(middle));
    await partial.write(beginning);
    await partial.suspend(new Error('killed'));
    const source: Source = {
      ...upstream(middle),
      async open(_wanted, { offset = 0 } = {}) {
        if (offset >= middle.byteLength) throw new Error('there is no such range');
        return { proven: [], chunks: pieces(middle.subarray(offset)) };
      },
    };
    const found = await resolver.resolve(wantedOf(middle), [source], { flight: 'x' });
    expect((await bytesOf(found!.chunks)).equals(middle)).toBe(true);
    expect(found).toMatchObject({ takenOver: false, passedOver: [] });
  });

  it('says that it has taken a beginning over', async () => {
    const partial = await cache.partial(wantedOf(middle));
    await partial.write(middle.subarray(0, 2 * MiB));
    await partial.suspend(new Error('killed'));
    const source = upstream(middle);
    const found = await resolver.resolve(wantedOf(middle), [source], { flight: 'x' });
    expect(found).toMatchObject({ takenOver: true });
    expect(source.offsets).toEqual([0, 2 * MiB]);
  });

  it('waits for no measure of a stream that its only reader has left', async () => {
    await using diskless = await openCache(join(directory, 'none'), { readOnly: true });
    const found = await openResolver(diskless).resolve(wantedOf(large), [upstream(large)], { flight: 'x' });
    const chunks = found!.chunks as AsyncGenerator<Uint8Array>;
    await chunks.next();
    await chunks.return(undefined);
    await expect(found!.measured).rejects.toThrow('Nobody read it');
  });

  it('tells upstream that nobody reads a large transfer any more', async () => {
    let told = false;
    const source: Source = {
      name: 'upstream',
      async open(_wanted, { signal } = {}) {
        const aborted = once(signal!, 'abort').then(() => (told = true));
        const chunks = async function* () {
          yield* pieces(large.subarray(0, 10 * MiB));
          await aborted;
        };
        return { proven: [], size: large.byteLength, chunks: chunks() };
      },
    };
    const found = await resolver.resolve(wantedOf(large), [source], { flight: 'x' });
    const chunks = found!.chunks as AsyncGenerator<Uint8Array>;
    await chunks.next();
    expect(told).toBe(false);
    await chunks.return(undefined);
    await expect.poll(() => told, { timeout: 5_000 }).toBe(true);
  });

  it('ends a large transfer when its last reader leaves, and the next one goes on from there', async () => {
    const source = upstream(large, async function* (rest, asked) {
      yield* pieces(rest.subarray(0, asked === 1 ? 10 * MiB : undefined));
      if (asked === 1) await new Promise((resolve) => setTimeout(resolve, 30));
      if (asked === 1) throw new Error('aborted');
    });
    const found = await resolver.resolve(wantedOf(large), [source], { flight: 'x' });
    await (found!.chunks as AsyncGenerator<Uint8Array>).next();
    await (found!.chunks as AsyncGenerator<Uint8Array>).return(undefined);
    await found!.stored;
    const again = await resolver.resolve(wantedOf(large), [source], { flight: 'x' });
    expect((await bytesOf(again!.chunks)).equals(large)).toBe(true);
    expect(source.offsets[0]).toBe(0);
    expect(source.offsets.at(-1)).toBeGreaterThan(MiB);
  });

  it('is whole for who comes while it is being broken off, and goes on from there', async () => {
    const offsets: number[] = [];
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const source: Source = {
      name: 'upstream',
      async open(_wanted, { offset = 0, signal } = {}) {
        offsets.push(offset);
        const isFirst = offsets.length === 1;
        async function* chunks() {
          yield* pieces(large.subarray(offset, isFirst ? 10 * MiB : undefined));
          if (isFirst) await over;
          signal?.throwIfAborted();
        }
        return { proven: [], size: large.byteLength, chunks: chunks() };
      },
    };
    const found = await resolver.resolve(wantedOf(large), [source], { flight: 'x' });
    const chunks = found!.chunks as AsyncGenerator<Uint8Array>;
    await chunks.next();
    await chunks.return(undefined);
    const asking = resolver.resolve(wantedOf(large), [source], { flight: 'x' });
    end();
    expect((await bytesOf((await asking)!.chunks)).equals(large)).toBe(true);
    expect(offsets[0]).toBe(0);
    expect(offsets.at(-1)).toBeGreaterThan(MiB);
  });
});

/** An upstream that sends nothing until it is let go, and tells who gave it up. */
function waiting() {
  const { promise: going, resolve: go } = Promise.withResolvers<void>();
  let asked = 0;
  let givenUp = 0;
  const source: Source = {
    name: 'upstream',
    async open(_wanted, { signal } = {}) {
      asked++;
      const gone = once(signal!, 'abort').then(() => {
        givenUp++;
        throw new Error('given up');
      });
      gone.catch(() => undefined);
      const chunks = async function* () {
        await Promise.race([going, gone]);
        yield* pieces(small);
      };
      return { proven: [], size: small.byteLength, chunks: chunks() };
    },
  };
  return { source, go, asked: () => asked, givenUp: () => givenUp };
}
const ahead = async (source: Source, signal: AbortSignal) =>
  resolver.resolve(wantedOf(small), [source], { flight: 'x', ahead: true, signal });
const wanted = async (source: Source, signal?: AbortSignal) =>
  resolver.resolve(wantedOf(small), [source], { flight: 'x', ...(signal && { signal }) });

describe('What upstream is silent about', () => {
  it.each([
    ['is wanted', wanted],
    ['is fetched ahead', ahead],
  ])(
    'and %s is broken off when the last who wants it leaves, and whoever comes then gets it anew',
    async (_, ask) => {
      const { source, go, asked, givenUp } = waiting();
      const [one, two] = [new AbortController(), new AbortController()];
      const found = [ask(source, one.signal), ask(source, two.signal)].map(async (each) =>
        expect(each).rejects.toThrow(/given up|abort/),
      );
      await expect.poll(asked).toBe(1);
      one.abort();
      expect(givenUp()).toBe(0);
      two.abort();
      const after = wanted(source);
      await Promise.all(found);
      expect(givenUp()).toBe(1);
      go();
      expect((await bytesOf((await after)!.chunks)).equals(small)).toBe(true);
      expect(asked()).toBe(2);
    },
  );
});

describe('What nobody waits for yet', () => {
  it('is the same transfer for whoever asks for it meanwhile', async () => {
    const { source, go, asked } = waiting();
    const found = [ahead(source, new AbortController().signal), wanted(source)];
    await expect.poll(asked).toBe(1);
    go();
    for (const each of found) expect((await bytesOf((await each)!.chunks)).equals(small)).toBe(true);
    expect(asked()).toBe(1);
  });

  it('goes on where somebody waits for it by then', async () => {
    const { source, go, asked, givenUp } = waiting();
    const gone = new AbortController();
    const first = ahead(source, gone.signal);
    await expect.poll(asked).toBe(1);
    const second = wanted(source);
    await new Promise(setImmediate);
    gone.abort();
    go();
    expect((await bytesOf((await second)!.chunks)).equals(small)).toBe(true);
    await first;
    expect([asked(), givenUp()]).toEqual([1, 0]);
  });

  it('is not begun for who has given it up before', async () => {
    const { source, asked } = waiting();
    await expect(ahead(source, AbortSignal.abort())).rejects.toThrow(/abort/);
    expect(asked()).toBe(0);
  });
});
