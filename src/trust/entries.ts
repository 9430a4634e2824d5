/**
 * Reading many entries of a log, as a table has them.
 *
 * @module
 */
import { parseEntry } from '../log/entry.ts';
import type { Sighting } from '../log/observation.ts';
import type { ProvenLog } from '../log/read-tiles.ts';
import { timeText } from '../log/shape.ts';
import { TILE_WIDTH } from '../log/tiles.ts';

/** How many bundles are read at once. */
const AT_ONCE = 8;

/** An entry of a log in one line; what its kind does not have is empty. */
export interface EntryRow {
  readonly index: number;
  readonly kind: string;
  readonly purl: string;
  /** Lower-case hex; of a dispute, those that were seen. */
  readonly sha256: string;
  readonly upstream: string;
  /** When it was seen, or the block closed: `2026-11-21T18:00:00Z`. */
  readonly time: string;
  /** Names of keys. */
  readonly observers: readonly string[];
  readonly size: number | null;
}

/** The names of a row's fields, as they are shown. */
export const FIELDS = ['index', 'kind', 'purl', 'sha256', 'upstream', 'time', 'observers', 'size'] as const;

/** An entry as it lies in the log. */
export interface IndexedEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The entries from `from` to the end of the log, each proven, a bundle at a time. */
export async function* entriesFrom(log: ProvenLog, from = 0n): AsyncGenerator<readonly IndexedEntry[]> {
  const width = BigInt(TILE_WIDTH);
  const end = (log.head.size + width - 1n) / width;
  for (let at = from / width; at < end; at += BigInt(AT_ONCE)) {
    const left = end - at;
    const some = Array.from({ length: left < AT_ONCE ? Number(left) : AT_ONCE }, (_, i) => at + BigInt(i));
    const bundles = await Promise.all(some.map(async (bundle) => log.entries(bundle)));
    for (const [i, entries] of bundles.entries()) {
      const first = Number(some[i]! * width);
      yield entries
        .map((bytes, n) => ({ index: first + n, bytes }))
        .filter(({ index }) => BigInt(index) >= from);
    }
  }
}

/** The row of an entry. @throws PyrsiaError as {@link parseEntry} */
export function rowOf({ index, bytes }: IndexedEntry): EntryRow {
  const entry = parseEntry(bytes, `entry ${index}`);
  const none = { index, purl: '', sha256: '', upstream: '', time: '', observers: [], size: null };
  if (entry.kind === 'observe') {
    const { purl, upstream, size } = entry.observation;
    return { ...none, kind: 'observe', purl, upstream, size, ...seenIn([entry.observation]) };
  }
  if (entry.kind === 'dispute') {
    const { purl, upstream, seen } = entry.dispute;
    return { ...none, kind: 'dispute', purl, upstream, ...seenIn(seen) };
  }
  if (entry.kind === 'block') return { ...none, kind: 'block', time: timeText(entry.block.time) };
  return { ...none, kind: entry.predicateType };
}

function seenIn(sightings: readonly Sighting[]): Pick<EntryRow, 'sha256' | 'time' | 'observers'> {
  return {
    sha256: sightings.map(({ digest }) => digest['sha256']!).join(' '),
    time: timeText(Math.max(...sightings.map(({ observedAt }) => observedAt))),
    observers: sightings.flatMap(({ observers }) => observers.map(({ name }) => name)),
  };
}

/** What is looked for; what is not said is not asked for. */
export interface Query {
  /** Part of a purl. */
  readonly text?: string;
  /** A package, `npm:lodash`, also with its version; or an image. */
  readonly purl?: string;
  readonly upstream?: string;
  readonly observer?: string;
  /** In milliseconds since 1970. */
  readonly since?: number;
}

/** Whether an entry can be one that is looked for, by a look at its bytes: most are passed over without being read. */
export function mayMatch({ text, purl, upstream, observer }: Query, bytes: Uint8Array): boolean {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [text, purl, upstream, observer].every((part) => part === undefined || all.includes(part));
}

/** Whether a row is one that is looked for. */
export function matches({ text, purl, upstream, observer, since }: Query, row: EntryRow): boolean {
  return (
    row.purl !== '' &&
    (text === undefined || row.purl.includes(text)) &&
    (purl === undefined || isOf(row.purl, purl)) &&
    (upstream === undefined || row.upstream.includes(upstream)) &&
    (observer === undefined || row.observers.includes(observer)) &&
    (since === undefined || Date.parse(row.time) >= since)
  );
}

/** Whether a purl is of this package, whatever its version, file and tag. */
function isOf(purl: string, start: string): boolean {
  return purl.startsWith(start) && ['', '@', '?', '#'].includes(purl.charAt(start.length));
}
