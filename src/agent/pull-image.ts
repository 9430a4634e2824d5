/**
 * `pyrsia pull nginx`: what an engine would do, without one. Everything is proven from the manifest down: each
 * digest and size by whoever names it, and each layer unpacked by the image's configuration.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { Measured } from '../content/verified.ts';
import type { PulledImage } from '../control/protocol.ts';
import { parseConfig } from '../ecosystems/oci/manifest.ts';
import { isImageConfig } from '../ecosystems/oci/media-types.ts';
import { choose, printPlatform } from '../ecosystems/oci/platform.ts';
import { DEFAULT_REGISTRY } from '../ecosystems/oci/names.ts';
import { type ImageReference, printImage } from '../ecosystems/oci/reference.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { ImageAsker } from '../proxy/image-asker.ts';
import type { Manifest } from '../proxy/image-content.ts';
import type { Brought, Found, ImagePullOptions, ImagePullParts, Pull } from './pull-image-parts.ts';
import { fetched, isOwn, prove, small } from './pull-image-blobs.ts';
import { chosen, topOf } from './pull-image-manifests.ts';
import { summed } from './pull-image-result.ts';
import { type Referrer, referrersOf } from './pull-referrers.ts';

/** How many layers are fetched at once, as docker does. */
const LAYERS_AT_ONCE = 3;

/**
 * Brings an image into the cache.
 *
 * @throws PyrsiaError `NOT_FOUND`, `CACHE_READ_ONLY`, `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE`, `DIGEST_MISMATCH`,
 * `SIZE_MISMATCH`, `BLOCKED`, `CREDENTIALS_NEEDED`, `UPSTREAM_FAILED`, `OFFLINE_MISS` also when nobody can be reached
 */
export async function pullImage(
  parts: ImagePullParts,
  asker: ImageAsker,
  reference: ImageReference,
  options: ImagePullOptions,
): Promise<PulledImage> {
  const name = printImage(reference);
  try {
    const top = await topOf(parts, asker, reference, options.signal);
    if (!top) throw new PyrsiaError('NOT_FOUND', { what: name });
    const pull = { parts, asker, reference, options, name };
    const { index, found } = await chosen(pull, top);
    const manifests: Brought[] = [];
    for (const each of found) manifests.push(await bring(pull, each));
    const referrers = await allReferrers(pull, index, manifests);
    await parts.artifacts.settled();
    return summed(pull, { top, index, referrers }, manifests);
  } catch (error) {
    if (isPyrsiaError(error, 'CREDENTIALS_NEEDED')) {
      const { registry } = reference;
      const login = registry === DEFAULT_REGISTRY ? 'docker login' : `docker login ${registry}`;
      // Registries say the same of what they do not have.
      const needed = { ...error.details, what: name, remedy: `${login}, if there is such an image` };
      throw new PyrsiaError('CREDENTIALS_NEEDED', needed, { cause: error });
    }
    // Nothing is wrong with it when nobody was reached at all.
    const isOut =
      isPyrsiaError(error, 'UPSTREAM_FAILED') &&
      parts.upstreams.unreachable().includes(URL.parse(error.details.url)?.origin ?? '');
    if (!isOut) throw error;
    const reason = `${URL.parse(error.details.url)?.host}: ${error.details.reason}`;
    throw new PyrsiaError('OFFLINE_MISS', { what: name, reason }, { cause: error });
  }
}

/** What refers to the image, and to each of those that it lists. */
async function allReferrers(
  pull: Pull,
  index: Manifest | undefined,
  manifests: readonly Brought[],
): Promise<readonly Referrer[]> {
  const about = manifests.filter(({ isAttestation }) => !isAttestation);
  const subjects = new Map<Digest, readonly Digest[]>([
    ...(index ? [[index.digest, []] as const] : []),
    ...about.map(({ manifest, attested = [] }) => [manifest.digest, attested] as const),
  ]);
  const referrers: Referrer[] = [];
  for (const [subject, attested] of subjects) referrers.push(...(await referrersOf(pull, subject, attested)));
  return referrers;
}

/** Fetches configuration and layers, and proves that the one tells of the others. */
async function bring(pull: Pull, found: Found): Promise<Brought> {
  const { name, options } = pull;
  const { config: described, layers } = found.parsed;
  const config = isImageConfig(described.mediaType)
    ? parseConfig(await small(pull, described), `the configuration of ${name}`)
    : undefined;
  if (!config) await fetched(pull, described);
  if (config && found.platform === undefined && options.platform && !choose([config], options.platform)) {
    const [is, wanted] = [config.platform, options.platform].map((each) => each && printPlatform(each));
    throw new PyrsiaError('NOT_FOUND', { what: `${name} for ${wanted}; it is there for ${is}` });
  }
  if (config && config.diffIds.length !== layers.length) {
    const reason = `it has ${layers.length} layers, and its configuration tells of ${config.diffIds.length}`;
    throw new PyrsiaError('DOCUMENT_INVALID', { what: name, reason });
  }
  const own = layers.filter(isOwn);
  const waiting = [...new Map(own.map((layer) => [layer.digest, layer])).values()];
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const worker = async (): Promise<void> => {
    for (let layer = waiting.shift(); layer; layer = waiting.shift())
      await fetched({ ...pull, options: { ...options, signal } }, layer);
  };
  try {
    await Promise.all(Array.from({ length: LAYERS_AT_ONCE }, worker));
  } catch (error) {
    stop.abort(error);
    throw error;
  }
  await pull.parts.artifacts.settled();

  const proven = new Map<Digest, Measured>();
  for (const [at, layer] of layers.entries()) {
    const diffId = config?.diffIds[at];
    if (diffId !== undefined && isOwn(layer)) proven.set(layer.digest, await prove(pull, layer, diffId));
  }
  return { ...found, ...(config ? { config } : {}), unpacked: proven };
}
