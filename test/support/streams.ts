import type { ByteStream } from '../../src/content/source.ts';

/** Everything a stream holds. Rejects with what the stream fails with. */
export async function bytesOf(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** A stream of `bytes` in pieces of `size`; one piece when it is left out. */
export async function* chunked(bytes: Uint8Array, size = bytes.byteLength): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}
