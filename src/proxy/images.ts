/**
 * Images, from wherever the user's configuration says that they may be: manifests by tag and by digest, blobs,
 * and lists. What is named by a digest is asked of nobody once it is here and known to belong to that
 * repository; of a tag upstream is asked what it means now, which is one HEAD.
 *
 * @module
 */
import type { Cache, DocumentKey, StoredDocument } from '../cache/cache.ts';
import type { Coordinates } from '../content/coordinates.ts';
import { type Digest, digestOf } from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';
import { MANIFEST_LIMIT, mediaTypeOf } from '../ecosystems/oci/manifest.ts';
import { acceptedTypes } from '../ecosystems/oci/media-types.ts';
import { isImageDigest, qualified } from '../ecosystems/oci/names.ts';
import { type ImageReference, printImage } from '../ecosystems/oci/reference.ts';
import { BLOB, pathOf } from '../ecosystems/oci/route.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { Reporter } from '../resolve/reporter.ts';
import { type ArtifactService, closed, type Delivery, outcomeOf } from './artifacts.ts';
import type { Asker } from './asker.ts';
import type { Answer, DocumentService } from './documents.ts';
import { statusOf, type UpstreamReply, type Upstreams } from './upstream.ts';

/** An image's name without tag and digest. */
export type ImageName = Pick<ImageReference, 'registry' | 'repository'>;

/** One place where an image may be, and who asks there. */
export interface ImagePlace {
  readonly asker: Asker;
  /** The image's name there. */
  readonly repository: string;
}

/** Who asks for images: a launch, with what its user configured. */
export interface ImageAsker {
  readonly reporter: Reporter;
  /** Why upstream is not asked; undefined when it is. */
  readonly offline?: string;
  /**
   * Where an image may be, asked as anybody may, best first.
   *
   * @throws PyrsiaError `BLOCKED`, `CONFIG_INVALID`
   */
  places(this: void, image: ImageName, by: 'tag' | 'digest'): readonly ImagePlace[];
  /** The same place, asked with the user's own credential; undefined when there is none. */
  withCredential(this: void, place: ImagePlace): Promise<ImagePlace | undefined>;
}

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
  readonly signal: AbortSignal;
}

/** Images of any registry. What no place has is undefined; what no place delivers is an error. */
export interface ImageService {
  /** What a tag means now, or meant when upstream was last reached. `accept`: the types of manifests that will do. */
  tag(
    images: ImageAsker,
    asked: {
      readonly image: ImageName;
      readonly tag: string;
      readonly accept: string;
      readonly signal: AbortSignal;
    },
  ): Promise<Manifest | undefined>;
  manifest(images: ImageAsker, asked: Asked): Promise<Manifest | undefined>;
  /** Content that is not reported yet: {@link Delivery.line} is, once it has been read. */
  blob(images: ImageAsker, asked: Asked): Promise<Delivery | undefined>;
  /** Whether a blob could be had, and its length in bytes. */
  look(images: ImageAsker, asked: Asked): Promise<{ readonly size?: number } | undefined>;
  /** A list about a repository, at this path below its name. */
  list(
    images: ImageAsker,
    asked: { readonly image: ImageName; readonly rest: string; readonly accept: string },
  ): Promise<Answer | undefined>;
}

/** How to come to a place; there need not be one. */
type Way = (this: void) => Promise<ImagePlace | undefined>;

