import { fc, test } from '@fast-check/vitest';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { giveBack, PIECE, takeBuffer, takeBufferInParts } from '../../src/content/buffers.ts';
import { piecesOf } from '../../src/proxy/body.ts';

const pattern = Buffer.from(Uint8Array.from({ length: 4 * PIECE }, (_, i) => i % 251));
const numbered = (length: number): Buffer => pattern.subarray(0, length);

/** A body that comes in these chunks, and says when nobody takes them. */
function bodyOf(chunks: readonly Uint8Array[], failure?: Error): Readable {
  const left = [...chunks];
  return new Readable({
    highWaterMark: 1,
    read() {
      const next = left.shift();
      if (next) this.push(next);
      else if (failure) this.destroy(failure);
      else this.push(null);
    },
  });
}

describe('the pieces of a body', () => {
  test.prop([fc.array(fc.nat({ max: 2 * PIECE }), { maxLength: 4 }), fc.boolean()], { numRuns: 30 })(
    'are all of it, in order, however it comes, and whether or not memory is given back',
    async (sizes, back) => {
      const chunks = sizes.filter(Boolean).map((size, i) => pattern.subarray(i, i + size));
      const whole = Buffer.concat(chunks);
      const come: Buffer[] = [];
      for await (const piece of piecesOf(bodyOf(chunks))) {
        expect(piece.byteLength).toBeLessThanOrEqual(PIECE);
        come.push(Buffer.from(piece));
        if (back) giveBack(piece);
      }
      expect(Buffer.concat(come).equals(whole)).toBe(true);
    },
  );

  test.prop([fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 30 }), fc.boolean()], {
    numRuns: 30,
  })('are all of it where connections read into memory that is used again', async (sizes, back) => {
    let memory = takeBufferInParts();
    let at = 0;
    const whole: Buffer[] = [];
    // As connections read it: the same memory comes back filled anew.
    const body = new Readable({
      highWaterMark: 1,
      read() {
        const size = sizes.shift();
        if (size === undefined) {
          this.push(null);
          return;
        }
        if (PIECE - at < 70_000) {
          giveBack(memory.subarray(at));
          [memory, at] = [takeBufferInParts(), 0];
        }
        const chunk = Buffer.from(memory.buffer, at, size);
        numbered(size).copy(chunk);
        chunk[0] = sizes.length;
        whole.push(Buffer.from(chunk));
        at += size;
        this.push(chunk);
      },
    });
    const come: Buffer[] = [];
    for await (const piece of piecesOf(body)) {
      if (sizes.length % 3 === 0) await turn();
      come.push(Buffer.from(piece));
      // Whoever has it next writes into it.
      if (back) giveBack(piece);
      if (back) takeBuffer().fill(255);
    }
    expect(Buffer.concat(come).equals(Buffer.concat(whole))).toBe(true);
  });

  it('are not copied where they lie in such memory one behind the other', async () => {
    const memory = takeBufferInParts();
    const chunks = [0, 1, 2].map((i) => Buffer.from(memory.buffer, i * 60_000, 60_000).fill(i));
    const body = new Readable({ highWaterMark: 2 ** 20, read() {} });
    for (const chunk of chunks) body.push(chunk);
    body.push(null);
    const pieces = await Array.fromAsync(piecesOf(body));
    expect(pieces.map(({ byteLength }) => byteLength)).toEqual([180_000]);
    expect(pieces[0]!.buffer).toBe(memory.buffer);
  });

  it('that are copied go into no memory that is another’s by then, when a connection read the ones before', async () => {
    const body = new Readable({ highWaterMark: 2 ** 20, read() {} });
    const landed = takeBufferInParts();
    body.push(Buffer.from(landed.buffer, 0, 100_000).fill(1));
    const pieces = piecesOf(body);
    giveBack((await pieces.next()).value!);
    giveBack(landed.subarray(100_000));
    const another = takeBuffer().fill(7);
    expect(another.buffer).toBe(landed.buffer);
    body.push(numbered(100_000));
    expect((await pieces.next()).value).toEqual(new Uint8Array(numbered(100_000)));
    expect(another.every((byte) => byte === 7)).toBe(true);
  });

  it('are few where many chunks come together', async () => {
    const chunks = Array.from({ length: 64 }, () => numbered(2 ** 14));
    const pieces = await Array.fromAsync(piecesOf(bodyOf(chunks)));
    expect(pieces.length).toBeLessThan(16);
  });

  it('take no more memory than they have bytes where they are small', async () => {
    const [piece] = await Array.fromAsync(piecesOf(bodyOf([numbered(1000)])));
    expect(piece!.buffer.byteLength).toBe(1000);
  });

  it('wait for whoever takes them', async () => {
    const body = bodyOf(Array.from({ length: 100 }, () => numbered(PIECE)));
    let pushed = 0;
    body.on('data', () => pushed++);
    const pieces = piecesOf(body);
    await pieces.next();
    for (let i = 0; i < 50; i++) await turn();
    expect(pushed).toBeLessThan(10);
    let rest = 0;
    for await (const piece of pieces) rest += piece.byteLength;
    expect(rest).toBe(99 * PIECE);
  });

  it('come before the failure that ends them', async () => {
    const pieces = piecesOf(bodyOf([numbered(100_000)], new Error('gone')));
    expect((await pieces.next()).value).toEqual(new Uint8Array(numbered(100_000)));
    await expect(pieces.next()).rejects.toThrow('gone');
  });

  it.each([
    ['was over', undefined],
    ['had failed', new Error('gone')],
  ])('of a body that %s before anybody asked are told', async (_, failure) => {
    const body = bodyOf([], failure).on('error', () => {});
    body.resume();
    await new Promise((resolve) => body.once('close', resolve));
    const all = Array.fromAsync(piecesOf(body));
    const told = await all.catch((error: unknown) => error);
    expect(told).toEqual(failure ?? []);
  });

  it('of a connection that is closed are not the whole', async () => {
    const body = new Readable({ read() {} });
    body.push(numbered(10));
    setImmediate(() => body.destroy());
    await expect(Array.fromAsync(piecesOf(body))).rejects.toThrow('the connection was closed');
  });

  it('that nobody wants any more break the connection off', async () => {
    const body = bodyOf([numbered(10), numbered(10)]);
    for await (const _ of piecesOf(body)) break;
    expect(body.destroyed).toBe(true);
  });

  it('that nobody wants any more write nothing into memory that is another’s by then', async () => {
    // As an answer does it that more has come of than was asked for: it is closed a little later.
    const body = new Readable({
      highWaterMark: 2 ** 26,
      read() {},
      destroy: (_, done) => void setImmediate(done),
    });
    for (let i = 0; i < 20; i++) body.push(numbered(100_000));
    for await (const _ of piecesOf(body)) break;
    const another = takeBuffer().fill(7);
    await new Promise((resolve) => body.once('close', resolve));
    expect(another.every((byte) => byte === 7)).toBe(true);
  });
});
