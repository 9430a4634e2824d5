/**
 * What peers have said they have: who has it counts for a minute, who has it not for some seconds.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import type { PeerName } from '../contract.ts';
import type { Holding } from '../wire/wire.ts';

/** How long a peer is taken to have what it said it has, in milliseconds. */
export const HAS_MS = 60_000;

/** How long a peer is not asked again for what it said it has not, in milliseconds. */
export const LACKS_MS = 5000;

/** The most digests whose answers are remembered; those not looked at for longest are forgotten. */
const DIGESTS_KEPT = 16_384;

/** The most peers that are remembered for one digest. */
const HOLDERS_KEPT = 16;

/** A peer, and what it has. */
export interface Holder extends Holding {
  readonly peer: PeerName;
}

/** The answers of all peers. Any clock will do: one that is set back makes nothing last longer. */
export interface Answers {
  /** Who has it, those with the most of it first. */
  holders(this: void, digest: Digest): readonly Holder[];
  /** Whether this peer has answered for it lately. */
  isAnswered(this: void, peer: PeerName, digest: Digest): boolean;
  /** Takes in what `peer` has answered: for each digest what it has, or undefined. */
  learn(
    this: void,
    peer: PeerName,
    digests: readonly Digest[],
    holdings: readonly (Holding | undefined)[],
  ): void;
  /** Forgets that this peer has anything: it is gone, or it lied. */
  forget(this: void, peer: PeerName): void;
}

interface Known {
  readonly holders: Map<PeerName, { readonly holder: Holder; readonly at: number }>;
  /** Who lacks it. One set serves all digests of a message that have the same past. */
  lacking: ReadonlySet<PeerName>;
  lackingSince: number;
}

const NOBODY: ReadonlySet<PeerName> = new Set();

/** No answers so far. */
export function openAnswers(now: () => number): Answers {
  const known = new Map<Digest, Known>();

  /** Moves it to the end: what stands first was not looked at for longest. */
  function touched(digest: Digest): Known {
    const one = known.get(digest) ?? { holders: new Map(), lacking: NOBODY, lackingSince: 0 };
    known.delete(digest);
    known.set(digest, one);
    for (const oldest of known.keys()) {
      if (known.size <= DIGESTS_KEPT) break;
      known.delete(oldest);
    }
    return one;
  }

  const isWithin = (at: number, ms: number): boolean => now() >= at && now() < at + ms;

  const lackingNow = (one: Known): ReadonlySet<PeerName> =>
    isWithin(one.lackingSince, LACKS_MS) ? one.lacking : NOBODY;

  function add(one: Known, holder: Holder): void {
    one.holders.delete(holder.peer);
    one.holders.set(holder.peer, { holder, at: now() });
    for (const oldest of one.holders.keys()) {
      if (one.holders.size <= HOLDERS_KEPT) break;
      one.holders.delete(oldest);
    }
  }

  return {
    holders(digest) {
      const one = known.get(digest);
      if (!one) return [];
      const recent = [...one.holders.values()].filter(({ at }) => isWithin(at, HAS_MS));
      return recent.map(({ holder }) => holder).toSorted((a, b) => b.available - a.available);
    },

    isAnswered(peer, digest) {
      const one = known.get(digest);
      if (!one) return false;
      const held = one.holders.get(peer);
      return (held !== undefined && isWithin(held.at, HAS_MS)) || lackingNow(one).has(peer);
    },

    learn(peer, digests, holdings) {
      const grown = new Map<ReadonlySet<PeerName>, ReadonlySet<PeerName>>();
      digests.forEach((digest, index) => {
        const one = touched(digest);
        const holding = holdings[index];
        if (holding) return add(one, { ...holding, peer });
        one.holders.delete(peer);
        const before = lackingNow(one);
        if (before.has(peer)) return;
        if (before === NOBODY) one.lackingSince = now();
        const after = grown.get(before) ?? new Set([...before, peer]);
        grown.set(before, after);
        one.lacking = after;
      });
    },

    forget(peer) {
      for (const { holders } of known.values()) holders.delete(peer);
    },
  };
}
