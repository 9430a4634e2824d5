/**
 * Where things lie below the cache's directory, and the few careful steps that put them there.
 *
 * ```
 * content/    a cacache directory: content-v2/sha256/ab/cd/…, and index-v5/, the record that is kept
 * documents/  answers of registries
 * partial/    content that is arriving
 * catalogue.sqlite
 * ```
 *
 * Nothing is synced to the platter: content is hashed again at every use, so what a power cut tears is
 * noticed, forgotten and fetched once more, while a sync would cost every install milliseconds a file.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { type Digest, hexOf, type Sha256 } from '../content/digest.ts';
import { PyrsiaError } from '../errors.ts';

/**
 * Up to this many bytes a file is read and written at once, on this thread: 1 MiB. It is hashed here anyway,
 * and one trip to the thread pool costs more than the whole file does.
 */
export const AT_ONCE = 2 ** 20;

/** What a file's size is rounded up to on common file systems, and what a small directory takes: 4 KiB. */
export const BLOCK = 4 * 2 ** 10;

/** Directories and files of one cache, absolute. */
export interface Layout {
  readonly root: string;
  readonly content: string;
  readonly documents: string;
  readonly partial: string;
  readonly catalogue: string;
}

/** The layout below `root`. */
export function layoutOf(root: string): Layout {
  const below = (name: string): string => join(root, name);
  return {
    root,
    content: below('content'),
    documents: below('documents'),
    partial: below('partial'),
    catalogue: below('catalogue.sqlite'),
  };
}

/** How many directories lie between a kind's own and its files. */
export const DEPTH = { content: 2, document: 1, partial: 0 };

/** Where cacache keeps content of this digest. It is its layout, not ours, so a test compares the two. */
export function contentPath(layout: Layout, sha256: Sha256): string {
  const hex = hexOf(sha256);
  // To normalize a path takes as long as to look what lies there.
  return [contentRoot(layout), hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)].join(sep);
}

/** The directory whose files are content: `ab/cd/ef…`. */
export function contentRoot(layout: Layout): string {
  return [layout.content, 'content-v2', 'sha256'].join(sep);
}

/** Where the document with this key digest lies. */
export function documentPath(layout: Layout, key: Digest): string {
  const hex = hexOf(key);
  return join(layout.documents, hex.slice(0, 2), hex.slice(2));
}

const ownName = randomBytes(4).toString('hex');
let temporaries = 0;

/**
 * A new name in `partial/`, of a file that nobody can go on with once its writer is gone: its process
 * is in the name, so {@link writerOf} can tell.
 */
export function temporaryPath(layout: Layout): string {
  temporaries += 1;
  return join(layout.partial, `${process.pid}-${temporaries}-${ownName}`);
}

/** The process that writes the temporary file of this name; undefined for content that can be resumed. */
export function writerOf(name: string): number | undefined {
  const [, pid] = /^(\d+)-\d+-[0-9a-f]{8}$/.exec(name) ?? [];
  return pid === undefined ? undefined : Number(pid);
}

/** Writes a whole file and makes it visible under its name at once; where that fails nothing is left. */
export function placeFile(layout: Layout, path: string, parts: readonly Uint8Array[], mode: number): void {
  const temporary = temporaryPath(layout);
  try {
    const file = inDirectory(temporary, () => openSync(temporary, 'wx', mode));
    try {
      for (const part of parts) writeFileSync(file, part);
      fchmodSync(file, mode);
    } finally {
      closeSync(file);
    }
    moveIntoPlace(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Makes a finished file visible under its final name, replacing what was there, sound or damaged. */
export function moveIntoPlace(from: string, to: string): void {
  inDirectory(to, () => renameSync(from, to));
}

/** Directories that were there a while ago: to find out by failing costs more than to write a small file. */
const made = new Set<string>();

/** How many of them are remembered: as many as one cache can have of a kind. */
const REMEMBERED = 2 ** 16;

/** Does something with `path`, making the directory it lies in where that is missing: users may delete a cache any time. */
export function inDirectory<T>(path: string, work: () => T): T {
  const directory = dirname(path);
  if (!made.has(directory)) make(directory);
  try {
    return work();
  } catch (error) {
    if (!isMissing(error)) throw error;
    make(directory);
    return work();
  }
}

function make(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (made.size >= REMEMBERED) made.clear();
  made.add(directory);
}

/** Removes a file, and as many of the directories above it as are its own, once they are empty. Returns whether it was there. */
export function removeFile(path: string, directories: number): boolean {
  try {
    unlinkSync(path);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  try {
    for (let i = 0, above = dirname(path); i < directories; i++, above = dirname(above)) rmdirSync(above);
  } catch {
    // Others still lie there: nothing to tidy.
  }
  return true;
}

/** Whether a file system call failed because nothing is there. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Whether a file system call failed because something is there already. */
export function exists(error: unknown): boolean {
  return codeOf(error) === 'EEXIST';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * Why something could not be written, as one of our errors; what is one already, and what has nothing to
 * do with the disk, is given back as it is.
 */
export function cannotWrite(layout: Layout, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error), { cause: error });
  if (codeOf(error) !== 'ERR_SQLITE_ERROR' && !('errno' in error)) return error;
  return new PyrsiaError('CACHE_READ_ONLY', { path: layout.root, reason: error.message }, { cause: error });
}
