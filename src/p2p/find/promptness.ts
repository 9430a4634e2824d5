/**
 * How promptly each peer answers, and so whom a miss waits for. Nobody waits for a peer before it has once answered in
 * time, nor after it has not, until it does again: a peer that hangs costs one miss a few milliseconds, and later ones none.
 *
 * @module
 */
import { QUESTIONS_PER_SECOND } from '../serve/allowance.ts';
import type { PeerName } from '../contract.ts';

/** How long a miss waits for those who are prompt, in milliseconds. */
export const PATIENCE_MS = 15;

/** How long a peer that gave no answer at all is left alone, in milliseconds: doubled each time, up to a minute. */
const REST_MS = 1000;
const LONGEST_REST_MS = 60_000;

/** Peers asked in one miss: so many of the prompt ones who had most so far, and some of the others by turns. */
const BEST = 12;
const OTHERS = 4;

/** The most peers whose conduct is remembered. */
const KEPT = 1024;

/** The conduct of all peers. */
export interface Promptness {
  /** Whether a miss waits for it. */
  isPrompt(this: void, peer: PeerName): boolean;
  /** Whether it may be asked now: not resting, and not asked too often. */
  mayAsk(this: void, peer: PeerName): boolean;
  /** Whom one miss asks. */
  chosen(this: void, peers: readonly PeerName[]): readonly PeerName[];
  /** It is asked now. */
  asked(this: void, peer: PeerName): void;
  /** It has answered after so many milliseconds, and has so much of what it was asked for. */
  answered(this: void, peer: PeerName, afterMs: number, has: number): void;
  /** It has not answered in time; it still may. */
  late(this: void, peer: PeerName): void;
  /** It has given no answer, or not a proper one. */
  failed(this: void, peer: PeerName): void;
}

interface Conduct {
  isPrompt: boolean;
  /** How often in a row it gave no answer. */
  failures: number;
  restsUntil: number;
  /** Questions that it may still be asked, at `countedAt`. */
  allowance: number;
  countedAt: number;
  had: number;
}

/** Nobody has been asked so far. `now` never goes back. */
export function openPromptness(now: () => number): Promptness {
  const conducts = new Map<PeerName, Conduct>();
  let turn = 0;

  function of(peer: PeerName): Conduct {
    let conduct = conducts.get(peer);
    if (!conduct) {
      conduct = {
        isPrompt: false,
        failures: 0,
        restsUntil: -Infinity,
        allowance: QUESTIONS_PER_SECOND,
        countedAt: now(),
        had: 0,
      };
      conducts.set(peer, conduct);
      for (const oldest of conducts.keys()) {
        if (conducts.size <= KEPT) break;
        conducts.delete(oldest);
      }
    }
    return conduct;
  }

  function allowanceOf(conduct: Conduct): number {
    const more = ((now() - conduct.countedAt) / 1000) * QUESTIONS_PER_SECOND;
    conduct.allowance = Math.min(QUESTIONS_PER_SECOND, conduct.allowance + more);
    conduct.countedAt = now();
    return conduct.allowance;
  }

  function mayAsk(peer: PeerName): boolean {
    const conduct = of(peer);
    return now() >= conduct.restsUntil && allowanceOf(conduct) >= 1;
  }

  return {
    isPrompt: (peer) => of(peer).isPrompt,
    mayAsk,
    chosen(peers) {
      const able = peers.filter(mayAsk);
      if (able.length <= BEST + OTHERS) return able;
      const best = able
        .filter((peer) => of(peer).isPrompt)
        .toSorted((a, b) => of(b).had - of(a).had)
        .slice(0, BEST);
      const rest = able.filter((peer) => !best.includes(peer));
      turn += OTHERS;
      const byTurns = Array.from({ length: OTHERS }, (_, at) => rest[(turn + at) % rest.length]!);
      return [...best, ...byTurns];
    },
    asked(peer) {
      const conduct = of(peer);
      conduct.allowance = allowanceOf(conduct) - 1;
    },
    answered(peer, afterMs, has) {
      const conduct = of(peer);
      conduct.had += has;
      conduct.isPrompt = afterMs <= PATIENCE_MS;
      conduct.failures = 0;
      conduct.restsUntil = -Infinity;
    },
    late(peer) {
      of(peer).isPrompt = false;
    },
    failed(peer) {
      const conduct = of(peer);
      conduct.isPrompt = false;
      conduct.restsUntil = now() + Math.min(LONGEST_REST_MS, REST_MS * 2 ** conduct.failures++);
    },
  };
}