/** Opens the service. */
export function openImages(parts: {
  readonly cache: Cache;
  readonly artifacts: ArtifactService;
  readonly documents: DocumentService;
  readonly upstreams: Upstreams;
  readonly now: () => number;
}): ImageService {
  const { cache, artifacts, documents, upstreams, now } = parts;

  /** Where to look, those first that are known to have it. */
  function ways(
    images: ImageAsker,
    image: ImageName,
    by: 'tag' | 'digest',
    coordinates?: Coordinates,
  ): readonly Way[] {
    const known = coordinates ? cache.bindings.find(coordinates) : [];
    const isBound = (holds: (upstream: string) => boolean): boolean =>
      known.some((each) => each.coordinates.file === coordinates?.file && holds(each.upstream));
    const all = images.places(image, by).flatMap((place) => {
      const { url, name } = place.asker.upstream;
      return [
        { way: async () => Promise.resolve(place), isBound: isBound((upstream) => upstream === name) },
        {
          way: async () => images.withCredential(place),
          isBound: isBound((upstream) => upstream.startsWith(`${url.href}#`)),
        },
      ];
    });
    return all.toSorted((a, b) => Number(b.isBound) - Number(a.isBound)).map(({ way }) => way);
  }

  async function delivered(images: ImageAsker, asked: Asked, file?: string): Promise<Delivery | undefined> {
    const { image, digest, signal } = asked;
    const coordinates = coordinatesOf(image, digest, file);
    const startedAt = now();
    try {
      const found = await first(ways(images, image, 'digest', coordinates), signal, async (place) =>
        artifacts.deliver(place.asker, {
          coordinates,
          path: pathOf(place.repository, digest, file),
          claimed: digest,
          headers: file === BLOB ? {} : { accept: acceptedTypes(undefined).join(', ') },
          signal,
        }),
      );
      if (!found) await failed(images, image, coordinates, startedAt);
      return found;
    } catch (error) {
      if (!signal.aborted) await failed(images, image, coordinates, startedAt, error);
      throw error;
    }
  }

  /** Writes down that nobody delivered it. */
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

  /** What a tag means at one place, asked anew. Undefined: it means nothing there. */
  async function meaning(
    images: ImageAsker,
    { asker, repository }: ImagePlace,
    { image, tag, accept, signal }: Parameters<ImageService['tag']>[1],
    cached: StoredDocument | undefined,
  ): Promise<Manifest | undefined> {
    const ask = asker.ask ?? upstreams.ask;
    const { connection, upstream } = asker;
    const asked = { headers: { accept }, connection, signal };
    const at = (reference: string): URL =>
      upstream.ecosystem.registry.locate(pathOf(repository, reference), upstream.url);

    const head = await ask({ ...asked, method: 'HEAD', url: at(tag) });
    await head.discard();
    const { 'docker-content-digest': named = '' } = head.headers;
    if (head.status === 200 && isImageDigest(named)) {
      if (cached?.headers['docker-content-digest'] === named)
        return { ...manifestIn(cached), digest: named, from: 'unchanged' };
      // By its digest: the tag may mean something else by now.
      const found = await manifest(
        { ...images, places: () => [{ asker, repository }] },
        { image, digest: named, signal },
      );
      if (found) return { ...found, from: 'upstream' };
    } else if (head.status !== 200 && head.status !== 405) return nothingAt(head, at(tag));

    const reply = await ask({ ...asked, url: at(tag) });
    if (reply.status !== 200) {
      await reply.discard();
      return nothingAt(reply, at(tag));
    }
    const what = printImage({ ...image, tag });
    const body = await gathered({ chunks: reply.body }, Number(reply.headers['content-length'] ?? 0), what);
    const { 'docker-content-digest': said } = reply.headers;
    const digest = digestOf(body, 'sha256');
    if (said?.startsWith('sha256:') && said !== digest)
      throw new PyrsiaError('DIGEST_MISMATCH', { expected: said, actual: digest, from: reply.url });
    return { body, mediaType: mediaTypeOf(body, what), digest, from: 'upstream' };
  }

  async function keep(
    images: ImageAsker,
    key: DocumentKey,
    found: Manifest,
    isPrivate: boolean,
  ): Promise<void> {
    const { body, mediaType, digest } = found;
    const headers = { 'content-type': mediaType, 'docker-content-digest': digest };
    await cache.documents
      .put({ ...key, body, headers, checkedAt: now(), private: isPrivate })
      .catch((error: Error) => images.reporter.note(`not everything is stored: ${error.message}`, 'storing'));
  }

  return {
    async tag(images, asked) {
      const { image, tag, accept, signal } = asked;
      const startedAt = now();
      /** What was known where nobody can be asked. */
      let stale: Manifest | undefined;
      const found = await first(ways(images, image, 'tag'), signal, async (place) => {
        const { upstream, offline } = place.asker;
        const key = { upstream: upstream.url.href, path: pathOf(place.repository, tag), accept };
        const cached = await cache.documents.get(key);
        try {
          if (offline !== undefined)
            throw new PyrsiaError('OFFLINE_MISS', { what: printImage({ ...image, tag }), reason: offline });
          const current = await meaning(images, place, asked, cached);
          if (current?.from === 'unchanged') cache.documents.touch(key, now());
          else if (current) await keep(images, key, current, !upstream.public);
          return current;
        } catch (error) {
          const digest = cached?.headers['docker-content-digest'] ?? '';
          const isOut = isPyrsiaError(error, 'OFFLINE_MISS') || isPyrsiaError(error, 'UPSTREAM_FAILED');
          if (cached && isOut && isImageDigest(digest))
            stale ??= { ...manifestIn(cached), digest, from: 'stale', reason: error.details.reason };
          throw error;
        }
      }).catch(async (error: unknown) => {
        if (stale && outcomeOf(error) !== 'refused') return stale;
        if (!signal.aborted) await failed(images, image, coordinatesOf(image, tag), startedAt, error);
        throw error;
      });
      if (found?.from) images.reporter.document(found.from);
      if (found?.from === 'stale' && images.offline === undefined)
        images.reporter.note(
          `${printImage({ ...image, tag })} is what it was: ${found.reason ?? 'nobody answered'}`,
        );
      return found;
    },

    manifest,
    blob: async (images, asked) => delivered(images, asked, BLOB),

    async look(images, { image, digest, signal }) {
      const coordinates = coordinatesOf(image, digest, BLOB);
      return first(ways(images, image, 'digest', coordinates), signal, async ({ asker, repository }) => {
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
      });
    },

    async list(images, { image, rest, accept }) {
      const found = await first(ways(images, image, 'tag'), undefined, async ({ asker, repository }) => {
        const path = `/v2/${repository}/${rest}`;
        const answer = await documents.get(asker, { path, accept });
        if (answer.document) return answer;
        return nothingAt({ status: answer.status, headers: {} }, new URL(path, asker.upstream.url));
      });
      if (found) images.reporter.document(found.from);
      return found;
    },
  };
}

