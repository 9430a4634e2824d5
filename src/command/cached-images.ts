/**
 * Images as their users think of them, out of the manifests and blobs that the cache holds: by name, with the tags that
 * they were seen under, for which machines, and whether they could be had without a registry.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { Artifact, Cache } from '../cache/cache.ts';
import type { Sha256 } from '../content/digest.ts';
import { MANIFEST_LIMIT, parseConfig, parseManifest } from '../ecosystems/oci/manifest.ts';
import { isImageConfig } from '../ecosystems/oci/media-types.ts';
import { DEFAULT_REGISTRY, endpointOf, unqualified } from '../ecosystems/oci/names.ts';
import { printPlatform } from '../ecosystems/oci/platform.ts';
import { printImage } from '../ecosystems/oci/reference.ts';
import { BLOB } from '../ecosystems/oci/route.ts';
import { isPyrsiaError } from '../errors.ts';

/** What belongs to an image, as its manifest names it. */
export interface ImagePart {
  readonly kind: 'index' | 'manifest' | 'config' | 'layer';
  readonly digest: string;
  /** For which machine; absent for all, and where nobody says. */
  readonly platform?: string;
}

/** What an image is for one machine. */
export interface CachedPlatform {
  /** As in `linux/arm64`; absent where the image names none. */
  readonly platform?: string;
  /** Of its manifest. */
  readonly digest: string;
  /** Layers that it has, and those of them that are here. */
  readonly layers: number;
  readonly cached: number;
  /** Whether everything of it is here. */
  readonly complete: boolean;
}

/** An image of the cache: a manifest or an index that is part of no other. */
export interface CachedImage extends Pick<
  Artifact,
  'purl' | 'name' | 'digest' | 'private' | 'usedAt' | 'offline'
> {
  readonly ecosystem: 'docker';
  /** As docker prints it, without tag: `nginx`, `images.example/org/app`. */
  readonly image: string;
  /** What it was called when a registry was last asked, and where that was. */
  readonly tags: readonly { readonly tag: string; readonly upstream: string; readonly checkedAt: number }[];
  readonly platforms: readonly CachedPlatform[];
  /** Bytes of it that are here, and those of them that belong to other images of the cache, too. */
  readonly size: number;
  readonly shared: number;
}

/** An image with all that is known of what it is made of. */
export interface ImageContents extends CachedImage {
  readonly parts: readonly ImagePart[];
  /** What of it is here. */
  readonly artifacts: readonly Artifact[];
}

/** A manifest that is here, read. */
interface Read {
  readonly artifact: Artifact;
  readonly parts: readonly ImagePart[];
  readonly platforms: readonly CachedPlatform[];
}

/** Every image of the cache, most recently used first. Reads each manifest that is here. */
export function cachedImages(cache: Cache): ImageContents[] {
  const all = cache.artifacts({ ecosystem: 'docker' });
  const tags = tagsOf(cache, all);
  const images = [...Map.groupBy(all, ({ name }) => name)].flatMap(([name, artifacts]) =>
    imagesOf(cache, name, artifacts, tags),
  );
  const owners = new Map<string, Set<ImageContents>>();
  for (const image of images)
    for (const { digest } of image.artifacts)
      owners.set(digest, (owners.get(digest) ?? new Set<ImageContents>()).add(image));
  return images
    .map((image) => {
      const others = image.artifacts.filter(({ digest }) => owners.get(digest)!.size > 1);
      return { ...image, shared: bytesOf(others) };
    })
    .toSorted((a, b) => b.usedAt - a.usedAt || (a.image < b.image ? -1 : 1));
}

/**
 * Those that `text` means: an image's name (then all of that name), with a tag, with a digest, or a pattern of names with `*`
 * and `?`.
 */
