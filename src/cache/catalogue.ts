/**
 * What the cache knows about its files, in SQLite: derived from the files and the record beside them, so
 * it may be lost. Lists, searches, last use and sizes come from here, in milliseconds.
 *
 * One process writes. Readers open the same file and never create one: SQLite would make a `-wal` and a
 * `-shm` beside a database that has none, so a reader then opens it as immutable, and again as soon as a
 * writer appears.
 *
 * @see https://sqlite.org/wal.html#read_only_databases
 * @module
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { BLOCK } from './layout.ts';

/** Written into the file last of all; a catalogue with another number is made anew. */
const SCHEMA_VERSION = 1;

const blocks = (size: string): string => `((${size}) + ${BLOCK - 1}) / ${BLOCK} * ${BLOCK}`;

/** Keeps the totals of a table current, so that the limit costs no scan at every put. */
const counted = (table: string, size: (row: 'new' | 'old') => string = () => '0'): string => `
  INSERT INTO total VALUES ('${table}', 0, 0, 0);
  CREATE TRIGGER ${table}_added AFTER INSERT ON ${table} BEGIN
    UPDATE total SET files = files + 1, bytes = bytes + ${size('new')}, blocks = blocks + ${blocks(size('new'))}
    WHERE kind = '${table}'; END;
  CREATE TRIGGER ${table}_removed AFTER DELETE ON ${table} BEGIN
    UPDATE total SET files = files - 1, bytes = bytes - ${size('old')}, blocks = blocks - ${blocks(size('old'))}
    WHERE kind = '${table}'; END;`;

// `entry` lists content for which the record has an entry of its own, because no binding tells of it.
// `measured` says that every digest of a binding was computed from the content itself.
// `learned` is the content a binding turned out to name, where only another digest was ever recorded.
const SCHEMA = `
  CREATE TABLE total (kind TEXT PRIMARY KEY, files INTEGER, bytes INTEGER, blocks INTEGER) STRICT, WITHOUT ROWID;

  CREATE TABLE content (
    sha256 TEXT PRIMARY KEY, sha512 TEXT, sha1 TEXT, size INTEGER NOT NULL,
    stored_at INTEGER NOT NULL, used_at INTEGER NOT NULL) STRICT;
  CREATE INDEX content_sha512 ON content (sha512) WHERE sha512 IS NOT NULL;
  CREATE INDEX content_sha1 ON content (sha1) WHERE sha1 IS NOT NULL;
  CREATE INDEX content_used ON content (used_at);
  ${counted('content', (row) => `${row}.size`)}

  CREATE TABLE entry (sha256 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  ${counted('entry')}

  CREATE TABLE binding (
    upstream TEXT, ecosystem TEXT, name TEXT, version TEXT, file TEXT, purl TEXT NOT NULL,
    sha256 TEXT, sha512 TEXT, sha1 TEXT, measured INTEGER NOT NULL, learned TEXT, size INTEGER,
    private INTEGER NOT NULL, seen_at INTEGER NOT NULL, reason TEXT,
    PRIMARY KEY (upstream, ecosystem, name, version, file)) STRICT;
  CREATE INDEX binding_name ON binding (ecosystem, name);
  CREATE INDEX binding_sha256 ON binding (sha256) WHERE sha256 IS NOT NULL;
  CREATE INDEX binding_sha512 ON binding (sha512) WHERE sha512 IS NOT NULL;
  CREATE INDEX binding_sha1 ON binding (sha1) WHERE sha1 IS NOT NULL;
  CREATE INDEX binding_declared ON binding (sha512, sha1) WHERE sha256 IS NULL;
  ${counted('binding')}

  CREATE TABLE document (
    key TEXT PRIMARY KEY, upstream TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,
    checked_at INTEGER NOT NULL, used_at INTEGER NOT NULL) STRICT;
  CREATE INDEX document_used ON document (used_at);
  ${counted('document', (row) => `${row}.size`)}`;

/** One row of an answer. */
export type Row = Record<string, SQLOutputValue>;

/** A database whose statements are prepared once. Calls throw what SQLite says. */
export interface Catalogue {
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** As {@link all}, with the columns of each row in their order: a third of the time where there are very many. */
  rows(sql: string, ...values: SQLInputValue[]): SQLOutputValue[][];
  /** Returns the number of rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** Everything in `work` happens or nothing does; `work` may not wait. One inside another is part of it. */
  transaction<T>(work: () => T): T;
  /** Says that it is complete. Until then whoever opens it finds it unusable, and makes it anew. */
  seal(): void;
  /** What it takes on the disk, its write-ahead log included, in bytes. */
  diskBytes(): number;
  close(): void;
}

/**
 * Opens the catalogue for writing, creating it where there is none. `fresh` says that it is empty and
 * wants to be rebuilt and sealed: it was missing, damaged, of another version, or never sealed.
 *
 * @throws SQLite's error when it cannot be written.
 */
