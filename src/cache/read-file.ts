import type { FileHandle } from 'node:fs/promises';
import { giveBack, PIECE, takeBuffer } from '../content/buffers.ts';
import type { CallOptions } from '../content/source.ts';

/** How many chunks are read at a time. */
const AT_ONCE = 4;

/**
 * The bytes of an open file from `start` up to `end`, in chunks of up to 256 KiB, up to four of which are read
 * while those before them are used. Whoever is done with a chunk may give it back (`content/buffers.ts`).
 *
 * Throws when the file has become shorter. `file` may be closed once the iteration has ended or returned.
 */
export async function* readFrom(
  file: FileHandle,
  start: number,
  end: number,
  { signal }: CallOptions = {},
): AsyncGenerator<Uint8Array> {
  let next = start < end ? read(file, start, end) : undefined;
  try {
    for (let at = start; next;) {
      signal?.throwIfAborted();
      const chunks: readonly Uint8Array[] = await next;
      at += chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
      next = at < end ? read(file, at, end) : undefined;
      next?.catch(() => undefined);
      yield* chunks;
    }
  } finally {
    await next?.catch(() => undefined);
  }
}

/** What is at a place, up to 1 MiB of it: each trip to another thread takes as long as to read a chunk. */
async function read(file: FileHandle, at: number, end: number): Promise<Uint8Array[]> {
  const count = Math.min(AT_ONCE, Math.ceil((end - at) / PIECE));
  const buffers = Array.from({ length: count }, (_, i) => takeBuffer().subarray(0, end - at - i * PIECE));
  const { bytesRead } = await file.readv(buffers, at);
  if (bytesRead === 0) throw new Error('A file in the cache became shorter while it was read');
  return buffers.flatMap((buffer, i) => {
    const filled = buffer.subarray(0, Math.max(0, bytesRead - i * PIECE));
    if (filled.byteLength === 0) giveBack(buffer);
    return filled.byteLength === 0 ? [] : [filled];
  });
}
