import type { FileHandle } from 'node:fs/promises';
import { PIECE, takeBuffer } from '../content/buffers.ts';
import type { CallOptions } from '../content/source.ts';

/**
 * The bytes of an open file from `start` up to `end`, in chunks of up to 256 KiB, each of which is read while the
 * one before it is used. Whoever is done with a chunk may give it back (`content/buffers.ts`).
 *
 * Throws when the file has become shorter. `file` may be closed once the iteration has ended or returned.
 */
export async function* readFrom(
  file: FileHandle,
  start: number,
  end: number,
  { signal }: CallOptions = {},
): AsyncGenerator<Uint8Array> {
  const read = async (at: number): Promise<Uint8Array> => {
    const buffer = takeBuffer();
    const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE, end - at), at);
    if (bytesRead === 0) throw new Error('A file in the cache became shorter while it was read');
    return buffer.subarray(0, bytesRead);
  };
  let next = start < end ? read(start) : undefined;
  try {
    for (let at = start; next;) {
      signal?.throwIfAborted();
      const chunk: Uint8Array = await next;
      at += chunk.byteLength;
      next = at < end ? read(at) : undefined;
      next?.catch(() => undefined);
      yield chunk;
    }
  } finally {
    await next?.catch(() => undefined);
  }
}
