/**
 * `pyrsia pull nginx`: what an engine would do, without one. Everything is proven from the manifest down: each
 * digest and size by whoever names it, and each layer unpacked by the image's configuration.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import type { Cache } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import type { Digest } from '../content/digest.ts';
import { unpacked } from '../cache/unpacked.ts';
import { measure, type Measured } from '../content/verified.ts';
import type { Methods, PulledBlob, PulledImage, PulledLayer, PulledManifest } from '../control/protocol.ts';
import {
  type Descriptor,
  type ImageConfig,
  type ImageManifest,
  MANIFEST_LIMIT,
  parseConfig,
  parseManifest,
  type PlatformDescriptor,
} from '../ecosystems/oci/manifest.ts';
import { acceptedTypes, compressionOf, isForeign } from '../ecosystems/oci/media-types.ts';
import { qualified } from '../ecosystems/oci/names.ts';
import { choose, type Platform, printPlatform } from '../ecosystems/oci/platform.ts';
import { type ImageReference, printImage } from '../ecosystems/oci/reference.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { ArtifactService } from '../proxy/artifacts.ts';
import type { ImageAsker, ImageService, Manifest } from '../proxy/images.ts';
import type { Upstreams } from '../proxy/upstream.ts';

/** How many layers are fetched at once, as docker does. */
const LAYERS_AT_ONCE = 3;
/** How deep an index may lie in another. */
const DEPTH_LIMIT = 4;

/** What a pull works with. */
export interface ImagePullParts {
  readonly cache: Cache;
  readonly images: ImageService;
  readonly artifacts: Pick<ArtifactService, 'settled'>;
  readonly upstreams: Pick<Upstreams, 'unreachable'>;
}

/** How it is pulled. */
export interface ImagePullOptions {
  /** For which machine; undefined: for all. */
  readonly platform: Platform | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Methods['pull']['progress']) => void;
}

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
    await parts.artifacts.settled();
    return summed(pull, top, index, manifests);
  } catch (error) {
    // Nothing is wrong with it when nobody was reached at all.
    const isOut =
      isPyrsiaError(error, 'UPSTREAM_FAILED') &&
      parts.upstreams.unreachable().includes(URL.parse(error.details.url)?.origin ?? '');
    if (!isOut) throw error;
    throw new PyrsiaError('OFFLINE_MISS', { what: name, reason: error.details.reason }, { cause: error });
  }
}

interface Pull {
  readonly parts: ImagePullParts;
  readonly asker: ImageAsker;
  readonly reference: ImageReference;
  readonly options: ImagePullOptions;
  /** The image as people write it. */
  readonly name: string;
}

/** A manifest of one image, as its index tells of it. */
interface Found {
  readonly manifest: Manifest;
  readonly parsed: ImageManifest;
  readonly platform?: Platform;
}

/** An image that is here but for its place in the cache. */
interface Brought extends Found {
  readonly config?: ImageConfig;
  readonly unpacked: ReadonlyMap<Digest, Measured>;
}

