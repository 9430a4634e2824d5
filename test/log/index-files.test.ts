import { describe, expect, it } from 'vitest';
import { keyOf, bucketOf, bucketPath, type IndexRecord, recordsWithin } from '../../src/log/buckets.ts';
import {
  RECENT_LIMIT,
  readBucketFile,
  readRecent,
  recentFile,
  snapshotFiles,
} from '../../src/log/index-files.ts';
import { blockStatement } from '../../src/log/block.ts';
import { formatEntry, parseEntry } from '../../src/log/entry.ts';

const purl = (n: number): string => `pkg:npm/p${n}@1.0.0`;
const recordOf = (n: number): IndexRecord => ({
  key: keyOf(purl(n)),
  sha256: Buffer.alloc(32, n),
  entry: BigInt(n),
  kind: 1,
  rung: 4,
});
const records = Array.from({ length: 3000 }, (_, n) => recordOf(n));
const { files, index } = snapshotFiles(records, 4000n);

describe('A snapshot of the index', () => {
  it('is one file a bucket, each of which proves itself', () => {
    expect(files).toHaveLength(2 ** index.bits);
    for (let n = 0; n < 3000; n += 113) {
      const number = bucketOf(keyOf(purl(n)), index.bits);
      const file = files.find(({ path }) => path === bucketPath(4000n, number))!;
      expect(recordsWithin(readBucketFile(file.bytes, number, index), purl(n))).toMatchObject([
        { entry: BigInt(n) },
      ]);
    }
  });

  it('6: has no bucket with a flipped bit, wherever it is, nor one in the place of another', () => {
    const { bytes } = files[5]!;
    for (let at = 0; at < bytes.byteLength; at += 61) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1;
      expect(() => readBucketFile(flipped, 5, index)).toThrow(/not a bucket of the index/);
    }
    expect(() => readBucketFile(bytes, 4, index)).toThrow(/not a bucket of the index/);
    expect(() => readBucketFile(bytes.subarray(0, 20), 5, index)).toThrow(/ends within its proof/);
  });

  it('may be empty', () => {
    const { files: none, index: of } = snapshotFiles([], 0n);
    expect(none).toHaveLength(1);
    expect(readBucketFile(none[0]!.bytes, 0, of)).toHaveLength(0);
  });
});

describe('The list of what came since', () => {
  it('proves itself, and nothing else', () => {
    const { file, recent } = recentFile(records.slice(0, 100));
    const list = readRecent(file.bytes, recent);
    for (let n = 0; n < 100; n++) expect(recordsWithin(list, purl(n))).toMatchObject([{ entry: BigInt(n) }]);
    expect(recordsWithin(list, purl(100))).toEqual([]);
    const other = recentFile(records.slice(0, 99));
    expect(() => readRecent(other.file.bytes, recent)).toThrow(/not the one of the index/);
  });

  it('has an end', () => {
    const many = Array.from({ length: RECENT_LIMIT + 1 }, (_, n) => recordOf(n % 200));
    expect(() => recentFile(many)).toThrow(/16384 at most/);
  });

  it('is named by a block', () => {
    const block = {
      origin: 'log.example/1',
      height: 1,
      epoch: 0,
      time: 1_800_000_000,
      beacon: 'a'.repeat(64),
      previous: { size: 7, root: 'b'.repeat(64) },
      revoked: 'c'.repeat(64),
      index: { ...index, recent: 'd'.repeat(64) },
    };
    expect(parseEntry(formatEntry(blockStatement(block)))).toEqual({ kind: 'block', block });
  });
});
