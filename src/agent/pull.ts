/**
 * `pyrsia pull`: what a package manager would do, without one.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import { packagePurl, purlOf } from '../content/coordinates.ts';
import type { Methods, Pulled } from '../control/protocol.ts';
import type { DocumentAddress, Reference, Selected } from '../ecosystems/ecosystem.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { ArtifactService } from '../proxy/artifact-service.ts';
import { outcomeOf } from '../proxy/outcome.ts';
import type { Asker } from '../proxy/asker.ts';
import type { CopyService } from '../proxy/copies.ts';
import { type Answer, decoded, type DocumentService } from '../proxy/documents.ts';
import type { Upstreams } from '../proxy/upstream.ts';

/** What a pull works with. */
export interface PullParts {
  readonly cache: Cache;
  readonly artifacts: ArtifactService;
  readonly documents: DocumentService;
  readonly copies: Pick<CopyService, 'document'>;
  readonly upstreams: Pick<Upstreams, 'unreachable'>;
}

/**
 * Brings what `reference` selects from the first of several upstreams that has it, as {@link pull} does.
 *
 * @throws as {@link pull} does: `NOT_FOUND` when none of them has it
 */
export async function pullFromFirst(
  parts: PullParts,
  askers: readonly Asker[],
  reference: Reference,
  options: Parameters<typeof pull>[3],
): Promise<Pulled> {
  let missing: unknown;
  for (const asker of askers) {
    try {
      return await pull(parts, asker, reference, options);
    } catch (error) {
      const mayBeElsewhere = isPyrsiaError(error, 'NOT_FOUND') || isPyrsiaError(error, 'OFFLINE_MISS');
      if (!mayBeElsewhere) throw error;
      // That it could not be looked for says more than that it was not there.
      missing = isPyrsiaError(missing, 'OFFLINE_MISS') ? missing : error;
    }
  }
  throw missing;
}

/**
 * Brings what `reference` selects into the cache. A version that is here and bound asks nobody.
 *
 * @throws PyrsiaError `NOT_FOUND`, `CACHE_READ_ONLY`, `OFFLINE_MISS` also when upstream cannot be reached, and
 * whatever else a delivery can fail with
 */
export async function pull(
  parts: PullParts,
  asker: Asker,
  reference: Reference,
  options: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: Methods['pull']['progress']) => void;
  },
): Promise<Pulled> {
  const { coordinates, path, digest, changes, isCopy } = await select(parts, asker, reference);
  const what = purlOf(coordinates);
  const startedAt = Date.now();
  try {
    const asked = {
      coordinates,
      path,
      signal: options.signal,
      // What only a neighbour says is no word of the registry's.
      ...(digest && (isCopy ? { claimed: digest } : { declared: digest })),
      ...(changes && { changes }),
    };
    const delivery = await parts.artifacts.deliver(asker, asked);
    if (!delivery) throw new PyrsiaError('NOT_FOUND', { what });
    let bytes = 0;
    for await (const chunk of delivery.chunks) {
      bytes += chunk.byteLength;
      options.onProgress({ what, bytes, ...(delivery.size === undefined ? {} : { size: delivery.size }) });
    }
    const line = await delivery.line();
    await asker.reporter.add(line);
    await parts.artifacts.settled();

    const stored = line.digest && parts.cache.pathOf(line.digest);
    if (!stored) {
      const reason = parts.cache.readOnlyBecause ?? asker.reporter.receipt().notes.at(-1) ?? 'unknown';
      throw new PyrsiaError('CACHE_READ_ONLY', { path: parts.cache.path, reason });
    }
    const { purl, source = 'cache', word, by, rung, upstream, log } = line;
    return {
      purl,
      digest: line.digest ?? digest ?? '',
      bytes,
      source,
      word,
      by,
      rung,
      ...(log && { log }),
      upstream,
      path: stored,
    };
  } catch (failure) {
    const error = missed(parts, asker, what, failure);
    if (error instanceof PyrsiaError) {
      await asker.reporter.add(
        parts.artifacts.lineFor(asker, coordinates, outcomeOf(error), startedAt, error.message),
      );
    }
    throw error;
  }
}

async function select(
  parts: PullParts,
  asker: Asker,
  reference: Reference,
): Promise<Selected & { readonly isCopy?: true }> {
  const { ecosystem, name: upstream } = asker.upstream;
  const exact = ecosystem.registry.exact(reference);
  const known = exact && parts.cache.bindings.get({ upstream, coordinates: exact.coordinates });
  if (known?.digests.some((digest) => parts.cache.pathOf(digest) !== undefined)) return exact!;
  // What says its digest lies beside it: a listing tells nothing more of it.
  if (exact && ecosystem.registry.beside) return exact;

  const what = `${reference.ecosystem}:${reference.name}@${reference.wanted}`;
  const address = await listingFor(parts, asker, reference);
  let answer: Answer;
  try {
    answer = await parts.documents.get(asker, address);
  } catch (failure) {
    const found = await copied(parts, asker, reference, address, failure);
    if (found) return { ...found, isCopy: true };
    throw missed(parts, asker, what, failure);
  }
  const { document, status, from, reason = '' } = answer;
  if (status === 401 || status === 403)
    throw new PyrsiaError('CREDENTIALS_NEEDED', { what, upstream: asker.upstream.url.origin });
  const selected = document && ecosystem.registry.select(await decoded(document), reference);
  // A copy from earlier does not know what has been published since.
  if (!selected && from === 'stale') throw new PyrsiaError('OFFLINE_MISS', { what, reason });
  if (!selected) throw new PyrsiaError('NOT_FOUND', { what });
  return selected;
}

/** What a neighbour's copy of the listing offers, where no registry is asked. */
async function copied(
  { copies }: PullParts,
  asker: Asker,
  reference: Reference,
  address: DocumentAddress,
  failure: unknown,
): Promise<Selected | undefined> {
  if (!isPyrsiaError(failure, 'OFFLINE_MISS')) return undefined;
  const copy = await copies.document(asker, address, reference.name);
  const found = copy && asker.upstream.ecosystem.registry.select(await decoded(copy.document), reference);
  if (copy && found) asker.reporter.copied(packagePurl(reference), { peer: copy.peer, seenAt: copy.seenAt });
  return found;
}

/** The listing that is at hand, which is enough when upstream is not; else the one that is best to ask for. */
async function listingFor(
  { documents }: PullParts,
  asker: Asker,
  reference: Reference,
): Promise<DocumentAddress> {
  const [best, ...others] = asker.upstream.ecosystem.registry.listings(reference);
  for (const address of [best!, ...others]) if (await documents.atHand(asker, address)) return address;
  return best!;
}

/** What it means that upstream did not deliver: nothing is wrong with it when it was not reached at all. */
function missed({ upstreams }: PullParts, { upstream }: Asker, what: string, failure: unknown): unknown {
  const isOut = upstreams.unreachable().includes(upstream.url.origin);
  if (!isOut || !isPyrsiaError(failure, 'UPSTREAM_FAILED')) return failure;
  return new PyrsiaError('OFFLINE_MISS', { what, reason: failure.details.reason }, { cause: failure });
}
