import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { ByteStream } from '../content/source.ts';

/** How content is compressed. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** In how large pieces content comes, in bytes: 64 KiB. With Node's own 16 it takes twice as long. */
const PIECE = 2 ** 16;

/**
 * Unpacks `chunks`, piece by piece. Fails with the library's own error where they are not compressed so, or stop
 * early.
 */
export async function* unpacked(chunks: ByteStream, compression: Compression): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    yield* chunks;
    return;
  }
  const options = { chunkSize: PIECE };
  const unpacker = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  const source = Readable.from(chunks);
  source.once('error', (error) => unpacker.destroy(error));
  try {
    yield* source.pipe(unpacker);
  } finally {
    source.destroy();
  }
}
