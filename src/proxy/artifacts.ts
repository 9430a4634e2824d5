/**
 * One artifact, from the request to the verdict: on whose word, from which source, and what is
 * remembered of it.
 *
 * @module
 */
import type { Binding, BindingKey, Cache } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import {
  algorithmOf,
  contradiction,
  type Digest,
  type DigestAlgorithm,
  digestWith,
} from '../content/digest.ts';
import { verified } from '../content/verified.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { ReportLine } from '../resolve/report.ts';
import type { Resolver } from '../resolve/resolve.ts';
import { expect, suffices } from '../verify/expect.ts';
import type { LogWord } from '../verify/logged.ts';
import type { ArtifactRequest, ArtifactService, Contradiction } from './artifact-service.ts';
import type { Asker } from './asker.ts';
import { openAskingLog, rungOf, toldFinding } from './asking-log.ts';
import { closed } from './body.ts';
import type { DocumentService } from './documents.ts';
import { openFetching } from './fetching.ts';
import type { AskedPeers } from './peer-source.ts';
import { openRefusing } from './refusing.ts';
import { openSettling, type Settled } from './settling.ts';
import type { Upstreams } from './upstream.ts';

/** Opens the service. `onContradiction` is told of every refusal that `trust accept` could lift. */
export function openArtifacts(parts: {
  readonly cache: Cache;
  readonly resolver: Resolver;
  readonly documents: DocumentService;
  readonly upstreams: Upstreams;
  readonly now: () => number;
  readonly onContradiction: (found: Contradiction) => void;
  /** The log that is asked; without one nothing is. */
  readonly log?: LogWord;
  /** Peers that are asked; without them nobody is. */
  readonly peers?: AskedPeers;
}): ArtifactService {
  const { cache, resolver, documents, upstreams, now, onContradiction, log, peers } = parts;
  const { refuse, refuseChange } = openRefusing({ documents, now, onContradiction, ...(log && { log }) });
  const asking = openAskingLog(log);
  const fetching = openFetching({
    resolver,
    upstreams,
    documents,
    now,
    refuseChange,
    ...(peers && { peers }),
    ...(log?.chunks && { chunks: log.chunks }),
  });
  const settling = openSettling({
    cache,
    documents,
    upstreams,
    now,
    refuse,
    asking,
    ...fetching,
    ...(peers && { peers }),
  });

  /** What changes is asked for each time; what was given last counts where nobody answers. */
  async function settle(
    asker: Asker,
    asked: ArtifactRequest,
    key: BindingKey,
    known: Binding | undefined,
  ): Promise<Settled | undefined> {
    if (!asked.changes || !known || asker.offline !== undefined)
      return settling.settle(asker, asked, key, known);
    try {
      return await settling.settle(asker, asked, key, undefined);
    } catch (error) {
      if (!isPyrsiaError(error, 'UPSTREAM_FAILED')) throw error;
      const { reason } = error.details;
      asker.reporter.note(`what changes is taken from the cache: ${reason}`);
      return settling.settle({ ...asker, offline: reason }, asked, key, known);
    }
  }

  /** As it was seen, else computed now. */
  async function digest(
    asker: Asker,
    asked: ArtifactRequest,
    algorithm: DigestAlgorithm,
  ): Promise<Digest | undefined> {
    const key = keyOf(asker, asked);
    const known = cache.bindings.get(key);
    const seen = digestWith(known?.digests ?? [], algorithm);
    if (seen) return seen;
    const settled = await settle(asker, asked, key, known);
    if (!settled) return undefined;
    void settled.bind();
    const chunks = verified(settled.found.chunks, { digests: [] }, [algorithm]);
    for (;;) {
      const next = await chunks.next();
      if (next.done) return digestWith(next.value.digests, algorithm);
    }
  }

  return {
    async deliver(asker, asked) {
      const key = keyOf(asker, asked);
      const settled = await settle(asker, asked, key, cache.bindings.get(key));
      if (!settled) return undefined;
      const { found, bind, digests } = settled;
      const bound = bind();
      // Whoever asks next for the digest of what changes is told that of what was given.
      const line = asked.changes ? async () => bound.then(settled.line) : settled.line;
      const { chunks, size } = found;
      return { chunks, digests, ...(size === undefined ? {} : { size }), line };
    },

    digest,

    async heldAgainst(asker, asked, said) {
      const known = cache.bindings.get(keyOf(asker, asked));
      // Of what changes the digest may have come before the bytes; what a human has accepted may go on to be called otherwise.
      if (!known || asked.changes || known.reason !== undefined) return;
      const seen = await digest(asker, asked, algorithmOf(said));
      const changed = contradiction(seen ? [seen] : [], [said]);
      const [by, against] = ['the bytes seen before', 'the registry'] as const;
      if (changed) await refuse(asker, asked, { kind: 'contradicted', by, against, ...changed });
    },

    async bring(asker, { signal, ...asked }) {
      const { coordinates, claimed } = asked;
      const key = keyOf(asker, asked);
      const known = cache.bindings.get(key);
      // It would be refused, and whoever asks for it is told why.
      if (known && claimed && contradiction(known.digests, [claimed])) return undefined;
      // Whoever is given it from the moment on that it is stored has it from upstream, by way of this.
      const isLacking = claimed !== undefined && cache.pathOf(claimed) === undefined;
      const about = { purl: purlOf(coordinates), upstream: key.upstream };
      const came = isLacking ? asker.reporter.brings(about) : undefined;
      const arriving = (async () => {
        const settled = await settle(asker, { ...asked, signal, ahead: true }, key, known).catch(
          (error: unknown) => {
            came?.(false);
            throw error;
          },
        );
        came?.(settled?.found.source === 'upstream');
        if (!settled) return undefined;
        const { found, word, bind } = settled;
        await closed(found.chunks);
        if (word === 'claimed' || word === 'unknown' || (await found.stored) !== undefined) return undefined;
        void bind();
        const { digests, size } = await found.measured;
        const line = await settled.line();
        const linked = (): ReportLine => ({ ...line, outcome: 'linked', via: 'linked' });
        return { wanted: { digests }, size, arrived: found.source === 'upstream', linked };
      })();
      return unlessAborted(arriving, signal);
    },

    async *passed(asker, asked, chunks) {
      const { coordinates, claimed } = asked;
      const known = cache.bindings.get({ upstream: asker.upstream.name, coordinates });
      const digests = [...new Set([...(known?.digests ?? []), ...(claimed ? [claimed] : [])])];
      // As for what is delivered: upstream's own bytes, which somebody else names besides, are declared.
      const word = digests.length > 0 ? 'declared' : 'unknown';
      if (!suffices(asker.policy, word, digests))
        throw new PyrsiaError('EVIDENCE_TOO_LOW', { purl: purlOf(coordinates), policy: asker.policy, word });
      try {
        yield* verified(chunks, { digests });
      } catch (error) {
        await refuseChange(asker, asked, known, error);
      }
    },

    knownOf(asker, { coordinates, claimed }) {
      const { name: upstream, public: isPublic } = asker.upstream;
      const known = cache.bindings.get({ upstream, coordinates });
      const finding = asking.finding(asker, coordinates);
      const published = finding?.kind === 'logged' ? { digests: [finding.digest] } : undefined;
      const weighed =
        known &&
        expect({ ...(published && { published }), seen: known.digests, ...(claimed ? { claimed } : {}) });
      if (weighed?.kind !== 'expected') return undefined;
      const { word, by, wanted } = weighed;
      if (!suffices(asker.policy, word, wanted.digests)) return undefined;
      try {
        asking.demand(asker, coordinates, finding);
      } catch {
        return undefined; // Whoever asks for it is told why.
      }
      const sha256 = digestWith(wanted.digests, 'sha256');
      return {
        wanted,
        ...(known?.size === undefined ? {} : { size: known.size }),
        linked: (bytes, startedAt) => ({
          purl: purlOf(coordinates),
          outcome: 'linked',
          ...(sha256 ? { digest: sha256 } : {}),
          bytes,
          source: 'cache',
          via: 'linked',
          word,
          by,
          rung: rungOf(word, finding),
          ...toldFinding(finding),
          upstream,
          private: !isPublic,
          ms: now() - startedAt,
          at: startedAt,
        }),
      };
    },

    prepare: asking.prepare,

    lineFor: (asker, coordinates, outcome, startedAt, reason) => ({
      purl: purlOf(coordinates),
      outcome,
      via: 'response',
      word: 'unknown',
      by: 'nobody',
      rung: 'none',
      upstream: asker.upstream.name,
      // What a public registry shows to its user alone is not public.
      private: !asker.upstream.public || outcome === 'passed',
      ms: now() - startedAt,
      at: startedAt,
      ...(reason === undefined ? {} : { reason }),
    }),

    settled: settling.over,
  };
}

function keyOf(asker: Asker, { coordinates }: Pick<ArtifactRequest, 'coordinates'>): BindingKey {
  return { upstream: asker.upstream.name, coordinates };
}

/** Waits no longer than until `signal` aborts. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    try {
      signal.throwIfAborted();
    } catch (reason) {
      reject(reason);
    }
  };
  signal.addEventListener('abort', abort, { once: true });
  abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
