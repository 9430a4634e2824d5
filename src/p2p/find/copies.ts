/**
 * What did the registry say? Neighbours are asked, who are those on private addresses and those whom the user has named. What is
 * asked at the same moment goes in one message, and each is told names that mean nothing to another.
 *
 * Nobody vouches for what they say: they may have an old answer, or make one up. Of a time that is not over nothing is believed.
 *
 * @module
 */
import type { CallOptions } from '../../content/source.ts';
import type { Sha256 } from '../../content/digest.ts';
import type { Copy, DocumentPlace, PeerName } from '../contract.ts';
import { keyBetween, markOf, nameUnder, NAMES_LIMIT, type SaidAnswer, type SaidCopy } from '../wire/said.ts';

/** How long neighbours have to answer, in milliseconds. */
const ANSWER_MS = 1000;

/** How long one that has not answered is left alone, in milliseconds. */
const REST_MS = 60_000;

/** The most neighbours that are asked, those whom the user trusts first. */
const ASKED = 16;

/** How far a neighbour's clock may be ahead, in milliseconds. What it has seen then was seen now. */
const AHEAD_MS = 10 * 60_000;

/** What asking neighbours needs. */
export interface CopiesParts {
  readonly self: PeerName;
  /** Those connected that may be asked for names, those whom the user trusts first. */
  readonly neighbours: () => readonly PeerName[];
  readonly isTrusted: (peer: PeerName) => boolean;
  /** Rejects where there is no proper answer. */
  readonly ask: (
    peer: PeerName,
    names: readonly Uint8Array[],
    options: { readonly signal: AbortSignal },
  ) => Promise<Pick<SaidAnswer, 'said'>>;
  /** It may be asked for these bytes. */
  readonly learn: (peer: PeerName, sha256: Sha256, size: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Copies of registries' answers. */
export interface Copies {
  /** What neighbours say that they have, best first: of answers to this Accept, or to any. Never rejects. */
  of(
    this: void,
    place: DocumentPlace,
    options?: CallOptions & { readonly accept?: string; readonly onlyTrusted?: boolean },
  ): Promise<readonly Copy[]>;
  close(this: void): void;
}

interface Said extends SaidCopy {
  readonly peer: PeerName;
}

interface Pending {
  readonly place: DocumentPlace;
  readonly onlyTrusted: boolean;
  readonly said: Said[];
  readonly resolve: () => void;
}

/** Nobody has been asked. */
export function openCopies({ self, neighbours, isTrusted, ask, learn, now }: CopiesParts): Copies {
  const resting = new Map<PeerName, number>();
  const closing = new AbortController();
  let pending: Pending[] = [];
  let flushing: NodeJS.Immediate | undefined;

  async function flush(): Promise<void> {
    flushing = undefined;
    const asked = pending;
    pending = [];
    const peers = neighbours().filter((peer) => (resting.get(peer) ?? 0) <= performance.now());
    await Promise.all(peers.slice(0, ASKED).map(async (peer) => putAll(peer, asked)));
    for (const { resolve } of asked) resolve();
  }

  async function putAll(peer: PeerName, asked: readonly Pending[]): Promise<void> {
    const key = keyBetween(self, peer);
    // Whoever is not to be believed is not told what is looked for.
    const theirs = asked.filter(({ onlyTrusted }) => !onlyTrusted || isTrusted(peer));
    for (let at = 0; at < theirs.length; at += NAMES_LIMIT) {
      const some = theirs.slice(at, at + NAMES_LIMIT);
      const answer = await answerOf(
        peer,
        some.map(({ place }) => nameUnder(key, place)),
      );
      if (!answer) return;
      some.forEach(({ said }, i) => said.push(...(answer.said[i] ?? []).map((copy) => ({ ...copy, peer }))));
    }
  }

  async function answerOf(
    peer: PeerName,
    names: readonly Uint8Array[],
  ): Promise<Pick<SaidAnswer, 'said'> | undefined> {
    try {
      const answer = await ask(peer, names, {
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      resting.delete(peer);
      return answer;
    } catch {
      resting.delete(peer);
      resting.set(peer, performance.now() + REST_MS);
      for (const oldest of resting.keys()) if (resting.size > ASKED * 4) resting.delete(oldest);
      return undefined;
    }
  }

  return {
    async of(place, { accept, onlyTrusted = false, signal } = {}) {
      if (closing.signal.aborted || signal?.aborted) return [];
      const said: Said[] = [];
      await new Promise<void>((resolve) => {
        pending.push({ place, onlyTrusted, said, resolve });
        flushing ??= setImmediate(() => void flush());
      });
      const mark = accept === undefined ? undefined : markOf(accept);
      const latest = now();
      const believed = said.filter(
        (each) => (mark === undefined || each.mark === mark) && each.seenAt <= latest + AHEAD_MS,
      );
      for (const { peer, sha256, size } of believed) learn(peer, sha256, size);
      return believed
        .map(({ peer, encoding, sha256, size, seenAt }) => ({
          peer,
          encoding,
          sha256,
          size,
          seenAt: Math.min(seenAt, latest),
        }))
        .toSorted((a, b) => Number(isTrusted(b.peer)) - Number(isTrusted(a.peer)) || b.seenAt - a.seenAt);
    },
    close() {
      closing.abort();
      if (flushing) clearImmediate(flushing);
      for (const { resolve } of pending.splice(0)) resolve();
    },
  };
}
