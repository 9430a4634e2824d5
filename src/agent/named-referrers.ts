/**
 * Which manifests refer to another one, as a registry has it: by the API for that, by the tag that stands for it where there
 * is none, and by the tags that cosign gives what it attaches.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#storage
 * @module
 */
import type { DocumentKey } from '../cache/cache.ts';
import { type Digest, hexOf } from '../content/digest.ts';
import { parseManifest } from '../ecosystems/oci/manifest.ts';
import { acceptedTypes, INDEX_TYPES } from '../ecosystems/oci/media-types.ts';
import { isPyrsiaError } from '../errors.ts';
import { decoded } from '../proxy/documents.ts';
import type { ImageAsker } from '../proxy/image-asker.ts';
import type { Manifest } from '../proxy/image-content.ts';
import type { Pull } from './pull-image-parts.ts';

/** The most that is brought of what refers to one manifest. */
export const REFERRERS_LIMIT = 100;

/** What follows the digest in the tags of cosign's. */
const COSIGNS = ['.sig', '.att', '.sbom'] as const;

/** Something that refers to a manifest. */
export interface NamedReferrer {
  readonly digest: Digest;
  /** It has to say of itself what it is about: a list is no more than somebody's word. */
  readonly isListed: boolean;
}

/**
 * Finds them. The answer is kept, so that a registry is asked once for each manifest; undefined where it could not be asked.
 *
 * @throws PyrsiaError of whoever was asked
 */
export async function referrersNamed(
  pull: Pull,
  subject: Digest,
): Promise<readonly NamedReferrer[] | undefined> {
  const { parts, reference, asker, options } = pull;
  const place = asker.places(reference, 'digest')[0];
  if (!place) return undefined;
  const { upstream } = place.asker;
  const key: DocumentKey = {
    upstream: upstream.url.href,
    path: `referrers of ${place.repository}@${subject}`,
    accept: INDEX_TYPES[0],
  };
  const known = await parts.cache.documents.get(key);
  // Only we have written it, and what is damaged is not given out.
  if (known) return read(known.body);
  if (asker.offline !== undefined) return undefined;
  const found = await askFor(pull, subject);
  const body = Buffer.from(JSON.stringify(found));
  const now = Date.now();
  await parts.cache.documents
    .put({ ...key, body, headers: {}, checkedAt: now, private: !upstream.public })
    .catch((error: Error) => asker.reporter.note(`not everything is stored: ${error.message}`, 'storing'));
  options.signal.throwIfAborted();
  return found;
}

function read(body: Uint8Array): readonly NamedReferrer[] {
  const known: readonly NamedReferrer[] = JSON.parse(Buffer.from(body).toString());
  return known;
}

/** Asks, in the place from which the subject came. */
async function askFor(pull: Pull, subject: Digest): Promise<readonly NamedReferrer[]> {
  const from = whereFound(pull, subject);
  const tag = `${subject.slice(0, subject.indexOf(':'))}-${hexOf(subject)}`;
  const all = await Promise.all([
    listed(pull, from, subject).then(async (list) => list ?? entriesAt(pull, from, tag)),
    ...COSIGNS.map(async (kind): Promise<readonly NamedReferrer[]> => {
      const found = await tagged(pull, from, `${tag}${kind}`);
      return found ? [{ digest: found.digest, isListed: false }] : [];
    }),
  ]);
  return [...new Map(all.flat().map((each) => [each.digest, each])).values()].slice(0, REFERRERS_LIMIT);
}

function whereFound({ asker }: Pull, subject: Digest): ImageAsker {
  const line = asker.reporter.receipt().artifacts.find(({ digest }) => digest === subject);
  const upstream = line?.upstream.replace(/#.*/, '');
  return {
    ...asker,
    places(image, by) {
      const places = asker.places(image, by);
      const its = places.filter((place) =>
        [place.asker.upstream.name, place.asker.upstream.url.href].includes(upstream ?? ''),
      );
      return its.length > 0 ? its : places;
    },
  };
}

/** By the API; undefined where the registry has none. */
async function listed(
  { parts, reference, name }: Pull,
  from: ImageAsker,
  subject: Digest,
): Promise<readonly NamedReferrer[] | undefined> {
  const found: NamedReferrer[] = [];
  let query = '';
  do {
    const rest = `referrers/${subject}${query}`;
    const answer = await parts.images
      .list(from, { image: reference, rest, accept: INDEX_TYPES[0] })
      .catch((error: unknown) => {
        // Registries that have never heard of it say so in many ways.
        if (isPyrsiaError(error, 'DOCUMENT_INVALID')) return undefined;
        if (isPyrsiaError(error, 'UPSTREAM_FAILED') && /^status 4(?!29)/.test(error.details.reason))
          return undefined;
        throw error;
      });
    if (!answer?.document) return query === '' ? undefined : found;
    const { link = '' } = answer.document.headers;
    const entries = namedBy(await decoded(answer.document), name);
    if (!entries) return undefined;
    found.push(...entries);
    const [, next] = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link) ?? [];
    query = (next !== undefined && URL.parse(next, 'http://registry.invalid/')?.search) || '';
  } while (query !== '' && found.length < REFERRERS_LIMIT);
  return found;
}

async function entriesAt(pull: Pull, from: ImageAsker, tag: string): Promise<readonly NamedReferrer[]> {
  const found = await tagged(pull, from, tag);
  // Some tools put the one that there is there, without a list.
  return found ? (namedBy(found.body, pull.name) ?? [{ digest: found.digest, isListed: true }]) : [];
}

/** What a list names; undefined for what is none. */
function namedBy(body: Uint8Array, what: string): readonly NamedReferrer[] | undefined {
  try {
    const parsed = parseManifest(body, what);
    if (parsed.kind !== 'index') return undefined;
    return parsed.manifests.map(({ digest }) => ({ digest, isListed: true }));
  } catch (error) {
    if (isPyrsiaError(error)) return undefined;
    throw error;
  }
}

async function tagged(
  { parts, reference, options }: Pull,
  from: ImageAsker,
  tag: string,
): Promise<Manifest | undefined> {
  const accept = acceptedTypes(undefined).join(', ');
  const asked = { image: reference, tag, accept, signal: options.signal, isGuess: true } as const;
  return parts.images.tag(from, asked);
}
