/**
 * How the files of a log change when entries are added: pure, so that whoever stores them decides how and when.
 *
 * @module
 */
import {
  EMPTY_ROOT,
  completeSubtrees,
  type Hash,
  joined,
  leafHash,
  rootOf,
  type TreeHead,
} from '../content/merkle.ts';
import { formatBundle, hashWithin, TILE_WIDTH, tileOf, tilePath } from './tiles.ts';

/** All that growing needs to know of a tree: what its partial tiles hold. */
export interface Edge {
  readonly size: bigint;
  /** The hashes of each level's partial tile, level 0 first; none where that is empty. */
  readonly tiles: readonly (readonly Hash[])[];
  /** The entries of the partial bundle. */
  readonly bundle: readonly Uint8Array[];
}

/** A file to be written, below the log's prefix. Each is new: no file that was there before changes. */
export interface LogFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The edge of an empty log. */
export const EMPTY_EDGE: Edge = { size: 0n, tiles: [], bundle: [] };

/** Adds entries: the new edge, and the files of the new tree that the old one did not have. */
export function grow(edge: Edge, entries: readonly Uint8Array[]): { edge: Edge; files: LogFile[] } {
  const files: LogFile[] = [];
  const tiles = edge.tiles.map((tile) => [...tile]);
  let bundle = [...edge.bundle];
  let size = edge.size;
  const changed = new Set<number>();

  const write = (level: number | 'entries', width: number, bytes: Uint8Array): void => {
    const unit = BigInt(TILE_WIDTH) ** BigInt(level === 'entries' ? 1 : level + 1);
    files.push({ path: tilePath({ level, index: (size - 1n) / unit, width }), bytes });
  };
  const push = (level: number, hash: Hash): void => {
    const tile = (tiles[level] ??= []);
    changed.add(level);
    if (tile.push(hash) < TILE_WIDTH) return;
    write(level, TILE_WIDTH, Buffer.concat(tile));
    tiles[level] = [];
    push(level + 1, rootOf(tile));
  };

  for (const entry of entries) {
    size += 1n;
    if (bundle.push(entry) === TILE_WIDTH) {
      write('entries', TILE_WIDTH, formatBundle(bundle));
      bundle = [];
    }
    push(0, leafHash(entry));
  }
  for (const level of changed) {
    const tile = tiles[level]!;
    if (tile.length > 0) write(level, tile.length, Buffer.concat(tile));
  }
  if (bundle.length > 0 && entries.length > 0) write('entries', bundle.length, formatBundle(bundle));
  return { edge: { size, tiles, bundle }, files };
}

/** The size and the root of the tree with this edge. */
export function headOf({ size, tiles }: Edge): TreeHead {
  if (size === 0n) return { size, root: EMPTY_ROOT };
  const peaks = completeSubtrees({ start: 0n, end: size }).map((peak) => {
    const { level, from, to } = tileOf(peak);
    return hashWithin(tiles[level]!, from, to);
  });
  return { size, root: joined(peaks) };
}
