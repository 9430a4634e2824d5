/**
 * Memory for content that passes through, used again and again: what is allocated for each piece costs as much
 * as to hash it, and has V8 collect garbage all the time.
 *
 * Whoever is done with a piece that nobody else has gives it back. What is not given back is garbage like
 * any other, so that only those need to care who pass gigabytes on, and those who let several read one piece.
 *
 * @module
 */

/** How large each buffer is: 256 KiB, which a processor's own cache holds. */
export const PIECE = 256 * 2 ** 10;

/** How many wait to be used again: 8 MiB in all. */
const MOST = 32;

/** Any byte of it stands for all. */
const WHOLE = 0;

const free: ArrayBuffer[] = [];
/** What is in use, with how many of its bytes have not been given back. */
const lent = new WeakMap<ArrayBufferLike, number>();

function take(bytes: number): Uint8Array {
  const memory = free.pop() ?? new ArrayBuffer(PIECE);
  lent.set(memory, bytes);
  return new Uint8Array(memory);
}

/** A buffer of {@link PIECE} bytes, whatever is in it. */
export function takeBuffer(): Uint8Array {
  return take(WHOLE);
}

/** The same for whoever hands it on in parts: it is given back once each of its bytes was. */
export function takeBufferInParts(): Uint8Array {
  return take(PIECE);
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
  if (free.length < MOST) free.push(buffer);
}

/** The same chunk, whose memory cannot be given back any more: several may read it. */
export function shared(chunk: Uint8Array): Uint8Array {
  lent.delete(chunk.buffer);
  return chunk;
}
