/**
 * The list of what came since a snapshot, as a log grows: what was sorted once is not sorted again.
 *
 * @module
 */
import { mergeRecords } from '../log/buckets.ts';
import type { Said } from './said.ts';

/** The records of entries from `first` on to below `end`, as a bucket. */
export type RecentList = (first: bigint, end: bigint) => Uint8Array;

/** Opens the list. It keeps the one that was asked for last: 950 kB. */
export function openRecentList(said: Pick<Said, 'records'>): RecentList {
  let [from, to] = [0n, 0n];
  let bucket: Uint8Array = new Uint8Array();
  return (first, end) => {
    if (first !== from || end < to) [from, to, bucket] = [first, first, new Uint8Array()];
    if (end > to) [to, bucket] = [end, mergeRecords(bucket, said.records(to, end))];
    return bucket;
  };
}
