/**
 * The entries of a lockfile of npm's, from version 2 on, read with care: it is anybody's text.
 *
 * @see https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json
 * @module
 */
/** The most entries that a lockfile may have: one with more pins nothing. */
const ENTRIES_LIMIT = 50_000;

/** The most objects, lists, and commas between their members: to parse what has more holds up everybody else. */
const PARTS_LIMIT = 500_000;

/** The folder that packages are installed into. */
export const FOLDER = 'node_modules/';

/** One entry, and nothing known of it. */
export type LockEntry = Readonly<Record<string, unknown>>;

/** Entries by the path, in the project, that they are for. */
export type LockEntries = readonly (readonly [path: string, entry: LockEntry])[];

/** Reads them, as they stand; undefined where npm, or we, cannot read it. */
export function legibleIn(lockfile: string): LockEntries | undefined {
  const lock = isTooMuch(lockfile) ? undefined : parsed(lockfile);
  const version = lock?.['lockfileVersion'];
  const packages = lock?.['packages'];
  if (typeof version !== 'number' || version < 2 || !isObject(packages)) return undefined;
  const entries = Object.entries(packages);
  if (entries.length > ENTRIES_LIMIT) return undefined;
  return entries.filter((entry): entry is [string, LockEntry] => isObject(entry[1]));
}

function isTooMuch(text: string): boolean {
  let parts = 0;
  for (const mark of '{[,') {
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
      if (++parts > PARTS_LIMIT) return true;
    }
  }
  return false;
}

function parsed(text: string): LockEntry | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // npm itself will say what is wrong with it.
  }
}

/** Whether this is an object. */
export function isObject(value: unknown): value is LockEntry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
