/**
 * The Merkle tree of {@link https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1 | RFC 6962, section 2.1} over SHA-256:
 * its hashes, which of them a proof consists of, and the checking of proofs.
 *
 * Letters are the specification's: D is the list of leaves, D[m:n] those from m to below n, MTH its tree hash.
 * Sizes and indexes are `bigint`. A check answers `false` for whatever does not prove; it never throws.
 *
 * @module
 */
import { createHash, hash, type Hash as Hashing } from 'node:crypto';

/** A hash of the tree: 32 bytes. */
export type Hash = Uint8Array;

/** The length of a {@link Hash} in bytes. */
export const HASH_SIZE = 32;

/** A tree as its log vouches for it: how many leaves, and MTH of all of them. */
export interface TreeHead {
  readonly size: bigint;
  readonly root: Hash;
}

/** D[start:end]. */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** D[index·2^level : (index+1)·2^level], a subtree that no growth of the log changes any more. */
export interface Subtree {
  readonly level: number;
  readonly index: bigint;
}

/** Reads hashes of complete subtrees, in the order asked. Whoever gives one vouches for what it reads. */
export type ReadHashes = (subtrees: readonly Subtree[]) => Promise<Hash[]>;

/** MTH of no leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array());

/** MTH({d}) = SHA-256(0x00 || d). */
export function leafHash(entry: Uint8Array): Hash {
  return sha256(Buffer.concat([LEAF, entry]));
}

/** Starts MTH({d}) of a d that comes in pieces, or is too large to be copied: what it digests is the {@link leafHash}. */
export function startLeaf(): Hashing {
  return createHash('sha256').update(LEAF);
}

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  return sha256(Buffer.concat([NODE, left, right]));
}

/** Whether two hashes are the same. */
export function equalHashes(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0;
}

/** MTH of a range, from those of the {@link completeSubtrees} that it consists of, first to last. */
export function joined(hashes: readonly Hash[]): Hash {
  return hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** MTH of leaves, or of equally large complete subtrees, whose hashes these are. */
export function rootOf(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY_ROOT;
  let row = hashes;
  while (row.length > 1) {
    const above: Hash[] = [];
    for (let i = 0; i + 1 < row.length; i += 2) above.push(nodeHash(row[i]!, row[i + 1]!));
    // The last one of an odd row goes up unchanged.
    if (row.length % 2 === 1) above.push(row.at(-1)!);
    row = above;
  }
  return row[0]!;
}

/** The complete subtrees of which a range consists, largest first. `start` is a multiple of the largest one's size. */
export function completeSubtrees({ start, end }: Range): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = start; at < end;) {
    const level = bitLength(end - at) - 1;
    subtrees.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return subtrees;
}

/** PATH(m, D[n]), RFC 6962 section 2.1.1: the ranges whose hashes prove leaf `m` in a tree of `n`; m < n. */
export function inclusionRanges(m: bigint, n: bigint): Range[] {
  return walkDown(m, n).siblings;
}

/** PROOF(m, D[n]), RFC 6962 section 2.1.2: the ranges whose hashes prove that `n` leaves begin with `m`; m ≤ n. */
export function consistencyRanges(m: bigint, n: bigint): Range[] {
  if (m === 0n || m === n) return [];
  const { siblings, ranges } = walkDown(m - 1n, n);
  // SUBPROOF ends at the range that ends with leaf m-1; it is named unless it is all of D[m], which is known.
  const depth = ranges.findIndex(({ end }) => end === m);
  const { start, end } = ranges[depth]!;
  const above = siblings.slice(siblings.length - depth);
  return start === 0n ? above : [{ start, end }, ...above];
}

/** The hashes of `ranges`, as a proof lists them. */
export async function prove(ranges: readonly Range[], read: ReadHashes): Promise<Hash[]> {
  const subtrees = ranges.map(completeSubtrees);
  const hashes = await read(subtrees.flat());
  let at = 0;
  return subtrees.map(({ length }) => joined(hashes.slice(at, (at += length))));
}

/** Whether `proof` shows that leaf `index` of `head` has the hash `leaf`. RFC 9162, section 2.1.3.2. */
export function provesInclusion(
  proof: readonly Hash[],
  index: bigint,
  leaf: Hash,
  { size, root }: TreeHead,
): boolean {
  if (index < 0n || index >= size) return false;
  let [fn, sn, r] = [index, size - 1n, leaf];
  for (const p of proof) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      r = nodeHash(p, r);
      for (; fn !== 0n && (fn & 1n) === 0n; sn >>= 1n) fn >>= 1n;
    } else {
      r = nodeHash(r, p);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && equalHashes(r, root);
}

/**
 * Whether `proof` shows that the leaves of `newer` begin with those of `older`. RFC 9162, section 2.1.4.2;
 * every tree begins with the empty one, and each with itself, for both of which the proof is empty.
 */
export function provesConsistency(proof: readonly Hash[], older: TreeHead, newer: TreeHead): boolean {
  if (older.size < 0n || older.size > newer.size) return false;
  if (older.size === 0n) return proof.length === 0 && equalHashes(older.root, EMPTY_ROOT);
  if (older.size === newer.size) return proof.length === 0 && equalHashes(older.root, newer.root);

  // A power of two is a subtree of the newer tree: its root is the first hash of the way.
  const isSubtree = (older.size & (older.size - 1n)) === 0n;
  const [first, ...rest] = isSubtree ? [older.root, ...proof] : proof;
  if (first === undefined) return false;
  let [fn, sn] = [older.size - 1n, newer.size - 1n];
  for (; (fn & 1n) === 1n; sn >>= 1n) fn >>= 1n;
  let [fr, sr] = [first, first];
  for (const c of rest) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      for (; fn !== 0n && (fn & 1n) === 0n; sn >>= 1n) fn >>= 1n;
    } else {
      sr = nodeHash(sr, c);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && equalHashes(fr, older.root) && equalHashes(sr, newer.root);
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

function sha256(bytes: Uint8Array): Hash {
  return hash('sha256', bytes, 'buffer');
}

/** How many bits `n` > 0 has. */
function bitLength(n: bigint): number {
  return n.toString(2).length;
}

/** The way from D[n] down to leaf `m`: the ranges it goes through, first D[n], and, lowest first, their siblings. */
function walkDown(m: bigint, n: bigint): { ranges: Range[]; siblings: Range[] } {
  const ranges: Range[] = [];
  const siblings: Range[] = [];
  let [start, end] = [0n, n];
  while (true) {
    ranges.push({ start, end });
    if (end - start <= 1n) return { ranges, siblings: siblings.toReversed() };
    // k is the largest power of two smaller than the number of leaves.
    const k = start + (1n << BigInt(bitLength(end - start - 1n) - 1));
    if (m < k) {
      siblings.push({ start: k, end });
      end = k;
    } else {
      siblings.push({ start, end: k });
      start = k;
    }
  }
}
