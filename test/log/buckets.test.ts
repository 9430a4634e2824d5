import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { inclusionRanges, leafHash, prove, provesInclusion } from '../../src/content/merkle.ts';
import {
  bitsFor,
  bucketOf,
  bucketPath,
  countOf,
  formatBuckets,
  type IndexRecord,
  keyOf,
  mergeRecords,
  parseBucket,
  recordKinds,
  recordsOf,
} from '../../src/log/buckets.ts';
import { memoryLog } from './memory-log.ts';
import { provenLog } from '../../src/log/read-tiles.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
const recordOf = (n: number, entry = BigInt(n)): IndexRecord => ({
  key: keyOf(`pkg:npm/p${n}@1.0.0`),
  sha256: sha256(`bytes ${n}`),
  entry,
  kind: recordKinds.observe,
  rung: 4,
});
const plain = (record: IndexRecord) => ({
  ...record,
  key: Buffer.from(record.key),
  sha256: Buffer.from(record.sha256),
});

describe('The number of buckets', () => {
  it.each([
    [0, 0],
    [1, 0],
    [128, 0],
    [256, 1],
    [10_000, 6],
    [1_000_000, 13],
    [100_000_000, 20],
  ])('for %d records is 2^%d', (records, bits) => {
    expect(bitsFor(records)).toBe(bits);
  });

  test.prop([fc.integer({ min: 200, max: 2 ** 40 })])('keeps them near 128', (records) => {
    expect(records / 2 ** bitsFor(records)).toBeGreaterThan(90);
    expect(records / 2 ** bitsFor(records)).toBeLessThan(182);
  });
});

describe('A bucket', () => {
  const records = Array.from({ length: 1000 }, (_, n) => recordOf(n));
  const { buckets, root } = formatBuckets(records, 3);
  const leaf = (n: number) => leafHash(buckets[n]!);
  const altered = (change: (bytes: Buffer) => Buffer, n = 5) => {
    const bytes = change(Buffer.from(buckets[n]!));
    return () => parseBucket(bytes, leafHash(bytes), n, 3);
  };

  it('is where the first bits of sha256(purl) say', () => {
    const digest = sha256('pkg:npm/p7@1.0.0');
    expect(Buffer.from(keyOf('pkg:npm/p7@1.0.0'))).toEqual(digest.subarray(0, 16));
    expect([0, 1, 8, 12, 32].map((bits) => bucketOf(digest, bits))).toEqual([
      0,
      digest[0]! >> 7,
      digest[0],
      digest.readUInt16BE(0) >> 4,
      digest.readUInt32BE(0),
    ]);
    expect(bucketPath(600n, 8191)).toBe('index/600/x008/191');
    expect(bucketPath(600n, 7)).toBe('index/600/007');
  });

  it('holds each record, whichever order they came in', () => {
    expect(buckets.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(1000 * 58);
    for (const record of records) {
      const number = bucketOf(record.key, 3);
      const found = recordsOf(
        `pkg:npm/p${record.entry}@1.0.0`,
        parseBucket(buckets[number]!, leaf(number), number, 3),
      );
      expect(found.map(plain)).toEqual([plain(record)]);
    }
    expect(formatBuckets(records.toReversed(), 3).root).toEqual(root);
  });

  it('tells all that is known of a name, oldest first, and nothing of others', () => {
    const [first, second] = [recordOf(1, 90n), { ...recordOf(1, 7n), sha256: sha256('other') }];
    const [bucket] = formatBuckets([first, recordOf(2), second], 0).buckets;
    const found = recordsOf('pkg:npm/p1@1.0.0', parseBucket(bucket!, leafHash(bucket!), 0, 0));
    expect(found.map(({ entry }) => entry)).toEqual([7n, 90n]);
    expect(recordsOf('pkg:npm/unknown@1.0.0', parseBucket(bucket!, leafHash(bucket!), 0, 0))).toEqual([]);
  });

  test.prop([fc.array(fc.array(fc.nat(50), { maxLength: 8 }), { maxLength: 6 })])(
    'grows by records to what it would be of all of them at once',
    (parts) => {
      const rows = parts.map((part, i) => part.map((n, at) => recordOf(n, BigInt(100 * i + at))));
      const grown = rows.reduce<Uint8Array>((bucket, more) => mergeRecords(bucket, more), new Uint8Array());
      const [whole] = formatBuckets(rows.flat(), 0).buckets;
      expect(Buffer.from(grown)).toEqual(whole);
      expect(countOf(grown)).toBe(rows.flat().length);
    },
  );

  it('is proven by the root of all, from tiles like those of a log', async () => {
    const files = memoryLog();
    const head = files.add(buckets);
    expect(Buffer.from(head.root)).toEqual(Buffer.from(root));
    const path = await prove(inclusionRanges(5n, 8n), provenLog(files, head).readHashes);
    expect(provesInclusion(path, 5n, leaf(5), { size: 8n, root })).toBe(true);
  });

  it('is believed only as it is', () => {
    const bytes = Buffer.from(buckets[5]!);
    expect(() => parseBucket(bytes.subarray(58), leaf(5), 5, 3)).toThrow(
      'Refused bucket 5 of the index: it is not the one',
    );
  });

  it.each([
    ['cut', (bytes: Buffer) => bytes.subarray(1), /ends within a record/],
    [
      'not sorted',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(58), bytes.subarray(0, 58)]),
      /not sorted/,
    ],
    ['there twice', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 58), bytes]), /not sorted/],
    [
      'of another bucket',
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(58, 0xff)]),
      /of another bucket/,
    ],
    ['without end', () => Buffer.alloc(2 ** 20 + 1), /larger than the limit of 1048576 bytes/],
  ])('whose records are %s is refused, whoever has rooted it', (_, change, reason) => {
    expect(altered(change)).toThrow(reason);
  });
});
