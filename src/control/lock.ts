/**
 * A lock that dies with its process: the operating system's own (`fcntl`) as SQLite takes it, since Node has
 * no call for it. The file stays; only whether somebody holds it means anything.
 *
 * Nothing else in the process may open the file: closing any descriptor of it would give up the lock.
 *
 * @see decisions/agent-lock.md
 * @module
 */
import { DatabaseSync } from 'node:sqlite';

/** A lock that is held. */
export interface Lock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** Takes the lock at `path` without waiting; undefined when somebody holds it. Throws when there can be no lock. */
export function tryLock(path: string): Lock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
