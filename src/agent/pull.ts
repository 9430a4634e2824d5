/**
 * `pyrsia pull`: what a package manager would do, without one.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import type { Methods, Pulled } from '../control/protocol.ts';
import type { Reference, Selected } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import type { ArtifactService } from '../proxy/artifacts.ts';
import type { Asker } from '../proxy/asker.ts';
import { decoded, type DocumentService } from '../proxy/documents.ts';

/** What a pull works with. */
export interface PullParts {
  readonly cache: Cache;
  readonly artifacts: ArtifactService;
  readonly documents: DocumentService;
}

/**
 * Brings what `reference` selects into the cache. A version that is here and bound asks nobody.
 *
 * @throws PyrsiaError `NOT_FOUND`, `CACHE_READ_ONLY`, and whatever a delivery can fail with
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
  const { coordinates, path, digest } = await select(parts, asker, reference);
  const what = purlOf(coordinates);
  const startedAt = Date.now();
  try {
    const delivery = await parts.artifacts.deliver(asker, { coordinates, path, signal: options.signal });
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
    const { purl, source = 'cache', word, by, rung, upstream } = line;
    return {
      purl,
      digest: line.digest ?? digest ?? '',
      bytes,
      source,
      word,
      by,
      rung,
      upstream,
      path: stored,
    };
  } catch (error) {
    if (error instanceof PyrsiaError) {
      const outcome = error.code === 'NOT_FOUND' ? 'not found' : 'unavailable';
      await asker.reporter.add(
        parts.artifacts.lineFor(asker, coordinates, outcome, startedAt, error.message),
      );
    }
    throw error;
  }
}

async function select(parts: PullParts, asker: Asker, reference: Reference): Promise<Selected> {
  const { ecosystem, name: upstream } = asker.upstream;
  const exact = ecosystem.registry.exact(reference);
  const known = exact && parts.cache.bindings.get({ upstream, coordinates: exact.coordinates });
  if (known?.digests.some((digest) => parts.cache.pathOf(digest) !== undefined)) return exact!;

  const what = `${reference.ecosystem}:${reference.name}@${reference.wanted}`;
  const [address] = ecosystem.registry.listings(reference);
  const { document, status } = await parts.documents.get(asker, address!);
  if (status === 401 || status === 403)
    throw new PyrsiaError('CREDENTIALS_NEEDED', { what, upstream: asker.upstream.url.origin });
  const selected = document && ecosystem.registry.select(await decoded(document), reference);
  if (!selected) throw new PyrsiaError('NOT_FOUND', { what });
  return selected;
}
