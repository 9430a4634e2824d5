/**
 * What refers to an image: signatures, attestations, lists of what is in it. They come with it where there are any. That
 * there are none, or that they cannot be had, does not keep the image from anybody.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import { type ImageManifest, parseManifest } from '../ecosystems/oci/manifest.ts';
import { printImage } from '../ecosystems/oci/reference.ts';
import { PyrsiaError } from '../errors.ts';
import type { Manifest } from '../proxy/image-content.ts';
import { type NamedReferrer, REFERRERS_LIMIT, referrersNamed } from './named-referrers.ts';
import { fetched, isOwn } from './pull-image-blobs.ts';
import type { Pull } from './pull-image-parts.ts';

/** The most bytes of one of them: 64 MiB. */
const REFERRER_SIZE_LIMIT = 64 * 2 ** 20;

/** Something that refers to an image, and is here. */
export interface Referrer {
  readonly subject: Digest;
  readonly manifest: Manifest;
  readonly parsed: ImageManifest;
}

/**
 * Brings what refers to a manifest; what cannot be had of it is noted.
 *
 * @param attested - what the image's own index says to attest it
 */
export async function referrersOf(
  pull: Pull,
  subject: Digest,
  attested: readonly Digest[],
): Promise<readonly Referrer[]> {
  const named = (await leniently(pull, subject, async () => referrersNamed(pull, subject))) ?? [];
  const inIndex = attested.map((digest): NamedReferrer => ({ digest, isListed: false }));
  const all = new Map([...inIndex, ...named].map((each) => [each.digest, each]));
  const brought: Referrer[] = [];
  for (const each of [...all.values()].slice(0, REFERRERS_LIMIT)) {
    const found = await leniently(pull, subject, async () => broughtOf(pull, subject, each));
    if (found) brought.push(found);
  }
  return brought;
}

/** One of them, with all that it is made of; undefined for what is about something else. */
async function broughtOf(
  pull: Pull,
  subject: Digest,
  { digest, isListed }: NamedReferrer,
): Promise<Referrer | undefined> {
  const { parts, asker, reference, options } = pull;
  const { signal } = options;
  const manifest = await parts.images.manifest(asker, { image: reference, digest, signal });
  if (!manifest) throw new PyrsiaError('NOT_FOUND', { what: printImage({ ...reference, digest }) });
  const parsed = parseManifest(manifest.body, printImage({ ...reference, digest }));
  if (parsed.kind !== 'image' || (isListed && parsed.subject !== subject)) return undefined;
  const blobs = [parsed.config, ...parsed.layers.filter(isOwn)];
  const size = blobs.reduce((sum, blob) => sum + blob.size, 0);
  if (size > REFERRER_SIZE_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', {
      what: printImage({ ...reference, digest }),
      limit: REFERRER_SIZE_LIMIT,
    });
  for (const blob of new Map(blobs.map((each) => [each.digest, each])).values()) await fetched(pull, blob);
  return { subject, manifest, parsed };
}

async function leniently<T>(
  { asker, options, name }: Pull,
  subject: Digest,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof PyrsiaError)) throw error;
    const reason = error.message;
    asker.reporter.note(`not all that refers to ${name} (${subject}) could be had: ${reason}`);
    return undefined;
  }
}
