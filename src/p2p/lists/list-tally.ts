/**
 * Which list of chunks is believed: one that has the root in the log, else the one that most unrelated peers have signed,
 * else the first. Whoever signs what contradicts the log, or itself, is guilty.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import { areUnrelated } from '../address-range.ts';
import { parseList, sameChunks, type SignedList } from './chunk-list.ts';
import type { PeerName, Vouched } from '../contract.ts';
import { type Fraud, otherRoot, twoLists } from './fraud.ts';

/** Who showed a list. */
export interface Shower {
  readonly peer: PeerName;
  /** The IP address at which it was reached. */
  readonly address?: string;
}

/** What became of a list that was shown: it counts, it does not, or it proves a fraud. */
export type Shown =
  | { readonly kind: 'counts'; readonly list: SignedList }
  | { readonly kind: 'useless'; readonly reason: string }
  | { readonly kind: 'fraud'; readonly fraud: Fraud };

/** The lists that were shown of one content. */
export interface ListTally {
  /** Takes a list as it came. */
  show(this: void, shower: Shower, bytes: Uint8Array): Shown;
  /** The list that is believed, as it is known by now. */
  best(this: void): SignedList | undefined;
  /** All that count. */
  shown(this: void): readonly SignedList[];
}

/** Starts to count. `size` is what is known of the content's, in bytes. */
export function openTally(digest: Digest, size: number, vouched?: Vouched): ListTally {
  const shown: { readonly by: Shower; readonly list: SignedList }[] = [];

  function best(): SignedList | undefined {
    if (vouched) return shown.find(({ list }) => sameChunks(list, vouched))?.list;
    const supporters = (of: SignedList): number => {
      const alike = shown.filter(({ list }) => sameChunks(list, of)).map(({ by }) => by);
      return alike.some((a) => alike.some((b) => isAnother(a, b))) ? 2 : 1;
    };
    // Sorting keeps the order of those that are equal.
    return shown.map(({ list }) => list).toSorted((a, b) => supporters(b) - supporters(a))[0];
  }

  return {
    show(by, bytes) {
      let list: SignedList;
      try {
        list = parseList(bytes);
      } catch (error) {
        return { kind: 'useless', reason: error instanceof Error ? error.message : String(error) };
      }
      if (!list.digests.includes(digest)) return { kind: 'useless', reason: 'it is of something else' };
      const earlier = shown.find((each) => each.list.maker === list.maker)?.list;
      const fraud = (earlier && twoLists(earlier, list)) ?? (vouched && otherRoot(list, digest, vouched));
      if (fraud) return { kind: 'fraud', fraud };
      // Only its maker answers for it; the log answers for whatever it has.
      if (!vouched && list.maker !== by.peer) return { kind: 'useless', reason: 'it is of another peer' };
      if (list.size !== size) return { kind: 'useless', reason: 'it is of another size' };
      if (earlier === undefined) shown.push({ by, list });
      return { kind: 'counts', list };
    },
    best,
    shown: () => shown.map(({ list }) => list),
  };
}

function isAnother(a: Shower, b: Shower): boolean {
  const [one, other] = [a.address, b.address];
  return a.peer !== b.peer && one !== undefined && other !== undefined && areUnrelated(one, other);
}
