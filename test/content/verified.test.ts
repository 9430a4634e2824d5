import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import type { Wanted } from '../../src/content/descriptor.ts';
import { HELD_BACK, measure, type Measured, SIZE_LIMIT, verified } from '../../src/content/verified.ts';

const kib = 2 ** 10;

/** Walks a stream to its end or its error, and keeps everything it gave. */
async function walk(stream: AsyncGenerator<Uint8Array, Measured>) {
  const chunks: Uint8Array[] = [];
  try {
    for (;;) {
      const { done, value } = await stream.next();
      if (done) return { bytes: Buffer.concat(chunks), measured: value };
      chunks.push(value);
    }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

const exactly = (bytes: Uint8Array): Wanted => ({ digests: [digestOf(bytes, 'sha512')], size: bytes.length });
const cut = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
const numbered = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);

describe('verified', () => {
  test.prop([fc.array(fc.uint8Array())])(
    'passes matching content, however it is cut into chunks',
    async (chunks) => {
      const bytes = Buffer.concat(chunks);
      const passed = await walk(verified(chunks, exactly(bytes)));
      expect(passed).toEqual({ bytes, measured: { digests: exactly(bytes).digests, size: bytes.length } });
    },
  );

  test.prop([fc.uint8Array({ minLength: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'refuses any flipped byte, and gives nothing of content that is small',
    async (bytes, at, mask) => {
      const damaged = bytes.slice();
      damaged[at % bytes.length]! ^= mask;
      const { bytes: given, error } = await walk(verified([damaged], exactly(bytes)));
      expect(error).toMatchObject({
        code: 'DIGEST_MISMATCH',
        details: { expected: digestOf(bytes, 'sha512') },
      });
      expect(given).toHaveLength(0);
    },
  );

  it.each([1, 100, 4 * kib, 64 * kib - 1, 64 * kib, 64 * kib + 1, 200 * kib])(
    'holds back the last 64 KiB of wrong content that comes %i bytes at a time',
    async (size) => {
      const bytes = numbered(size < 100 ? HELD_BACK + 500 : 300 * kib);
      const wanted = { digests: [digestOf(numbered(7), 'sha256')] };
      const { bytes: given, error } = await walk(verified(cut(bytes, size), wanted));
      expect(error).toMatchObject({ code: 'DIGEST_MISMATCH' });
      expect(given.length).toBeLessThanOrEqual(bytes.length - HELD_BACK);
      expect(given).toEqual(Buffer.from(bytes.subarray(0, given.length)));
    },
  );

  it('keeps no more than it must: a chunk is given as soon as 64 KiB follow it', async () => {
    const chunks = cut(numbered(256 * kib), 16 * kib);
    let asked = 0;
    const counted = (function* () {
      for (const chunk of chunks) {
        asked++;
        yield chunk;
      }
    })();
    const stream = verified(counted, { digests: [] });
    expect((await stream.next()).value).toEqual(chunks[0]);
    expect(asked).toBe(5);
    await stream.return({ digests: [], size: 0 });
  });

  it('stops an endless stream at the first byte too many', async () => {
    const endless = (function* () {
      for (;;) yield new Uint8Array(1024);
    })();
    const { error } = await walk(verified(endless, { digests: [], size: 4096 }));
    expect(error).toMatchObject({ code: 'SIZE_MISMATCH', details: { expected: 4096, actual: 5120 } });
  });

  it('refuses content that stops early, whatever its digest', async () => {
    const bytes = numbered(10);
    const { bytes: given, error } = await walk(verified([bytes], { ...exactly(bytes), size: 11 }));
    expect(error).toMatchObject({ code: 'SIZE_MISMATCH', details: { expected: 11, actual: 10 } });
    expect(given).toHaveLength(0);
  });

  it('demands every digest that is wanted, not only the first', async () => {
    const bytes = numbered(10);
    const wrong = digestOf(numbered(11), 'sha1');
    const { error } = await walk(verified([bytes], { digests: [digestOf(bytes, 'sha256'), wrong] }));
    expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', details: { expected: wrong } });
  });

  it('measures what it is asked to besides', async () => {
    const bytes = numbered(10);
    const { measured } = await walk(
      verified([bytes], { digests: [digestOf(bytes, 'sha1')] }, ['sha256', 'sha1']),
    );
    expect(measured).toEqual({ digests: [digestOf(bytes, 'sha1'), digestOf(bytes, 'sha256')], size: 10 });
  });

  it('lets go of its source when the reader leaves', async () => {
    let left = false;
    const source = (function* () {
      try {
        for (;;) yield new Uint8Array(HELD_BACK);
      } finally {
        left = true;
      }
    })();
    for await (const chunk of verified(source, { digests: [] })) {
      expect(chunk).toHaveLength(HELD_BACK);
      break;
    }
    expect(left).toBe(true);
  });

  it('fails with whatever its source fails with', async () => {
    const broken = (function* () {
      yield numbered(1);
      throw new Error('connection reset');
    })();
    expect((await walk(verified(broken, { digests: [] }))).error).toEqual(new Error('connection reset'));
  });
});

describe('measure', () => {
  it('takes no more than 16 GiB of what has no known size', () => {
    const meter = measure({ digests: [] });
    const huge = Object.defineProperty(new Uint8Array(), 'byteLength', { value: SIZE_LIMIT });
    meter.update(huge);
    expect(() => meter.update(numbered(1))).toThrow(
      expect.objectContaining({
        code: 'SIZE_MISMATCH',
        details: { expected: SIZE_LIMIT, actual: SIZE_LIMIT + 1 },
      }),
    );
  });
});
