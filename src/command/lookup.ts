/**
 * From what a user types to what the cache remembers of it.
 *
 * @module
 */
import type { Artifact, Binding, Cache } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import { type Digest, isDigest, parseDigest } from '../content/digest.ts';
import { parseReference } from '../ecosystems/index.ts';
import { PyrsiaError } from '../errors.ts';

/** What a reference or a digest names. */
export interface Named {
  /** What upstreams were seen to give for it; none if it was never seen. */
  readonly bindings: readonly Binding[];
  /** Whether it names this purl, or content of this digest. */
  matches(this: void, purl: string, digest?: Digest): boolean;
  /** What is to be said if there is none. */
  readonly absent: PyrsiaError<'NOT_FOUND'>;
}

/**
 * Reads a reference or digest. One that names no version exactly means every version that was ever seen.
 *
 * Rejects with `REFERENCE_MALFORMED` or `DIGEST_MALFORMED`.
 */
export async function lookUp(cache: Cache, text: string): Promise<Named> {
  const absent = (what: string): Named['absent'] => new PyrsiaError('NOT_FOUND', { what: `${text} ${what}` });
  if (isDigest(text)) {
    const bindings = cache.bindings.find({ digest: text });
    return { bindings, matches: (_, digest) => digest === text, absent: absent('in the cache') };
  }
  if (/^sha\d+:/.test(text)) parseDigest(text);
  const { ecosystem, reference } = await parseReference(text);
  const named = { ecosystem: reference.ecosystem, name: reference.name };
  const known = cache.bindings.find(named);
  const exact = ecosystem.registry.exact(reference)?.coordinates;
  if (!exact) {
    const anyVersion = purlOf({ ...named, version: '' }).replace(/@$/, '');
    return {
      bindings: known,
      matches: (purl) => purl.startsWith(`${anyVersion}@`),
      absent: absent('in the cache'),
    };
  }
  const versions = [...new Set(known.map(({ coordinates }) => coordinates.version))].slice(0, 10);
  return {
    bindings: known.filter(({ coordinates }) => coordinates.version === exact.version),
    matches: (purl) => purl === purlOf(exact),
    absent: absent(versions.length > 0 ? `in the cache, which knows ${versions.join(', ')}` : 'in the cache'),
  };
}

/**
 * The cached artifacts that any of `texts` names: a digest, a reference, or a name pattern with `*` and `?`.
 *
 * Rejects with `NOT_FOUND` if one of them names none, or `REFERENCE_MALFORMED`.
 */
export async function cachedArtifacts(cache: Cache, texts: readonly string[]): Promise<Artifact[]> {
  const each = texts.map(async (text) => {
    if (!text.includes(':')) {
      const artifacts = cache.artifacts({ name: text, sort: 'name' });
      if (artifacts.length === 0) throw new PyrsiaError('NOT_FOUND', { what: `${text} in the cache` });
      return artifacts;
    }
    const { bindings, absent } = await lookUp(cache, text);
    const artifacts = bindings.flatMap((binding) => cachedAs(cache, binding) ?? []);
    if (bindings.length > 0 && artifacts.length === 0)
      throw new PyrsiaError('NOT_FOUND', {
        what: `content of ${text}; only its digests are still remembered`,
      });
    if (artifacts.length === 0) throw absent;
    return artifacts;
  });
  const named = (await Promise.all(each)).flat();
  return [...new Map(named.map((artifact) => [`${artifact.upstream} ${artifact.purl}`, artifact])).values()];
}

/** What of a binding's content is cached; undefined when it is not. */
export function cachedAs(cache: Cache, { upstream, coordinates }: Binding): Artifact | undefined {
  const { ecosystem, name } = coordinates;
  const purl = purlOf(coordinates);
  return cache
    .artifacts({ ecosystem, name })
    .find((each) => each.purl === purl && each.upstream === upstream);
}

/**
 * The path of the cached file that a reference or digest names.
 *
 * Rejects with `NOT_FOUND` or `REFERENCE_MALFORMED`.
 */
export async function cachedPath(cache: Cache, text: string): Promise<string> {
  const { bindings, absent } = await lookUp(cache, text);
  const digests = isDigest(text) ? [text] : bindings.flatMap((binding) => binding.digests);
  const [path] = digests.flatMap((digest) => cache.pathOf(digest) ?? []);
  if (path === undefined) throw absent;
  return path;
}
