/**
 * The files of the index of coordinates. Each proves itself against what a `block` entry says, so that any static
 * server, and any peer, can hand them out.
 *
 * A snapshot is one file a bucket: the bucket's way up the tree of buckets, then its records. What was logged since is one
 * short list, `index/recent`, in the form of a bucket.
 *
 * @module
 */
import { type Hash, HASH_SIZE, leafHash, nodeHash, provesInclusion } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import type { BlockIndex } from './block.ts';
import {
  bitsFor,
  bucketPath,
  checkBucket,
  countOf,
  formatBuckets,
  type IndexRecord,
  mergeRecords,
} from './buckets.ts';
import type { LogFile } from './grow.ts';
import { invalid } from './text.ts';

/** How many records the list of what came since may have; with one more, a new snapshot is made: 950 kB. */
export const RECENT_LIMIT = 2 ** 14;

/** Where the list of what came since the snapshot is. */
export const RECENT_PATH = 'index/recent';

/** The most bytes of a file of the index: a bucket of 1 MiB, and its way up. */
export const INDEX_FILE_LIMIT = 2 ** 20 + 32 * HASH_SIZE;

/** A snapshot of the index over the first `size` entries: its files, and what a block says of it. */
export function snapshotFiles(
  records: readonly IndexRecord[],
  size: bigint,
): { files: LogFile[]; index: Omit<BlockIndex, 'recent'> } {
  const bits = bitsFor(records.length);
  const { buckets, root } = formatBuckets(records, bits);
  const levels: Hash[][] = [buckets.map(leafHash)];
  for (let at = levels[0]!; at.length > 1; levels.push(at))
    at = Array.from({ length: at.length / 2 }, (_, i) => nodeHash(at[2 * i]!, at[2 * i + 1]!));
  const files = buckets.map((bucket, number) => {
    const way = levels.slice(0, bits).map((level, up) => level[(number >> up) ^ 1]!);
    return { path: bucketPath(size, number), bytes: Buffer.concat([...way, bucket]) };
  });
  return { files, index: { size: Number(size), bits, root: Buffer.from(root).toString('hex') } };
}

/** The list of what came since the snapshot, those that were there `before` and others, and what a block says of it, in hex. */
export function recentFile(
  records: readonly IndexRecord[],
  before: Uint8Array = new Uint8Array(),
): { file: LogFile; recent: string } {
  const bytes = mergeRecords(before, records);
  const count = countOf(bytes);
  if (count > RECENT_LIMIT) throw invalid(RECENT_PATH, `it has ${count} records, ${RECENT_LIMIT} at most`);
  return { file: { path: RECENT_PATH, bytes }, recent: Buffer.from(leafHash(bytes)).toString('hex') };
}

/**
 * The records in the file of bucket `number`, which is proven to be the snapshot's: `recordsWithin` reads them.
 *
 * @throws PyrsiaError `NOT_PROVEN` for another's bytes, `DOCUMENT_INVALID` for what is no bucket
 */
export function readBucketFile(
  bytes: Uint8Array,
  number: number,
  { size, bits, root }: BlockIndex,
): Uint8Array {
  const what = bucketPath(BigInt(size), number);
  if (bytes.byteLength < bits * HASH_SIZE) throw invalid(what, 'it ends within its proof');
  const way = Array.from({ length: bits }, (_, i) => bytes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE));
  const bucket = bytes.subarray(bits * HASH_SIZE);
  const leaf = leafHash(bucket);
  const head = { size: 1n << BigInt(bits), root: Buffer.from(root, 'hex') };
  if (!provesInclusion(way, BigInt(number), leaf, head))
    throw new PyrsiaError('NOT_PROVEN', {
      what,
      reason: 'it is not a bucket of the index that the log names',
    });
  checkBucket(bucket, leaf, number, bits);
  return bucket;
}

/**
 * The list of what came since the snapshot, proven, as a bucket.
 *
 * @throws PyrsiaError `NOT_PROVEN` when it is not the one that the block names, `DOCUMENT_INVALID`
 */
export function readRecent(bytes: Uint8Array, recent: string): Uint8Array {
  checkBucket(bytes, Buffer.from(recent, 'hex'), 0, 0);
  return bytes;
}
