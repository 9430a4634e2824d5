/**
 * Directories of ours, made so that whoever leaves can tell them from what was there before.
 *
 * Each holds a file that names the directories that were made for it: `.` is itself, `..` the one above. What
 * it does not name was there before us, and stays.
 *
 * @see decisions/what-is-ours.md
 * @module
 */
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

/** The file in each directory of ours. `bin/` writes it, too. */
export const RECORD = '.made-by-pyrsia';

/** Makes one of our directories, for its user alone, where it is missing. Throws what the file system says. */
export function makeOurs(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first !== undefined) return note(directory, levels(first, directory));
  if (existsSync(join(directory, RECORD))) return;
  // One that was made for us, empty, is ours to fill and to empty; one that holds what is not ours is not.
  const isOurs = (name: string): boolean => existsSync(join(directory, name, RECORD));
  if (readdirSync(directory).every(isOurs)) note(directory, []);
}

/** A line of it. */
const LEVEL = /^(\.|\.\.(\/\.\.)*)$/;

/** Something of ours that is still there, and why. */
export interface Left {
  readonly path: string;
  readonly reason: string;
}

/** What became of a directory of ours. */
export interface Removal {
  readonly left: readonly Left[];
  /** Directories above it that were made for it; they may be empty now. */
  readonly above: readonly string[];
}

/** How to tell what is ours. */
export interface RemoveOptions {
  /** The user's home directory, which is never ours. */
  readonly home: string;
  /** Knows what a program of ours makes again after somebody has deleted everything, the record included. */
  readonly isName?: (name: string) => boolean;
}

/**
 * Removes what is ours of `directory`, by its record: all that lies in it, and itself if we made it. Links in
 * it are removed, not followed. If it is a link, what it leads to is emptied, and stays as it was before us.
 *
 * A directory is left alone that has no record and holds what `isName` does not know, that is somebody else's,
 * or that `home` lies in. Never throws.
 */
export function removeOurs(directory: string, options: RemoveOptions): Removal {
  const left: Left[] = [];
  const attempt = (path: string, remove: () => void): void => {
    try {
      remove();
    } catch (error) {
      left.push({ path, reason: reasonOf(error) });
    }
  };
  let made: string[] | undefined;
  attempt(directory, () => {
    made = madeOf(directory, options);
    if (!made) return;
    const real = realpathSync(directory);
    made.push(...madeForThoseIn(real));
    for (const name of contentOf(real))
      attempt(join(real, name), () => rmSync(join(real, name), { recursive: true }));
    // The record goes last, so that whoever tries again still knows.
    if (left.length > 0) return;
    rmSync(join(real, RECORD), { force: true });
    if (!made.includes('.')) return;
    rmdirSync(real);
    // Somebody has moved it, and has put a link in its place.
    if (lstatSync(directory, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(directory);
  });
  const above = left.length > 0 ? [] : (made ?? []).filter((path) => path !== '.');
  return { left, above: above.map((path) => resolve(directory, path)) };
}

/** What was made for a directory that is there and is ours; undefined when there is nothing to remove. Throws why it is not ours. */
function madeOf(directory: string, { home, isName = () => false }: RemoveOptions): string[] | undefined {
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (!stat) return undefined;
  if (!stat.isDirectory()) throw new Error('it is no directory, so it is not ours');
  if (process.getuid && stat.uid !== process.getuid()) throw new Error(`it belongs to user ${stat.uid}`);
  if (isWithin(existsSync(home) ? realpathSync(home) : home, realpathSync(directory)))
    throw new Error('the home directory lies in it');
  const content = contentOf(directory);
  const recorded = madeFor(directory);
  if (recorded || content.length === 0) return recorded;
  if (content.every(isName)) return ['.'];
  throw new Error('it held other things before pyrsia used it');
}

/** What was made for those of ours that lie immediately in `directory`, relative to it: itself and what is above. */
function madeForThoseIn(directory: string): string[] {
  return contentOf(directory)
    .map((name) => join(directory, name))
    .filter((path) => lstatSync(path).isDirectory())
    .flatMap((path) => (madeFor(path) ?? []).map((made) => levelOf(resolve(path, made), directory)))
    .filter((path) => LEVEL.test(path));
}

function contentOf(directory: string): string[] {
  return readdirSync(directory).filter((name) => name !== RECORD);
}

/**
 * Removes those of `directories` that are empty, from the bottom up. One that is not is noted in those of
 * `remaining` that lie in it, so that the last of ours takes it along.
 */
export function removeEmptied(directories: readonly string[], remaining: readonly string[]): void {
  for (const directory of [...new Set(directories)].toSorted((a, b) => b.length - a.length)) {
    try {
      rmdirSync(directory);
    } catch {
      for (const each of remaining)
        if (isWithin(each, directory) && existsSync(join(each, RECORD)))
          note(each, [levelOf(directory, each)]);
    }
  }
}

/** The directories that were made for `directory`, relative to it; undefined when it has no record. */
function madeFor(directory: string): string[] | undefined {
  if (!existsSync(join(directory, RECORD))) return undefined;
  return readFileSync(join(directory, RECORD), 'utf8')
    .split('\n')
    .filter((line) => LEVEL.test(line));
}

/** Adds to the record. Two that do so at once know as much as one that has done both. */
function note(directory: string, made: readonly string[]): void {
  appendFileSync(join(directory, RECORD), made.map((path) => `${path}\n`).join(''), { mode: 0o600 });
}

/** From `directory` up to `first`, relative to `directory`. */
function levels(first: string, directory: string): string[] {
  const all = ['.'];
  for (let at = directory; at !== first && isWithin(at, first); at = resolve(at, '..'))
    all.push(levelOf(resolve(at, '..'), directory));
  return all;
}

/** `above` as seen from `directory`: `..` or `../..`. */
function levelOf(above: string, directory: string): string {
  return relative(directory, above).split(sep).join('/') || '.';
}

/** Whether `path` is `directory` or lies in it. */
function isWithin(path: string, directory: string): boolean {
  return `${resolve(path)}${sep}`.startsWith(directory.endsWith(sep) ? directory : `${directory}${sep}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
