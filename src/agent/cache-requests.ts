/**
 * What commands have the agent do to the cache, which only it writes.
 *
 * @module
 */
import { parseDigest } from '../content/digest.ts';
import type { Handlers } from '../control/server.ts';
import { parseReference } from '../ecosystems/index.ts';
import { PyrsiaError } from '../errors.ts';
import type { Paths } from '../paths.ts';
import type { Fetching } from './fetching.ts';

/** Answers to requests about the cache and what is bound there. */
export function cacheRequests({
  cache,
  contradictions,
  readOnlyBecause,
  paths,
}: Pick<Fetching, 'cache' | 'contradictions' | 'readOnlyBecause'> & {
  readonly paths: Pick<Paths, 'cache'>;
}): Pick<Handlers, 'cache.rm' | 'cache.gc' | 'cache.verify' | 'trust.accept'> {
  return {
    async 'cache.rm'({ digests }) {
      let removed = 0;
      const before = cache.size().bytes;
      for (const digest of digests) if (await cache.content.delete(parseDigest(digest))) removed++;
      return { removed, bytes: before - cache.size().bytes };
    },

    'cache.gc': async ({ dryRun }) => cache.gc({ dryRun }),

    'cache.verify': async ({ rebuild }, { progress }) =>
      cache.verify({ rebuild, onProgress: (checked, total) => progress({ checked, total }) }),

    async 'trust.accept'({ reference: text, reason }) {
      const { ecosystem, reference } = await parseReference(text);
      const exact = ecosystem.registry.exact(reference);
      const found = exact && contradictions.find(exact.coordinates);
      if (!found) throw new PyrsiaError('NOT_FOUND', { what: `a refusal of ${text} that could be accepted` });
      const readOnly = readOnlyBecause();
      if (readOnly !== undefined)
        throw new PyrsiaError('CACHE_READ_ONLY', { path: paths.cache, reason: readOnly });
      const { upstream, coordinates, actual, private: isPrivate } = found;
      await cache.bindings.put({
        upstream,
        coordinates,
        digests: [actual],
        private: isPrivate,
        seenAt: Date.now(),
        reason,
      });
      contradictions.remove(found);
      return { purl: text, digest: actual };
    },
  };
}
