/**
 * Bringing the bytes of an artifact that is not settled yet, or is no longer here.
 *
 * @module
 */
import type { Binding } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import type { Wanted } from '../content/descriptor.ts';
import { isWeak } from '../content/digest.ts';
import type { Source } from '../content/source.ts';
import type { Found, Resolver } from '../resolve/resolve.ts';
import type { OfferedFrom } from '../resolve/transfer.ts';
import { isPyrsiaError } from '../errors.ts';
import { expect, type Expectation } from '../verify/expect.ts';
import type { LogWord } from '../verify/logged.ts';
import { openAbsences } from './absences.ts';
import type { ArtifactRequest } from './artifact-service.ts';
import { type Asker, mayBeHeard } from './asker.ts';
import { begin, type Begun, openBeginnings } from './begun.ts';
import { askedUsual, declaredBeside } from './declared.ts';
import type { DocumentService } from './documents.ts';
import { type AskedPeers, joinedSource, peerSource } from './peer-source.ts';
import type { Refusing } from './refusing.ts';
import type { Upstreams } from './upstream.ts';
import { upstreamSource, type UpstreamSource } from './upstream-source.ts';

/** What is expected of bytes, and nothing contradicts it. */
export type Expected = Expectation & { readonly kind: 'expected' };

/** Fetches. */
export interface Fetching {
  /** Brings the content that is expected, or says how the bytes that came contradict those seen before. */
  fetch(
    this: void,
    asker: Asker,
    asked: ArtifactRequest,
    wanted: Wanted,
    known: Binding | undefined,
  ): Promise<Found | undefined>;
  /** The same for what nothing is known of, where the registry says by a file beside it what it is. */
  fetchBeside(
    this: void,
    asker: Asker,
    asked: ArtifactRequest,
    unbound: Expected,
  ): Promise<{ readonly expected: Expected; readonly found: Found | undefined } | undefined>;
}

