/**
 * Content from several peers at once, and from upstream where they are too slow: in order, and verified chunk by chunk.
 *
 * Up to one chunk the content's own digest verifies it. Above that a list of chunks does, which the log or somebody's signature
 * vouches for; without one a single peer is asked at a time, up to {@link PLAIN_LIMIT}, and whoever reads verifies the whole.
 * Whoever sends what is wrong, breaks off or falls silent is asked no more, and the others take over what it was asked for.
 *
 * @module
 */
import { chunkAt, cutOf } from '../content/chunks.ts';
import type { Wanted } from '../content/descriptor.ts';
import type { Given, OpenOptions, Source } from '../content/source.ts';
import { openBlame, type Outcome } from './blame.ts';
import { type Clock, monotonicClock } from './clock.ts';
import type { Fetch, PeerName, Vouched } from './contract.ts';
import {
  atWork,
  delivered,
  type Giver,
  type Hand,
  type HandAtWork,
  isDone,
  type PeerHand,
  upstreamHand,
  wasAsked,
  wasOutrun,
} from './hand.ts';
import type { PeerBook } from './peer-book.ts';
import { askedBy, openProving } from './proving.ts';
import { expectationOf, isSooner, nextRequest, type Piece, quickestFor } from './share-out.ts';
import { openTeam } from './team.ts';
import { readRun } from './upstream-run.ts';
import { type Ask, openWindow, type Slot } from './window.ts';

/** The most bytes that are taken from peers though nobody can tell a wrong chunk until all is there: 64 MiB. */
export const PLAIN_LIMIT = 64 * 2 ** 20;

/** How long chunks wait for the list that verifies them until upstream is asked, in milliseconds. */
const LIST_LATE_MS = 100;

/** Upstream joins where peers would still take this long, in milliseconds, and give less than 16 MiB/s. */
const LONG_MS = 250;
const ENOUGH_SPEED = (16 * 2 ** 20) / 1000;

/** How much upstream is asked for at a time: what it delivers in half a second, up to 8 chunks. */
const RUN_MS = 500;
const RUN_LIMIT = 8;

/** How many are asked for one chunk at a time. */
const ASKS_LIMIT = 3;

/** What a fetch may use besides peers. */
export interface GatherOptions extends OpenOptions {
  readonly vouched?: Vouched;
  readonly upstream?: Source;
  readonly book: Pick<PeerBook, 'gave' | 'failed' | 'strike' | 'find'>;
  readonly clock?: Clock;
}

/** Nobody is left who could be asked; the message says who failed how. */
export class NobodyLeft extends Error {
  override readonly name = 'NobodyLeft';
  readonly code = 'NOBODY_LEFT';
}

/**
 * Fetches `wanted`, which has `size` bytes, from those who say they have it. Nobody is asked before the chunks are read; at most
 * 32 MiB of them wait in memory.
 *
 * The chunks end with an error when the signal aborts, with upstream's own where it was the last that was left, else with
 * {@link NobodyLeft}.
 */
