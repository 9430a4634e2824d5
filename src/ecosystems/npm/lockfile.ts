/**
 * What a lockfile of npm pins (package-lock.json and npm-shrinkwrap.json from version 2 on, and npm's own
 * hidden one in `node_modules`), as far as npm looks for it in its own cache by digest before it asks anybody.
 *
 * A lockfile is anybody's text. npm takes what lies under a digest for every package whose lockfile entry names
 * that digest, whatever its name: so a digest stands here with all packages that name it, and one that
 * something illegible names besides does not stand here at all.
 *
 * @see https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import { digestFromIntegrity, isDigest } from '../../content/digest.ts';
import type { InstallTerms, Locked, Pinned, PinnedContent } from '../ecosystem.ts';
import { FOLDER, legibleIn, type LockEntries, type LockEntry } from './lock-entries.ts';
import { isPackageName, isVersion } from './names.ts';
import { reachedIn } from './reached.ts';

/** The most packages that one digest may stand for: npm is to ask for what has more names. */
const NAMES_LIMIT = 100;

/** The longest `integrity` that is looked at, in characters. */
const INTEGRITY_LIMIT = 1000;

/** Content that `lockfile` pins and an install on these terms needs; nothing where it cannot be read. */
export function pinnedBy(lockfile: string, terms: InstallTerms): readonly PinnedContent[] {
  const installed = installedBy(terms);
  const named = namedIn(lockfile);
  if (!named) return [];
  const reached = reachedFor(named.entries, terms);
  const needed = new Set<Digest>();
  for (const { path, entry, digest, pinned } of named.sure) {
    // Without an address npm asks for it, whatever its own cache holds.
    if (pinned.resolved === undefined || !reached.has(path)) continue;
    if (isNeeded(path, entry, terms, installed)) needed.add(digest);
  }
  return [...needed].flatMap((digest) => named.with({ digest, packages: [] }) ?? []);
}

/** As {@link Tool.besidesIn} says. */
export function besidesIn(
  lockfile: string,
): ((content: PinnedContent) => PinnedContent | undefined) | undefined {
  return namedIn(lockfile)?.with;
}

/** Each package once; as the lockfile has it, where it does. */
function merged(packages: readonly Pinned[], locked: readonly Pinned[]): readonly Pinned[] {
  const isLocked = ({ name, version }: Pinned): boolean =>
    locked.some((each) => each.name === name && each.version === version);
  return [...packages.filter((each) => !isLocked(each)), ...locked];
}

/** What a lockfile names by digest; undefined where npm may read it otherwise than we do. */
function namedIn(lockfile: string) {
  const entries = legibleIn(lockfile);
  const found = new Map<Digest, Map<string, Pinned>>();
  const doubtful = new Set<Digest>();
  const sure: { path: string; entry: LockEntry; digest: Digest; pinned: Pinned }[] = [];
  for (const [path, entry] of entries ?? []) {
    const { integrity } = entry;
    // npm takes all of these for a digest.
    if ('_integrity' in entry || (integrity !== undefined && typeof integrity !== 'string')) return undefined;
    if (typeof integrity === 'string' && integrity.length > INTEGRITY_LIMIT) return undefined;
    const { digests, isPlain } = strongDigests(integrity);
    const [digest] = digests;
    if (digest === undefined) continue;
    const pinned = isPlain && digests.length === 1 ? pinnedAt(path, entry) : undefined;
    if (!pinned) {
      for (const each of digests) doubtful.add(each);
      continue;
    }
    const packages = found.get(digest) ?? new Map<string, Pinned>();
    found.set(digest, packages.set([pinned.name, pinned.version, pinned.resolved ?? ''].join(' '), pinned));
    sure.push({ path, entry, digest, pinned });
  }
  return (
    entries && {
      entries,
      sure,
      with: ({ digest, packages }: PinnedContent): PinnedContent | undefined => {
        const locked = found.get(digest) ?? new Map<string, Pinned>();
        if (doubtful.has(digest) || locked.size > NAMES_LIMIT) return undefined;
        return { digest, packages: merged(packages, [...locked.values()]) };
      },
    }
  );
}

/** The versions that a lockfile has of each package, wherever they come from. */
export function versionsIn(lockfile: string | undefined): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const [path, { name = nameAt(path), version }] of (lockfile === undefined
    ? undefined
    : legibleIn(lockfile)) ?? []) {
    if (typeof name !== 'string' || typeof version !== 'string') continue;
    found.set(name, (found.get(name) ?? new Set()).add(version));
  }
  return found;
}

