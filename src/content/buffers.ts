/**
 * Memory for content that passes through, used again and again: what is allocated for each piece costs as much
 * as to hash it, and has V8 collect garbage all the time.
 *
 * Whoever is done with a piece that nobody else has gives it back. What is not given back is garbage like
 * any other, so that only those need to care who pass gigabytes on, and those who let several read one piece.
 *
 * @module
 */
import { CHUNK, LARGE_CHUNK } from './chunks.ts';

/** How large most are: 256 KiB, which a processor's own cache holds. */
export const PIECE = 256 * 2 ** 10;

/** How many bytes of each length wait to be used again: 8 MiB. */
const MOST = 8 * 2 ** 20;

/** Any byte of it stands for all. */
const WHOLE = 0;

/** By length: pieces, and what peers are asked for at a time. */
const free = new Map<number, ArrayBuffer[]>([PIECE, CHUNK, LARGE_CHUNK].map((length) => [length, []]));
/** What is in use, with how many of its bytes have not been given back. */
const lent = new WeakMap<ArrayBufferLike, number>();

function take(length: number, bytes: number): Uint8Array {
  const memory = free.get(length)?.pop() ?? new ArrayBuffer(length);
  lent.set(memory, bytes);
  return new Uint8Array(memory);
}

/** A buffer of {@link PIECE} bytes, whatever is in it. */
export function takeBuffer(): Uint8Array {
  return take(PIECE, WHOLE);
}

/** The same for whoever hands it on in parts: it is given back once each of its bytes was. */
export function takeBufferInParts(): Uint8Array {
  return take(PIECE, PIECE);
}

/** A buffer of `length` bytes, whatever is in it. Only those of a whole chunk are used again. */
export function takeChunkBuffer(length: number): Uint8Array {
  return length === CHUNK || length === LARGE_CHUNK ? take(length, WHOLE) : Buffer.allocUnsafe(length);
}

/** Whether a chunk is a part of a buffer, and nobody else has these bytes. */
export function isPart({ buffer }: Uint8Array): boolean {
  return (lent.get(buffer) ?? WHOLE) !== WHOLE;
}

/**
 * Gives back the memory of a chunk, all of it, which nobody may read any more. Whatever did not come from
 * here, or was given back already, is left alone; but the bytes of a part are given back once.
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  const left = lent.get(buffer);
  // An empty chunk is nobody's: its memory may have been lent to another since.
  if (!(buffer instanceof ArrayBuffer) || left === undefined || byteLength === 0) return;
  if (left > byteLength) return void lent.set(buffer, left - byteLength);
  lent.delete(buffer);
  const same = free.get(buffer.byteLength);
  if (same && (same.length + 1) * buffer.byteLength <= MOST) same.push(buffer);
}

/** The same chunk, whose memory cannot be given back any more: several may read it. */
export function shared(chunk: Uint8Array): Uint8Array {
  lent.delete(chunk.buffer);
  return chunk;
}
