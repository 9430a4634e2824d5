/**
 * Manifests and blobs, which are named by their digest.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import type { Coordinates } from '../content/coordinates.ts';
import type { Digest } from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';
import { MANIFEST_LIMIT, mediaTypeOf } from '../ecosystems/oci/manifest.ts';
import { acceptedTypes } from '../ecosystems/oci/media-types.ts';
import { qualified } from '../ecosystems/oci/names.ts';
import { printImage } from '../ecosystems/oci/reference.ts';
import { BLOB, pathOf } from '../ecosystems/oci/route.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { ArtifactService, Delivery } from './artifact-service.ts';
import { closed } from './body.ts';
import { outcomeOf } from './outcome.ts';
import type { Answer } from './documents.ts';
import type { ImageAsker, ImageName } from './image-asker.ts';
import { openFailingPlaces } from './failing-places.ts';
import { first, nothingAt, waysTo } from './image-places.ts';
import type { Upstreams } from './upstream.ts';

/** A manifest, whole. */
export interface Manifest {
  readonly body: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
  /** Of what a tag means: where that was learned, and why not from upstream. */
  readonly from?: Answer['from'];
  readonly reason?: string;
}

/** Something named by its digest. */
export interface Asked {
  readonly image: ImageName;
  readonly digest: Digest;
  /** Length in bytes, where the manifest that names it is held to what it says. */
  readonly size?: number;
  readonly signal: AbortSignal;
}

/** What images are of. Nobody having it is undefined; nobody delivering it is an error. */
export interface ImageContent {
  manifest(this: void, images: ImageAsker, asked: Asked): Promise<Manifest | undefined>;
  /** Content that is not reported yet: {@link Delivery.line} is, once it has been read. */
  blob(this: void, images: ImageAsker, asked: Asked): Promise<Delivery | undefined>;
  /** Whether a blob could be had, and its length in bytes. */
  look(this: void, images: ImageAsker, asked: Asked): Promise<{ readonly size?: number } | undefined>;
  /** Writes down that nobody delivered it. */
  failed(
    this: void,
    images: ImageAsker,
    image: ImageName,
    coordinates: Coordinates,
    startedAt: number,
    error?: unknown,
  ): Promise<void>;
}

/** What images are of, out of the cache or from wherever they may be. */
export function openImageContent({
  cache,
  artifacts,
  upstreams,
  now,
}: {
  readonly cache: Cache;
  readonly artifacts: ArtifactService;
  readonly upstreams: Upstreams;
  readonly now: () => number;
}): ImageContent {
  const failing = openFailingPlaces(now);

  async function delivered(images: ImageAsker, asked: Asked, file?: string): Promise<Delivery | undefined> {
    const { image, digest, size, signal } = asked;
    const coordinates = coordinatesOf(image, digest, file);
    const startedAt = now();
    try {
      const ways = waysTo(cache, images, image, 'digest', coordinates, (origin) =>
        failing.has(origin, digest),
      );
      const found = await first(ways, signal, async (place) => {
        const delivery = await artifacts.deliver(place.asker, {
          coordinates,
          path: pathOf(place.repository, digest, file),
          claimed: digest,
          headers: file === BLOB ? {} : { accept: acceptedTypes(undefined).join(', ') },
          signal,
        });
        // What is large is found out to be wrong, or is cut, only while it is read.
        delivery?.line().catch((error: unknown) => {
          if (!(error instanceof PyrsiaError)) return;
          failing.add(place.asker.upstream.url.origin, digest);
          const outcome = outcomeOf(error);
          const line = artifacts.lineFor(place.asker, coordinates, outcome, startedAt, error.message);
          void images.reporter.add(line);
        });
        if (delivery?.size !== undefined && size !== undefined && delivery.size !== size) {
          await closed(delivery.chunks);
          throw new PyrsiaError('SIZE_MISMATCH', {
            expected: size,
            actual: delivery.size,
            from: printImage({ ...image, digest }),
          });
        }
        return delivery;
      });
      if (!found) await failed(images, image, coordinates, startedAt);
      return found;
    } catch (error) {
      if (!signal.aborted) await failed(images, image, coordinates, startedAt, error);
      throw error;
    }
  }

  async function failed(
    images: ImageAsker,
    image: ImageName,
    coordinates: Coordinates,
    startedAt: number,
    error?: unknown,
  ): Promise<void> {
    if (isPyrsiaError(error, 'BLOCKED')) return;
    const [place] = images.places(image, 'digest');
    const outcome = error === undefined ? 'not found' : outcomeOf(error);
    const reason = error instanceof Error ? error.message : undefined;
    if (place)
      await images.reporter.add(artifacts.lineFor(place.asker, coordinates, outcome, startedAt, reason));
  }

  async function manifest(images: ImageAsker, asked: Asked): Promise<Manifest | undefined> {
    const delivery = await delivered(images, asked);
    if (!delivery) return undefined;
    const what = printImage({ ...asked.image, digest: asked.digest });
    const body = await gathered(delivery, delivery.size, what);
    await images.reporter.add(await delivery.line());
    return { body, mediaType: mediaTypeOf(body, what), digest: asked.digest };
  }

  return {
    manifest,
    failed,
    blob: async (images, asked) => delivered(images, asked, BLOB),

    async look(images, { image, digest, signal }) {
      const coordinates = coordinatesOf(image, digest, BLOB);
      return first(
        waysTo(cache, images, image, 'digest', coordinates),
        signal,
        async ({ asker, repository }) => {
          const known = artifacts.knownOf(asker, { coordinates, claimed: digest });
          if (known && cache.pathOf(digest) !== undefined)
            return known.size === undefined ? {} : { size: known.size };
          if (asker.offline !== undefined)
            throw new PyrsiaError('OFFLINE_MISS', { what: digest, reason: asker.offline });
          const { connection, upstream } = asker;
          const url = upstream.ecosystem.registry.locate(pathOf(repository, digest, BLOB), upstream.url);
          const reply = await (asker.ask ?? upstreams.ask)({ method: 'HEAD', url, connection, signal });
          await reply.discard();
          if (reply.status !== 200) return nothingAt(reply, url);
          const { 'content-length': length = '' } = reply.headers;
          return /^\d{1,15}$/.test(length) ? { size: Number(length) } : {};
        },
      );
    },
  };
}

/** What content under an image's name is called; `file` is {@link BLOB} for what is no manifest. */
export function coordinatesOf(
  { registry, repository }: ImageName,
  version: string,
  file?: string,
): Coordinates {
  const name = qualified(registry, repository);
  return { ecosystem: 'docker', name, version, ...(file === undefined ? {} : { file }) };
}

/**
 * All of a manifest, of `size` bytes if that is known.
 *
 * @throws PyrsiaError `DOCUMENT_TOO_LARGE`
 */
export async function gathered(
  { chunks }: { readonly chunks: ByteStream },
  size: number | undefined,
  what: string,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let come = 0;
  if ((size ?? 0) <= MANIFEST_LIMIT) {
    for await (const chunk of chunks) {
      come += chunk.byteLength;
      if (come > MANIFEST_LIMIT) break;
      parts.push(chunk);
    }
    if (come <= MANIFEST_LIMIT) return Buffer.concat(parts);
  } else await closed(chunks);
  throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what, limit: MANIFEST_LIMIT });
}
