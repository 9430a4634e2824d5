/**
 * The index of a log by coordinates, as static files: whoever looks something up reads a bucket of some 128 coordinates
 * and keeps it, so that nobody learns which of them it was.
 *
 * A coordinate is known by sha256(purl). Its first bits are the number of its bucket; a bucket is the records of its
 * coordinates, sorted, one after the other. The buckets are the entries of a Merkle tree of their own, whose root a
 * `block` entry names.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { equalHashes, type Hash, leafHash, rootOf } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { invalid } from './text.ts';

/** The bytes of a record: key, sha256, index of the entry, kind, rung. */
const RECORD_SIZE = 16 + 32 + 8 + 2;

/** How many records a bucket has on average, at most 1.5 times as many. */
const RECORDS_PER_BUCKET = 128;

/** The most bytes of a bucket: 1 MiB, a hundred times the average. */
const BUCKET_LIMIT = 1 * 2 ** 20;

/** Where in the log something is said of an artifact. */
export interface IndexRecord {
  /** The first 16 bytes of sha256(purl). */
  readonly key: Uint8Array;
  readonly sha256: Uint8Array;
  readonly entry: bigint;
  /** A number of {@link recordKinds}. */
  readonly kind: number;
  /** The rung of evidence, 0 to 255. */
  readonly rung: number;
}

/** What the kinds of a record are; numbers never change their meaning. */
export const recordKinds = {
  observe: 1,
  dispute: 2,
  publish: 3,
  mismatch: 4,
  revoke: 5,
  unrevoke: 6,
} as const;

/** The key of coordinates. */
export function keyOf(purl: string): Uint8Array {
  return hash('sha256', purl, 'buffer').subarray(0, 16);
}

/** How many bits of a key number the buckets of so many records: as many as keep them near 128 each. */
export function bitsFor(records: number): number {
  return Math.max(0, Math.round(Math.log2(records / RECORDS_PER_BUCKET)));
}

/** The number of a key's bucket; `bits` is 32 at most. */
export function bucketOf(key: Uint8Array, bits: number): number {
  return bits === 0 ? 0 : Buffer.from(key).readUInt32BE(0) >>> (32 - bits);
}

/** Where bucket `number` of the index over the first `size` entries is. */
export function bucketPath(size: bigint, number: number): string {
  const digits = String(number).padStart(3, '0');
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g)!;
  return `index/${size}/${groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')}`;
}

/** A bucket with more records, each in its place; `bucket` is one that {@link formatBuckets} or this has made. */
export function mergeRecords(bucket: Uint8Array, more: readonly IndexRecord[]): Uint8Array {
  const all = bufferOf(bucket);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const record of more.map(formatRecord).toSorted((a, b) => a.compare(b))) {
    const to = placeOf(record, all, from);
    pieces.push(all.subarray(from, to), record);
    from = to;
  }
  return Buffer.concat([...pieces, all.subarray(from)]);
}

/** How many records a bucket has. */
export function countOf(bucket: Uint8Array): number {
  return bucket.byteLength / RECORD_SIZE;
}

/** All buckets of an index, 2^`bits` of them, and the root of their tree. */
export function formatBuckets(
  records: readonly IndexRecord[],
  bits: number,
): { buckets: Uint8Array[]; root: Hash } {
  const sorted = records.map((record) => formatRecord(record)).toSorted((a, b) => Buffer.compare(a, b));
  const chunks: Uint8Array[][] = Array.from({ length: 2 ** bits }, () => []);
  for (const record of sorted) chunks[bucketOf(record, bits)]!.push(record);
  const buckets = chunks.map((each) => Buffer.concat(each));
  return { buckets, root: rootOf(buckets.map(leafHash)) };
}

/**
 * Takes bucket `number` of 2^`bits` apart. Its hash has to be `leaf`, which the tree of buckets proves.
 *
 * @throws PyrsiaError `NOT_PROVEN` for other bytes; `DOCUMENT_INVALID` for records that are not sorted, there twice, or
 * of another bucket: whoever made the index has broken its rules.
 */
