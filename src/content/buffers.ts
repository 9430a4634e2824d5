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

const free: ArrayBuffer[] = [];
const lent = new WeakSet<ArrayBufferLike>();

/** A buffer of {@link PIECE} bytes, whatever is in it. */
export function takeBuffer(): Uint8Array {
  const memory = free.pop() ?? new ArrayBuffer(PIECE);
  lent.add(memory);
  return new Uint8Array(memory);
}

/**
 * Gives back the memory of a chunk, all of it, which nobody may read any more. Whatever did not come from
 * {@link takeBuffer}, or was given back already, is left alone.
 */
export function giveBack({ buffer }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer) || !lent.delete(buffer)) return;
  if (free.length < MOST) free.push(buffer);
}

/** The same chunk, whose memory cannot be given back any more: several may read it. */
export function shared(chunk: Uint8Array): Uint8Array {
  lent.delete(chunk.buffer);
  return chunk;
}
