/**
 * What the parts of an open cache have in common, and the few things each of them does with a file.
 *
 * Order matters, because the process may be killed between any two steps: a file comes before its line in
 * the catalogue, and goes after it. What is left over then is a file without a line, which `gc` frees,
 * never a line without a file that something could rely on.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { type Digest, digestOf, type Sha256 } from '../content/digest.ts';
import type { Stored } from '../content/source.ts';
import { PyrsiaError } from '../errors.ts';
import type { Collected } from './cache.ts';
import type { Catalogue } from './catalogue.ts';
import { addContent, type Held, removeContent } from './contents.ts';
import { contentPath, DEPTH, documentPath, isMissing, type Layout, removeFile } from './layout.ts';
import type { Ledger } from './ledger.ts';
import type { WriteBehind } from './write-behind.ts';

/** One open cache, from the inside. */
export interface Shelf {
  readonly layout: Layout;
  readonly catalogue: Catalogue;
  readonly now: () => number;
  /** Why nothing can be stored; undefined in a cache that is writable. */
  readonly readOnlyBecause: string | undefined;
  /** What it takes to change something; undefined in a cache that is only read. */
  readonly writing: Writing | undefined;
}

/** What only the one writer has. */
export interface Writing {
  readonly ledger: Ledger;
  readonly room: Room;
  readonly later: WriteBehind;
}

/** Keeps a cache within its limit. */
export interface Room {
  /**
   * Does something that takes up to `bytes` on the disk, once there is room for it.
   *
   * Rejects with `CACHE_READ_ONLY` when that many can never fit.
   */
  reserve<T>(bytes: number, work: () => T | Promise<T>): Promise<T>;
  /** Throws `CACHE_READ_ONLY` when a file of `bytes` can never fit. */
  mustFit(bytes: number): void;
  /** Makes the cache fit its limit; with `dryRun` says only what would go. */
  evict(dryRun: boolean): Promise<Pick<Collected, 'artifacts' | 'bytes'>>;
}

/** Puts verified content in its place and enters it; where it cannot be entered nothing of it is left. */
export function keepContent(
  { catalogue, layout, now, writing }: Shelf,
  stored: Stored,
  putInPlace: (path: string) => void,
): void {
  const [sha256] = stored.digests;
  const path = contentPath(layout, sha256);
  putInPlace(path);
  try {
    if (addContent(catalogue, stored, now())) writing?.later.stored(sha256);
  } catch (error) {
    removeFile(path, DEPTH.content);
    throw error;
  }
}

/** Removes content: from the catalogue, from the disk, and its own entry from the record. Bindings stay. */
export async function dropContent(shelf: Shelf, sha256: Sha256): Promise<void> {
  if (!shelf.writing) return;
  const hadEntry = removeContent(shelf.catalogue, sha256);
  removeFile(contentPath(shelf.layout, sha256), DEPTH.content);
  if (hadEntry) await shelf.writing.ledger.drop(sha256);
}

/** Removes a document. */
export function dropDocument({ catalogue, layout, writing }: Shelf, key: Digest): void {
  if (!writing) return;
  catalogue.run('DELETE FROM document WHERE key = ?', key);
  removeFile(documentPath(layout, key), DEPTH.document);
}

/**
 * Reads all of some content and checks it. Undefined when its file has gone; it is then forgotten.
 *
 * @throws PyrsiaError `CACHE_CORRUPT`, once the damaged file is removed.
 */
export async function readContent(shelf: Shelf, { sha256 }: Held): Promise<Uint8Array | undefined> {
  const bytes = readIfThere(contentPath(shelf.layout, sha256));
  if (!bytes) {
    await dropContent(shelf, sha256);
    return undefined;
  }
  const actual = digestOf(bytes, 'sha256');
  if (actual !== sha256) throw await damaged(shelf, sha256, actual);
  return bytes;
}

/** Removes damaged content and says so. */
export async function damaged(
  shelf: Shelf,
  sha256: Sha256,
  actual: string,
): Promise<PyrsiaError<'CACHE_CORRUPT'>> {
  await dropContent(shelf, sha256);
  return new PyrsiaError('CACHE_CORRUPT', { digest: sha256, actual });
}

/** The bytes of a file, or undefined where there is none. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