export function imagesNamed(images: readonly ImageContents[], text: string): ImageContents[] {
  const pattern = new RegExp(
    `^${text
      .replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  return images.filter(({ image, name, digest, purl, tags }) =>
    [image, name].some((each) =>
      [each, `${each}@${digest}`, purl, ...tags.map(({ tag }) => `${each}:${tag}`)].some((said) =>
        pattern.test(said),
      ),
    ),
  );
}

function imagesOf(
  cache: Cache,
  name: string,
  artifacts: readonly Artifact[],
  tags: ReadonlyMap<string, CachedImage['tags']>,
): ImageContents[] {
  const named = unqualified(name);
  if (!named) return [];
  // What several places gave is there once for each of them.
  const here = new Map(artifacts.map((each) => [each.digest as string, each]));
  const manifests = new Map<string, Read>();
  for (const artifact of here.values()) {
    const read = artifact.file === BLOB ? undefined : readManifest(cache, artifact, here);
    if (read) manifests.set(artifact.digest, read);
  }
  const listed = new Set(
    [...manifests.values()].flatMap(({ artifact, parts }) =>
      parts.map(({ digest }) => digest).filter((digest) => digest !== artifact.digest),
    ),
  );
  return [...manifests.values()].flatMap(({ artifact, ...own }): ImageContents[] => {
    const { digest, purl, usedAt } = artifact;
    const known = tags.get(`${name} ${digest}`) ?? [];
    if (listed.has(digest) && known.length === 0) return [];
    const below = own.parts.flatMap((part) =>
      part.kind === 'manifest' && part.digest !== digest
        ? (manifests.get(part.digest)?.parts ?? [part]).map((each) => ({
            ...(part.platform === undefined ? {} : { platform: part.platform }),
            ...each,
          }))
        : [part],
    );
    const parts = [...new Map(below.map((part) => [`${part.digest} ${part.platform ?? ''}`, part])).values()];
    const platforms = [
      ...own.platforms,
      ...own.parts.flatMap((part) => {
        if (part.kind !== 'manifest' || part.digest === digest) return [];
        return (manifests.get(part.digest)?.platforms ?? []).map((each) => ({
          ...each,
          ...(part.platform === undefined ? {} : { platform: part.platform }),
        }));
      }),
    ];
    const present = [...new Set(parts.map((part) => part.digest))].flatMap((each) => here.get(each) ?? []);
    return [
      {
        ecosystem: 'docker',
        purl,
        name,
        image: printImage(named),
        digest,
        tags: known,
        platforms,
        size: bytesOf(present),
        shared: 0,
        private: present.some((each) => each.private),
        usedAt: Math.max(usedAt, ...present.map((each) => each.usedAt)),
        offline: platforms.length > 0 && platforms.every(({ complete }) => complete),
        parts,
        artifacts: present,
      },
    ];
  });
}

/** What a manifest says; undefined for a file that is gone, or is none. */
function readManifest(
  cache: Cache,
  artifact: Artifact,
  here: ReadonlyMap<string, Artifact>,
): Read | undefined {
  const { digest, purl } = artifact;
  const path = cache.pathOf(digest);
  try {
    const parsed = path === undefined ? undefined : parseManifest(readFileSync(path), purl);
    if (!parsed) return undefined;
    if (parsed.kind === 'index') {
      const listed = parsed.manifests.map((each): ImagePart => ({
        kind: 'manifest',
        digest: each.digest,
        ...(each.platform ? { platform: printPlatform(each.platform) } : {}),
      }));
      return { artifact, parts: [{ kind: 'index', digest }, ...listed], platforms: [] };
    }
    const { config, layers } = parsed;
    const blobs = [...new Set(layers.map((layer) => layer.digest))];
    const cached = blobs.filter((each) => here.has(each)).length;
    const complete = cached === blobs.length && here.has(config.digest);
    const parts: ImagePart[] = [
      { kind: 'manifest', digest },
      { kind: 'config', digest: config.digest },
      ...blobs.map((each): ImagePart => ({ kind: 'layer', digest: each })),
    ];
    const platform = isImageConfig(config.mediaType) ? platformIn(cache, here.get(config.digest)) : undefined;
    const own = {
      ...(platform === undefined ? {} : { platform }),
      digest,
      layers: blobs.length,
      cached,
      complete,
    };
    return { artifact, parts, platforms: [own] };
  } catch (error) {
    if (isPyrsiaError(error) || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

/** For which machine an image's configuration says that it is; undefined where it is not here, or does not say. */
function platformIn(cache: Cache, config: Artifact | undefined): string | undefined {
  const path = config && config.size <= MANIFEST_LIMIT ? cache.pathOf(config.digest) : undefined;
  if (path === undefined) return undefined;
  try {
    const { platform } = parseConfig(readFileSync(path), path);
    return platform && printPlatform(platform);
  } catch (error) {
    if (isPyrsiaError(error) || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

/** Tags by name and digest of what they mean, as registries said when they were last asked. */
function tagsOf(cache: Cache, artifacts: readonly Artifact[]): ReadonlyMap<string, CachedImage['tags']> {
  const byDigest = Map.groupBy(artifacts, ({ digest }) => digest as string);
  const found = new Map<string, CachedImage['tags']>();
  for (const { upstream, path, headers, checkedAt } of cache.documents.find('/v2/*/manifests/*')) {
    const [, repository = '', tag = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(path) ?? [];
    const digest = headers['docker-content-digest'] ?? '';
    const host = URL.parse(upstream)?.host ?? '';
    const meant = (byDigest.get(digest) ?? []).filter(
      (each) =>
        each.upstream === upstream || (each.upstream === 'docker' && host === endpointOf(DEFAULT_REGISTRY)),
    );
    // A mirror may have it under another name; where one fits it is that.
    const fitting = meant.filter(({ name }) => name === repository || name.endsWith(`/${repository}`));
    for (const name of new Set((fitting.length > 0 ? fitting : meant).map((each) => each.name))) {
      const key = `${name} ${digest}`;
      const before = found.get(key) ?? [];
      if (!before.some((each) => each.tag === tag && each.upstream === upstream))
        found.set(key, [...before, { tag, upstream, checkedAt }]);
    }
  }
  return found;
}

function bytesOf(artifacts: readonly Artifact[]): number {
  const sizes = new Map<Sha256, number>(artifacts.map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
