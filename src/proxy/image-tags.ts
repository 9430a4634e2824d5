/**
 * What a tag means: upstream is asked now, which is one HEAD; when it cannot be, the tag means what it meant.
 *
 * @module
 */
import type { Cache, DocumentKey, StoredDocument } from '../cache/cache.ts';
import { packagePurl } from '../content/coordinates.ts';
import { digestOf } from '../content/digest.ts';
import { mediaTypeOf } from '../ecosystems/oci/manifest.ts';
import { isImageDigest } from '../ecosystems/oci/names.ts';
import { printImage } from '../ecosystems/oci/reference.ts';
import { pathOf } from '../ecosystems/oci/route.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { outcomeOf } from './outcome.ts';
import type { ImageAsker, ImageName, ImagePlace } from './image-asker.ts';
import { coordinatesOf, gathered, type ImageContent, type Manifest } from './image-content.ts';
import { first, nothingAt, waysTo } from './image-places.ts';
import type { CopyService } from './copies.ts';
import type { Upstreams } from './upstream.ts';

/** Something named by its tag. */
export interface AskedTag {
  readonly image: ImageName;
  readonly tag: string;
  /** The types of manifests that will do. */
  readonly accept: string;
  readonly signal: AbortSignal;
  /** Nobody has named it, so not to have it is no failure to write down. */
  readonly isGuess?: true;
}

/** What a tag means now, or meant when upstream was last reached. */
export type TagService = (images: ImageAsker, asked: AskedTag) => Promise<Manifest | undefined>;

/** Tags of any registry. What they mean is kept as documents are. */
export function openTags({
  cache,
  content,
  copies,
  upstreams,
  now,
}: {
  readonly cache: Cache;
  readonly content: ImageContent;
  readonly copies?: Pick<CopyService, 'tag'>;
  readonly upstreams: Upstreams;
  readonly now: () => number;
}): TagService {
  /** What a tag means at one place, asked anew. Undefined: it means nothing there. */
  async function meaning(
    images: ImageAsker,
    { asker, repository }: ImagePlace,
    { image, tag, accept, signal }: AskedTag,
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
      const found = await content.manifest(
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

  /** What it means to a neighbour, where no registry is asked. What needs a credential is not named to anybody. */
  async function copiedTag(
    images: ImageAsker,
    { image, tag, accept, signal }: AskedTag,
  ): Promise<Manifest | undefined> {
    for (const place of copies && images.offline !== undefined ? images.places(image, 'tag') : []) {
      const { asker, repository } = place;
      if (!repository.startsWith('library/') && (await images.withCredential(place))) continue;
      const said = (await copies?.tag(asker, pathOf(repository, tag), repository)) ?? [];
      for (const { digest, ...copy } of said) {
        const purl = packagePurl(coordinatesOf(image, digest));
        images.reporter.copied(purl, copy);
        const found = await content
          .manifest({ ...images, places: () => [place] }, { image, digest, signal })
          .catch(() => undefined);
        if (found && isAccepted(found.mediaType, accept)) return found;
        images.reporter.copied(purl, undefined);
      }
    }
    return undefined;
  }

  async function meant(images: ImageAsker, asked: AskedTag): Promise<Manifest | undefined> {
    const { image, tag, accept, signal } = asked;
    const startedAt = now();
    /** What was known where nobody can be asked. */
    let stale: Manifest | undefined;
    const found = await first(waysTo(cache, images, image, 'tag'), signal, async (place) => {
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
      const copied =
        isPyrsiaError(error, 'OFFLINE_MISS') && !asked.isGuess ? await copiedTag(images, asked) : undefined;
      if (copied) return copied;
      if (!signal.aborted && !asked.isGuess)
        await content.failed(images, image, coordinatesOf(image, tag), startedAt, error);
      throw error;
    });
    if (found?.from) images.reporter.document(found.from);
    if (found?.from === 'stale' && images.offline === undefined)
      images.reporter.note(
        `${printImage({ ...image, tag })} is what it was: ${found.reason ?? 'nobody answered'}`,
      );
    return found;
  }

  return meant;
}

/** Whether a client that accepts these takes a manifest of this type. */
function isAccepted(mediaType: string, accept: string): boolean {
  const types = accept.split(',').map((each) => each.split(';')[0]?.trim());
  return types.includes(mediaType) || types.includes('*/*');
}

function manifestIn({ body, headers }: StoredDocument): Pick<Manifest, 'body' | 'mediaType'> {
  return { body, mediaType: headers['content-type'] ?? '' };
}
