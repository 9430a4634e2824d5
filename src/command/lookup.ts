/**
 * From what a user types to what the cache remembers of it.
 *
 * @module
 */
import type { Artifact, Binding, Cache } from '../cache/cache.ts';
import { packagePurl, purlOf } from '../content/coordinates.ts';
import { type Digest, isDigest, parseDigest } from '../content/digest.ts';
import { parseReference } from '../ecosystems/index.ts';
import { PyrsiaError } from '../errors.ts';
import { cachedImages, type ImageContents, imagesNamed } from './cached-images.ts';

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
  if (!exact && ecosystem.name === 'docker') {
    const digests = new Set(
      (await imagesMeant(imagesOf(cache), text)).flatMap(({ parts }) => parts.map(({ digest }) => digest)),
    );
    return {
      bindings: known.filter(({ digests: its }) => its.some((digest) => digests.has(digest))),
      matches: (_, digest) => digest !== undefined && digests.has(digest),
      absent: absent('in the cache'),
    };
  }
  if (!exact) {
    const anyVersion = packagePurl(named);
    return {
      bindings: known,
      matches: (purl) => purl.startsWith(`${anyVersion}@`),
      absent: absent('in the cache'),
    };
  }
  const versions = [...new Set(known.map(({ coordinates }) => coordinates.version))].slice(0, 10);
  return {
    bindings: known.filter(
      ({ coordinates }) => coordinates.version === exact.version && coordinates.file === exact.file,
    ),
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
  const images = imagesOf(cache);
  const meant = await Promise.all(
    texts.map(async (text) => ({ text, named: isDigest(text) ? [] : await imagesMeant(images, text) })),
  );
  const own = ownOf(images, new Set(meant.flatMap(({ named }) => named)));
  const each = meant.map(async ({ text, named }) => {
    if (named.length > 0) {
      const packages = text.includes(':') ? [] : cache.artifacts({ name: text, besides: 'docker' });
      return [...own, ...packages];
    }
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

/** The images of the cache. */
export function imagesOf(cache: Cache): readonly ImageContents[] {
  const hasSome = cache.artifactRows({ ecosystem: 'docker', limit: 1 }).length > 0;
  return hasSome ? cachedImages(cache) : [];
}

/** Those of `images` that `text` means, however their registry is called in it. */
export async function imagesMeant(
  images: readonly ImageContents[],
  text: string,
): Promise<readonly ImageContents[]> {
  if (images.length === 0) return [];
  const named = imagesNamed(images, text);
  if (named.length > 0 || /[*?]/.test(text)) return named;
  const { reference } = await parseReference(text).catch(() => ({ reference: undefined }));
  if (reference?.ecosystem !== 'docker') return [];
  return imagesNamed(images, `${reference.name}${isDigest(reference.wanted) ? '@' : ':'}${reference.wanted}`);
}

/** What of `named` no other of `images` needs. */
function ownOf(images: readonly ImageContents[], named: ReadonlySet<ImageContents>): readonly Artifact[] {
  const others = images.filter((image) => !named.has(image));
  const needed = new Set(others.flatMap(({ artifacts }) => artifacts.map(({ digest }) => digest)));
  return [...named].flatMap(({ artifacts }) => artifacts).filter(({ digest }) => !needed.has(digest));
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
