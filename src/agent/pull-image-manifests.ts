/**
 * From what an image is called to the manifests of those that are wanted.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import { ENTRIES_LIMIT, parseManifest, type PlatformDescriptor } from '../ecosystems/oci/manifest.ts';
import { acceptedTypes } from '../ecosystems/oci/media-types.ts';
import { choose, printPlatform } from '../ecosystems/oci/platform.ts';
import { type ImageReference, printImage } from '../ecosystems/oci/reference.ts';
import { PyrsiaError } from '../errors.ts';
import type { ImageAsker } from '../proxy/image-asker.ts';
import type { Manifest } from '../proxy/image-content.ts';
import type { Found, ImagePullParts, Pull } from './pull-image-parts.ts';
import { checkSize } from './pull-image-blobs.ts';

/** How deep an index may lie in another. */
const DEPTH_LIMIT = 4;

/** The manifest that a reference names, which is in the cache and told to the account then. */
export async function topOf(
  { images, cache, artifacts }: ImagePullParts,
  asker: ImageAsker,
  { digest, tag = 'latest', ...image }: ImageReference,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  if (digest !== undefined) return images.manifest(asker, { image, digest, signal });
  const accept = acceptedTypes(undefined).join(', ');
  const meant = await images.tag(asker, { image, tag, accept, signal });
  if (!meant) return undefined;
  await artifacts.settled();
  const hasCome = meant.from === 'upstream' && cache.pathOf(meant.digest) !== undefined;
  return hasCome ? meant : images.manifest(asker, { image, digest: meant.digest, signal });
}

/** The images that are wanted of those that a manifest stands for. */
export async function chosen(
  pull: Pull,
  top: Manifest,
): Promise<{ readonly index?: Manifest; readonly found: readonly Found[] }> {
  const { name, options } = pull;
  const parsed = parseManifest(top.body, name);
  if (parsed.kind === 'image') return { found: [{ manifest: top, parsed }] };
  const { platform } = options;
  const one = platform && choose(parsed.manifests, platform);
  if (platform && !one) {
    const offered = parsed.manifests.map((each) =>
      each.platform ? printPlatform(each.platform) : 'no platform',
    );
    const what = `${name} for ${printPlatform(platform)}; it is there for ${offered.join(', ') || 'none'}`;
    throw new PyrsiaError('NOT_FOUND', { what });
  }
  const found: Found[] = [];
  const seen = new Set([top.digest]);
  for (const each of unseen(one ? [one] : parsed.manifests, seen, name))
    found.push(...(await listed(pull, each, 1, seen)));
  // Of all platforms they are among those.
  const attests = parsed.manifests.filter((each) => one && each.attests === one.digest);
  const attested = attests.map(({ digest }) => digest);
  return {
    index: top,
    found: found.map((each) => (each.manifest.digest === one?.digest ? { ...each, attested } : each)),
  };
}

/**
 * Those of an index that no other has named, which are `seen` then: lists of lists of the same are no more than one.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` when all of them are too many
 */
function unseen(
  entries: readonly PlatformDescriptor[],
  seen: Set<Digest>,
  what: string,
): readonly PlatformDescriptor[] {
  const fresh = entries.filter(({ digest }) => !seen.has(digest) && seen.add(digest));
  if (seen.size > ENTRIES_LIMIT + 1) {
    const reason = `its lists name more than ${ENTRIES_LIMIT} manifests together`;
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason });
  }
  return fresh;
}

/** What an entry of an index stands for. */
async function listed(
  pull: Pull,
  entry: PlatformDescriptor,
  depth: number,
  seen: Set<Digest>,
): Promise<Found[]> {
  const { parts, asker, reference, options, name } = pull;
  const what = printImage({ ...reference, digest: entry.digest });
  if (depth > DEPTH_LIMIT)
    throw new PyrsiaError('DOCUMENT_INVALID', {
      what: name,
      reason: `its lists are nested more than ${DEPTH_LIMIT} deep`,
    });
  const manifest = await parts.images.manifest(asker, {
    image: reference,
    digest: entry.digest,
    signal: options.signal,
  });
  if (!manifest) throw new PyrsiaError('NOT_FOUND', { what });
  checkSize(entry, manifest.body.byteLength, what);
  const parsed = parseManifest(manifest.body, what);
  if (parsed.kind === 'image')
    return [
      {
        manifest,
        parsed,
        ...(entry.platform ? { platform: entry.platform } : {}),
        ...(entry.attests === undefined ? {} : { isAttestation: true }),
      },
    ];
  const inner: Found[] = [];
  for (const each of unseen(parsed.manifests, seen, name))
    inner.push(...(await listed(pull, each, depth + 1, seen)));
  return inner;
}