/** The manifest that a reference names, which is in the cache and told to the account then. */
async function topOf(
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
async function chosen(
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
  for (const each of one ? [one] : parsed.manifests) found.push(...(await listed(pull, each, 1)));
  return { index: top, found };
}

/** What an entry of an index stands for. */
async function listed(pull: Pull, entry: PlatformDescriptor, depth: number): Promise<Found[]> {
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
    return [{ manifest, parsed, ...(entry.platform ? { platform: entry.platform } : {}) }];
  const inner: Found[] = [];
  for (const each of parsed.manifests) inner.push(...(await listed(pull, each, depth + 1)));
  return inner;
}

/** Fetches configuration and layers, and proves that the one tells of the others. */
async function bring(pull: Pull, found: Found): Promise<Brought> {
  const { name, options } = pull;
  const { config: described, layers } = found.parsed;
  const isImage = /\.image\.config\.v1\+json$|\.container\.image\.v1\+json$/.test(described.mediaType);
  const config = isImage
    ? parseConfig(await small(pull, described), `the configuration of ${name}`)
    : undefined;
  if (!config) await fetched(pull, described);
  if (config && found.platform === undefined && options.platform && !choose([config], options.platform)) {
    const [is, wanted] = [config.platform, options.platform].map(printPlatform);
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

/** Whether the registry has it, and not somebody else who must be asked by whoever unpacks it. */
function isOwn({ mediaType, urls }: Descriptor): boolean {
  return !(isForeign(mediaType) && urls !== undefined);
}

/** Brings one blob into the cache, or looks at all of it there. */
async function fetched(pull: Pull, described: Descriptor, each?: (chunk: Uint8Array) => void): Promise<void> {
  const { parts, asker, reference, options } = pull;
  const { digest, size } = described;
  const what = digest.slice('sha256:'.length).slice(0, 12);
  const delivery = await parts.images.blob(asker, { image: reference, digest, signal: options.signal });
  if (!delivery) throw new PyrsiaError('NOT_FOUND', { what: printImage({ ...reference, digest }) });
  let bytes = 0;
  for await (const chunk of delivery.chunks) {
    bytes += chunk.byteLength;
    // What it says of itself it must keep to, whatever the digest says.
    if (bytes > size) break;
    each?.(chunk);
    options.onProgress({ what, bytes, size });
  }
  checkSize(described, bytes, `${pull.name}: ${what}`);
  await asker.reporter.add(await delivery.line());
}

async function small(pull: Pull, described: Descriptor): Promise<Uint8Array> {
  if (described.size > MANIFEST_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', {
      what: `the configuration of ${pull.name}`,
      limit: MANIFEST_LIMIT,
    });
  const chunks: Uint8Array[] = [];
  await fetched(pull, described, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

function checkSize({ size }: Descriptor, actual: number, from: string): void {
  if (actual !== size) throw new PyrsiaError('SIZE_MISMATCH', { expected: size, actual, from });
}

/** Unpacks a layer without keeping anything of it. */
async function prove(pull: Pull, layer: Descriptor, diffId: Digest): Promise<Measured> {
  const from = `${pull.name}: layer ${layer.digest}, unpacked,`;
  const meter = measure({ digests: [diffId] });
  try {
    const content = createReadStream(placeOf(pull, layer.digest), { signal: pull.options.signal });
    for await (const chunk of unpacked(content, compressionOf(layer.mediaType) ?? 'none'))
      meter.update(chunk);
    return meter.end();
  } catch (error) {
    pull.options.signal.throwIfAborted();
    for (const code of ['DIGEST_MISMATCH', 'SIZE_MISMATCH'] as const) {
      if (isPyrsiaError(error, code))
        throw new PyrsiaError(code, { ...error.details, from }, { cause: error });
    }
    if (error instanceof PyrsiaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('DOCUMENT_INVALID', { what: from, reason }, { cause: error });
  }
}

/** @throws PyrsiaError `CACHE_READ_ONLY` */
function placeOf({ parts: { cache }, asker }: Pull, digest: Digest): string {
  const path = cache.pathOf(digest);
  if (path !== undefined) return path;
  const reason = cache.readOnlyBecause ?? asker.reporter.receipt().notes.at(-1) ?? 'unknown';
  throw new PyrsiaError('CACHE_READ_ONLY', { path: cache.path, reason });
}

function summed(
  pull: Pull,
  top: Manifest,
  index: Manifest | undefined,
  brought: readonly Brought[],
): PulledImage {
  const { reference, name, asker } = pull;
  const { artifacts } = asker.reporter.receipt();
  const lineOf = (digest: Digest) => artifacts.find((line) => line.digest === digest);
  const blobOf = ({ mediaType, digest, size }: Omit<Descriptor, 'urls'>): PulledBlob => ({
    mediaType,
    digest,
    size,
    source: lineOf(digest)?.source ?? 'cache',
    path: placeOf(pull, digest),
  });
  const described = ({ mediaType, digest, body }: Manifest) =>
    blobOf({ mediaType, digest, size: body.byteLength });
  const manifests = brought.map(
    ({ manifest, parsed, config, platform = config?.platform, unpacked: proven }): PulledManifest => ({
      ...described(manifest),
      ...(platform ? { platform: printPlatform(platform) } : {}),
      config: blobOf(parsed.config),
      layers: parsed.layers.filter(isOwn).map((layer): PulledLayer => {
        const measured = proven.get(layer.digest);
        return {
          ...blobOf(layer),
          ...(measured ? { diffId: measured.digests[0] ?? '', unpacked: measured.size } : {}),
        };
      }),
    }),
  );
  const all = manifests.flatMap((manifest) => [manifest, manifest.config, ...manifest.layers]);
  const blobs = [
    ...new Map([...(index ? [described(index)] : []), ...all].map((blob) => [blob.digest, blob])).values(),
  ];
  const first = lineOf(top.digest);
  const coordinates = {
    ecosystem: 'docker',
    name: qualified(reference.registry, reference.repository),
    version: top.digest,
  } as const;
  return {
    purl: purlOf(coordinates),
    digest: top.digest,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    source: [...new Set(blobs.map(({ source }) => source))].toSorted().join(', '),
    word: first?.word ?? 'unknown',
    by: first?.by ?? 'nobody',
    rung: first?.rung ?? 'none',
    upstream: first?.upstream ?? '',
    path: placeOf(pull, top.digest),
    image: { reference: name, manifests, ...(index ? { index: described(index) } : {}) },
  };
}
