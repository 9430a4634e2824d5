/**
 * Reads a log from files that anybody may have touched: nothing leaves here that the tree head does not vouch for.
 *
 * The partial tiles of a tree hold just the hashes of which its root is made, so one computation proves them all. A full
 * tile is proven by its hash in the tile above it, and a bundle by the leaf hashes.
 *
 * @module
 */
import {
  completeSubtrees,
  equalHashes,
  type Hash,
  HASH_SIZE,
  joined,
  leafHash,
  type ReadHashes,
  rootOf,
  type Subtree,
  type TreeHead,
} from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import {
  BUNDLE_LIMIT,
  hashWithin,
  parseBundle,
  parseTile,
  partialTiles,
  type Tile,
  TILE_WIDTH,
  tileOf,
  tilePath,
  tileWidth,
} from './tiles.ts';

/** Where the files of a log come from: a directory, a server, a peer. */
export interface TileSource {
  /** What the log is called in messages. */
  readonly name: string;
  /** The bytes at a path such as `tile/0/000`; undefined when there is nothing. It reads no more than `limit` bytes. */
  read(path: string, limit: number): Promise<Uint8Array | undefined>;
}

/** A log of which a tree head is known. What differs from that is `NOT_PROVEN`, what is missing `NOT_FOUND`. */
export interface ProvenLog {
  readonly head: TreeHead;
  /** Hashes of complete subtrees, for proofs. */
  readonly readHashes: ReadHashes;
  /** The root of the first `size` leaves; `size` is not above that of the head. */
  rootAt(size: bigint): Promise<Hash>;
  /** The entries of bundle `index`, of which there are as many as {@link tileWidth} says at level 0. */
  entries(index: bigint): Promise<Uint8Array[]>;
}

/** Reads the log behind `source`, which is to be that of `head`. */
export function provenLog(source: TileSource, head: TreeHead): ProvenLog {
  /** Tiles above level 0, of which there are few, and the right edge. */
  const proven = new Map<string, Hash[]>();
  let edge: Promise<void> | undefined;

  const fetch = async (tile: Tile, limit: number): Promise<{ bytes: Uint8Array; what: string }> => {
    // A partial tile may be gone once the full one is there.
    for (const width of new Set([tile.width, TILE_WIDTH])) {
      const path = tilePath({ ...tile, width });
      const bytes = await source.read(path, limit);
      if (bytes !== undefined) return { bytes, what: `${path} of ${source.name}` };
    }
    throw new PyrsiaError('NOT_FOUND', { what: `${tilePath(tile)} of ${source.name}` });
  };
  const fetchTile = async (
    level: number,
    index: bigint,
    width: number,
  ): Promise<{ hashes: Hash[]; what: string }> => {
    const { bytes, what } = await fetch({ level, index, width }, TILE_WIDTH * HASH_SIZE);
    return { hashes: parseTile(bytes, width, what), what };
  };

  const proveEdge = async (): Promise<void> => {
    const tiles = partialTiles(head.size);
    const read = await Promise.all(tiles.map(({ level, index, width }) => fetchTile(level, index, width)));
    const at = new Map(tiles.map((tile, i) => [tile.level, read[i]!.hashes]));
    const peaks = completeSubtrees({ start: 0n, end: head.size }).map((peak) => {
      const { level, from, to } = tileOf(peak);
      return hashWithin(at.get(level)!, from, to);
    });
    if (!equalHashes(joined(peaks), head.root))
      throw new PyrsiaError('NOT_PROVEN', {
        what: `the tree of ${source.name}`,
        reason: `the hashes at its right edge (${tiles.map(tilePath).join(', ') || 'none'}) do not make the root of its checkpoint`,
      });
    for (const [i, { level, index }] of tiles.entries()) proven.set(`${level}/${index}`, read[i]!.hashes);
  };

  const tileAt = async (level: number, index: bigint): Promise<Hash[]> => {
    await (edge ??= proveEdge());
    const known = proven.get(`${level}/${index}`);
    if (known !== undefined) return known;
    const width = tileWidth(level, index, head.size);
    if (width !== TILE_WIDTH)
      throw new RangeError(`There is no tile ${level}/${index} in a tree of ${head.size}`);
    const above = await tileAt(level + 1, index / BigInt(TILE_WIDTH));
    const { hashes, what } = await fetchTile(level, index, TILE_WIDTH);
    if (!equalHashes(rootOf(hashes), above[Number(index % BigInt(TILE_WIDTH))]!))
      throw new PyrsiaError('NOT_PROVEN', {
        what,
        reason: 'its hashes are not those of the checkpoint’s tree',
      });
    if (level > 0) proven.set(`${level}/${index}`, hashes);
    return hashes;
  };

  const readHash = async (subtree: Subtree): Promise<Hash> => {
    const { level, index, from, to } = tileOf(subtree);
    return hashWithin(await tileAt(level, index), from, to);
  };
  const readHashes: ReadHashes = (subtrees) => Promise.all(subtrees.map(readHash));

  return {
    head,
    readHashes,
    rootAt: async (size) => joined(await readHashes(completeSubtrees({ start: 0n, end: size }))),
    async entries(index) {
      const leaves = await tileAt(0, index);
      const { bytes, what } = await fetch({ level: 'entries', index, width: leaves.length }, BUNDLE_LIMIT);
      const entries = parseBundle(bytes, leaves.length, what);
      const wrong = entries.findIndex((entry, i) => !equalHashes(leafHash(entry), leaves[i]!));
      if (wrong !== -1)
        throw new PyrsiaError('NOT_PROVEN', {
          what: `entry ${index * BigInt(TILE_WIDTH) + BigInt(wrong)} of ${source.name}`,
          reason: 'it is not the one of the checkpoint’s tree',
        });
      return entries;
    },
  };
}
