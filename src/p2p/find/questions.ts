/**
 * Asking peers what they have: what is asked at the same moment goes in one message, what is under way is not asked
 * again, and nobody waits longer than he said.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import type { Answers } from './answers.ts';
import type { PeerName } from '../contract.ts';
import { PATIENCE_MS, type Promptness } from './promptness.ts';
import { DIGESTS_LIMIT, type HaveAnswer, type Hint } from '../wire/wire.ts';

/** How long a peer has for an answer before it is given up, in milliseconds. */
const QUESTION_MS = 1000;

/** A peer that may have this, and where it may be reached. */
export interface Lead {
  readonly digest: Digest;
  readonly peer: PeerName;
  readonly addresses: readonly string[];
}

/** Asks one peer for at most {@link DIGESTS_LIMIT} digests. Rejects where there is no proper answer. */
export type Ask = (
  peer: PeerName,
  digests: readonly Digest[],
  options: { readonly signal: AbortSignal; readonly delegate: boolean },
) => Promise<Pick<HaveAnswer, 'holdings' | 'hints'>>;

/** Questions to peers. */
export interface Questions {
  /** Asks this peer for nothing, to see how long it takes. */
  greet(this: void, peer: PeerName): void;
  /** Asks with the next message, together with what else is asked at this moment, whomever one miss asks. */
  miss(this: void, digest: Digest): void;
  /** Asks this peer now for what it has not answered yet; resolves once it has, or is given up. Never rejects. */
  put(
    this: void,
    peer: PeerName,
    digests: readonly Digest[],
    options?: { readonly delegate?: boolean },
  ): Promise<readonly Lead[]>;
  /** Resolves as soon as somebody has it, or nobody prompt is left to answer, or the time is over. */
  settled(this: void, digest: Digest, waitMs: number, signal?: AbortSignal): Promise<void>;
  /** Resolves as soon as somebody has it, or the time is over. */
  known(this: void, digest: Digest, waitMs: number, signal?: AbortSignal): Promise<void>;
  close(this: void): void;
}

/** What is being asked for. */
interface Open {
  /** It goes with the next message. */
  isPending: boolean;
  readonly asked: Set<PeerName>;
  /** Those of them for whose answers a miss waits. */
  readonly awaited: Set<PeerName>;
  /** Called at every change. */
  readonly watchers: Set<() => void>;
}

