/**
 * Which entries of a lockfile npm keeps: those that something depends on, looked up as Node looks up modules. The
 * others it takes for left over, and fetches nothing of them.
 *
 * @see https://github.com/npm/cli/blob/latest/workspaces/arborist/lib/calc-dep-flags.js
 * @module
 */
import { FOLDER, isObject, type LockEntries, type LockEntry } from './lock-entries.ts';

/** How often a folder may be looked into to find what depends on what: beyond it nothing counts as reached. */
const LOOKS_LIMIT = 2_000_000;

/** The most folders above a directory of the project in which what it depends on is looked for. */
const FOLDERS_LIMIT = 16;

/** Members of an entry whose keys are the names of what it depends on. */
const DEPENDENCIES = ['dependencies', 'optionalDependencies', 'peerDependencies'];

/** A folder that a package is in, or the project's own. */
interface Place {
  readonly path: string;
  readonly entry: LockEntry;
  /** What lies in its `node_modules`, by name. */
  readonly within: Map<string, Place>;
  /** Where it looks for what it does not find there. */
  above?: Place | undefined;
  /** It is a directory of the project, and no package that was installed. */
  readonly isOwn: boolean;
}

/**
 * The paths of all entries that the project depends on, directly or not. What is behind an entry that `leads` says
 * no of is reached only if something else leads there.
 */
export function reachedIn(entries: LockEntries, leads: (entry: LockEntry) => boolean): ReadonlySet<string> {
  const places = placed(entries);
  const root = places.get('');
  if (!root) return new Set();
  const found = new Set<Place>([root]);
  let looks = 0;
  const reach = (place: Place | undefined): void => void (place && found.add(place));
  // npm links every workspace, whether something depends on it or not.
  if (root.entry['workspaces'] !== undefined)
    for (const each of root.within.values()) if (each.entry['link'] === true) reach(each);

  for (const place of found) {
    const { entry, isOwn } = place;
    if (entry['link'] === true) {
      const { resolved } = entry;
      reach(typeof resolved === 'string' ? places.get(resolved) : undefined);
      continue;
    }
    if (!leads(entry)) continue;
    for (const kind of isOwn ? [...DEPENDENCIES, 'devDependencies'] : DEPENDENCIES) {
      const wanted = entry[kind];
      for (const name of isObject(wanted) ? Object.keys(wanted) : []) {
        let from: Place | undefined = place;
        while (from && !from.within.has(name)) {
          if ((looks += 1) > LOOKS_LIMIT) return new Set();
          from = from.above;
        }
        reach(from?.within.get(name));
      }
    }
  }
  return new Set([...found].map(({ path }) => path));
}

/** All entries, each below the one in whose `node_modules` it lies. */
function placed(entries: LockEntries): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const [path, entry] of entries) {
    const isOwn = !path.startsWith(FOLDER) && !path.includes(`/${FOLDER}`);
    places.set(path, { path, entry, within: new Map(), isOwn });
  }
  for (const place of places.values()) {
    const { path, isOwn } = place;
    if (path === '') continue;
    const at = path.lastIndexOf(`/${FOLDER}`) + 1;
    place.above = isOwn ? folderAbove(path, places) : places.get(path.slice(0, Math.max(at - 1, 0)));
    if (!isOwn) place.above?.within.set(path.slice(at + FOLDER.length), place);
  }
  return places;
}

/** The nearest directory above one of the project's, as far as the lockfile has it. */
function folderAbove(path: string, places: ReadonlyMap<string, Place>): Place | undefined {
  if (path.startsWith('../')) return undefined;
  let folder = path;
  for (let folders = 0; folders < FOLDERS_LIMIT; folders++) {
    folder = folder.slice(0, Math.max(folder.lastIndexOf('/'), 0));
    const found = places.get(folder);
    if (found) return found;
  }
  return places.get('');
}