export function parseBucket(bytes: Uint8Array, leaf: Hash, number: number, bits: number): IndexRecord[] {
  checkBucket(bytes, leaf, number, bits);
  return Array.from({ length: bytes.byteLength / RECORD_SIZE }, (_, i) => recordAt(bytes, i));
}

/** {@link parseBucket} without its records: whoever looks for few among many takes {@link recordsWithin}. */
export function checkBucket(bytes: Uint8Array, leaf: Hash, number: number, bits: number): void {
  const what = `bucket ${number} of the index`;
  if (bytes.byteLength > BUCKET_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what, limit: BUCKET_LIMIT });
  if (!equalHashes(leafHash(bytes), leaf))
    throw new PyrsiaError('NOT_PROVEN', { what, reason: 'it is not the one of the index' });
  if (bytes.byteLength % RECORD_SIZE !== 0) throw invalid(what, 'it ends within a record');
  const all = bufferOf(bytes);
  for (let at = 0; at < all.byteLength; at += RECORD_SIZE) {
    if (at > 0 && all.compare(all, at, at + RECORD_SIZE, at - RECORD_SIZE, at) >= 0)
      throw invalid(what, 'its records are not sorted');
    if (bits > 0 && all.readUInt32BE(at) >>> (32 - bits) !== number)
      throw invalid(what, 'it has a record of another bucket');
  }
}

/** What a bucket that was checked says of coordinates, oldest entry first. */
export function recordsWithin(bytes: Uint8Array, purl: string): IndexRecord[] {
  const key = keyOf(purl);
  const all = bufferOf(bytes);
  let [from, to] = [0, bytes.byteLength / RECORD_SIZE];
  while (from < to) {
    const middle = (from + to) >> 1;
    const at = middle * RECORD_SIZE;
    if (all.compare(key, 0, key.byteLength, at, at + key.byteLength) < 0) from = middle + 1;
    else to = middle;
  }
  const records: IndexRecord[] = [];
  for (let i = from; i < bytes.byteLength / RECORD_SIZE; i++) {
    const record = recordAt(bytes, i);
    if (!equalHashes(record.key, key)) break;
    records.push(record);
  }
  return records.toSorted((a, b) => (a.entry < b.entry ? -1 : 1));
}

/** What a bucket says of coordinates, oldest entry first. */
export function recordsOf(purl: string, bucket: readonly IndexRecord[]): IndexRecord[] {
  const key = keyOf(purl);
  return bucket
    .filter((record) => equalHashes(record.key, key))
    .toSorted((a, b) => (a.entry < b.entry ? -1 : 1));
}

/** At which byte, from `from` on, a record would have to stand among those that are sorted. */
function placeOf(record: Buffer, all: Buffer, from: number): number {
  let [low, high] = [from / RECORD_SIZE, all.byteLength / RECORD_SIZE];
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = middle * RECORD_SIZE;
    if (all.compare(record, 0, RECORD_SIZE, at, at + RECORD_SIZE) < 0) low = middle + 1;
    else high = middle;
  }
  return low * RECORD_SIZE;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function recordAt(bytes: Uint8Array, i: number): IndexRecord {
  return parseRecord(bufferOf(bytes.subarray(i * RECORD_SIZE, (i + 1) * RECORD_SIZE)));
}

function formatRecord({ key, sha256, entry, kind, rung }: IndexRecord): Buffer {
  const bytes = Buffer.alloc(RECORD_SIZE);
  bytes.set(key, 0);
  bytes.set(sha256, 16);
  bytes.writeBigUInt64BE(entry, 48);
  bytes.writeUInt8(kind, 56);
  bytes.writeUInt8(rung, 57);
  return bytes;
}

function parseRecord(bytes: Buffer): IndexRecord {
  return {
    key: bytes.subarray(0, 16),
    sha256: bytes.subarray(16, 48),
    entry: bytes.readBigUInt64BE(48),
    kind: bytes.readUInt8(56),
    rung: bytes.readUInt8(57),
  };
}
