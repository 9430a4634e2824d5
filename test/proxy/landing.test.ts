import { describe, expect, it } from 'vitest';
import { giveBack, isPart, PIECE, takeBuffer } from '../../src/content/buffers.ts';
import { landingOf } from '../../src/proxy/landing.ts';

/** A connection that `read`s so many bytes at a time, as Node does with `onread`, and `ask`s in between. */
function connected() {
  const came: Uint8Array[] = [];
  const connection = { bytesWritten: 0, push: (chunk: Uint8Array) => came.push(chunk) > 0 };
  const { buffer, callback } = landingOf(() => connection as never);
  let place = buffer();
  let next = 0;
  return {
    came,
    ask: () => (connection.bytesWritten += 100),
    read(length: number): void {
      const had = Math.min(length, place.byteLength);
      for (let i = 0; i < had; i++) place[i] = next++ % 251;
      callback(had);
      place = buffer();
    },
  };
}

const isNumbered = (chunks: readonly Uint8Array[]): boolean =>
  Buffer.concat(chunks).every((byte, i) => byte === i % 251);

describe('where a connection’s bytes land', () => {
  it('is its own memory where an answer is long, one read behind the other', () => {
    const { came, ask, read } = connected();
    ask();
    for (let i = 0; i < 40; i++) read(16_000);
    expect(isNumbered(came)).toBe(true);
    const landed = came.filter(isPart);
    expect(came.indexOf(landed[0]!)).toBe(9); // The first behind 128 KiB.
    const [one, two] = landed;
    expect([two!.buffer, two!.byteOffset]).toEqual([one!.buffer, one!.byteOffset + one!.byteLength]);
  });

  it('is used again once all of it was given back, and no sooner', () => {
    const { came, ask, read } = connected();
    ask();
    for (let i = 0; i < 40; i++) read(16_000);
    const memory = came[9]!.buffer;
    const parts = came.filter(({ buffer }) => buffer === memory);
    expect(parts.length).toBeGreaterThan(10);
    for (const part of parts.slice(1)) giveBack(part);
    const others = Array.from({ length: 40 }, takeBuffer);
    expect(others.every(({ buffer }) => buffer !== memory)).toBe(true);
    giveBack(parts[0]!);
    expect(takeBuffer().buffer).toBe(memory);
    for (const other of others) giveBack(other);
  });

  it('is no memory that is used again where answers are short, however many', () => {
    const { came, ask, read } = connected();
    for (let i = 0; i < 100; i++) {
      ask();
      read(10_000);
    }
    expect(isNumbered(came)).toBe(true);
    expect(came.filter(isPart)).toEqual([]);
  });

  it('is not left to the beginning of the answer behind a long one', () => {
    const { came, ask, read } = connected();
    ask();
    for (let i = 0; i < 20; i++) read(16_000);
    expect(isPart(came.at(-1)!)).toBe(true);
    ask();
    read(1000);
    expect(isPart(came.at(-1)!)).toBe(false);
    expect(came.at(-1)!.buffer.byteLength).toBeLessThan(PIECE);
    for (let i = 0; i < 20; i++) read(16_000);
    expect(isNumbered(came)).toBe(true);
    expect(isPart(came.at(-1)!)).toBe(true);
  });
});