export function openCatalogue(path: string): { readonly catalogue: Catalogue; readonly fresh: boolean } {
  const existing = existsSync(path) ? tryOpen(path) : undefined;
  if (existing) return { catalogue: catalogueOf(path, () => existing), fresh: false };

  for (const file of filesOf(path)) rmSync(file, { force: true });
  const database = connect(path);
  create(database);
  return { catalogue: catalogueOf(path, () => database), fresh: true };
}

/** A catalogue of the same shape that vanishes with the process. */
export function memoryCatalogue(): Catalogue {
  const database = new DatabaseSync(':memory:');
  create(database);
  return catalogueOf(undefined, () => database);
}

/** Opens the catalogue for reading; undefined when there is none, or none that this version understands. */
export function readCatalogue(path: string): Catalogue | undefined {
  let open: { database: DatabaseSync; seen: string } | undefined;

  const current = (): DatabaseSync => {
    const seen = appearance(path);
    // Somebody may have deleted the cache: what was read of it stays readable.
    if (open?.seen !== seen && (!open || existsSync(path))) {
      open?.database.close();
      open = { database: connectToRead(path), seen };
    }
    return open.database;
  };
  try {
    if (existsSync(path) && isCurrent(current())) return catalogueOf(path, current);
  } catch (error) {
    if (!isDamage(error) && !cannotOpen(error)) throw error;
  }
  open?.database.close();
  return undefined;
}

function catalogueOf(path: string | undefined, connection: () => DatabaseSync): Catalogue {
  let prepared = { database: connection(), statements: new Map<string, StatementSync>() };

  const prepare = (sql: string): StatementSync => {
    const database = connection();
    if (prepared.database !== database) prepared = { database, statements: new Map() };
    const statement = prepared.statements.get(sql) ?? database.prepare(sql);
    prepared.statements.set(sql, statement);
    return statement;
  };

  return {
    get: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    rows(sql, ...values) {
      const statement = prepare(sql);
      statement.setReturnArrays(true);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types know of objects only
      return statement.all(...values) as unknown as SQLOutputValue[][];
    },
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    transaction(work) {
      if (connection().isTransaction) return work();
      prepare('BEGIN IMMEDIATE').run();
      try {
        const result = work();
        prepare('COMMIT').run();
        return result;
      } catch (error) {
        if (prepared.database.isTransaction) prepare('ROLLBACK').run();
        throw error;
      }
    },
    seal: () => void prepare(`PRAGMA user_version = ${SCHEMA_VERSION}`).run(),
    diskBytes: () =>
      path === undefined
        ? 0
        : filesOf(path).reduce(
            (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
            0,
          ),
    close() {
      if (prepared.database.isOpen) prepared.database.close();
    },
  };
}

/** The existing catalogue, or undefined when it is damaged or of another version. */
function tryOpen(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = connect(path);
    // Asks whether it can be written at all, before anybody relies on it.
    database.exec('BEGIN IMMEDIATE; ROLLBACK');
    if (isCurrent(database) && isSound(database)) return database;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  database?.close();
  return undefined;
}

function connect(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 2000 });
  try {
    // With a write-ahead log, NORMAL cannot tear the file, and syncs only when the log is folded in.
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304',
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function connectToRead(path: string): DatabaseSync {
  const [, wal, shm] = filesOf(path);
  const url = pathToFileURL(path);
  if (!existsSync(wal) || !existsSync(shm)) url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true, timeout: 2000 });
}

/** Changes when a reader has to open the file again: it was replaced, or a writer came, or has been. */
function appearance(path: string): string {
  const [main, wal, shm] = filesOf(path);
  const { ino, mtimeMs } = statSync(main, { throwIfNoEntry: false }) ?? {};
  return existsSync(wal) && existsSync(shm) ? `${ino} live` : `${ino} ${mtimeMs}`;
}

function create(database: DatabaseSync): void {
  database.exec(`BEGIN; ${SCHEMA}; COMMIT`);
}

function isCurrent(database: DatabaseSync): boolean {
  return database.prepare('PRAGMA user_version').get()?.['user_version'] === SCHEMA_VERSION;
}

/** Walks every page: 15 ms for a catalogue of 20,000 artifacts, so only the writer asks. */
function isSound(database: DatabaseSync): boolean {
  return database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] === 'ok';
}

function filesOf(path: string): readonly [main: string, wal: string, shm: string] {
  return [path, `${path}-wal`, `${path}-shm`];
}

/** SQLITE_CORRUPT or SQLITE_NOTADB. */
function isDamage(error: unknown): boolean {
  return [11, 26].includes(resultCode(error));
}

/** SQLITE_READONLY, SQLITE_IOERR or SQLITE_CANTOPEN: there is no catalogue that this user can read. */
function cannotOpen(error: unknown): boolean {
  return [8, 10, 14].includes(resultCode(error));
}

function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
}