/** Fetches what the cache has not from upstreams. */
export function openFetching(parts: {
  readonly resolver: Resolver;
  readonly upstreams: Upstreams;
  readonly documents: Pick<DocumentService, 'atHand'>;
  readonly now: () => number;
  readonly refuseChange: Refusing['refuseChange'];
  /** Peers that are asked for what is public; absent where there are none. */
  readonly peers?: AskedPeers;
  /** What the log says of chunks. */
  readonly chunks?: LogWord['chunks'];
}): Fetching {
  const { resolver, upstreams, documents, now, refuseChange, peers, chunks } = parts;
  const absences = openAbsences(now);
  const lacks = openAbsences(now);
  /** Upstreams that had what was asked for last, and a file beside it that was needed: the next one is asked for at once. */
  const prompt = new Set<string>();
  const beginnings = openBeginnings();

  function sourceFor(asker: Asker, { path, headers = {}, ahead = false }: ArtifactRequest): UpstreamSource {
    const { connection, upstream, ask = upstreams.ask } = asker;
    const url = upstream.ecosystem.registry.locate(path, upstream.url);
    return upstreamSource({ ask }, { url, headers, connection, ahead });
  }

  /** Where it may be, in the order in which they are asked: what is private, or nobody names, is nothing that peers are asked for. */
  function sourcesFor(
    asker: Asker,
    asked: ArtifactRequest,
    wanted: Wanted,
    known: Binding | undefined,
  ): readonly Source[] {
    const upstream = asker.offline === undefined ? sourceFor(asker, asked) : undefined;
    const { logged, declared, coordinates } = asked;
    const isKnown = known ?? logged ?? declared;
    const mayAsk = isKnown ? asker.upstream.public && !asker.alone : mayBeHeard(asker, coordinates.name);
    if (!peers || !mayAsk || asked.changes || wanted.digests.every(isWeak)) return upstream ? [upstream] : [];
    const vouched =
      logged && (async () => chunks?.({ purl: purlOf(coordinates), ...logged }, asker.offline !== undefined));
    // Where the address itself names the digest, upstream has said by its answer what there is.
    const isBound = isKnown ?? !asker.upstream.ecosystem.registry.document(coordinates);
    let hasAnswered = false;
    const own = upstream && (isBound ? joinedSource(upstream, peers, vouched) : upstream);
    return [
      peerSource(peers, 'near', { upstream, vouched, joins: isBound !== false }),
      ...(own ? [toldOf(own, (answered) => (hasAnswered = answered))] : []),
      peerSource(peers, 'far', { vouched, isOver: () => hasAnswered }),
    ];
  }

  async function fetch(
    asker: Asker,
    asked: ArtifactRequest,
    wanted: Wanted,
    known: Binding | undefined,
    begun?: Begun,
  ): Promise<Found | undefined> {
    const { signal, ahead = false } = asked;
    const sources =
      begun && asker.offline === undefined ? [begun.source] : sourcesFor(asker, asked, wanted, known);
    const flight = flightOf(asker, asked);
    try {
      const fresh = begun !== undefined;
      const offeredFrom = offeredFromFor(asker, asked, known);
      const how = { flight, ahead, fresh, offeredFrom, ...(signal ? { signal } : {}) };
      return await resolver.resolve(wanted, sources, how);
    } catch (error) {
      return refuseChange(asker, asked, known, error);
    }
  }

  async function fetchBeside(
    asker: Asker,
    asked: ArtifactRequest,
    unbound: Expected,
  ): Promise<{ readonly expected: Expected; readonly found: Found | undefined } | undefined> {
    const { coordinates, path } = asked;
    if (absences.has(asker, path)) return undefined;
    // Who wants strong digests is not told by who does not.
    const flight = `${flightOf(asker, asked)} ${asker.policy}`;
    let isOnItsWay = false;
    try {
      const ask = asker.ask ?? upstreams.ask;
      const begun = await beginnings.of(flight, async () => {
        const { name, ecosystem } = asker.upstream;
        // Of what changes the bytes come first: they are what is held against the file.
        const usual = prompt.has(name) && !asked.changes ? askedUsual(ask, asker, asked) : undefined;
        let isNeeded = false;
        const found = await begin(sourceFor(asker, asked), coordinates, ecosystem.registry, async (named) => {
          const said = await declaredBeside({ ask, documents, lacks }, asker, asked, { named, usual });
          isNeeded = named === undefined && said.length > 0;
          return said;
        });
        if (isNeeded) prompt.add(name);
        else prompt.delete(name);
        return found;
      });
      if (!begun) {
        absences.add(asker, path);
        return undefined;
      }
      const weighed = begun.declared.length === 0 ? unbound : expect({ declared: begun.declared });
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

  return { fetch, fetchBeside };
}

/** As for what is here: what is public, and never what only a lockfile says is public. */
function offeredFromFor(
  asker: Asker,
  { logged, declared, changes, coordinates }: ArtifactRequest,
  known: Binding | undefined,
): OfferedFrom {
  if (!mayBeHeard(asker, coordinates.name) || changes) return 'nobody';
  return (known ?? logged ?? declared) ? 'anybody' : 'upstream';
}

/** The same source, which tells whether upstream has answered: that it has nothing is an answer, too. */
function toldOf(source: Source, told: (answered: boolean) => void): Source {
  return {
    ...source,
    async open(wanted, options) {
      try {
        const content = await source.open(wanted, options);
        told(true);
        return content;
      } catch (error) {
        told(isPyrsiaError(error, 'CREDENTIALS_NEEDED'));
        throw error;
      }
    },
  };
}

/** What is not named by a digest is shared only by those who believe the same. */
function flightOf({ upstream }: Asker, { path }: ArtifactRequest): string {
  return `${upstream.ecosystem.registry.locate(path, upstream.url).href}${upstream.url.hash}`;
}