export function gather(
  wanted: Wanted,
  { size, givers }: { readonly size: number; readonly givers: readonly Giver[] },
  options: GatherOptions,
): Fetch {
  const { offset = 0, length = Infinity, vouched, upstream, book, signal, clock = monotonicClock } = options;
  const digest = askedBy(wanted);
  if (digest === undefined) throw new TypeError('Peers are asked by sha256 or sha512 only');
  const end = Math.min(size, offset + length);
  const cut = cutOf(size);
  const window = openWindow(cut, offset, end);
  const over = new AbortController();
  const blame = openBlame(book, digest, givers);
  const proving = openProving(wanted, digest, cut, vouched, clock);
  const team = openTeam({ givers, digest, size, book, blame, clock, over: over.signal });
  const registry = upstream && upstreamHand(size);
  const given = new Map<PeerName | undefined, { bytes: number; chunks: number }>();
  let upstreamError: Error | undefined;
  let hasJoined = false;
  let isReading = false;
  let isComplete = false;
  let startedAt = 0;
  let wake = Promise.withResolvers<void>();

  /** Something has changed: whoever waits looks again. */
  function stir(): void {
    wake.resolve();
    wake = Promise.withResolvers();
  }

  /** The peers who may be asked for chunks by now. */
  function peersNow(): Hand[] {
    const left = team.hands.filter(({ gone }) => gone === undefined);
    if (proving.state === 'there') return left;
    if (proving.state === 'none' && size > PLAIN_LIMIT) return [];
    // Nobody could tell whose fault it is: one at a time.
    return left.filter(({ reach }) => endOf(window.head) <= reach).slice(0, 1);
  }
  function workersNow(now: number): HandAtWork[] {
    const asked = peersNow();
    const speed = asked.reduce((sum, each) => sum + (each.speed ?? 0), 0);
    hasJoined ||=
      asked.length === 0 || (speed > 0 && speed < ENOUGH_SPEED && window.left() / speed > LONG_MS);
    if (registry && registry.gone === undefined && hasJoined) asked.push(registry);
    return asked.map((hand) => atWork(hand, cut.chunkSize, now, asked.length === 1));
  }

  /** Asks whoever has room for what nobody was asked for, and somebody else for what is late. */
  function pump(): void {
    if (over.signal.aborted || window.isOver) return;
    const now = clock.now();
    for (;;) {
      const next = nextRequest(workersNow(now), window.free());
      if (next === undefined) break;
      ask(next.worker, next.piece, now);
    }
    if (isReading) helpWith(window.head, now);
    // At the end those who have nothing to do help the others.
    if (window.free().length > 0) return;
    for (const slot of window.slots()) helpWith(slot, now, ({ requests }) => requests === 0);
  }
  /** Whether a chunk should have come, or the list that verifies it. */
  function isLate({ came, asks }: Slot, now: number): boolean {
    if (came) return proving.state === 'sought' && now >= startedAt + LIST_LATE_MS;
    return asks.size > 0 && [...asks].every(({ lateAt }) => lateAt <= now);
  }
  /** Asks somebody else for a chunk that is late, or would be sooner from whoever may help. */
  function helpWith(slot: Slot, now: number, may: (hand: Hand) => boolean = () => true): void {
    const isWaiting = slot.came === undefined && slot.asks.size > 0;
    if ((!isWaiting && !isLate(slot, now)) || slot.asks.size >= ASKS_LIMIT || !window.hasSpare()) return;
    const tried = new Set([...slot.asks].map(({ hand }) => hand));
    const peers = slot.came || (proving.state === 'none' && size > PLAIN_LIMIT) ? [] : team.hands;
    const others = [...peers, ...(registry ? [registry] : [])].filter(
      (hand) => hand.gone === undefined && !tried.has(hand) && now >= hand.restsUntil,
    );
    const worker = quickestFor(
      others.map((hand) => atWork(hand, cut.chunkSize, now, false)),
      slot,
    );
    if (worker === undefined || !may(worker.hand)) return;
    const expectedAt = Math.min(...[...slot.asks].map((each) => each.expectedAt));
    if (!isLate(slot, now) && !isSooner(worker, slot.length, expectedAt, now)) return;
    if (worker.hand === registry) hasJoined = true;
    ask(worker, slot, now);
  }
  function ask(worker: HandAtWork, slot: Slot, now: number): void {
    const { hand } = worker;
    if (isPeer(hand)) void askPeer(hand, worker, slot, now);
    else askUpstream(hand, worker, slot, now);
  }

  async function askPeer(hand: PeerHand, worker: HandAtWork, slot: Slot, now: number): Promise<void> {
    const request: Ask = {
      hand,
      ...expectationOf(worker, slot.length, now),
      abort: new AbortController(),
    };
    slot.asks.add(request);
    wasAsked(hand, slot.length, now);
    const { signal: lost } = request.abort;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await team.fetch(hand, slot, lost);
    } catch (error) {
      if (!lost.aborted) team.failed(hand, slot, error);
      else wasOutrun(hand, slot.length, clock.now());
    }
    slot.asks.delete(request);
    isDone(hand, slot.length);
    if (bytes) arrived(hand, slot, bytes);
    pump();
    stir();
  }

  function askUpstream(hand: Hand, worker: HandAtWork, slot: Slot, now: number): void {
    const isAlone = peersNow().length === 0;
    const most = Math.ceil(Math.min(RUN_LIMIT, ((hand.speed ?? 0) * RUN_MS) / cut.chunkSize)) || 1;
    const following = window.slots().slice(window.slots().indexOf(slot) + 1);
    const taken = following.findIndex(({ came, asks }) => came !== undefined || asks.size > 0);
    const run = [slot, ...following.slice(0, taken === -1 ? undefined : taken)].slice(
      0,
      isAlone ? undefined : most,
    );
    const last = isAlone && taken === -1 ? window.last : run.at(-1)!.index;
    const abort = new AbortController();
    const requests = run.map((each, i): Ask => {
      const request = { hand, ...expectationOf(worker, (i + 1) * cut.chunkSize, now), abort };
      each.asks.add(request);
      return request;
    });
    wasAsked(hand, 0, now);
    const settle = (index: number): void => {
      const at = run.findIndex((each) => each.index === index);
      if (at !== -1) run[at]!.asks.delete(requests[at]!);
    };
    const span = {
      size,
      offset: slot.offset,
      length: pieceAt(last).offset + pieceAt(last).length - slot.offset,
    };
    let index = slot.index;
    const next = async (): Promise<Piece | undefined> => {
      if (index > last) return undefined;
      while (!window.isOver && index >= window.head.index + window.width && !over.signal.aborted)
        await wake.promise;
      return pieceAt(index++);
    };
    const take = (piece: Piece, bytes: Uint8Array): void => {
      settle(piece.index);
      const here = window.slots().find((each) => each.index === piece.index);
      if (here) arrived(hand, here, bytes);
      pump();
      stir();
    };
    void readRun(upstream!, wanted, span, next, take, AbortSignal.any([over.signal, abort.signal]))
      .catch((error: unknown) => {
        if (over.signal.aborted) return;
        upstreamError ??= error instanceof Error ? error : new Error(String(error));
        hand.gone ??= upstreamError.message;
      })
      .finally(() => {
        for (const each of run) settle(each.index);
        isDone(hand, 0);
        pump();
        stir();
      });
  }
  const pieceAt = (index: number): Piece => ({ index, ...chunkAt(cut, index) });

  /** A chunk came. */
  function arrived(hand: Hand, slot: Slot, bytes: Uint8Array): void {
    if (over.signal.aborted) return;
    const ms = delivered(hand, bytes.byteLength, clock.now());
    if (slot.came && (isReady(slot) || hand !== registry)) return;
    const verdict = proving.check(slot.index, bytes);
    if (verdict === false) return wrongChunk(hand, slot, bytes);
    if (isPeer(hand)) team.gave(hand, bytes.byteLength, ms);
    slot.came = { bytes, from: hand, isVerified: verdict === true };
    for (const { hand: other, abort } of slot.asks) if (isPeer(other)) abort.abort();
  }
  function wrongChunk(hand: Hand, slot: Slot, bytes: Uint8Array): void {
    if (isPeer(hand)) {
      const isSure = proving.isVouched || proving.signers().some(({ maker }) => maker === hand.giver.peer);
      if (hand.gone === undefined) {
        if (isSure) blame.strike(hand.giver, 'wrong-chunk');
        else blame.suspect(hand.giver);
      }
      hand.gone ??= 'it sent a wrong chunk';
      return;
    }
    const fromPeers = [...given.keys()].some((peer) => peer !== undefined);
    if (proving.isVouched || fromPeers) {
      hand.gone = 'it has other content';
      upstreamError ??= new Error('Upstream has other content than what was asked for');
      return;
    }
    // A registry is more likely right than a stranger's signature.
    proving.doubt();
    for (const each of team.hands) each.gone ??= 'upstream contradicts the list of chunks';
    for (const each of window.slots()) if (each.came && isPeer(each.came.from)) delete each.came;
    slot.came = { bytes, from: hand, isVerified: false };
  }

  /** What verifies chunks is known now, or that nothing does. */
  function judge(): void {
    if (proving.state === 'none' && size > PLAIN_LIMIT)
      for (const hand of team.hands) hand.gone ??= 'nobody vouches for a list of chunks';
    for (const slot of window.slots()) {
      const { came } = slot;
      if (!came || came.isVerified) continue;
      const verdict = proving.check(slot.index, came.bytes);
      if (verdict === true) came.isVerified = true;
      else if (verdict === false || (isPeer(came.from) && size > PLAIN_LIMIT)) delete slot.came;
      if (verdict === false) wrongChunk(came.from, slot, came.bytes);
    }
    pump();
    stir();
  }
  function isReady({ came }: Slot): boolean {
    if (!came) return false;
    return (
      came.isVerified || proving.state === 'none' || (proving.state === 'sought' && came.from === registry)
    );
  }

  /** Waits for the next chunk. */
  async function nextChunk(): Promise<NonNullable<Slot['came']>> {
    isReading = true;
    for (;;) {
      signal?.throwIfAborted();
      const { head } = window;
      if (isReady(head)) break;
      pump();
      if (isReady(head)) break;
      const hasUpstream = registry !== undefined && registry.gone === undefined;
      const mayCome = team.hands.some(({ gone, reach }) => gone === undefined && endOf(head) <= reach);
      if (!hasUpstream && !mayCome)
        throw upstreamError ?? new NobodyLeft(`No peer delivered it (${team.why()})`);
      const nap = new AbortController();
      const { promise } = wake;
      await Promise.race([promise, clock.sleep(untilLate(clock.now()), nap.signal)]);
      nap.abort();
    }
    isReading = false;
    return window.head.came!;
  }
  /** In how many milliseconds something will be late, or somebody not busy any more. */
  function untilLate(now: number): number {
    const times = [
      startedAt + LIST_LATE_MS,
      ...team.hands.map(({ restsUntil }) => restsUntil),
      ...window.slots().flatMap(({ asks }) => [...asks].map(({ lateAt }) => lateAt)),
    ];
    return Math.max(1, Math.min(1000, ...times.filter((at) => at > now).map((at) => at - now)));
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (offset >= end) return;
    startedAt = clock.now();
    signal?.addEventListener('abort', stir, { once: true });
    try {
      void proving.seek(team, blame, over.signal).then(judge);
      while (!window.isOver) {
        const { bytes, from } = await nextChunk();
        const { offset: at } = window.head;
        window.advance();
        pump();
        stir();
        const piece = bytes.subarray(Math.max(0, offset - at), end - at);
        const { peer } = from.giver ?? { peer: undefined };
        const before = given.get(peer) ?? { bytes: 0, chunks: 0 };
        given.set(peer, { bytes: before.bytes + piece.byteLength, chunks: before.chunks + 1 });
        isComplete = window.isOver;
        yield piece;
      }
    } finally {
      over.abort();
      signal?.removeEventListener('abort', stir);
      for (const slot of window.slots()) for (const { abort } of slot.asks) abort.abort();
    }
  }

  const outcome = (): Outcome => ({
    isWhole: isComplete && offset === 0 && end === size,
    isVouched: proving.isVouched,
    signers: proving.signers(),
    dissenters: proving.dissenters(),
    givers: [...given.keys()].filter((peer) => peer !== undefined),
  });
  return {
    chunks: chunks(),
    given: () =>
      [...given].map(([peer, what]): Given => ({ ...(peer === undefined ? {} : { peer }), ...what })),
    wrong: () => blame.wrong(outcome()),
    right: () => blame.right(outcome()),
  };
}

function isPeer(hand: Hand): hand is PeerHand {
  return hand.giver !== undefined;
}

function endOf({ offset, length }: Piece): number {
  return offset + length;
}
