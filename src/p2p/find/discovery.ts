/**
 * Who has it? Those who are known to, then those to whom there is a connection, by a question each that takes some
 * milliseconds; then whom they and the distributed hash table know of, in half a second. Only digests are ever sent.
 *
 * @module
 */
import type { Wanted } from '../../content/descriptor.ts';
import { algorithmOf, digestWith, type Digest } from '../../content/digest.ts';
import type { CallOptions } from '../../content/source.ts';
import { type Holder, openAnswers } from './answers.ts';
import type { PeerName } from '../contract.ts';
import { openPromptness, PATIENCE_MS } from './promptness.ts';
import { type Ask, openQuestions } from './questions.ts';

/** How long {@link Discovery.far} looks, in milliseconds. */
const FAR_MS = 500;

/** How long the hash table is walked for that, in milliseconds: who is found still has to be asked. */
const WALK_MS = 300;

/** How long what was not found far away is not looked for again, in milliseconds. */
const NOT_FAR_MS = 30_000;

/** How many digests are looked for far away at the same time; for more it is too late at once. */
const FAR_AT_ONCE = 16;

/** How long {@link Discovery.prepare} waits, in milliseconds. What is answered later counts, too. */
const PREPARE_MS = 300;

/** The most digests that are asked for in advance: 16 messages, of 20 that a peer answers a second. */
export const PREPARED = 4096;

/** How long whoever comes near is asked for what was asked in advance, in milliseconds. */
const PREPARED_MS = 30_000;

/** The most peers that are asked in advance. */
const PEERS_PREPARED = 64;

/** The most digests of which it is remembered that they were not found far away. */
const NOT_FAR_KEPT = 4096;

/** The most peers to whom a connection is made for the sake of one digest. */
const REACHED = 8;

/** A peer and where it may be reached. */
export interface Contact {
  readonly peer: PeerName;
  readonly addresses: readonly string[];
}

/** Content that peers say they have, all of the same length. */
export interface Found {
  /** Length of the whole in bytes. */
  readonly size: number;
  readonly holders: readonly Holder[];
}

/** What discovery needs of the host. None of these calls waits for a connection but `reach`. */
export interface Neighbourhood {
  readonly ask: Ask;
  /** Those connected that may be asked: not banned, and they speak our protocol. */
  readonly connected: () => readonly PeerName[];
  /** Those of them that ask others for us. */
  readonly seeds: () => readonly PeerName[];
  /** Whether what it has said may be relied on: it is not banned. */
  readonly admits: (peer: PeerName) => boolean;
  /** Whom the hash table names for a digest: each digest of the same content is a key of its own there. */
  readonly walk: (digest: Digest, options: { readonly signal: AbortSignal }) => AsyncIterable<Contact>;
  /** Connects, unless it is banned; whether there is a connection now. Never rejects. */
  readonly reach: (contact: Contact, options: { readonly signal: AbortSignal }) => Promise<boolean>;
  /** In milliseconds; never goes back. */
  readonly now: () => number;
}

/** The ladder. No call rejects. */
export interface Discovery {
  /** Asks everybody near for all of these, in as few messages as can be. */
  prepare(this: void, digests: readonly Digest[], options?: CallOptions): Promise<void>;
  /** The same for another peer, of what it wants: whoever comes near later is not asked for that. */
  inquire(this: void, digests: readonly Digest[], options?: CallOptions): Promise<void>;
  /** Within some {@link PATIENCE_MS} milliseconds, or at once where it is known. */
  near(this: void, wanted: Wanted, options?: CallOptions): Promise<Found | undefined>;
  /** Within {@link FAR_MS} milliseconds. */
  far(this: void, wanted: Wanted, options?: CallOptions): Promise<Found | undefined>;
  /** Those who have it now, as far as is known: for what is under way. */
  found(this: void, wanted: Wanted): Found | undefined;
  /** A peer has said otherwise that it has all of this, which has so many bytes. */
  told(this: void, peer: PeerName, digest: Digest, size: number): void;
  /** A peer has just been connected: whether it is prompt is learned before anybody has to wait for it. */
  met(this: void, peer: PeerName): void;
  /** A peer is gone or has lied. */
  forget(this: void, peer: PeerName): void;
  close(this: void): void;
}

