import { rootOfChunks } from '../../src/content/chunks.ts';
import type { Fetch, Vouched } from '../../src/p2p/contract.ts';
import { gather, type GatherOptions } from '../../src/p2p/fetch/gather.ts';
import type { Giver } from '../../src/p2p/fetch/hand.ts';
import type { Offence } from '../../src/p2p/book/peer-book.ts';
import { UNKNOWN_SPEED } from '../../src/p2p/book/peer-score.ts';
import { listOf, nameOf } from './givers.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A book that only writes down what it is told. */
export type Notes = GatherOptions['book'] & {
  readonly strikes: (Offence & { readonly peer: string })[];
  /** Peer and failure. */
  readonly failures: string[];
  /** Peer and bytes. */
  readonly gifts: [peer: string, bytes: number][];
};

/** Nothing is written; of some peers a speed is known, in bytes a second. */
export function notes(speeds: ReadonlyMap<string, number> = new Map()): Notes {
  const [strikes, failures, gifts]: [Notes['strikes'], string[], Notes['gifts']] = [[], [], []];
  return {
    strikes,
    failures,
    gifts,
    find: () => undefined,
    score: (peer) => speeds.get(peer) ?? UNKNOWN_SPEED,
    gave: (peer, bytes) => void gifts.push([peer, bytes]),
    failed: (peer, failure) => void failures.push(`${peer} ${failure}`),
    strike: (peer, offence) => void strikes.push({ peer, ...offence }),
  };
}

/** What an entry of the log says of content. */
export function vouch(bytes: Uint8Array): Vouched {
  const list = listOf(bytes);
  return { size: list.size, chunkSize: list.chunkSize, root: rootOfChunks(list) };
}

/** Fetches content from those who say they have it. */
export function fetching(
  clock: VirtualClock,
  bytes: Uint8Array,
  givers: readonly Giver[],
  options: Partial<GatherOptions> = {},
): { readonly fetch: Fetch; readonly book: Notes } {
  const book = notes();
  const held = { size: bytes.byteLength, givers };
  return { fetch: gather({ digests: [nameOf(bytes)] }, held, { book, clock, ...options }), book };
}
