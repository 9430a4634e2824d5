/**
 * On whose word an artifact is what its coordinates say, settled before a byte of it is sent, and remembered.
 *
 * @module
 */
import type { Binding, BindingKey, Cache } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import { type Digest, digestWith, isSha256, isWeak } from '../content/digest.ts';
import type { Measured } from '../content/verified.ts';
import type { Given, SourceName } from '../content/source.ts';
import { PyrsiaError } from '../errors.ts';
import type { ReportLine } from '../resolve/report.ts';
import type { Found } from '../resolve/resolve.ts';
import { expect, type Expectation, suffices, type Word } from '../verify/expect.ts';
import type { ArtifactRequest } from './artifact-service.ts';
import { type Asker, mayBeHeard } from './asker.ts';
import { type AskingLog, rungOf, toldFinding } from './asking-log.ts';
import { closed } from './body.ts';
import type { DocumentService } from './documents.ts';
import type { Fetching } from './fetching.ts';
import type { AskedPeers } from './peer-source.ts';
import type { Refusing } from './refusing.ts';
import { openRegistryWord } from './registry-word.ts';
import type { Upstreams } from './upstream.ts';

/** An artifact that was found, of which it is settled what it is. */
export interface Settled {
  readonly found: Found;
  readonly word: Word;
  /** All that was wanted of it. */
  readonly digests: readonly Digest[];
  /** Remembers what it is, once it is stored or known not to be storable; never rejects. */
  bind(this: void): Promise<void>;
  line(this: void): Promise<ReportLine>;
}

/** Settles. */
export interface Settling {
  /** Finds an artifact and settles on whose word it is that; undefined when there is none. */
  settle(
    this: void,
    asker: Asker,
    asked: ArtifactRequest,
    key: BindingKey,
    known: Binding | undefined,
  ): Promise<Settled | undefined>;
  /** Resolves when everything that is being remembered is. */
  over(this: void): Promise<void>;
}

/** Settles by what the cache remembers, registries say and upstreams send. */
export function openSettling(parts: {
  readonly cache: Cache;
  readonly documents: DocumentService;
  readonly upstreams: Upstreams;
  readonly now: () => number;
  readonly fetch: Fetching['fetch'];
  readonly fetchBeside: Fetching['fetchBeside'];
  readonly refuse: Refusing['refuse'];
  readonly asking: AskingLog;
  readonly peers?: AskedPeers;
}): Settling {
  const { cache, documents, upstreams, now, fetch, fetchBeside, refuse, asking, peers } = parts;
  const { bound } = openRegistryWord({ documents, upstreams, ...(peers && { peers }) });
  const pending = new Set<Promise<void>>();

  /** Remembers what upstream gave, once it is stored or known not to be storable. */
  async function remember(
    asker: Asker,
    { changes = false }: ArtifactRequest,
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
      await cache.bindings.put(
        {
          ...key,
          digests: strongest,
          size,
          private: !asker.upstream.public,
          seenAt: known?.seenAt ?? now(),
          ...(reason === undefined ? {} : { reason }),
        },
        { changes },
      );
    })().catch(() => undefined);
    return noted(work);
  }

  async function noted(work: Promise<void>): Promise<void> {
    pending.add(work);
    void work.finally(() => pending.delete(work));
    return work;
  }

  async function settle(
    asker: Asker,
    request: ArtifactRequest,
    key: BindingKey,
    known: Binding | undefined,
  ): Promise<Settled | undefined> {
    const startedAt = now();
    const { coordinates, claimed } = request;
    // What changes is what it is at a time: nothing that was seen once binds it.
    await asking.prepare(asker, request.changes ? [] : [coordinates]);
    const finding = request.changes ? undefined : asking.finding(asker, coordinates);
    asking.demand(asker, coordinates, finding);
    const logged = finding?.kind === 'logged' ? finding : undefined;
    const asked = logged ? { ...request, logged } : request;

    const accepted = async (weighed: Expectation) =>
      weighed.kind === 'contradicted' ? refuse(asker, asked, weighed) : weighed;

    // Of bytes that a human has accepted the registry may go on to say otherwise.
    const declared = known?.reason === undefined ? asked.declared : undefined;
    const first = await accepted(
      expect({
        ...(logged ? { published: { digests: [logged.digest] } } : {}),
        ...(known ? { seen: known.digests } : {}),
        ...(declared ? { declared } : {}),
        ...(claimed ? { claimed } : {}),
      }),
    );
    // Bytes that upstream sends for these coordinates bind a claim. Bytes that are here already do not.
    const beside = first.word === 'unknown' && asker.upstream.ecosystem.registry.beside !== undefined;
    const here = first.word === 'claimed' && claimed !== undefined && cache.pathOf(claimed) !== undefined;
    const askFirst = first.word === 'unknown' || here;
    // What peers bring only the registry's word binds: it is asked for beside the bytes.
    const isPeers =
      !askFirst &&
      first.word === 'claimed' &&
      mayBeHeard(asker, coordinates.name) &&
      peers?.knows(first.wanted) === true;
    const early = isPeers ? bound(asker, asked, first) : undefined;
    early?.catch(() => undefined);
    const online = beside && asker.offline === undefined;
    const together = online ? await fetchBeside(asker, asked, first) : undefined;
    let expected = online ? together?.expected : askFirst ? await bound(asker, asked, first) : first;
    let found = online
      ? together?.found
      : expected && (await fetch(asker, asked, (await accepted(expected)).wanted, known));
    if (!askFirst && first.word === 'claimed' && found && !isWhollyUpstreams(found)) {
      // It has arrived meanwhile, had begun to arrive for other coordinates, or peers have it: the registry's word binds it.
      const verifiedBy = first.wanted.digests;
      expected = await (early ?? bound(asker, asked, first)).catch(async (error: unknown) => {
        await closed(found!.chunks);
        throw error;
      });
      const { wanted } = expected ? await accepted(expected) : { wanted: undefined };
      if (!wanted?.digests.every((digest) => verifiedBy.includes(digest))) {
        await closed(found.chunks);
        found = wanted && (await fetch(asker, asked, wanted, known));
      }
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
      bind: async () =>
        word === 'claimed'
          ? noted(found.stored.then(() => undefined))
          : remember(asker, asked, key, known, found),
      line: async () => {
        const { source, passedOver, measured } = found;
        const content: Measured = await measured;
        const given = found.given?.() ?? [];
        const digest = digestWith(content.digests, 'sha256');
        const weak = digests.length > 0 && digests.every(isWeak);
        return {
          purl: purlOf(coordinates),
          outcome: 'delivered',
          ...(digest ? { digest } : {}),
          bytes: content.size,
          source: senderOf(given) ?? source,
          ...(given.length > 0 && { given }),
          via: 'response',
          word,
          by,
          rung: rungOf(word, finding),
          ...toldFinding(finding),
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
    settle,
    async over() {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** Whose it is where several were asked: a peer's, if any gave some of it. */
function senderOf(given: readonly Given[]): SourceName | undefined {
  if (given.length === 0) return undefined;
  return given.some(({ peer }) => peer !== undefined) ? 'peer' : 'upstream';
}

/** Whether every byte was sent by upstream for these very coordinates. */
function isWhollyUpstreams({ source, takenOver }: Found): boolean {
  return source === 'upstream' && takenOver !== true;
}
