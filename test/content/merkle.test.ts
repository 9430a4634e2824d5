import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  completeSubtrees,
  consistencyRanges,
  EMPTY_ROOT,
  type Hash,
  inclusionRanges,
  joined,
  leafHash,
  nodeHash,
  prove,
  provesConsistency,
  provesInclusion,
  type ReadHashes,
  rootOf,
  type TreeHead,
} from '../../src/content/merkle.ts';
import { mth, path, proof as consistency } from '../log/reference-tree.ts';

const entries = Array.from({ length: 70 }, (_, i) => Buffer.from(`entry ${i}`));
const tree = (n: number): Buffer[] => entries.slice(0, n);
const headOf = (n: number): TreeHead => ({ size: BigInt(n), root: mth(tree(n)) });
/** Hashes of subtrees by the reference, which fails for any that is not complete. */
const read: ReadHashes = async (subtrees) =>
  subtrees.map(({ level, index }) => {
    const [start, end] = [Number(index) * 2 ** level, (Number(index) + 1) * 2 ** level];
    if (end > entries.length) throw new Error(`There is no subtree ${level}/${index}`);
    return mth(entries.slice(start, end));
  });
const size = fc.integer({ min: 1, max: entries.length });
const leafAndSize = size.chain((n) => fc.tuple(fc.nat(n - 1), fc.constant(n)));
const sizes = size.chain((n) => fc.tuple(fc.integer({ min: 1, max: n }), fc.constant(n)));

describe('A tree hash', () => {
  // Certificate Transparency's own test vectors: eight leaves, and the roots of trees of 1 to 8 of them.
  const leaves = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ];
  const roots = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];

  it.each(roots.map((root, i) => [i + 1, root] as const))('of %d leaves is that of RFC 6962', (n, root) => {
    const hashes = leaves.slice(0, n).map((hex) => leafHash(Buffer.from(hex, 'hex')));
    expect(Buffer.from(rootOf(hashes)).toString('hex')).toBe(root);
  });

  it('of no leaves is that of nothing', () => {
    const nothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    for (const hash of [EMPTY_ROOT, rootOf([]), joined([])]) {
      expect(Buffer.from(hash).toString('hex')).toBe(nothing);
    }
  });

  test.prop([size])('agrees with the definition, from leaves and from subtrees', async (n) => {
    expect(Buffer.from(rootOf(tree(n).map(leafHash)))).toEqual(mth(tree(n)));
    const subtrees = completeSubtrees({ start: 0n, end: BigInt(n) });
    expect(Buffer.from(joined(await read(subtrees)))).toEqual(mth(tree(n)));
  });
});

describe('A proof of inclusion', () => {
  test.prop([leafAndSize])('is the one of the definition, and proves', async ([m, n]) => {
    const made = await prove(inclusionRanges(BigInt(m), BigInt(n)), read);
    expect(made.map(Buffer.from)).toEqual(path(m, tree(n)));
    expect(provesInclusion(made, BigInt(m), leafHash(entries[m]!), headOf(n))).toBe(true);
  });

  test.prop([leafAndSize, fc.nat(), fc.nat()])(
    'proves no other leaf, place, size or root',
    ([m, n], at, bit) => {
      const proof: Hash[] = path(m, tree(n));
      const leaf = leafHash(entries[m]!);
      const head = headOf(n);
      expect(provesInclusion(proof, BigInt(m), flipped(leaf, bit), head)).toBe(false);
      expect(provesInclusion(proof, BigInt(m), leaf, { ...head, root: flipped(head.root, bit) })).toBe(false);
      expect(provesInclusion([...proof, leaf], BigInt(m), leaf, head)).toBe(false);
      for (const other of [m - 1, m + 1, n, n + 1, -1]) {
        if (other !== m) expect(provesInclusion(proof, BigInt(other), leaf, head)).toBe(false);
      }
      if (proof.length === 0) return;
      expect(provesInclusion(proof.slice(1), BigInt(m), leaf, head)).toBe(false);
      expect(provesInclusion(proof.slice(0, -1), BigInt(m), leaf, head)).toBe(false);
      const place = at % proof.length;
      expect(provesInclusion(proof.with(place, flipped(proof[place]!, bit)), BigInt(m), leaf, head)).toBe(
        false,
      );
    },
  );

  it('of a leaf in a tree of 2^62 leaves has 62 hashes, at once', () => {
    expect(inclusionRanges(2n ** 61n + 12345n, 2n ** 62n)).toHaveLength(62);
    expect(completeSubtrees({ start: 0n, end: 2n ** 62n - 1n })).toHaveLength(62);
  });

  it('is no longer than the way to the root, also where a log signs a wrong size', () => {
    const [a, b] = [leafHash(entries[0]!), leafHash(entries[1]!)];
    expect(provesInclusion([a], 0n, b, { size: 1n, root: nodeHash(a, b) })).toBe(false);
  });

  it('in an empty tree there is none', () => {
    expect(provesInclusion([], 0n, EMPTY_ROOT, { size: 0n, root: EMPTY_ROOT })).toBe(false);
  });
});

describe('A proof of consistency', () => {
  test.prop([sizes])('is the one of the definition, and proves', async ([m, n]) => {
    const made = await prove(consistencyRanges(BigInt(m), BigInt(n)), read);
    expect(made.map(Buffer.from)).toEqual(m === n ? [] : consistency(m, tree(n)));
    expect(provesConsistency(made, headOf(m), headOf(n))).toBe(true);
  });

  test.prop([sizes, fc.nat(), fc.nat()])('proves no other tree', ([m, n], at, bit) => {
    const proof: Hash[] = m === n ? [] : consistency(m, tree(n));
    const [older, newer] = [headOf(m), headOf(n)];
    const changed = (head: TreeHead): TreeHead => ({ ...head, root: flipped(head.root, bit) });
    expect(provesConsistency(proof, changed(older), newer)).toBe(false);
    expect(provesConsistency(proof, older, changed(newer))).toBe(false);
    expect(provesConsistency([...proof, older.root], older, newer)).toBe(false);
    if (m < n) expect(provesConsistency(proof, newer, older)).toBe(false);
    if (proof.length === 0) return;
    expect(provesConsistency(proof.slice(1), older, newer)).toBe(false);
    expect(provesConsistency(proof.slice(0, -1), older, newer)).toBe(false);
    const place = at % proof.length;
    expect(provesConsistency(proof.with(place, flipped(proof[place]!, bit)), older, newer)).toBe(false);
  });

  it('shows of no tree that it begins with a larger one', () => {
    const { root } = headOf(2);
    expect(provesConsistency([], { size: 2n, root }, { size: 1n, root })).toBe(false);
  });

  it('is empty where nothing was before, which has one root only', () => {
    const nothing = { size: 0n, root: EMPTY_ROOT };
    expect(consistencyRanges(0n, 7n)).toEqual([]);
    expect(provesConsistency([], nothing, headOf(7))).toBe(true);
    expect(provesConsistency([], nothing, nothing)).toBe(true);
    expect(provesConsistency([EMPTY_ROOT], nothing, headOf(7))).toBe(false);
    expect(provesConsistency([], { ...nothing, root: headOf(1).root }, headOf(7))).toBe(false);
    expect(provesConsistency([], { ...nothing, size: -1n }, headOf(7))).toBe(false);
  });
});

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[Math.floor(bit / 8) % copy.length]! ^= 1 << (bit % 8);
  return copy;
}
