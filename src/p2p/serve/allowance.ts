/**
 * How much of this node a peer may use, and all of them together.
 *
 * @module
 */
import { type Bucket, openBucket } from '../wire/bucket.ts';
import type { Clock } from '../clock.ts';
import type { PeerName } from '../contract.ts';
import { LEAST_RATE, PATIENCE } from '../wire/pace.ts';

/** How many streams a peer may have on which it asks for content, and how many all together. */
export const LANES_LIMIT = 8;
export const ALL_LANES_LIMIT = 128;

/** How many requests of one peer may wait, on all of its lanes. */
export const QUEUED_LIMIT = 64;

/** How many bytes may be on their way to one peer: 16 MiB. */
export const IN_FLIGHT_LIMIT = 16 * 2 ** 20;

/** How many streams a peer may have on which it asks what there is, and on which it asks what registries have said. */
export const ASKING_LIMIT = 2;
export const NAMING_LIMIT = 2;

/** For how many names a peer may ask after a rest, and all together; beyond that so many a second, as if nothing were here. */
export const NAMES_ALLOWED = 5000;
const ALL_NAMES_ALLOWED = 20_000;
const NAMES_PER_SECOND = 5;
const ALL_NAMES_PER_SECOND = 20;

/** How many questions a peer may ask in a second, on the average and after a rest, and how many all together. */
export const QUESTIONS_PER_SECOND = 20;
export const ALL_QUESTIONS_PER_SECOND = 100;

/** How long a stream is kept on which nobody asks anything, in milliseconds. */
export const IDLE = 30_000;

/** The smallest piece that is sent at a time where there is a limit, in bytes. */
const LEAST_PIECE = 16 * 2 ** 10;

/** What goes at once after a rest, in milliseconds of the rate. */
const BURST = 100;
const SECOND = 1000;

/** What is asked on a stream: content, what there is, what registries have said. */
export type StreamKind = 'lane' | 'asking' | 'naming';

const STREAMS_LIMIT: Readonly<Record<StreamKind, number>> = {
  lane: LANES_LIMIT,
  asking: ASKING_LIMIT,
  naming: NAMING_LIMIT,
};

/** What one peer may still use. */
export interface Share {
  /** One more request waits; false: it may not. */
  enqueue(this: void): boolean;
  /** It waits no longer. */
  dequeue(this: void): void;
  /**
   * Waits until so many bytes may be on their way besides the others; the result is called when they have gone.
   *
   * @throws whatever `signal` is aborted with.
   */
  hold(this: void, bytes: number, signal: AbortSignal): Promise<() => void>;
  /**
   * Waits until one more question may be answered.
   *
   * @throws whatever `signal` is aborted with.
   */
  question(this: void, signal: AbortSignal): Promise<void>;
  /** Whether so many more names may be looked up: whoever tries out names finds few. */
  names(this: void, count: number): boolean;
}

/** What a node gives to its peers. */
export interface Allowance {
  /** What goes out, in bytes. */
  readonly upload: Bucket;
  /** How many bytes are to be sent at a time, so that what goes out is even. */
  readonly piece: number;
  /**
   * One more answer with so many bytes of content; the result is called when it has gone. Undefined: at the limit for what
   * goes out it would come so slowly that whoever asked had better ask somebody else.
   */
  begin(this: void, bytes: number): (() => void) | undefined;
  /** One more stream of a peer, until `ended`; undefined: it has enough of them. */
  stream(this: void, peer: PeerName, kind: StreamKind, ended: AbortSignal): Share | undefined;
}

interface Used {
  readonly streams: Record<StreamKind, number>;
  readonly questions: Bucket;
  readonly names: Bucket;
  readonly share: Share;
}

/** Nobody has used anything. @param upload - in bytes per second; undefined: without limit */
export function openAllowance(clock: Clock, upload?: number): Allowance {
  const peers = new Map<PeerName, Used>();
  const questions = openBucket(ALL_QUESTIONS_PER_SECOND, SECOND, clock);
  const names = openBucket(ALL_NAMES_PER_SECOND, (ALL_NAMES_ALLOWED / ALL_NAMES_PER_SECOND) * SECOND, clock);
  let lanes = 0;
  let going = 0;

  /** Whoever has no stream is forgotten, but not that it has asked a lot just now. */
  const forget = (): void => {
    for (const [peer, { streams, questions: own, names: named }] of peers) {
      const isIdle = streams.lane + streams.asking + streams.naming === 0;
      if (isIdle && own.full() && named.full()) peers.delete(peer);
    }
  };
  const usedBy = (peer: PeerName): Used => {
    const known = peers.get(peer);
    if (known) return known;
    forget();
    const own = openBucket(QUESTIONS_PER_SECOND, SECOND, clock);
    const named = openBucket(NAMES_PER_SECOND, (NAMES_ALLOWED / NAMES_PER_SECOND) * SECOND, clock);
    const used = {
      streams: { lane: 0, asking: 0, naming: 0 },
      questions: own,
      names: named,
      share: shareOf([own, questions], [named, names]),
    };
    peers.set(peer, used);
    return used;
  };

  return {
    upload: openBucket(upload, BURST, clock),
    piece: upload === undefined ? Infinity : Math.max(LEAST_PIECE, Math.floor((upload * BURST) / SECOND)),
    begin(bytes) {
      const takes = upload === undefined ? 0 : (going + bytes) / upload;
      if (takes > PATIENCE / 2 / SECOND + bytes / LEAST_RATE) return undefined;
      going += bytes;
      return () => {
        going -= bytes;
      };
    },
    stream(peer, kind, ended) {
      const { streams, share } = usedBy(peer);
      const limit = STREAMS_LIMIT[kind];
      if (ended.aborted || streams[kind] >= limit) return undefined;
      if (kind === 'lane' && lanes >= ALL_LANES_LIMIT) return undefined;
      streams[kind]++;
      if (kind === 'lane') lanes++;
      ended.addEventListener('abort', () => {
        streams[kind]--;
        if (kind === 'lane') lanes--;
        forget();
      });
      return share;
    },
  };
}

function shareOf(questions: readonly Bucket[], names: readonly Bucket[]): Share {
  const waiting: (() => void)[] = [];
  let queued = 0;
  let inFlight = 0;
  const fits = (bytes: number): boolean => inFlight === 0 || inFlight + bytes <= IN_FLIGHT_LIMIT;
  return {
    enqueue: () => queued < QUEUED_LIMIT && ++queued > 0,
    dequeue: () => void queued--,
    async hold(bytes, signal) {
      while (!fits(bytes)) await turn(waiting, signal);
      signal.throwIfAborted();
      inFlight += bytes;
      return () => {
        inFlight -= bytes;
        for (const next of waiting.splice(0)) next();
      };
    },
    async question(signal) {
      for (const bucket of questions) await bucket.take(1, signal);
    },
    names(count) {
      if (names.some((bucket) => bucket.delay() > 0)) return false;
      for (const bucket of names) void bucket.take(count);
      return true;
    },
  };
}

/** Resolves when whoever had it before is done, or the signal is aborted. */
async function turn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.push(resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  signal.throwIfAborted();
}
