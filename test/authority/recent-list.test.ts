import { describe, expect, it } from 'vitest';
import { openRecentList } from '../../src/authority/recent-list.ts';
import { formatBuckets, type IndexRecord, keyOf } from '../../src/log/buckets.ts';

const records: IndexRecord[] = Array.from({ length: 500 }, (_, n) => ({
  key: keyOf(`pkg:npm/p${n}@1.0.0`),
  sha256: Buffer.alloc(32, n),
  entry: BigInt(n),
  kind: 1,
  rung: 4,
}));
const within = (first: bigint, end: bigint) => records.filter(({ entry }) => entry >= first && entry < end);

describe('The list of what came since a snapshot', () => {
  it('is that of the records asked for, whatever was asked for before', () => {
    const recent = openRecentList({ records: within });
    for (const [first, end] of [
      [0n, 7n],
      [0n, 7n],
      [0n, 100n],
      [0n, 60n],
      [0n, 250n],
      [200n, 300n],
      [200n, 500n],
      [0n, 500n],
      [500n, 500n],
    ] as const) {
      const [whole] = formatBuckets(within(first, end), 0).buckets;
      expect(Buffer.from(recent(first, end)), `${first} to ${end}`).toEqual(whole);
    }
  });

  it('reads no record twice while the log only grows', () => {
    const asked: bigint[] = [];
    const recent = openRecentList({
      records(first, end) {
        asked.push(first);
        return within(first, end);
      },
    });
    for (const end of [10n, 10n, 20n, 400n]) recent(0n, end);
    expect(asked).toEqual([0n, 10n, 20n]);
  });
});