/**
 * Packages that an install on these terms takes from the addresses that `lockfile` gives for them, each once
 * for each address. What comes out of a repository, a directory or a file is none.
 */
export function lockedBy(lockfile: string, terms: InstallTerms): readonly Locked[] {
  const installed = installedBy(terms);
  const entries = legibleIn(lockfile) ?? [];
  const reached = reachedFor(entries, terms);
  const found = new Map<string, Locked>();
  for (const [path, entry] of entries) {
    if (!reached.has(path)) continue;
    const { name, version, resolved } = pinnedAt(path, entry) ?? {};
    if (name === undefined || version === undefined || resolved === undefined) continue;
    if (!isNeeded(path, entry, terms, installed)) continue;
    const { integrity } = entry;
    const digest = typeof integrity === 'string' ? digestFromIntegrity(integrity) : undefined;
    found.set([name, version, resolved].join(' '), { name, version, resolved, ...(digest && { digest }) });
  }
  return [...found.values()];
}

function installedBy({ installed }: InstallTerms): ReadonlyMap<string, LockEntry> {
  return new Map((installed === undefined ? undefined : legibleIn(installed)) ?? []);
}

/** The paths of what an install on these terms depends on: not what is behind a package of another platform. */
function reachedFor(entries: LockEntries, terms: InstallTerms): ReadonlySet<string> {
  return reachedIn(entries, (entry) => isForHere(entry, terms));
}

/** The package of an entry; undefined for what npm would not fetch from a registry. */
function pinnedAt(path: string, entry: LockEntry): Pinned | undefined {
  const { name = nameAt(path), version, resolved, link } = entry;
  if (typeof name !== 'string' || !isPackageName(name) || link === true) return undefined;
  if (typeof version !== 'string' || !isVersion(version)) return undefined;
  if (resolved === undefined) return { name, version };
  if (typeof resolved !== 'string' || !/^https?:\/\//.test(resolved)) return undefined;
  return { name, version, resolved };
}

function nameAt(path: string): string | undefined {
  const at = path.lastIndexOf(FOLDER);
  return at < 0 ? undefined : path.slice(at + FOLDER.length);
}

/** Every sha512 of an integrity string; it is plain when each is written as npm writes it. */
function strongDigests(integrity: unknown): {
  readonly digests: readonly Digest[];
  readonly isPlain: boolean;
} {
  if (typeof integrity !== 'string') return { digests: [], isPlain: false };
  const hashes = integrity.split(/\s+/).filter((hash) => hash.startsWith('sha512-'));
  const digests = hashes.map(
    (hash) => `sha512:${Buffer.from(hash.slice('sha512-'.length), 'base64').toString('hex').slice(0, 128)}`,
  );
  return {
    digests: [...new Set(digests.filter(isDigest))],
    isPlain: hashes.every((hash) => /^sha512-[A-Za-z0-9+/]{86}==$/.test(hash)),
  };
}

/** Whether an install on these terms unpacks the entry anew, as npm decides it. */
function isNeeded(
  path: string,
  entry: LockEntry,
  terms: InstallTerms,
  installed: ReadonlyMap<string, LockEntry>,
): boolean {
  const { dev, optional, devOptional, peer, inBundle, extraneous } = entry;
  if (inBundle === true || extraneous === true) return false;
  const omits = (type: string): boolean => terms.omit.includes(type);
  if (dev === true && omits('dev')) return false;
  if (optional === true && omits('optional')) return false;
  if (devOptional === true && omits('dev') && omits('optional')) return false;
  if (peer === true && omits('peer')) return false;
  if (!isForHere(entry, terms)) return false;
  const there = installed.get(path);
  return there?.['integrity'] !== entry['integrity'] || there?.['version'] !== entry['version'];
}

/** Whether an entry is for the platform of an install. */
function isForHere(entry: LockEntry, { os, cpu, libc }: InstallTerms): boolean {
  if (!allows(entry['os'], os) || !allows(entry['cpu'], cpu)) return false;
  return entry['libc'] === undefined || (libc !== undefined && allows(entry['libc'], libc));
}

/** Whether a list of platforms, some maybe excluded by `!`, allows this one. */
function allows(list: unknown, platform: string): boolean {
  const names = [list].flat().filter((name) => typeof name === 'string');
  if (names.length === 0 || (names.length === 1 && names[0] === 'any')) return true;
  if (names.includes(`!${platform}`)) return false;
  return names.includes(platform) || names.every((name) => name.startsWith('!'));
}
