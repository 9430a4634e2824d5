/**
 * What a log has said so far, in SQLite: by package URL, digest, upstream and observer, and the records of its index of
 * coordinates. Derived from the entries, so it may be lost; whatever the log judges by is here and nowhere else.
 *
 * @module
 */
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import type { IndexRecord } from '../log/buckets.ts';
import type { BlockIndex } from '../log/block.ts';
import type { Entry } from '../log/entry.ts';
import type { Sighting } from '../log/observation.ts';
import { recordsIn } from '../log/records.ts';

/** Where something was seen, as in an observation. */
export interface Where {
  readonly purl: string;
  readonly upstream: string;
  readonly file: string;
}

/** What was said of it. */
export interface Told {
  readonly entry: bigint;
  /** Hex; of a dispute all that were seen, sorted, with a blank between. */
  readonly sha256: string;
  /** When it was seen, in seconds since 1970; of a dispute, the last of them. */
  readonly observedAt: number;
}

/** What names an entry. */
export type NameKind = (typeof NAME_KINDS)[number];

/** All of them: coordinates, a digest, the registry that was asked, who has vouched for it. */
export const NAME_KINDS = ['purl', 'digest', 'source', 'builder'] as const;

/** The index of coordinates as the last block names it, without its list of what came since. */
export type Snapshot = Omit<BlockIndex, 'recent'>;

/** What was said. Calls throw what SQLite says. */
export interface Said {
  /** How many entries were taken in. */
  size(): bigint;
  /** When the last batch was closed, in seconds since 1970; 0 before the first. */
  time(): number;
  /** The newest observation, or dispute, of an artifact at an upstream. */
  newest(kind: 'observe' | 'dispute', where: Where): Told | undefined;
  /** Entries that a name leads to, from `from` on to below `end`, oldest first; `most` of them. */
  entries(
    kind: NameKind,
    name: string,
    within: { readonly from: bigint; readonly end: bigint; readonly most: number },
  ): bigint[];
  /** The snapshot that the last block names; undefined before there is one. */
  snapshot(): Snapshot | undefined;
  /** The records of entries from `first` on to below `end`, in their order. */
  records(first: bigint, end: bigint): IndexRecord[];
  /** Takes in entries that follow those that were taken in: all of them, or after a crash none. */
  add(entries: readonly Entry[], first: bigint): void;
  close(): void;
}

// `sha256` of an observation is one digest, of a dispute all of them. Records keep the order of their entries by `rowid`.
const SCHEMA = `
  CREATE TABLE state (size INTEGER, time INTEGER, index_size INTEGER, index_bits INTEGER, index_root TEXT) STRICT;
  INSERT INTO state VALUES (0, 0, NULL, NULL, NULL);
  CREATE TABLE said (
    entry INTEGER PRIMARY KEY, kind TEXT NOT NULL, purl TEXT NOT NULL, upstream TEXT NOT NULL, file TEXT NOT NULL,
    sha256 TEXT NOT NULL, observed_at INTEGER NOT NULL) STRICT;
  CREATE INDEX said_where ON said (purl, upstream, file, kind);
  CREATE TABLE name (kind TEXT, name TEXT, entry INTEGER, PRIMARY KEY (kind, name, entry)) STRICT, WITHOUT ROWID;
  CREATE TABLE record (
    entry INTEGER NOT NULL, key BLOB NOT NULL, sha256 BLOB NOT NULL, kind INTEGER NOT NULL, rung INTEGER NOT NULL) STRICT;
  CREATE INDEX record_entry ON record (entry);
  PRAGMA user_version = 1`;

