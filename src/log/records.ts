/**
 * What of an entry stands in the index by coordinates.
 *
 * @module
 */
import { type IndexRecord, keyOf, recordKinds } from './buckets.ts';
import type { Entry } from './entry.ts';
import type { Sighting } from './observation.ts';

/** The rung of the ladder of evidence on which an observation stands: above a registry's word and its signatures. */
const OBSERVED = 4;

/** The records of entry `index`; none for kinds that say nothing of coordinates. */
export function recordsIn(entry: Entry, index: bigint): IndexRecord[] {
  const record = (purl: string, { digest }: Sighting, kind: number, rung: number): IndexRecord => ({
    key: keyOf(purl),
    sha256: Buffer.from(digest['sha256']!, 'hex'),
    entry: index,
    kind,
    rung,
  });
  switch (entry.kind) {
    case 'observe':
      return [record(entry.observation.purl, entry.observation, recordKinds.observe, OBSERVED)];
    case 'dispute':
      return entry.dispute.seen.map((seen) => record(entry.dispute.purl, seen, recordKinds.dispute, 0));
    case 'block':
    case 'other':
    default:
      return [];
  }
}
