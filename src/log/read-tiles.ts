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

/** How a log is read. */
export interface ReadOptions {
  /** Takes each file that was proven, as of the source that it came from. */
  keep?(this: void, path: string, bytes: Uint8Array, source: TileSource): unknown;
}

/** A file, and where it came from. */
interface Fetched {
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly source: TileSource;
}

/**
 * Reads the log behind `from`, which is to be that of `head`. Of several sources, each of which has the same log, the next one
 * is asked for what one does not have, cannot give, or has wrong; when none is left, the last one's failure counts.
 */
export function provenLog(
  from: TileSource | readonly TileSource[],
  head: TreeHead,
  { keep = () => {} }: ReadOptions = {},
): ProvenLog {
  const sources = 'read' in from ? [from] : from;
  /** Tiles above level 0, of which there are few, and the right edge. */
  const proven = new Map<string, Hash[]>();
  let edge: Promise<void> | undefined;

  const fetch = async (source: TileSource, tile: Tile, limit: number): Promise<Fetched> => {
    // A partial tile may be gone once the full one is there.
    for (const width of new Set([tile.width, TILE_WIDTH])) {
      const path = tilePath({ ...tile, width });
      const bytes = await source.read(path, limit);
      if (bytes !== undefined) return { bytes, path, source };
    }
    throw new PyrsiaError('NOT_FOUND', { what: `${tilePath(tile)} of ${source.name}` });
  };
  const fetchTile = async (
    source: TileSource,
    level: number,
    index: bigint,
    width: number,
  ): Promise<Fetched & { hashes: Hash[] }> => {
    const fetched = await fetch(source, { level, index, width }, TILE_WIDTH * HASH_SIZE);
    return { ...fetched, hashes: parseTile(fetched.bytes, width, called(fetched)) };
  };

  const proveEdge = async (source: TileSource): Promise<void> => {
    const tiles = partialTiles(head.size);
    const read = await Promise.all(
      tiles.map(({ level, index, width }) => fetchTile(source, level, index, width)),
    );
    const at = new Map(tiles.map((tile, i) => [tile.level, read[i]!.hashes]));
    const peaks = completeSubtrees({ start: 0n, end: head.size }).map((peak) => {
      const { level, from: first, to } = tileOf(peak);
      return hashWithin(at.get(level)!, first, to);
    });
    if (!equalHashes(joined(peaks), head.root))
      throw new PyrsiaError('NOT_PROVEN', {
        what: `the tree of ${source.name}`,
        reason: `the hashes at its right edge (${tiles.map(tilePath).join(', ') || 'none'}) do not make the root of its checkpoint`,
      });
    for (const [i, { level, index, width }] of tiles.entries()) {
      const { hashes, bytes } = read[i]!;
      proven.set(`${level}/${index}`, hashes);
      // Of a full tile in its place only the beginning is proven.
      keep(tilePath({ level, index, width }), bytes.subarray(0, width * HASH_SIZE), source);
    }
  };

  const tileAt = async (level: number, index: bigint): Promise<Hash[]> => {
    await (edge ??= fromAny(sources, proveEdge));
    const known = proven.get(`${level}/${index}`);
    if (known !== undefined) return known;
    const width = tileWidth(level, index, head.size);
    if (width !== TILE_WIDTH)
      throw new RangeError(`There is no tile ${level}/${index} in a tree of ${head.size}`);
    const above = await tileAt(level + 1, index / BigInt(TILE_WIDTH));
    const hash = above[Number(index % BigInt(TILE_WIDTH))]!;
    return fromAny(sources, async (source) => {
      const fetched = await fetchTile(source, level, index, TILE_WIDTH);
      const { hashes, path, bytes } = fetched;
      if (!equalHashes(rootOf(hashes), hash))
        throw new PyrsiaError('NOT_PROVEN', {
          what: called(fetched),
          reason: 'its hashes are not those of the checkpoint’s tree',
        });
      if (level > 0) proven.set(`${level}/${index}`, hashes);
      keep(path, bytes, source);
      return hashes;
    });
  };

  const readHash = async (subtree: Subtree): Promise<Hash> => {
    const { level, index, from: first, to } = tileOf(subtree);
    return hashWithin(await tileAt(level, index), first, to);
  };
  const readHashes: ReadHashes = (subtrees) => Promise.all(subtrees.map(readHash));

  return {
    head,
    readHashes,
    rootAt: async (size) => joined(await readHashes(completeSubtrees({ start: 0n, end: size }))),
    async entries(index) {
      const leaves = await tileAt(0, index);
      return fromAny(sources, async (source) => {
        const tile = { level: 'entries' as const, index, width: leaves.length };
        const fetched = await fetch(source, tile, BUNDLE_LIMIT);
        const entries = parseBundle(fetched.bytes, leaves.length, called(fetched));
        const wrong = entries.findIndex((entry, i) => !equalHashes(leafHash(entry), leaves[i]!));
        if (wrong !== -1)
          throw new PyrsiaError('NOT_PROVEN', {
            what: `entry ${index * BigInt(TILE_WIDTH) + BigInt(wrong)} of ${source.name}`,
            reason: 'it is not the one of the checkpoint’s tree',
          });
        const size = entries.reduce((sum, entry) => sum + 2 + entry.byteLength, 0);
        keep(tilePath(tile), fetched.bytes.subarray(0, size), source);
        return entries;
      });
    },
  };
}

function called({ path, source }: Fetched): string {
  return `${path} of ${source.name}`;
}

/** What the first source gives that does not fail. */
async function fromAny<T>(
  sources: readonly TileSource[],
  read: (source: TileSource) => Promise<T>,
): Promise<T> {
  let failure: unknown = new RangeError('A log has one source at least');
  for (const source of sources) {
    try {
      return await read(source);
    } catch (error) {
      if (!(error instanceof PyrsiaError)) throw error;
      failure = error;
    }
  }
  throw failure;
}
