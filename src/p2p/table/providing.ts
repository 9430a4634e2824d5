/**
 * Tells the distributed hash table what this node provides: one record for each set, of a resident node only, since whoever
 * leaves soon would leave stale records.
 *
 * Keys are swept: in the order in which they lie in the table, one walk finds the peers that are nearest to all keys of its
 * region, and each of these peers is told all of them on one stream. Records are written again every 20 minutes, and end by
 * themselves within an hour after content has gone.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import type { Offers, PeerName } from '../contract.ts';
import { commonBits, keyOf, placeOf } from './dht-keys.ts';
import { REPROVIDE_MS } from './provider-records.ts';

/** The most sets that one node has records of. */
const SETS_LIMIT = 100_000;

/** How many peers get each record; kad-dht's own k. */
export const REPLICAS = 20;

/** How often it is looked what there is to provide, in milliseconds. */
const LOOK_MS = 60_000;

/** How long to wait for a first peer in the table, in milliseconds. */
const ALONE_MS = 2000;

/** How many peers are told at the same time. */
const TOLD_AT_ONCE = 4;

/** A peer of the table. */
export interface TablePeer {
  readonly peer: PeerName;
  /** Its id as a multihash, whose sha256 is its place. */
  readonly id: Uint8Array;
}

/** What providing needs of the host. */
export interface Publishing {
  /** How many peers are in the routing table. */
  readonly peers: () => number;
  /** The peers nearest to a key, at most {@link REPLICAS}. */
  readonly nearest: (
    key: Uint8Array,
    options: { readonly signal: AbortSignal },
  ) => Promise<readonly TablePeer[]>;
  /** Tells one peer that we provide these. Rejects where it has not taken them. */
  readonly tell: (
    peer: PeerName,
    keys: readonly Uint8Array[],
    options: { readonly signal: AbortSignal },
  ) => Promise<void>;
  /** Keeps for itself what this node provides, which is all of these: whoever asks it directly is told. */
  readonly keep: (keys: readonly Uint8Array[]) => void;
  readonly offers: Pick<Offers, 'sets'>;
  /** In milliseconds; never goes back. */
  readonly now: () => number;
}

/** How that goes. */
export interface ProvidingView {
  /** Sets of which there are records. */
  readonly sets: number;
  /** Walks and records so far. */
  readonly walks: number;
  readonly records: number;
}

/** Providing, until it is closed. */
export interface Providing {
  view(this: void): ProvidingView;
  close(this: void): void;
}

interface Provided {
  readonly key: Uint8Array;
  readonly place: Uint8Array;
  /** When its records were written last. */
  at: number;
}

/** Begins to provide. */
export function startProviding(publishing: Publishing): Providing {
  const { peers, nearest, tell, keep, offers, now } = publishing;
  const provided = new Map<Digest, Provided>();
  const closing = new AbortController();
  const { signal } = closing;
  const count = { walks: 0, records: 0 };
  let timer: NodeJS.Timeout | undefined;

  /** Takes in what has come and gone. */
  async function look(): Promise<void> {
    const before = new Set(provided.keys());
    for await (const digest of offers.sets()) {
      if (provided.size >= SETS_LIMIT || signal.aborted) break;
      before.delete(digest);
      const key = keyOf(digest);
      if (key && !provided.has(digest)) provided.set(digest, { key, place: placeOf(key), at: -Infinity });
    }
    for (const gone of before) provided.delete(gone);
    keep([...provided.values()].map(({ key }) => key));
  }

  async function sweep(): Promise<void> {
    const due = [...provided.values()]
      .filter(({ at }) => now() >= at + REPROVIDE_MS)
      .toSorted((a, b) => Buffer.compare(a.place, b.place));
    while (due.length > 0 && !signal.aborted) {
      const [first] = due;
      if (!first) return;
      const found = await nearest(first.key, { signal });
      count.walks++;
      if (found.length === 0) return;
      const bits = regionOf(first.place, found);
      const end = due.findIndex(({ place }) => commonBits(place, first.place) < bits);
      await publish(due.splice(0, end === -1 ? due.length : end), found);
    }
  }

  async function publish(region: readonly Provided[], to: readonly TablePeer[]): Promise<void> {
    const keys = region.map(({ key }) => key);
    const queue = to.map(({ peer }) => peer);
    let told = 0;
    const tellNext = async (): Promise<void> => {
      for (let peer = queue.pop(); peer !== undefined && !signal.aborted; peer = queue.pop()) {
        const isTold = await tell(peer, keys, { signal }).then(
          () => true,
          () => false,
        );
        if (isTold) told++;
      }
    };
    await Promise.all(Array.from({ length: TOLD_AT_ONCE }, tellNext));
    count.records += told * keys.length;
    // Where nobody has taken them it is tried again.
    if (told > 0) for (const one of region) one.at = now();
  }

  async function go(): Promise<void> {
    try {
      await look();
      await sweep();
    } catch {
      // Whoever was asked is gone: the next time others are.
    }
    if (!signal.aborted) timer = setTimeout(() => void go(), peers() === 0 ? ALONE_MS : LOOK_MS).unref();
  }
  void go();

  return {
    view: () => ({ sets: provided.size, ...count }),
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}

/** How many bits a key has to have in common with the first one, for the peers that are nearest to that to be its own. */
function regionOf(place: Uint8Array, found: readonly TablePeer[]): number {
  // There are no others: they are the nearest to every key.
  if (found.length < REPLICAS) return 0;
  return 1 + Math.min(...found.map(({ id }) => commonBits(place, placeOf(id))));
}
