/**
 * One artifact, from the request to the verdict: on whose word, from which source, and what is
 * remembered of it.
 *
 * @module
 */
import type { Binding, BindingKey, Cache } from '../cache/cache.ts';
import { type Coordinates, purlOf } from '../content/coordinates.ts';
import type { Wanted } from '../content/descriptor.ts';
import {
  contradiction,
  type Digest,
  type DigestAlgorithm,
  digestWith,
  isDigest,
  isSha256,
  isWeak,
} from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';
import { type Measured, verified } from '../content/verified.ts';
import type { Headers } from '../ecosystems/ecosystem.ts';
import { type ErrorCode, isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { Outcome, ReportLine } from '../resolve/report.ts';
import type { Found, Resolver } from '../resolve/resolve.ts';
import { expect, type Expectation, suffices, type Word } from '../verify/expect.ts';
import { openAbsences } from './absences.ts';
import type { Asker } from './asker.ts';
import { begin, type Begun, openBeginnings } from './begun.ts';
import { declaredBeside, declaredBy, declaresNow, isThere } from './declared.ts';
import type { DocumentService } from './documents.ts';
import type { Upstreams } from './upstream.ts';
import { upstreamSource, type UpstreamSource } from './upstream-source.ts';

type Contradicted = Expectation & { readonly kind: 'contradicted' };

/** What is asked for. */
export interface ArtifactRequest {
  readonly coordinates: Coordinates;
  /** Where the registry keeps it. */
  readonly path: string;
  /** The digest that the client names. */
  readonly claimed?: Digest;
  /** The digest that the registry's own document has just named. */
  readonly declared?: Digest;
  /** The client's own headers that may go to upstream. */
  readonly headers?: Headers;
  readonly signal?: AbortSignal;
  /** Nobody waits for it. */
  readonly ahead?: boolean;
}

/** An artifact on its way to the client. */
export interface Delivery {
  /** Length in bytes, where it is known before the end. */
  readonly size?: number;
  readonly chunks: ByteStream;
  /** Digests that it has for certain once the last chunk was read. */
  readonly digests: readonly Digest[];
  /** What is to be written into the report once the last byte is known to be right. */
  line(this: void): Promise<ReportLine>;
}

/** An artifact that nobody has to be asked about. */
export interface Known {
  readonly wanted: Wanted;
  /** Length in bytes, where it was ever measured. */
  readonly size?: number;
  /** It has just come, and these digests were computed from what came. */
  readonly arrived?: boolean;
  /** What is reported when its `size` bytes, read or fetched since `startedAt`, were put into the tool's own cache. */
  linked(size: number, startedAt: number): ReportLine;
}

/** A digest that contradicted what was known, kept so that `trust accept` can name it. */
export interface Contradiction extends BindingKey {
  readonly expected: Digest;
  readonly actual: Digest;
  readonly private: boolean;
  readonly at: number;
}

/** Artifacts of any ecosystem. */
export interface ArtifactService {
  /**
   * Finds an artifact and settles on whose word it is what its coordinates say, before a byte is sent.
   * Undefined when upstream says that there is none.
   *
   * @throws PyrsiaError `CONTRADICTED`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `EVIDENCE_TOO_LOW`: refused;
   * `OFFLINE_MISS`, `UPSTREAM_FAILED`: unavailable; `CREDENTIALS_NEEDED`
   */
  deliver(asker: Asker, asked: ArtifactRequest): Promise<Delivery | undefined>;
  /**
   * A digest of what would be delivered, which is fetched where it is not here. Undefined: upstream has none.
   *
   * @throws PyrsiaError as `deliver` does
   */
  digest(asker: Asker, asked: ArtifactRequest, algorithm: DigestAlgorithm): Promise<Digest | undefined>;
  /**
   * Fetches an artifact that nobody has asked for yet, exactly as `deliver` would, and resolves once it is stored.
   * Undefined when there is none, when it could not be stored, and when it is only somebody's claim that
   * it is what its coordinates say.
   *
   * @throws PyrsiaError as `deliver` does; whatever `signal` aborts with
   */
  bring(asker: Asker, asked: ArtifactRequest & { readonly signal: AbortSignal }): Promise<Known | undefined>;
  /**
   * The same chunks, which upstream gave when it was asked again, maybe with the user's own credential: held
   * against all that is known of them, and never kept.
   *
   * @throws PyrsiaError as `deliver` does for what is refused
   */
  passed(asker: Asker, asked: ArtifactRequest, chunks: ByteStream): AsyncIterable<Uint8Array>;
  /**
   * What is known of an artifact that would be delivered out of the cache without asking anybody, if it is there;
   * undefined when somebody would have to be asked, or it would be refused.
   */
  knownOf(asker: Asker, asked: Pick<ArtifactRequest, 'coordinates' | 'claimed'>): Known | undefined;
  /** A report line for a request that ended without delivery. */
  lineFor(
    asker: Asker,
    coordinates: Coordinates,
    outcome: Outcome,
    startedAt: number,
    reason?: string,
  ): ReportLine;
  /** Resolves when everything delivered so far is stored and bound. */
  settled(): Promise<void>;
}

/** An artifact that was found, of which it is settled what it is. */
interface Settled {
  readonly found: Found;
  readonly word: Word;
  /** All that was wanted of it. */
  readonly digests: readonly Digest[];
  /** Remembers what it is, once it is stored or known not to be storable; never rejects. */
  bind(this: void): Promise<void>;
  line(this: void): Promise<ReportLine>;
}

/** Opens the service. `onContradiction` is told of every refusal that `trust accept` could lift. */
export function openArtifacts(parts: {
  readonly cache: Cache;
  readonly resolver: Resolver;
  readonly documents: DocumentService;
  readonly upstreams: Upstreams;
  readonly now: () => number;
  readonly onContradiction: (found: Contradiction) => void;
}): ArtifactService {
  const { cache, resolver, documents, upstreams, now } = parts;
  const pending = new Set<Promise<void>>();
  const absences = openAbsences(now);
  const beginnings = openBeginnings();

  /** What is expected once the registry has been asked; undefined when it knows no such version. */
  async function bound(
    asker: Asker,
    asked: ArtifactRequest,
    unbound: Expectation & { readonly kind: 'expected' },
  ): Promise<Expectation | undefined> {
    const { registry } = asker.upstream.ecosystem;
    if (!registry.document(asked.coordinates)) {
      const isHere = await isThere(asker.ask ?? upstreams.ask, asker, asked);
      return isHere ? { ...unbound, word: 'declared', by: 'the registry' } : undefined;
    }
    const declared = await declaredBy(documents, asker, asked);
    if (declared === 'no such version') return undefined;
    return declared ? expect({ declared, ...(asked.claimed ? { claimed: asked.claimed } : {}) }) : unbound;
  }

  /** Refuses. A change can be accepted when it is the registry's: a lockfile may say anything. */
  async function refuse(asker: Asker, asked: ArtifactRequest, found: Contradicted): Promise<never> {
    const { expected, actual, by } = found;
    const { coordinates } = asked;
    let { against } = found;
    const isChange = by === 'the bytes seen before';
    if (isChange && against === 'the lockfile' && (await declaresNow(documents, asker, asked, actual)))
      against = 'the registry';
    const acceptable = isChange && against !== 'the lockfile';
    if (acceptable) {
      const { name: upstream, public: isPublic } = asker.upstream;
      parts.onContradiction({ upstream, coordinates, expected, actual, private: !isPublic, at: now() });
    }
    const purl = purlOf(coordinates);
    throw new PyrsiaError('CONTRADICTED', { purl, expected, actual, by, against, acceptable });
  }

  function sourceFor(asker: Asker, { path, headers = {}, ahead = false }: ArtifactRequest): UpstreamSource {
    const { connection, upstream, ask = upstreams.ask } = asker;
    const url = upstream.ecosystem.registry.locate(path, upstream.url);
    return upstreamSource({ ask }, { url, headers, connection, ahead });
  }

  /** Brings the content that is expected, or says how the bytes that came contradict those seen before. */
  async function fetch(
    asker: Asker,
    asked: ArtifactRequest,
    wanted: Wanted,
    known: Binding | undefined,
    begun?: Begun,
  ): Promise<Found | undefined> {
    const { signal, ahead = false } = asked;
    const sources = asker.offline === undefined ? [begun?.source ?? sourceFor(asker, asked)] : [];
    const flight = flightOf(asker, asked);
    try {
      const fresh = begun !== undefined;
      return await resolver.resolve(wanted, sources, { flight, ahead, fresh, ...(signal ? { signal } : {}) });
    } catch (error) {
      return refuseChange(asker, asked, known, error);
    }
  }

  /** The same for what nothing is known of, where the registry says by a file beside it what it is. */
  async function fetchBeside(
    asker: Asker,
    asked: ArtifactRequest,
    unbound: Expectation & { readonly kind: 'expected' },
  ): Promise<{ readonly expected: typeof unbound; readonly found: Found | undefined } | undefined> {
    const { coordinates, path } = asked;
    if (absences.has(asker, path)) return undefined;
    const flight = flightOf(asker, asked);
    let isOnItsWay = false;
    try {
      const begun = await beginnings.of(flight, async () =>
        begin(sourceFor(asker, asked), coordinates, asker.upstream.ecosystem.registry, async () =>
          declaredBeside(asker.ask ?? upstreams.ask, asker, asked),
        ),
      );
      if (!begun) {
        absences.add(asker, path);
        return undefined;
      }
      const weighed = begun.declared === undefined ? unbound : expect({ declared: begun.declared });
      const expected = weighed.kind === 'contradicted' ? unbound : weighed;
      const found = await fetch(asker, asked, expected.wanted, undefined, begun);
      if (found) {
        isOnItsWay = true;
        void found.stored.finally(() => beginnings.over(flight));
      }
      return { expected, found };
    } finally {
      if (!isOnItsWay) beginnings.over(flight);
    }
  }

  /** Throws what it means that the bytes could not be had: a refusal, where they contradict those seen before. */
  async function refuseChange(
    asker: Asker,
    asked: ArtifactRequest,
    known: Binding | undefined,
    error: unknown,
  ): Promise<never> {
    if (known && isPyrsiaError(error, 'DIGEST_MISMATCH') && isDigest(error.details.actual)) {
      const { actual } = error.details;
      const changed = contradiction(known.digests, [actual]);
      const [by, against] = ['the bytes seen before', 'the bytes that came'] as const;
      if (changed) await refuse(asker, asked, { kind: 'contradicted', by, against, ...changed });
    }
    throw error;
  }

  /** Remembers what upstream gave, once it is stored or known not to be storable. */
  async function remember(
    asker: Asker,
    key: BindingKey,
    known: Binding | undefined,
    found: Found,
  ): Promise<void> {
    if (found.source === 'cache' && known?.size !== undefined) return;
    const work = (async () => {
      const { digests, size } = await found.measured;
      const problem = await found.stored;
      if (problem !== undefined) asker.reporter.note(`not everything is stored: ${problem}`, 'storing');
      const strongest = digests.toSorted((a, b) => Number(isSha256(b)) - Number(isSha256(a)));
      const reason = known?.reason;
      await cache.bindings.put({
        ...key,
        digests: strongest,
        size,
        private: !asker.upstream.public,
        seenAt: known?.seenAt ?? now(),
        ...(reason === undefined ? {} : { reason }),
      });
    })().catch(() => undefined);
    pending.add(work);
    void work.finally(() => pending.delete(work));
    return work;
  }

  /** Finds an artifact and settles on whose word it is that; undefined when there is none. */
  async function settle(
    asker: Asker,
    asked: ArtifactRequest,
    key: BindingKey,
    known: Binding | undefined,
  ): Promise<Settled | undefined> {
    const startedAt = now();
    const { coordinates, claimed } = asked;

    const accepted = async (weighed: Expectation) =>
      weighed.kind === 'contradicted' ? refuse(asker, asked, weighed) : weighed;

    // Of bytes that a human has accepted the registry may go on to say otherwise.
    const declared = known?.reason === undefined ? asked.declared : undefined;
    const first = await accepted(
      expect({
        ...(known ? { seen: known.digests } : {}),
        ...(declared ? { declared } : {}),
        ...(claimed ? { claimed } : {}),
      }),
    );
    // Bytes that upstream sends for these coordinates bind a claim. Bytes that are here already do not.
    const beside = first.word === 'unknown' && asker.upstream.ecosystem.registry.beside !== undefined;
    const here = first.word === 'claimed' && claimed !== undefined && cache.pathOf(claimed) !== undefined;
    const askFirst = first.word === 'unknown' || here;
    const online = beside && asker.offline === undefined;
    const together = online ? await fetchBeside(asker, asked, first) : undefined;
    let expected = online ? together?.expected : askFirst ? await bound(asker, asked, first) : first;
    let found = online
      ? together?.found
      : expected && (await fetch(asker, asked, (await accepted(expected)).wanted, known));
    if (!askFirst && first.word === 'claimed' && found && !isWhollyUpstreams(found)) {
      // It has arrived meanwhile, or had begun to arrive, for other coordinates.
      await closed(found.chunks);
      expected = await bound(asker, asked, first);
      found = expected && (await fetch(asker, asked, (await accepted(expected)).wanted, known));
    }
    if (!expected || !found) {
      if (asker.offline === undefined) return undefined;
      throw new PyrsiaError('OFFLINE_MISS', { what: purlOf(coordinates), reason: asker.offline });
    }

    // What upstream sends for these coordinates and the lockfile names besides is the registry's own word.
    const settled = await accepted(expected);
    const own = isWhollyUpstreams(found) && settled.word === 'claimed';
    const word = own ? 'declared' : settled.word;
    const by = own ? 'the registry' : settled.by;
    const { digests } = settled.wanted;
    if (!suffices(asker.policy, word, digests)) {
      await closed(found.chunks);
      throw new PyrsiaError('EVIDENCE_TOO_LOW', { purl: purlOf(coordinates), policy: asker.policy, word });
    }
    return {
      found,
      word,
      digests,
      bind: async () => (word === 'claimed' ? undefined : remember(asker, key, known, found)),
      line: async () => {
        const { source, passedOver, measured } = found;
        const content: Measured = await measured;
        const digest = digestWith(content.digests, 'sha256');
        const weak = digests.length > 0 && digests.every(isWeak);
        return {
          purl: purlOf(coordinates),
          outcome: 'delivered',
          ...(digest ? { digest } : {}),
          bytes: content.size,
          source,
          via: 'response',
          word,
          by,
          rung: word === 'declared' ? 'registry digest' : 'none',
          ...(weak ? { weak } : {}),
          upstream: asker.upstream.name,
          private: !asker.upstream.public,
          ms: now() - startedAt,
          at: startedAt,
          ...(passedOver.length > 0 ? { passedOver } : {}),
        };
      },
    };
  }

  return {
    async deliver(asker, asked) {
      const key = keyOf(asker, asked);
      const settled = await settle(asker, asked, key, cache.bindings.get(key));
      if (!settled) return undefined;
      const { found, bind, line, digests } = settled;
      void bind();
      const { chunks, size } = found;
      return { chunks, digests, ...(size === undefined ? {} : { size }), line };
    },

    async digest(asker, asked, algorithm) {
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
      const weighed = known && expect({ seen: known.digests, ...(claimed ? { claimed } : {}) });
      if (weighed?.kind !== 'expected') return undefined;
      const { word, by, wanted } = weighed;
      if (!suffices(asker.policy, word, wanted.digests)) return undefined;
      const digest = digestWith(wanted.digests, 'sha256');
      return {
        wanted,
        ...(known?.size === undefined ? {} : { size: known.size }),
        linked: (bytes, startedAt) => ({
          purl: purlOf(coordinates),
          outcome: 'linked',
          ...(digest ? { digest } : {}),
          bytes,
          source: 'cache',
          via: 'linked',
          word,
          by,
          rung: 'registry digest',
          upstream,
          private: !isPublic,
          ms: now() - startedAt,
          at: startedAt,
        }),
      };
    },

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

    async settled() {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

function keyOf(asker: Asker, { coordinates }: Pick<ArtifactRequest, 'coordinates'>): BindingKey {
  return { upstream: asker.upstream.name, coordinates };
}

/** What is not named by a digest is shared only by those who believe the same. */
function flightOf({ upstream }: Asker, { path }: ArtifactRequest): string {
  return `${upstream.ecosystem.registry.locate(path, upstream.url).href}${upstream.url.hash}`;
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

/** Whether every byte was sent by upstream for these very coordinates. */
function isWhollyUpstreams({ source, takenOver }: Found): boolean {
  return source === 'upstream' && takenOver !== true;
}

/** Gives up content that will not be read. */
export async function closed(chunks: ByteStream): Promise<void> {
  if (Symbol.asyncIterator in chunks) await chunks[Symbol.asyncIterator]().return?.();
}

/** Errors that mean "not this, whatever it is", and never "not now". */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONTRADICTED',
  'DIGEST_MISMATCH',
  'SIZE_MISMATCH',
  'EVIDENCE_TOO_LOW',
  'BLOCKED',
  'REFERENCE_MALFORMED',
]);

/** How a request ended that failed with `error`. */
export function outcomeOf(error: unknown): 'refused' | 'unavailable' | 'not found' {
  if (isPyrsiaError(error, 'NOT_FOUND')) return 'not found';
  return error instanceof PyrsiaError && REFUSALS.has(error.code) ? 'refused' : 'unavailable';
}
