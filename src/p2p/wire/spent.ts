/**
 * What comes over a connection lies in memory of its own for each read, up to 16 KiB. V8 looks for what nobody needs any more
 * only when there are 64 MB of it; so it is freed here as soon as its bytes were copied.
 *
 * @module
 */

/** What was read for this process alone. */
const fresh = new WeakSet<ArrayBufferLike>();

/** Nobody else has this memory, which was just read from a socket, and whoever has a part of it does not keep it. */
export function markFresh({ buffer }: Uint8Array): void {
  fresh.add(buffer);
}

/** Frees the memory of a chunk where it is all of what was read, so that nobody has another part of it. It is empty then. */
export function spend({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer && fresh.delete(buffer))
    buffer.transfer(0);
}
