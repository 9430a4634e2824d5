/**
 * What verifies the chunks of one fetch, once it is known.
 *
 * @module
 */
import { type Cut, isChunk } from '../../content/chunks.ts';
import type { Wanted } from '../../content/descriptor.ts';
import { algorithmOf, type Digest, digestOf, isWeak } from '../../content/digest.ts';
import { sameChunks, type SignedList } from '../lists/chunk-list.ts';
import type { Vouched } from '../contract.ts';
import type { Blame } from './blame.ts';
import type { Clock } from '../clock.ts';
import type { PeerHand } from './hand.ts';
import { openTally } from '../lists/list-tally.ts';
import type { Team } from './team.ts';

/** How many peers are asked for their list at a time. */
const SEEKERS = 3;

/** How long the lists of others are waited for once there is one, in milliseconds. */
const GRACE_MS = 20;

/** How long a list is waited for: this many milliseconds, and as long as a slow disk takes to read the content, in bytes a second. */
const LIST_MS = 2000;
const SLOW_DISK = 50_000_000;

/** How chunks are verified: not known yet, by a list or the whole's digest, or not at all. */
export type ProofState = 'sought' | 'there' | 'none';

/** What verifies chunks. */
export interface Proving {
  readonly state: ProofState;
  /** Whether nobody but the log or the content's own digest says what is right. */
  readonly isVouched: boolean;
  /** Whether a chunk is what it should be; undefined: it cannot be told, or not yet. */
  check(this: void, index: number, bytes: Uint8Array): boolean | undefined;
  /** Looks for a list; resolves once it is there, or nobody has one. Never rejects. */
  seek(this: void, team: Team, blame: Blame, signal: AbortSignal): Promise<void>;
  /** The list is not believed any more. */
  doubt(this: void): void;
  signers(this: void): readonly SignedList[];
  dissenters(this: void): readonly SignedList[];
}

/** How the chunks of `wanted` are verified, of which `digest` is what peers are asked for. */
export function openProving(
  { digests }: Wanted,
  digest: Digest,
  cut: Cut,
  vouched: Vouched | undefined,
  clock: Clock,
): Proving {
  const isSingle = cut.size <= cut.chunkSize;
  // A list of chunks of another length is nobody's.
  const log = vouched?.size === cut.size && vouched.chunkSize === cut.chunkSize ? vouched : undefined;
  const tally = openTally(digest, cut.size, log);
  let state: ProofState = isSingle ? 'there' : 'sought';
  /** The one that is believed: others that come later do not change it any more. */
  let list: SignedList | undefined;

  async function ask(hand: PeerHand, { lane }: Team, blame: Blame, signal: AbortSignal): Promise<void> {
    const tooLong = clock.sleep(LIST_MS + (cut.size / SLOW_DISK) * 1000, signal).then(() => undefined);
    try {
      const asked = lane(hand).then((it) => it.list(digest, { signal }));
      const bytes = await Promise.race([asked, tooLong]);
      if (bytes === undefined) return;
      const found = tally.show(hand.giver, bytes);
      if (found.kind !== 'fraud') return;
      blame.strike(hand.giver, 'fraud', found.fraud);
      hand.gone ??= 'it signed a wrong list of chunks';
    } catch {
      // What is wrong with the lane is seen by whoever asks it for chunks.
    }
  }

  return {
    get state() {
      return state;
    },
    isVouched: isSingle || log !== undefined,
    check(index, bytes) {
      if (isSingle) return digests.every((each) => digestOf(bytes, algorithmOf(each)) === each);
      return list && isChunk(list, index, bytes);
    },
    async seek(team, blame, signal) {
      if (isSingle) return;
      const queue = team.hands.filter(({ reach }) => reach >= cut.size);
      const found = Promise.withResolvers<void>();
      const seeker = async (): Promise<void> => {
        for (let hand = queue.shift(); hand && !signal.aborted && !isThere(); hand = queue.shift())
          await ask(hand, team, blame, signal);
        if (!isThere()) return;
        // With the log there is no need of another's word.
        if (log === undefined) await clock.sleep(GRACE_MS, signal);
        found.resolve();
      };
      const all = Promise.all(Array.from({ length: SEEKERS }, seeker));
      await Promise.race([found.promise, all]);
      list = tally.best();
      state = list ? 'there' : 'none';
    },
    doubt() {
      list = undefined;
      state = 'none';
    },
    signers: () => shown((each) => each),
    dissenters: () => shown((each) => !each),
  };

  function shown(which: (isLike: boolean) => boolean): readonly SignedList[] {
    const believed = list;
    if (log || believed === undefined) return [];
    return tally.shown().filter((each) => which(sameChunks(each, believed)));
  }
  function isThere(): boolean {
    return tally.best() !== undefined;
  }
}

/** What peers are asked by: the strongest of the digests; undefined where none is good enough. */
export function askedBy({ digests }: Wanted): Digest | undefined {
  return digests.find((each) => algorithmOf(each) === 'sha256') ?? digests.find((each) => !isWeak(each));
}
