import { describe, expect, it } from 'vitest';
import {
  giveBack,
  isPart,
  PIECE,
  shared,
  takeBuffer,
  takeBufferInParts,
  takeChunkBuffer,
} from '../../src/content/buffers.ts';

describe('memory that is used again', () => {
  it('is lent to one at a time', () => {
    const first = takeBuffer();
    const second = takeBuffer();
    expect(first.byteLength).toBe(PIECE);
    expect(second.buffer).not.toBe(first.buffer);
    giveBack(first.subarray(10, 20));
    const third = takeBuffer();
    expect(third.buffer).toBe(first.buffer);
    expect(third.byteLength).toBe(PIECE);
  });

  it('is lent once, however often it was given back', () => {
    const first = takeBuffer();
    giveBack(first);
    giveBack(first.subarray(1));
    expect(takeBuffer().buffer).toBe(first.buffer);
    expect(takeBuffer().buffer).not.toBe(first.buffer);
  });

  it('that was lent in parts is lent again when each of its bytes was given back', () => {
    const parts = takeBufferInParts();
    expect(isPart(parts)).toBe(true);
    expect(isPart(takeBuffer())).toBe(false);
    giveBack(parts.subarray(0, 1000));
    giveBack(parts.subarray(1001));
    expect(takeBuffer().buffer).not.toBe(parts.buffer);
    giveBack(parts.subarray(1000, 1001));
    expect(takeBuffer().buffer).toBe(parts.buffer);
  });

  it('is another’s by the time that nothing of it is given back', () => {
    const first = takeBuffer();
    giveBack(first);
    const second = takeBuffer();
    expect(second.buffer).toBe(first.buffer);
    giveBack(first.subarray(0, 0));
    expect(takeBuffer().buffer).not.toBe(second.buffer);
  });

  it('is not anybody else’s', () => {
    const own = new Uint8Array(PIECE);
    giveBack(own);
    expect(takeBuffer().buffer).not.toBe(own.buffer);
  });

  it('is lent to nobody once several may read it', () => {
    const first = takeBuffer();
    expect(shared(first)).toBe(first);
    giveBack(first);
    expect(takeBuffer().buffer).not.toBe(first.buffer);
  });

  it('is that of a whole chunk, too, but of no other length', () => {
    for (const length of [2 ** 20, 4 * 2 ** 20]) {
      const first = takeChunkBuffer(length);
      expect(first.byteLength).toBe(length);
      expect(takeChunkBuffer(length).buffer).not.toBe(first.buffer);
      giveBack(first.subarray(5));
      expect(takeBuffer().buffer).not.toBe(first.buffer);
      expect(takeChunkBuffer(length).buffer).toBe(first.buffer);
    }
    const last = takeChunkBuffer(300_000);
    expect(last.byteLength).toBe(300_000);
    giveBack(last);
    expect(takeChunkBuffer(300_000).buffer).not.toBe(last.buffer);
  });

  it.each([
    ['small', takeBuffer, 32],
    ['as a chunk', () => takeChunkBuffer(2 ** 20), 8],
    ['as a large chunk', () => takeChunkBuffer(4 * 2 ** 20), 2],
  ])('is no more than 8 MiB: %s', (_, take, most) => {
    const many = Array.from({ length: 40 }, () => take());
    for (const each of many) giveBack(each);
    const memories = new Set(many.map(({ buffer }) => buffer));
    const again = Array.from({ length: 40 }, () => take());
    expect(again.filter(({ buffer }) => memories.has(buffer))).toHaveLength(most);
  });
});
