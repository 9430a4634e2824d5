/**
 * The peers of one fetch: asked over their lanes, and told of in the book.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import type { Blame } from './blame.ts';
import { isPeerFault, PeerFault } from '../fault.ts';
import type { Clock } from '../clock.ts';
import { hasBytes, hasNot } from './growing.ts';
import { type Giver, type PeerHand, peerHand } from './hand.ts';
import type { FaultKind, Lane } from '../wire/lane.ts';
import type { PeerBook } from '../book/peer-book.ts';
import type { Piece } from './share-out.ts';

/** What a peer is left for what it was asked for: this many milliseconds, and as long as it takes at this many bytes a second. */
const ANSWER_MS = 10_000;
const LEAST_RATE = 64 * 2 ** 10;

/** How often in a row a peer may say that it is busy, and how long it is left alone then, at first, in milliseconds. */
const BUSY_LIMIT = 8;
const BUSY_MS = 50;

/** The peers of one fetch. */
export interface Team {
  /** The best to ask come first. */
  readonly hands: readonly PeerHand[];
  lane(this: void, hand: PeerHand): Promise<Lane>;
  /** A chunk, as it came. Rejects with a `PeerFault`, also when it takes too long. */
  fetch(this: void, hand: PeerHand, piece: Piece, signal: AbortSignal): Promise<Uint8Array>;
  /** Asks one that has a part how much that is by now. Never rejects. */
  look(this: void, hand: PeerHand): Promise<void>;
  /** What it passed on, of what it has a part, is wrong: it may have come so. */
  misled(this: void, hand: PeerHand): void;
  /** What came was good as far as can be told, and took so long. */
  gave(this: void, hand: PeerHand, bytes: number, ms: number): void;
  /** What it was asked for will not come. */
  failed(this: void, hand: PeerHand, piece: Piece, error: unknown): void;
  /** Who failed how, in words. */
  why(this: void): string;
}

/** Who makes up a team, and for what. */
interface TeamParts {
  readonly givers: readonly Giver[];
  readonly digest: Digest;
  /** Of the content in bytes. */
  readonly size: number;
  readonly book: Pick<PeerBook, 'gave' | 'failed' | 'find' | 'score'>;
  readonly blame: Blame;
  readonly clock: Clock;
  /** The fetch is over. */
  readonly over: AbortSignal;
}

/** Gathers the team. Nobody is asked yet. */
export function openTeam({ givers, digest, size, book, blame, clock, over }: TeamParts): Team {
  const hands = givers
    .map((giver) => {
      const { speed, failures } = book.find(giver.peer) ?? {};
      const isReliable = speed !== undefined && failures === 0;
      return peerHand(giver, size, { speed: book.score(giver.peer), isReliable, now: clock.now() });
    })
    .toSorted((a, b) => b.guess - a.guess);

  function lane(hand: PeerHand): Promise<Lane> {
    return (hand.lane ??= hand.giver.open({ signal: over }));
  }
  /** Rejects when the time is over that a peer is left. */
  async function tooLong({ giver }: PeerHand, bytes: number, signal: AbortSignal): Promise<never> {
    await clock.sleep(ANSWER_MS + (bytes / LEAST_RATE) * 1000, signal);
    throw new PeerFault('slow', giver.peer, 'it has not answered in time');
  }

  return {
    hands,
    lane,
    async fetch(hand, piece, signal) {
      const answer = lane(hand).then(({ fetch }) => fetch(digest, piece.offset, piece.length, { signal }));
      // What it was asked for before comes first.
      const bytes = await Promise.race([answer, tooLong(hand, hand.queued, signal)]);
      if (bytes.byteLength !== piece.length)
        throw new PeerFault(
          'lied',
          hand.giver.peer,
          `it sent ${bytes.byteLength} bytes instead of ${piece.length}`,
        );
      const { available } = await lane(hand);
      hasBytes(hand, Math.min(size, available(digest) ?? 0), clock.now());
      return bytes;
    },
    async look(hand) {
      const { growth } = hand;
      if (growth === undefined || size === 0) return;
      growth.isAsked = true;
      const answered = new AbortController();
      const signal = AbortSignal.any([over, answered.signal]);
      try {
        const { fetch, available } = await lane(hand);
        // Only once all of it is there this is more than an answer.
        await Promise.race([fetch(digest, size - 1, 1, { signal }), tooLong(hand, 1, signal)]).catch(
          unlessNone,
        );
        const has = available(digest);
        if (has === undefined) throw new Error('it has it no more');
        hasBytes(hand, Math.min(size, has), clock.now());
      } catch (error) {
        hand.gone ??= error instanceof Error ? error.message : String(error);
      } finally {
        growth.isAsked = false;
        answered.abort();
      }
    },
    misled: ({ giver }) => book.failed(giver.peer, 'cut'),
    gave: ({ giver }, bytes, ms) => book.gave(giver.peer, bytes, ms),
    failed(hand, piece, error) {
      const { giver } = hand;
      const kind: FaultKind = isPeerFault(error) ? error.kind : 'cut';
      if (kind === 'none') {
        hasNot(hand, piece.offset, clock.now());
        return;
      }
      if (kind === 'busy' && hand.rests < BUSY_LIMIT) {
        hand.restsUntil = clock.now() + BUSY_MS * 2 ** hand.rests++;
        return;
      }
      // All that it was asked for fails at once.
      if (hand.gone !== undefined) return;
      hand.gone = error instanceof Error ? error.message : String(error);
      if (kind === 'lied' || kind === 'malformed') blame.strike(giver, 'lied');
      else if (kind !== 'busy') book.failed(giver.peer, kind);
    },
    why: () =>
      hands.map(({ giver, gone }) => `${giver.peer}: ${gone ?? 'it does not have all of it'}`).join('; '),
  };
}

/** That there is nothing, or nothing now, is an answer. */
function unlessNone(error: unknown): void {
  if (!isPeerFault(error) || (error.kind !== 'none' && error.kind !== 'busy')) throw error;
}