/** What the first of `places` has that has it; else the failure that says most. */
async function first<T>(
  places: readonly Way[],
  signal: AbortSignal | undefined,
  attempt: (place: ImagePlace) => Promise<T | undefined>,
): Promise<T | undefined> {
  const failures: PyrsiaError[] = [];
  for (const way of places) {
    try {
      const place = await way();
      const found = place && (await attempt(place));
      if (found !== undefined) return found;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PyrsiaError)) throw error;
      failures.push(error);
    }
  }
  const most = Math.max(...failures.map(weight));
  // Who was asked last was asked with more.
  const worst = failures.findLast((failure) => weight(failure) === most);
  if (worst !== undefined) throw worst;
  return undefined;
}

function coordinatesOf({ registry, repository }: ImageName, version: string, file?: string): Coordinates {
  const name = qualified(registry, repository);
  return { ecosystem: 'docker', name, version, ...(file === undefined ? {} : { file }) };
}

function manifestIn({ body, headers }: StoredDocument): Pick<Manifest, 'body' | 'mediaType'> {
  return { body, mediaType: headers['content-type'] ?? '' };
}

/** What an answer means that is none: undefined, or an error. */
function nothingAt(reply: Pick<UpstreamReply, 'status' | 'headers'>, url: URL): undefined {
  const { status } = reply;
  if (status === 404 || status === 410) return undefined;
  if (status === 401 || status === 403)
    throw new PyrsiaError('CREDENTIALS_NEEDED', { what: url.pathname, upstream: url.host });
  throw new PyrsiaError('UPSTREAM_FAILED', { url: `${url.origin}${url.pathname}`, reason: statusOf(reply) });
}

/** A refusal says more than a silence, and that more than a locked door. */
function weight(error: unknown): number {
  const outcome = outcomeOf(error);
  if (outcome === 'refused') return 3;
  return isPyrsiaError(error, 'CREDENTIALS_NEEDED') ? 1 : 2;
}

/** @throws PyrsiaError `DOCUMENT_TOO_LARGE` */
async function gathered(
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