/** Nothing is known so far. */
export function openDiscovery(neighbourhood: Neighbourhood): Discovery {
  const { ask, connected, seeds, admits, walk, reach, now } = neighbourhood;
  const answers = openAnswers(now);
  const promptness = openPromptness(now);
  const questions = openQuestions({ ask, peers: connected, answers, promptness, now });
  const flying = new Map<Digest, Promise<void>>();
  const notFar = new Map<Digest, number>();
  const closing = new AbortController();
  let prepared: { readonly digests: readonly Digest[]; readonly at: number } = { digests: [], at: -Infinity };

  const found = (wanted: Wanted): Found | undefined => {
    const digest = askable(wanted);
    const holders = digest && answers.holders(digest).filter(({ peer }) => admits(peer));
    return holders && agreed(holders, wanted.size);
  };

  /** Connects to whom others name, and asks them. */
  async function follow(digest: Digest, contacts: readonly Contact[], signal: AbortSignal): Promise<void> {
    await Promise.all(
      contacts.slice(0, REACHED).map(async (contact) => {
        if (await reach(contact, { signal })) await questions.put(contact.peer, [digest]);
      }),
    );
  }

  async function delegated(digest: Digest, signal: AbortSignal): Promise<void> {
    await Promise.all(
      seeds().map(async (seed) => {
        await follow(digest, await questions.put(seed, [digest], { delegate: true }), signal);
      }),
    );
  }

  async function walked(digest: Digest, key: Digest, signal: AbortSignal): Promise<void> {
    const following: Promise<void>[] = [];
    try {
      for await (const contact of walk(key, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(WALK_MS)]),
      })) {
        following.push(follow(digest, [contact], signal));
        if (following.length >= REACHED) break;
      }
    } catch {
      // It took too long, or nobody is there: whom it has named so far counts.
    }
    await Promise.all(following);
  }

  async function look(digest: Digest, keys: readonly Digest[]): Promise<void> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(FAR_MS)]);
    const all = Promise.all([
      ...connected().map(async (peer) => questions.put(peer, [digest])),
      delegated(digest, signal),
      ...keys.map(async (key) => walked(digest, key, signal)),
    ]);
    const over = new AbortController();
    const end = (): void => over.abort();
    all.then(end, end);
    await questions.known(digest, FAR_MS, AbortSignal.any([signal, over.signal]));
    if (answers.holders(digest).length > 0) return;
    notFar.delete(digest);
    notFar.set(digest, now());
    for (const oldest of notFar.keys()) {
      if (notFar.size <= NOT_FAR_KEPT) break;
      notFar.delete(oldest);
    }
  }

  async function askAll(asked: readonly Digest[], signal?: AbortSignal): Promise<void> {
    const all = Promise.all(
      connected()
        .slice(0, PEERS_PREPARED)
        .map(async (peer) => questions.put(peer, asked)),
    );
    await within(all, PREPARE_MS, signal);
  }

  return {
    async prepare(digests, { signal } = {}) {
      const asked = preparable(digests);
      if (asked.length === 0 || signal?.aborted) return;
      prepared = { digests: asked, at: now() };
      await askAll(asked, signal);
    },

    async inquire(digests, { signal } = {}) {
      const asked = preparable(digests);
      if (asked.length > 0 && !signal?.aborted) await askAll(asked, signal);
    },

    async near(wanted, { signal } = {}) {
      const digest = askable(wanted);
      if (digest === undefined) return undefined;
      const known = found(wanted);
      if (known) return known;
      questions.miss(digest);
      await questions.settled(digest, PATIENCE_MS, signal);
      return found(wanted);
    },

    async far(wanted, { signal } = {}) {
      const digest = askable(wanted);
      if (digest === undefined || signal?.aborted) return undefined;
      const known = found(wanted);
      const failedAt = notFar.get(digest);
      if (known || (failedAt !== undefined && now() < failedAt + NOT_FAR_MS)) return known;
      let flight = flying.get(digest);
      if (!flight) {
        if (flying.size >= FAR_AT_ONCE) return undefined;
        flight = look(digest, wanted.digests.filter(isAskable)).finally(() => flying.delete(digest));
        flying.set(digest, flight);
      }
      await within(flight, FAR_MS, signal);
      return found(wanted);
    },

    found,
    told: (peer, digest, size) => answers.learn(peer, [digest], [{ size, available: size }]),
    met(peer) {
      const isFresh = now() < prepared.at + PREPARED_MS;
      const open = isFresh ? prepared.digests.filter((digest) => answers.holders(digest).length === 0) : [];
      if (open.length === 0) questions.greet(peer);
      else void questions.put(peer, open);
      // It may have what nobody had, or know who has.
      notFar.clear();
    },
    forget: answers.forget,
    close() {
      closing.abort();
      questions.close();
    },
  };
}

/** What is known by md5 or sha1 only is never asked for: anybody could make something that fits. */
function isAskable(digest: Digest): boolean {
  return algorithmOf(digest) !== 'sha1';
}

function preparable(digests: readonly Digest[]): Digest[] {
  return [...new Set(digests.filter(isAskable))].slice(0, PREPARED);
}

/** The digest to ask with; every node knows what it has by sha256. */
function askable({ digests }: Wanted): Digest | undefined {
  return digestWith(digests, 'sha256') ?? digestWith(digests, 'sha512');
}

/** Those who say the same length as is wanted, or as most of them say. */
function agreed(all: readonly Holder[], wanted?: number): Found | undefined {
  const bySize = Map.groupBy(all, (holder) => holder.size);
  const most = [...bySize].toSorted(([, a], [, b]) => b.length - a.length)[0];
  const [size, holders] = wanted === undefined ? (most ?? []) : [wanted, bySize.get(wanted)];
  return size === undefined || !holders ? undefined : { size, holders };
}

/** Waits for it, for so long at most. */
async function within(work: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    signal?.addEventListener('abort', go, { once: true });
    work.then(go, go);
  });
}
