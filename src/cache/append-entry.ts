/**
 * Writes the record: lines of cacache's index, as cacache itself appends them, and at once. Its `index.insert` goes
 * to the thread pool six times for a line of 300 bytes, which took a fifth of all that it took to fetch a package.
 *
 * @see https://github.com/npm/cacache/blob/main/lib/entry-index.js
 * @module
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf } from '../content/digest.ts';
import { exists, inDirectory } from './layout.ts';

/** A line; cacache's own members, in its order. Times in milliseconds since 1970. */
export interface IndexLine {
  readonly key: string;
  /** A Subresource Integrity string. */
  readonly integrity: string;
  readonly time: number;
  /** Length of the content in bytes. */
  readonly size?: number;
  readonly metadata: unknown;
}

/** Appends a line to the index of the cacache directory `root`, which is made where it is missing. Throws what the file system says. */
export function appendEntry(root: string, line: IndexLine): void {
  const bucket = hexOf(digestOf(Buffer.from(line.key), 'sha256'));
  const path = join(root, 'index-v5', bucket.slice(0, 2), bucket.slice(2, 4), bucket.slice(4));
  const text = JSON.stringify(line);
  // A line that was torn is none, and does not hurt the one after it.
  const whole = `\n${hexOf(digestOf(Buffer.from(text), 'sha1'))}\t${text}`;
  inDirectory(path, () => appendFileSync(path, whole));
}

/** Marks `root` as a cache, which backups leave out, as cacache does. See https://bford.info/cachedir/ */
export function tagCache(root: string): void {
  const tag = join(root, 'CACHEDIR.TAG');
  try {
    inDirectory(tag, () =>
      writeFileSync(tag, 'Signature: 8a477f597d28d172789f06886806bc55\n', { flag: 'wx' }),
    );
  } catch (error) {
    if (!exists(error)) throw error;
  }
}
