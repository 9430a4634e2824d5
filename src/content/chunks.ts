/**
 * Content as a list of chunks, each of which can be verified alone: from several peers at once, and before it is passed on.
 *
 * A chunk's hash is that of a leaf, and the list's root that of the tree above them
 * ({@link https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1 | RFC 6962, section 2.1}). The log's entries have that root
 * of what they tell of, so that a list of anybody's can be held against it.
 *
 * @module
 */
import { equalHashes, type Hash, rootOf, startLeaf } from './merkle.ts';

/** The length of a chunk in bytes: 1 MiB. */
export const CHUNK = 2 ** 20;

/** The length of a chunk of what is larger than {@link LARGE}, in bytes: 4 MiB. */
export const LARGE_CHUNK = 4 * 2 ** 20;

/** Up to this many bytes content has chunks of {@link CHUNK}: 1 GiB. */
export const LARGE = 2 ** 30;

/** How content is cut. Lengths in bytes. */
export interface Cut {
  /** Of the whole. */
  readonly size: number;
  /** Of each chunk but the last, which has what is left; of nothing there is one chunk, which is empty. */
  readonly chunkSize: number;
}

/** The chunks of some content. */
export interface ChunkList extends Cut {
  /** One for each chunk. */
  readonly hashes: readonly Hash[];
}

/** Where a chunk lies, in bytes. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** How everybody cuts content of `size` bytes. */
export function cutOf(size: number): Cut {
  return { size, chunkSize: size > LARGE ? LARGE_CHUNK : CHUNK };
}

/** How many chunks there are. */
export function chunkCount({ size, chunkSize }: Cut): number {
  return Math.max(1, Math.ceil(size / chunkSize));
}

/** Where chunk `index` lies. */
export function chunkAt({ size, chunkSize }: Cut, index: number): Span {
  const offset = index * chunkSize;
  return { offset, length: Math.min(chunkSize, size - offset) };
}

/** MTH of the chunks. */
export function rootOfChunks({ hashes }: ChunkList): Hash {
  return rootOf(hashes);
}

/** Whether `bytes` are chunk `index` of a list. */
export function isChunk(list: ChunkList, index: number, bytes: Uint8Array): boolean {
  const hash = list.hashes[index];
  return (
    hash !== undefined &&
    bytes.byteLength === chunkAt(list, index).length &&
    equalHashes(hash, chunkHash(bytes))
  );
}

/** The hash of one chunk. */
function chunkHash(bytes: Uint8Array): Hash {
  return startLeaf().update(bytes).digest();
}

/** Lists the chunks of content as it passes. */
export interface Chunker {
  update(piece: Uint8Array): void;
  /** Of all that has passed. */
  end(): ChunkList;
}

/** Starts a list of chunks of `chunkSize` bytes. */
export function chunker(chunkSize: number): Chunker {
  const hashes: Hash[] = [];
  let leaf = startLeaf();
  let room = chunkSize;

  return {
    update(piece) {
      for (let at = 0; at < piece.byteLength;) {
        const part = piece.subarray(at, at + room);
        leaf.update(part);
        at += part.byteLength;
        room -= part.byteLength;
        if (room > 0) continue;
        hashes.push(leaf.digest());
        leaf = startLeaf();
        room = chunkSize;
      }
    },
    end() {
      const size = hashes.length * chunkSize + (chunkSize - room);
      if (room < chunkSize || hashes.length === 0) hashes.push(leaf.digest());
      return { size, chunkSize, hashes };
    },
  };
}
