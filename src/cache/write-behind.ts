/**
 * What may be written a little later, many at a time: when something was last used, and the record's own
 * entries for content that no binding tells of (an install binds what it has just stored, so waiting saves
 * a second entry for nearly everything).
 *
 * A process that is killed first loses a second of last use, and nothing that is relied on.
 *
 * @module
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Digest, Sha256 } from '../content/digest.ts';
import type { Catalogue } from './catalogue.ts';
import { columnsOf, contentWith } from './contents.ts';
import type { Ledger } from './ledger.ts';

/** How long things wait: 1 s. */
const DELAY_MS = 1000;

/** Collects what can wait. It keeps no process alive. */
export interface WriteBehind {
  used(table: 'content' | 'document', key: Digest): void;
  stored(sha256: Sha256): void;
  /** A binding in the record tells all of this content: it needs no entry of its own. */
  bound(sha256: Sha256): void;
  /** Writes last uses now, or keeps them where the disk is full. */
  flushUses(): void;
  /** Writes everything now, and again later what could not be written. Never rejects: it is all expendable. */
  flush(): Promise<void>;
}

/** Starts with nothing to write. */
export function writeBehind(catalogue: Catalogue, ledger: Ledger, now: () => number): WriteBehind {
  const uses = { content: new Map<Digest, number>(), document: new Map<Digest, number>() };
  const unrecorded = new Set<Sha256>();
  let timer: NodeJS.Timeout | undefined;

  const flushUses = (): void => {
    if (uses.content.size + uses.document.size === 0) return;
    try {
      catalogue.transaction(() => {
        for (const [key, at] of uses.content) {
          catalogue.run('UPDATE content SET used_at = max(used_at, ?) WHERE sha256 = ?', at, key);
        }
        for (const [key, at] of uses.document) {
          catalogue.run('UPDATE document SET used_at = max(used_at, ?) WHERE key = ?', at, key);
        }
      });
      uses.content.clear();
      uses.document.clear();
    } catch {
      // As below.
    }
  };

  const record = (sha256: Sha256): void => {
    const held = contentWith(catalogue, sha256);
    if (!held) return;
    const told = catalogue.get(
      `SELECT 1 FROM binding WHERE sha256 = ? AND measured = 1
       AND sha512 IS coalesce(?, sha512) AND sha1 IS coalesce(?, sha1) LIMIT 1`,
      ...columnsOf(held.digests),
    );
    if (told) return;
    ledger.keep(held, now());
    catalogue.run('INSERT OR IGNORE INTO entry VALUES (?)', sha256);
  };

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    flushUses();
    try {
      for (const sha256 of unrecorded) {
        record(sha256);
        unrecorded.delete(sha256);
        await turn(); // Nobody waits for this.
      }
    } catch {
      // The disk is full or gone. What was asked for has been done; this is tried again with the next use.
    }
  };

  const soon = (): void => {
    timer ??= setTimeout(() => void flush(), DELAY_MS).unref();
  };

  return {
    used(table, key) {
      uses[table].set(key, now());
      soon();
    },
    stored(sha256) {
      unrecorded.add(sha256);
      soon();
    },
    bound: (sha256) => void unrecorded.delete(sha256),
    flushUses,
    flush,
  };
}
