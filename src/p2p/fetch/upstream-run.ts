/**
 * Chunks from upstream: several that follow one another are one request.
 *
 * @module
 */
import type { Wanted } from '../../content/descriptor.ts';
import type { Source } from '../../content/source.ts';
import { Contradiction } from './fetch-failure.ts';
import type { Piece } from './share-out.ts';

/**
 * Fetches what `next` names, which follow one another, until it names none. Each is handed over as soon as it is complete, in
 * memory of its own.
 *
 * @param length - of all of them in bytes
 * @throws what upstream fails with, or an `Error` that says what is wrong with it; {@link Contradiction}: it has another length
 */
export async function readRun(
  upstream: Source,
  wanted: Wanted,
  { size, offset, length }: { readonly size: number; readonly offset: number; readonly length: number },
  next: () => Promise<Piece | undefined>,
  take: (piece: Piece, bytes: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const content = await upstream.open(wanted, { offset, length, signal });
  if (content === undefined) throw new Error('it does not have it');
  const stream = iterate(content.chunks);
  try {
    if (content.size !== undefined && content.size !== size)
      throw new Contradiction(`it has ${content.size} bytes of it instead of ${size}`);
    let rest: Uint8Array = new Uint8Array();
    for (let piece = await next(); piece !== undefined; piece = await next()) {
      const bytes = new Uint8Array(piece.length);
      for (let at = 0; at < bytes.byteLength;) {
        if (rest.byteLength === 0) {
          const read = await stream.next();
          if (read.done === true) throw new Error('it ended early');
          rest = read.value;
        }
        const part = rest.subarray(0, bytes.byteLength - at);
        bytes.set(part, at);
        at += part.byteLength;
        rest = rest.subarray(part.byteLength);
      }
      take(piece, bytes);
    }
  } finally {
    await stream.return?.();
  }
}

function iterate(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
  return Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
}