/** Opens what was said, anew where the file is missing or of another version. `:memory:` vanishes with the process. */
export function openSaid(path: string): Said {
  const database = new DatabaseSync(path);
  // It is made anew from the log, so a crash may take the end of it, but only whole transactions.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  if (database.prepare('PRAGMA user_version').get()?.['user_version'] !== 1) database.exec(SCHEMA);
  const state = database.prepare('SELECT * FROM state');
  const newest = database.prepare(
    'SELECT entry, sha256, observed_at FROM said WHERE purl = ? AND upstream = ? AND file = ? AND kind = ? ORDER BY entry DESC LIMIT 1',
  );
  const named = database.prepare(
    'SELECT entry FROM name WHERE kind = ? AND name = ? AND entry >= ? AND entry < ? ORDER BY entry LIMIT ?',
  );
  const records = database.prepare('SELECT * FROM record WHERE entry >= ? AND entry < ? ORDER BY rowid');
  const addSaid = database.prepare('INSERT INTO said VALUES (?, ?, ?, ?, ?, ?, ?)');
  const addName = database.prepare('INSERT OR IGNORE INTO name VALUES (?, ?, ?)');
  const addRecord = database.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?)');
  const go = database.prepare('UPDATE state SET size = ?');
  const goTime = database.prepare('UPDATE state SET time = ?');
  const goIndex = database.prepare('UPDATE state SET index_size = ?, index_bits = ?, index_root = ?');
  /** Asked for with every batch. */
  let now = state.get()!;

  const take = (entry: Entry, index: bigint): void => {
    if (entry.kind === 'block') {
      goTime.run(entry.block.time);
      const { index: snapshot } = entry.block;
      if (snapshot !== undefined) goIndex.run(snapshot.size, snapshot.bits, snapshot.root);
      return;
    }
    if (entry.kind === 'other') return;
    const place = entry.kind === 'observe' ? entry.observation : entry.dispute;
    const seen = entry.kind === 'observe' ? [entry.observation] : entry.dispute.seen;
    const observedAt = Math.max(...seen.map((each) => each.observedAt));
    addSaid.run(index, entry.kind, place.purl, place.upstream, place.file, digestsOf(seen), observedAt);
    for (const [kind, name] of namesOf(place, seen)) addName.run(kind, name, index);
    for (const { key, sha256, kind, rung } of recordsIn(entry, index))
      addRecord.run(index, key, sha256, kind, rung);
  };

  return {
    size: () => bigOf(now['size']),
    time: () => Number(now['time']),
    newest(kind, { purl, upstream, file }) {
      const row = newest.get(purl, upstream, file, kind);
      if (row === undefined) return undefined;
      return {
        entry: bigOf(row['entry']),
        sha256: String(row['sha256']),
        observedAt: Number(row['observed_at']),
      };
    },
    entries: (kind, name, { from, end, most }) =>
      named.all(kind, name, from, end, most).map(({ entry }) => bigOf(entry)),
    snapshot() {
      const { index_size: size, index_bits: bits, index_root: root } = now;
      return size === null ? undefined : { size: Number(size), bits: Number(bits), root: String(root) };
    },
    records: (first, end) =>
      records.all(first, end).map((row) => ({
        key: bytesOf(row['key']),
        sha256: bytesOf(row['sha256']),
        entry: bigOf(row['entry']),
        kind: Number(row['kind']),
        rung: Number(row['rung']),
      })),
    add(entries, first) {
      database.exec('BEGIN');
      try {
        for (const [i, entry] of entries.entries()) take(entry, first + BigInt(i));
        go.run(first + BigInt(entries.length));
        database.exec('COMMIT');
      } catch (error) {
        // Where the disk has failed SQLite may have done so already.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
      now = state.get()!;
    },
    close: () => database.close(),
  };
}

/** Which digests were seen, in one text. */
export function digestsOf(seen: readonly Pick<Sighting, 'digest'>[]): string {
  return seen
    .map(({ digest }) => digest['sha256']!)
    .toSorted()
    .join(' ');
}

function namesOf({ purl, upstream }: Where, seen: readonly Sighting[]): (readonly [NameKind, string])[] {
  return [
    ['purl', purl],
    ['source', upstream],
    ...seen.flatMap(({ digest, observers }) => [
      ...Object.entries(digest).map(([algorithm, hex]) => ['digest', `${algorithm}:${hex}`] as const),
      ...observers.map(({ name }) => ['builder', name] as const),
    ]),
  ];
}

function bigOf(value: SQLOutputValue | undefined): bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : 0n;
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}
