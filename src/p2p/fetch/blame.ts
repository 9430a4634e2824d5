/**
 * Who is held responsible for what came in one fetch. Nobody is struck for what somebody else may have done: bytes that do
 * not fit a list which only another peer has signed prove nothing until the whole is known.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import type { SignedList } from '../lists/chunk-list.ts';
import type { PeerName } from '../contract.ts';
import { type Fraud, otherRoot } from '../lists/fraud.ts';
import type { Giver } from './hand.ts';
import type { PeerBook } from '../book/peer-book.ts';
import type { StrikeReason } from '../book/peer-score.ts';

/** What is known once a fetch has ended. */
export interface Outcome {
  /** Whether all bytes of the content came in this fetch: else the fault may lie in what was there before. */
  readonly isWhole: boolean;
  /** Whether the log has the root of the list. */
  readonly isVouched: boolean;
  /** Those who signed the list that was believed. */
  readonly signers: readonly SignedList[];
  /** Those who signed another. */
  readonly dissenters: readonly SignedList[];
  /** The peers whose bytes were passed on. */
  readonly givers: readonly PeerName[];
}

/** Responsibilities. */
export interface Blame {
  /** It did it. */
  strike(this: void, giver: Giver, reason: StrikeReason, fraud?: Fraud): void;
  /** It did it if the whole turns out to be right. */
  suspect(this: void, giver: Giver): void;
  wrong(this: void, outcome: Outcome): void;
  right(this: void, outcome: Outcome): void;
}

/** Opens the account of one fetch of the content with `digest`. */
export function openBlame(book: Pick<PeerBook, 'strike'>, digest: Digest, givers: readonly Giver[]): Blame {
  const suspects = new Set<Giver>();
  let isSettled = false;

  const addressOf = (peer: PeerName): { address?: string } => {
    const address = givers.find((each) => each.peer === peer)?.address;
    return address === undefined ? {} : { address };
  };
  function strike({ peer }: Pick<Giver, 'peer'>, reason: StrikeReason, fraud?: Fraud): void {
    book.strike(peer, { reason, ...addressOf(peer), ...(fraud ? { fraud } : {}) });
  }

  return {
    strike,
    suspect: (giver) => void suspects.add(giver),
    wrong({ isWhole, isVouched, signers, givers: gave }) {
      if (isSettled || isVouched) return;
      isSettled = true;
      for (const { maker, signed } of signers) {
        if (isWhole) strike({ peer: maker }, 'fraud', { kind: 'wrong-whole', head: signed, digest });
        else book.strike(maker, { reason: 'wrong-whole', weight: 1 / 2, ...addressOf(maker) });
      }
      if (signers.length > 0) return;
      const weight = (isWhole ? 1 : 1 / 2) / Math.max(1, gave.length);
      for (const peer of gave) book.strike(peer, { reason: 'wrong-whole', weight, ...addressOf(peer) });
    },
    right({ signers, dissenters }) {
      if (isSettled) return;
      isSettled = true;
      for (const giver of suspects) strike(giver, 'wrong-chunk');
      const [truth] = signers;
      if (truth === undefined) return;
      for (const each of dissenters) {
        const fraud = otherRoot(each, digest, truth);
        if (fraud) strike({ peer: each.maker }, 'fraud', fraud);
      }
    },
  };
}
