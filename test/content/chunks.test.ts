import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  chunkAt,
  chunkCount,
  chunker,
  CHUNK,
  cutOf,
  isChunk,
  LARGE,
  LARGE_CHUNK,
  rootOfChunks,
} from '../../src/content/chunks.ts';
import { mth } from '../log/reference-tree.ts';

describe('Content', () => {
  it('is cut into chunks of 1 MiB, and of 4 MiB above 1 GiB', () => {
    expect(cutOf(0).chunkSize).toBe(CHUNK);
    expect(cutOf(LARGE).chunkSize).toBe(CHUNK);
    expect(cutOf(LARGE + 1).chunkSize).toBe(LARGE_CHUNK);
  });

  test.prop([fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 60 })])(
    'consists of its chunks, one after the other',
    (size, chunkSize) => {
      const spans = Array.from({ length: chunkCount({ size, chunkSize }) }, (_, i) =>
        chunkAt({ size, chunkSize }, i),
      );
      let at = 0;
      for (const { offset, length } of spans) {
        expect(offset).toBe(at);
        expect(length).toBeLessThanOrEqual(chunkSize);
        at += length;
      }
      expect(at).toBe(size);
    },
  );

  test.prop([
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 1, max: 40 }),
    fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 20 }),
  ])(
    'has the root that RFC 6962 gives its chunks, in whatever pieces it passes',
    (bytes, chunkSize, cuts) => {
      const chunks = chunker(chunkSize);
      let at = 0;
      for (const cut of cuts) chunks.update(bytes.subarray(at, (at += cut)));
      chunks.update(bytes.subarray(at));
      const list = chunks.end();
      const parts = list.hashes.map((_, i) => bytes.subarray(i * chunkSize, (i + 1) * chunkSize));
      expect(list.size).toBe(bytes.byteLength);
      expect(list.hashes).toHaveLength(chunkCount(list));
      expect(Buffer.from(rootOfChunks(list))).toEqual(mth(parts));
      for (const [i, part] of parts.entries()) expect(isChunk(list, i, part)).toBe(true);
    },
  );

  test.prop([fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'has no chunk in which one byte is another, or is missing, or too much',
    (bytes, at, flip) => {
      const chunks = chunker(16);
      chunks.update(bytes);
      const list = chunks.end();
      const index = Math.floor((at % bytes.byteLength) / 16);
      const part = Uint8Array.from(bytes.subarray(index * 16, index * 16 + 16));
      expect(isChunk(list, index, part.subarray(1))).toBe(false);
      expect(isChunk(list, index, Buffer.concat([part, Buffer.of(0)]))).toBe(false);
      part[(at % bytes.byteLength) % 16]! ^= flip;
      expect(isChunk(list, index, part)).toBe(false);
      expect(isChunk(list, list.hashes.length, part)).toBe(false);
    },
  );
});
