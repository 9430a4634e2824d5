/**
 * The size limit: what was used least recently goes when something new needs the room.
 *
 * Counted is what `du` would count: files rounded up to blocks, their directories, the record's entries,
 * the catalogue with its log, and what is still arriving. Bindings are never given up.
 *
 * @module
 */
import { rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Digest, isDigest, isSha256 } from '../content/digest.ts';
import { PyrsiaError } from '../errors.ts';
import type { Collected } from './cache.ts';
import { partialBytes, partialFiles } from './files.ts';
import { BLOCK, isMissing } from './layout.ts';
import { dropContent, dropDocument, type Room, type Shelf } from './shelf.ts';

/** Eviction goes on down to this share of the limit, so that not every put has to evict. */
const LOW_WATER = 0.9;

/** How many are evicted before others get their turn. */
const AT_A_TIME = 64;

/** How many files are stored on an estimate before what is taken is counted again. */
const ESTIMATED = 64;

/** What storing one file may take beside its bytes: directories, an entry in the record, a bit of the catalogue. */
const BESIDE = 24 * BLOCK;

/** The limit where the user sets none: 20 GB, or a tenth of the disk that `path` is on, whichever is less. */
export function defaultLimit(path: string): number {
  try {
    const { blocks, bsize } = statfsSync(path);
    return Math.min(20e9, Math.floor((blocks * bsize) / 10));
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) return defaultLimit(dirname(path));
    return 20e9;
  }
}

/** What a cache takes on the disk, in bytes. */
export function diskBytes({ catalogue, layout }: Pick<Shelf, 'catalogue' | 'layout'>): number {
  const of = Object.fromEntries(
    catalogue.all('SELECT * FROM total').map(({ kind, files, blocks }) => [kind, { files, blocks }]),
  );
  const files = (kind: string): number => Number(of[kind]?.files);
  const blocks = (kind: string): number => Number(of[kind]?.blocks);
  const entries = files('binding') + files('entry');

  return (
    blocks('content') +
    sharded(files('content')) +
    entries * BLOCK +
    sharded(entries) +
    blocks('document') +
    Math.min(files('document'), 256) * BLOCK +
    partialBytes(layout) +
    catalogue.diskBytes() +
    8 * BLOCK
  );
}

/** At most what two levels of 256 directories each take that `files` files are spread over. */
function sharded(files: number): number {
  return (Math.min(files, 256) + Math.min(files, 256 ** 2)) * BLOCK;
}

/**
 * Keeps `shelf` within `limit` bytes. The beginnings of broken transfers, for which `isArriving` is false, go when
 * nothing else is left to go: somebody may go on with them, and what is new may not be refused for their sake.
 */
export function roomOf(shelf: () => Shelf, limit: number, isArriving: (name: string) => boolean): Room {
  let reserved = 0;
  let evicting: Promise<unknown> = Promise.resolve();
  const taken = (): number => diskBytes(shelf()) + reserved;
  // Only we write: what is taken grows by no more than what is reserved, and counting it takes as long as storing.
  let atMost = Infinity;
  let estimated = 0;
  const mayExceed = (): boolean => {
    if (atMost > limit || ++estimated > ESTIMATED) [atMost, estimated] = [taken(), 0];
    return atMost > limit;
  };

  /** Gives up beginnings, the oldest first, until `target` is reached. */
  const giveUpBeginnings = async (target: number): Promise<void> => {
    const all = await Array.fromAsync(partialFiles(shelf().layout));
    for (const { name, path } of all.toSorted((a, b) => a.modifiedAt - b.modifiedAt)) {
      if (taken() <= target) return;
      if (!isArriving(name)) rmSync(path, { force: true });
    }
  };

  const evict = async (dryRun: boolean) => {
    const artifacts: Collected['artifacts'][number][] = [];
    let bytes = 0;
    const target = limit * LOW_WATER;
    for (let excess = taken() - target; taken() > target; excess = taken() - target) {
      const going = leastUsed(shelf(), excess, dryRun ? -1 : AT_A_TIME);
      for (const { kind, key, size } of going) {
        bytes += size;
        if (kind === 'content' && isSha256(key)) artifacts.push({ digest: key, size });
        if (dryRun) continue;
        if (isSha256(key) && kind === 'content') await dropContent(shelf(), key);
        else dropDocument(shelf(), key);
      }
      if (dryRun || going.length === 0) break;
      await new Promise(setImmediate);
    }
    if (!dryRun) await giveUpBeginnings(target);
    return { artifacts, bytes };
  };

  const refused = (bytes: number): PyrsiaError =>
    new PyrsiaError('CACHE_READ_ONLY', {
      path: shelf().layout.root,
      reason: `${bytes} bytes more do not fit into the limit of ${limit} bytes`,
    });
  const mustFit = (bytes: number): void => {
    if (bytes + BESIDE > limit * LOW_WATER) throw refused(bytes);
  };

  return {
    mustFit,
    async reserve(bytes, work) {
      mustFit(bytes);
      reserved += bytes + BESIDE;
      atMost += bytes + BESIDE;
      try {
        if (mayExceed()) {
          const turn = evicting.then(() => (taken() > limit ? evict(false) : undefined));
          evicting = turn.catch(() => undefined);
          await turn;
          if (taken() > limit) throw refused(bytes);
        }
        return await work();
      } finally {
        reserved -= bytes + BESIDE;
      }
    },
    evict: async (dryRun) => (taken() > limit ? evict(dryRun) : { artifacts: [], bytes: 0 }),
  };
}

interface Candidate {
  readonly kind: 'content' | 'document';
  readonly key: Digest;
  readonly size: number;
}

/** What was used least recently, up to `most` of them (-1: all), until what they take comes to `bytes`. */
function leastUsed({ catalogue, writing }: Shelf, bytes: number, most: number): Candidate[] {
  writing?.later.flushUses();
  let sum = 0;
  return catalogue
    .all(
      `SELECT 'content' AS kind, sha256 AS key, size, used_at FROM content
       UNION ALL SELECT 'document', key, size, used_at FROM document ORDER BY used_at LIMIT ?`,
      most,
    )
    .flatMap(({ kind, key, size }): Candidate[] => {
      if (sum >= bytes || typeof key !== 'string' || !isDigest(key)) return [];
      sum += Number(size) + 2 * BLOCK;
      return [{ kind: kind === 'content' ? 'content' : 'document', key, size: Number(size) }];
    });
}