/** No questions so far. `peers` are those who can be asked at this moment. */
export function openQuestions({
  ask,
  peers,
  answers,
  promptness,
  now,
}: {
  readonly ask: Ask;
  readonly peers: () => readonly PeerName[];
  readonly answers: Answers;
  readonly promptness: Promptness;
  readonly now: () => number;
}): Questions {
  const open = new Map<Digest, Open>();
  const pending = new Set<Digest>();
  /** What ends everything that waits. */
  const endings = new Set<() => void>();
  let isClosed = false;
  let flushing: NodeJS.Immediate | undefined;

  function opened(digest: Digest): Open {
    let one = open.get(digest);
    if (!one) {
      one = { isPending: false, asked: new Set(), awaited: new Set(), watchers: new Set() };
      open.set(digest, one);
    }
    return one;
  }

  function changed(digest: Digest, one: Open): void {
    for (const watch of one.watchers) watch();
    if (!one.isPending && one.asked.size === 0 && one.watchers.size === 0) open.delete(digest);
  }

  const isUnasked = (peer: PeerName, digest: Digest): boolean =>
    !answers.isAnswered(peer, digest) && !open.get(digest)?.asked.has(peer);

  function flush(): void {
    flushing = undefined;
    const digests = [...pending];
    pending.clear();
    for (const peer of promptness.chosen(peers())) void put(peer, digests);
    for (const digest of digests) {
      const one = opened(digest);
      one.isPending = false;
      changed(digest, one);
    }
  }

  async function put(
    peer: PeerName,
    digests: readonly Digest[],
    { delegate = false }: { readonly delegate?: boolean } = {},
  ): Promise<readonly Lead[]> {
    // What a peer that asks others is to find out, it may have said already that it has not itself.
    const unasked = delegate ? digests : digests.filter((digest) => isUnasked(peer, digest));
    const messages = Array.from({ length: Math.ceil(unasked.length / DIGESTS_LIMIT) }, async (_, at) =>
      message(peer, unasked.slice(at * DIGESTS_LIMIT, (at + 1) * DIGESTS_LIMIT), delegate),
    );
    return (await Promise.all(messages)).flat();
  }

  async function message(
    peer: PeerName,
    digests: readonly Digest[],
    delegate: boolean,
  ): Promise<readonly Lead[]> {
    if (!promptness.mayAsk(peer) || isClosed) return [];
    const ones = digests.map((digest) => [digest, opened(digest)] as const);
    const isAwaited = promptness.isPrompt(peer) && !delegate;
    for (const [, one] of ones) {
      one.asked.add(peer);
      if (isAwaited) one.awaited.add(peer);
    }
    const unawait = (): void => {
      for (const [digest, one] of ones) if (one.awaited.delete(peer)) changed(digest, one);
    };
    const over = new AbortController();
    const giveUp = (): void => over.abort();
    endings.add(giveUp);
    const isLate = (): void => {
      if (!endings.has(giveUp)) return;
      if (!delegate) promptness.late(peer);
      unawait();
    };
    let timer = setTimeout(() => {
      timer = setTimeout(giveUp, QUESTION_MS - PATIENCE_MS);
      // Where this process was busy, the answer may be here, and unread.
      setImmediate(isLate);
    }, PATIENCE_MS);
    promptness.asked(peer);
    const since = now();
    try {
      const answer = await abortable(ask(peer, digests, { signal: over.signal, delegate }), over.signal);
      answers.learn(peer, digests, answer.holdings);
      const has = answer.holdings.filter((holding) => holding !== undefined).length;
      if (!delegate) promptness.answered(peer, now() - since, has);
      return answer.hints.flatMap((hint) => leads(hint, digests));
    } catch {
      promptness.failed(peer);
      return [];
    } finally {
      clearTimeout(timer);
      endings.delete(giveUp);
      for (const [digest, one] of ones) {
        one.asked.delete(peer);
        one.awaited.delete(peer);
        changed(digest, one);
      }
    }
  }

  async function until(
    digest: Digest,
    isOver: (one: Open) => boolean,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    if (answers.holders(digest).length > 0 || signal?.aborted || isClosed) return;
    const one = opened(digest);
    if (isOver(one)) return changed(digest, one);
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', go);
        endings.delete(go);
        one.watchers.delete(watch);
        resolve();
      };
      const watch = (): void => {
        if (isOver(one) || answers.holders(digest).length > 0) go();
      };
      const timer = setTimeout(go, waitMs);
      signal?.addEventListener('abort', go, { once: true });
      endings.add(go);
      one.watchers.add(watch);
    });
    changed(digest, one);
  }

  return {
    miss(digest) {
      if (pending.has(digest) || isClosed) return;
      if (!peers().some((peer) => promptness.mayAsk(peer) && isUnasked(peer, digest))) return;
      pending.add(digest);
      opened(digest).isPending = true;
      flushing ??= setImmediate(flush);
    },
    greet: (peer) => void message(peer, [], false),
    put,
    settled: async (digest, waitMs, signal) =>
      until(digest, (one) => !one.isPending && one.awaited.size === 0, waitMs, signal),
    known: async (digest, waitMs, signal) => until(digest, () => false, waitMs, signal),
    close() {
      isClosed = true;
      for (const end of endings) end();
      if (flushing) clearImmediate(flushing);
      pending.clear();
    },
  };
}

function leads({ peer, addresses, which }: Hint, digests: readonly Digest[]): readonly Lead[] {
  return digests.filter((_, at) => which.includes(at)).map((digest) => ({ digest, peer, addresses }));
}

/** What `work` comes to, unless the signal aborts first: a peer's code may not listen to it. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(new Error('It is not waited for any more'));
    signal.addEventListener('abort', stop, { once: true });
    work
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop))
      .catch(() => undefined);
  });
}
