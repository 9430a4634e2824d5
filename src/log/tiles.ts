/**
 * Where a log keeps its hashes and entries, as static files: {@link https://c2sp.org/tlog-tiles | c2sp.org/tlog-tiles}.
 *
 * A tile holds up to 256 hashes of one level; those of level L are the roots of full tiles of level L-1, and those of
 * level 0 the leaves. Bundles hold the entries of a tile of level 0. The last of each level may be partial; how wide
 * it is follows from the size of the tree.
 *
 * @module
 */
import { type Hash, HASH_SIZE, rootOf, type Subtree } from '../content/merkle.ts';
import { invalid } from './text.ts';

/** How many hashes a full tile has, and how many entries a full bundle. */
export const TILE_WIDTH = 256;

/** How many levels of the tree one tile spans. */
const TILE_HEIGHT = 8;

/** The most bytes of an entry, which is written with its length in 16 bits. */
export const ENTRY_LIMIT = 65_535;

/** The most bytes that a file of a log can have: a bundle of the largest entries. */
export const BUNDLE_LIMIT = TILE_WIDTH * (2 + ENTRY_LIMIT);

/** A tile of hashes, or of a bundle of `entries`. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: bigint;
  /** How many there are in it: 1 to 256. */
  readonly width: number;
}

/** A tile of hashes. */
export interface HashTile extends Tile {
  readonly level: number;
}

/** Where a tile is, below the log's prefix. */
export function tilePath({ level, index, width }: Tile): string {
  let path = String(index % 1000n).padStart(3, '0');
  for (let above = index / 1000n; above > 0n; above /= 1000n) {
    path = `x${String(above % 1000n).padStart(3, '0')}/${path}`;
  }
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** How many hashes tile `index` of `level` has in a tree of `size` leaves; 0 when there is no such tile. */
export function tileWidth(level: number, index: bigint, size: bigint): number {
  const left = (size >> BigInt(TILE_HEIGHT * level)) - index * BigInt(TILE_WIDTH);
  return left <= 0n ? 0 : Number(left < TILE_WIDTH ? left : TILE_WIDTH);
}

/** The partial tiles of a tree of `size` leaves, those of hashes only, lowest first: its right edge. */
export function partialTiles(size: bigint): HashTile[] {
  const tiles: HashTile[] = [];
  for (let level = 0, left = size; left > 0n; level++, left >>= BigInt(TILE_HEIGHT)) {
    const width = Number(left % BigInt(TILE_WIDTH));
    if (width > 0) tiles.push({ level, index: left / BigInt(TILE_WIDTH), width });
  }
  return tiles;
}

/** The tile in which a complete subtree is found, and which of its hashes it is made of. */
export function tileOf({ level, index }: Subtree): {
  level: number;
  index: bigint;
  from: number;
  to: number;
} {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 1 << (level % TILE_HEIGHT);
  const first = index * BigInt(count);
  const from = Number(first % BigInt(TILE_WIDTH));
  return { level: tileLevel, index: first / BigInt(TILE_WIDTH), from, to: from + count };
}

/**
 * Takes a tile of hashes apart. A wider one than asked for is cut: it holds the same hashes and further ones.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` when it has too few bytes, or other than whole hashes.
 */
export function parseTile(bytes: Uint8Array, width: number, what: string): Hash[] {
  const least = width * HASH_SIZE;
  if (
    bytes.byteLength < least ||
    bytes.byteLength > TILE_WIDTH * HASH_SIZE ||
    bytes.byteLength % HASH_SIZE !== 0
  )
    throw invalid(what, `expected ${least} bytes, got ${bytes.byteLength}`);
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE));
}

/** The hash of the complete subtree that hashes `from` to below `to` of a tile span. */
export function hashWithin(hashes: readonly Hash[], from: number, to: number): Hash {
  return rootOf(hashes.slice(from, to));
}

/**
 * Takes a bundle apart. As of a tile, of a wider one the first `width` entries are taken.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` when it ends within an entry, or has too few, or more than 256.
 */
export function parseBundle(bytes: Uint8Array, width: number, what: string): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    if (entries.length === TILE_WIDTH) throw invalid(what, `it has more than ${TILE_WIDTH} entries`);
    const end = at + 2 > bytes.byteLength ? Infinity : at + 2 + view.getUint16(at);
    if (end > bytes.byteLength) throw invalid(what, `it ends within entry ${entries.length}`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length < width) throw invalid(what, `expected ${width} entries, got ${entries.length}`);
  return entries.slice(0, width);
}

/** Writes a bundle. */
export function formatBundle(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.byteLength > ENTRY_LIMIT)
        throw invalid('a log entry', `it has ${entry.byteLength} bytes, ${ENTRY_LIMIT} at most`);
      return [Uint8Array.of(entry.byteLength >> 8, entry.byteLength & 0xff), entry];
    }),
  );
}
