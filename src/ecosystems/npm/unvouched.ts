/**
 * What of a packument that nobody vouches for npm may be given: versions of which each dependency and each tarball is in the
 * same registry, and known by a strong digest. Everything else in a packument could lead npm to fetch past us from wherever
 * whoever made it up likes.
 *
 * @see https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
 * @module
 */
import { digestFromIntegrity, integrityOf, isWeak } from '../../content/digest.ts';
import { PyrsiaError } from '../../errors.ts';
import { locate } from '../locate.ts';
import { isVersion, packageAt, tarballPath } from './names.ts';

/** Members of a version that say nothing of where anything lies. */
const PLAIN = [
  'deprecated',
  'description',
  'license',
  'bin',
  'directories',
  'engines',
  'os',
  'cpu',
  'libc',
  'hasInstallScript',
  '_hasShrinkwrap',
  'bundleDependencies',
  'peerDependenciesMeta',
];

/** Members of a version that name others. */
const NAMING = ['dependencies', 'optionalDependencies', 'peerDependencies'];

/**
 * The packument at `path` as it may be given, with nothing else in it.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` for what is none
 */
export function unvouched(body: Uint8Array, path: string, upstream: URL): Uint8Array {
  const packument = objectIn(parsed(body, path));
  const name = packageAt(path);
  if (name === undefined || packument['name'] !== name)
    throw new PyrsiaError('DOCUMENT_INVALID', { what: path, reason: 'it is about another package' });
  const versions = Object.entries(objectIn(packument['versions'])).flatMap(([version, said]) => {
    const kept = versionIn(objectIn(said), name, version, upstream);
    return kept ? [[version, kept] as const] : [];
  });
  const there = new Set(versions.map(([version]) => version));
  const tags = Object.entries(objectIn(packument['dist-tags'])).filter(
    ([, version]) => typeof version === 'string' && there.has(version),
  );
  const kept = { name, 'dist-tags': Object.fromEntries(tags), versions: Object.fromEntries(versions) };
  return Buffer.from(JSON.stringify(kept));
}

function versionIn(
  said: Readonly<Record<string, unknown>>,
  name: string,
  version: string,
  upstream: URL,
): Readonly<Record<string, unknown>> | undefined {
  if (!isVersion(version) || said['version'] !== version || said['name'] !== name) return undefined;
  const { integrity } = objectIn(said['dist']);
  const digest = typeof integrity === 'string' ? digestFromIntegrity(integrity) : undefined;
  if (digest === undefined || isWeak(digest)) return undefined;
  const named = NAMING.flatMap((key) => Object.entries(objectIn(said[key])));
  if (!named.every(([, wanted]) => isInRegistry(wanted))) return undefined;
  const members = [...PLAIN, ...NAMING].filter((key) => said[key] !== undefined);
  return {
    name,
    version,
    ...Object.fromEntries(members.map((key) => [key, said[key]])),
    dist: { integrity: integrityOf(digest), tarball: locate(tarballPath(name, version), upstream).href },
  };
}

/**
 * Whether npm looks for it in a registry: a version, a range, a tag, or one of these of a package that is called otherwise.
 *
 * @see https://github.com/npm/npm-package-arg
 */
function isInRegistry(wanted: unknown): boolean {
  if (typeof wanted !== 'string') return false;
  const alias = /^npm:(?:@[^/:@]+\/)?[^/:@]+(?:@(.*))?$/.exec(wanted);
  const plain = alias ? (alias[1] ?? '') : wanted;
  return !/[/\\:]|^\.|^~$|\.(?:tgz|tar|tar\.gz)$/i.test(plain);
}

function parsed(body: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (cause) {
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: 'it is no JSON' }, { cause });
  }
}

/** An object as it stands; an empty one for anything else. */
function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
