/**
 * What npm's documents say: packuments (one package, every version) and version documents.
 *
 * Both are read member by member, because a packument may have 40 MB.
 *
 * @see https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
 * @module
 */
import semver from 'semver';
import type { Coordinates } from '../../content/coordinates.ts';
import type { Digest } from '../../content/digest.ts';
import { digestFromIntegrity, isDigest } from '../../content/digest.ts';
import { PyrsiaError } from '../../errors.ts';
import type { PublicPlace, Reference, Selected } from '../registry-protocol.ts';
import { members, pick, valueOf } from './json-members.ts';
import { isVersion, packageAt, tarballPath } from './names.ts';

const EMPTY = Buffer.from('{}');

/**
 * Whether `body` is one whole JSON object, not cut short and no login page, that does not name another
 * package than the one at `path`.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function check(body: Uint8Array, what: string, path?: string): void {
  const name = reading(what, () => stringIn(pick(body, ['name']), 'name'));
  if (name === undefined || path === undefined || packageAt(path) === name) return;
  throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: `it is about ${JSON.stringify(name)}` });
}

/**
 * What a document says the digest of `coordinates` is. Undefined when it is about another package or
 * version, has no digest that we can check, or cannot be read.
 */
export function digest(body: Uint8Array, { name, version }: Coordinates): Digest | undefined {
  try {
    const document = pick(body, ['name', 'version', 'versions', 'dist']);
    if (stringIn(document, 'name') !== name) return undefined;
    const versions = document.get('versions');
    if (!versions) return stringIn(document, 'version') === version ? digestIn(document) : undefined;
    const listed = pick(versions, [version]).get(version);
    return listed && digestOfListed(listed, name, version);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The version that npm itself would take: the exact one; what the tag names; of a range the tag `latest`
 * where it fits and is not deprecated, else the highest that is not deprecated, else the highest.
 * (npm also prefers versions whose `engines` allow its own Node; a download is for any Node.)
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function select(body: Uint8Array, { name, wanted }: Reference): Selected | undefined {
  return reading(`the packument of ${name}`, () => {
    const packument = pick(body, ['name', 'dist-tags', 'versions']);
    const listed = packument.get('versions');
    if (!listed || stringIn(packument, 'name') !== name) return undefined;
    const versions = new Map<string, Uint8Array>();
    for (const { key, value } of members(listed)) if (isVersion(key)) versions.set(key, value);
    const tags = new Map<string, string>();
    for (const { key, value } of members(packument.get('dist-tags') ?? EMPTY))
      tags.set(key, String(valueOf(value)));

    const version = choose(versions, tags, wanted);
    const chosen = version === undefined ? undefined : versions.get(version);
    if (version === undefined || chosen === undefined) return undefined;
    const declared = digestOfListed(chosen, name, version);
    return { ...at(name, version), ...(declared ? { digest: declared } : {}) };
  });
}

/** The host that a packument names for the tarball of one of its versions. */
export function artifactHost(body: Uint8Array): string | undefined {
  try {
    const [first] = members(pick(body, ['versions']).get('versions') ?? EMPTY);
    const dist = first && pick(first.value, ['dist']).get('dist');
    return URL.parse((dist && stringIn(pick(dist, ['tarball']), 'tarball')) ?? '')?.host;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What a reference to one exact version stands for; undefined for a range or a tag. */
export function exact({ name, wanted }: Reference): Selected | undefined {
  return isVersion(wanted) ? at(name, wanted) : undefined;
}

/** Where everybody finds one exact version. */
export function inPublic(wanted: Reference): PublicPlace | undefined {
  const selected = exact(wanted);
  return selected && { ...selected, mediaType: 'application/gzip' };
}

function at(name: string, version: string): Selected {
  return { coordinates: { ecosystem: 'npm', name, version }, path: tarballPath(name, version) };
}

function choose(
  versions: ReadonlyMap<string, Uint8Array>,
  tags: ReadonlyMap<string, string>,
  wanted: string,
): string | undefined {
  const version = semver.valid(wanted, { loose: true });
  if (version !== null) return versions.has(wanted) ? wanted : version;
  if (semver.validRange(wanted, { loose: true }) === null) return tags.get(wanted);

  const isCurrent = (each: string): boolean => !isDeprecated(versions.get(each)!);
  const fitting = [...versions.keys()].filter((each) => semver.satisfies(each, wanted, { loose: true }));
  const latest = tags.get('latest');
  const candidates = wanted === '*' ? [...versions.keys()] : fitting;
  if (latest !== undefined && candidates.includes(latest) && isCurrent(latest)) return latest;
  const best = fitting.toSorted(semver.rcompare);
  return best.find(isCurrent) ?? best[0];
}

function isDeprecated(listed: Uint8Array): boolean {
  const deprecated = pick(listed, ['deprecated']).get('deprecated');
  return deprecated !== undefined && Boolean(valueOf(deprecated));
}

function digestOfListed(listed: Uint8Array, name: string, version: string): Digest | undefined {
  const document = pick(listed, ['name', 'version', 'dist']);
  const same = stringIn(document, 'name') === name && stringIn(document, 'version') === version;
  return same ? digestIn(document) : undefined;
}

function digestIn(document: ReadonlyMap<string, Uint8Array>): Digest | undefined {
  const dist = document.get('dist');
  if (!dist) return undefined;
  const said = pick(dist, ['integrity', 'shasum']);
  const strong = digestFromIntegrity(stringIn(said, 'integrity') ?? '');
  const weak = `sha1:${stringIn(said, 'shasum')?.toLowerCase()}`;
  return strong ?? (isDigest(weak) ? weak : undefined);
}

function stringIn(document: ReadonlyMap<string, Uint8Array>, key: string): string | undefined {
  const bytes = document.get(key);
  const value = bytes && valueOf(bytes);
  return typeof value === 'string' ? value : undefined;
}

function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: error.message }, { cause: error });
  }
}
