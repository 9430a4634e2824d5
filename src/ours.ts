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
  // One that was made for us, empty, is ours to fill and to empty; one that holds something is not.
  if (!existsSync(join(directory, RECORD)) && readdirSync(directory).length === 0) note(directory, []);
}

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

/**
 * Removes what is ours of `directory`, by its record: all that lies in it, and itself if we made it. Links in
 * it are removed, not followed. If it is a link, what it leads to is emptied, and stays as it was before us.
 *
 * A directory without a record is left alone, unless all that lies in it is called as in `names`: what a
 * program of ours makes again after somebody deleted everything. So is one that is somebody else's, or that
 * holds `home`. Never throws.
 */
export function removeOurs(
  directory: string,
  { home, names = [] }: { readonly home: string; readonly names?: readonly string[] },
): Removal {
  const left: Left[] = [];
  const leave = (path: string, reason: string): Removal => {
    left.push({ path, reason });
    return { left, above: [] };
  };
  try {
    const found = lstatSync(directory, { throwIfNoEntry: false });
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (!found || !stat) return { left, above: [] };
    if (!stat.isDirectory()) return leave(directory, 'it is no directory, so it is not ours');
    if (process.getuid && stat.uid !== process.getuid())
      return leave(directory, `it belongs to user ${stat.uid}`);
    const real = realpathSync(directory);
    if (isWithin(existsSync(home) ? realpathSync(home) : home, real))
      return leave(directory, 'the home directory lies in it');

    const content = readdirSync(real).filter((name) => name !== RECORD);
    const made = madeFor(directory) ?? (content.every((name) => names.includes(name)) ? ['.'] : undefined);
    if (!made) return leave(directory, 'it held other things before pyrsia used it');
    for (const name of content)
      attempt(join(real, name), () => rmSync(join(real, name), { recursive: true }));
    // The record goes last, so that whoever tries again still knows.
    if (left.length > 0) return { left, above: [] };
    rmSync(join(real, RECORD), { force: true });
    if (made.includes('.')) {
      attempt(directory, () => rmdirSync(real));
      if (found.isSymbolicLink()) attempt(directory, () => rmSync(directory));
    }
    return { left, above: made.filter((path) => path !== '.').map((path) => resolve(directory, path)) };
  } catch (error) {
    return leave(directory, reasonOf(error));
  }

  function attempt(path: string, remove: () => void): void {
    try {
      remove();
    } catch (error) {
      left.push({ path, reason: reasonOf(error) });
    }
  }
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
    .filter((line) => /^(\.|\.\.(\/\.\.)*)$/.test(line));
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
  return relative(directory, above).split(sep).join('/');
}

/** Whether `path` is `directory` or lies in it. */
function isWithin(path: string, directory: string): boolean {
  return `${resolve(path)}${sep}`.startsWith(directory.endsWith(sep) ? directory : `${directory}${sep}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
