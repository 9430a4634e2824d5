/**
 * Submitting by itself what launches fetched and the log does not know: afterwards, a little at a time, and never anything
 * private.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { submittable } from '../resolve/receipt.ts';
import type { Receipt } from '../resolve/report.ts';

/** How many wait at most; what there is no room for is unknown to the log the next time, too. */
export const QUEUE_LIMIT = 2000;

/** How many are under way at once: an entry takes a second or two to be final, and one block has room for many. */
const LANES = 4;

/** How long what was submitted, or could not be, is not submitted again, in milliseconds: an hour. */
const AGAIN_MS = 60 * 60 * 1000;

/** How many of those are remembered. */
const REMEMBERED = 10_000;

/** How long who has submitted enough waits at most before what waits is given up, in milliseconds. */
const PATIENCE_MS = 60_000;

/** After so many failures in a row what waits is given up. */
const FAILURES = 4;

/** How a submission ended. */
export type Ended =
  | 'final'
  /** It is not for this log: no network any more, or nothing that authorities could look at. */
  | 'left'
  /** Nothing more may be submitted for so long. */
  | { readonly waitMs: number };

/** Submissions of an agent. */
export interface Submitting {
  /** Takes what is to be submitted of a launch that has ended. Waits for nothing. */
  take(this: void, receipt: Receipt): void;
  /** How many wait, or are under way. */
  pending(this: void): number;
  /** Gives up what waits, and resolves when nothing is under way any more. */
  close(this: void): Promise<void>;
}

/** Submits nothing so far. */
export function openSubmitting(parts: {
  /** Submits one. Rejects as it failed. */
  readonly submit: (purl: string, signal: AbortSignal) => Promise<Ended>;
  /** Told when all that waited has been submitted. */
  readonly onDone: () => void;
  readonly log: (text: string) => void;
  readonly now: () => number;
  /** Waits. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}): Submitting {
  const { submit, onDone, log, now } = parts;
  const sleep = parts.sleep ?? (async (ms, signal) => delay(ms, undefined, { signal, ref: false }));
  const waiting = new Set<string>();
  const underWay = new Set<string>();
  /** When each was tried last, the oldest first. */
  const tried = new Map<string, number>();
  const lanes = new Set<Promise<void>>();
  const over = new AbortController();
  let failures = 0;
  let restsUntil = -Infinity;

  function remember(purl: string): void {
    tried.delete(purl);
    tried.set(purl, now());
    if (tried.size > REMEMBERED) tried.delete(tried.keys().next().value!);
  }
  const isNew = (purl: string): boolean =>
    !waiting.has(purl) && !underWay.has(purl) && now() - (tried.get(purl) ?? -Infinity) >= AGAIN_MS;

  function giveUp(reason: string): void {
    log(`Gave up what was to be submitted to the log, and ${waiting.size} more: ${reason}`);
    waiting.clear();
    failures = 0;
  }

  async function one(purl: string): Promise<void> {
    waiting.delete(purl);
    underWay.add(purl);
    try {
      const ended = await submit(purl, over.signal);
      failures = 0;
      if (typeof ended === 'string') return remember(purl);
      if (ended.waitMs > PATIENCE_MS) return giveUp(`no more for ${Math.round(ended.waitMs / 1000)} s`);
      restsUntil = now() + ended.waitMs;
      waiting.add(purl);
    } catch (error) {
      if (over.signal.aborted) return;
      remember(purl);
      if (++failures < FAILURES) return;
      giveUp(String(error));
    } finally {
      underWay.delete(purl);
    }
  }

  async function lane(): Promise<void> {
    for (let next = waiting.values().next(); !next.done; next = waiting.values().next()) {
      if (restsUntil > now()) await sleep(restsUntil - now(), over.signal);
      if (over.signal.aborted) return;
      // Another lane may have taken it meanwhile.
      if (waiting.has(next.value)) await one(next.value);
    }
    if (waiting.size + underWay.size === 0) onDone();
  }

  return {
    take(receipt) {
      if (receipt.submitted === undefined || over.signal.aborted) return;
      for (const { purl } of submittable(receipt.artifacts))
        if (waiting.size < QUEUE_LIMIT && isNew(purl)) waiting.add(purl);
      for (let n = Math.min(LANES - lanes.size, waiting.size); n > 0; n--) {
        const running = lane().catch(() => undefined);
        lanes.add(running);
        void running.finally(() => lanes.delete(running));
      }
    },
    pending: () => waiting.size + underWay.size,
    async close() {
      over.abort();
      waiting.clear();
      await Promise.all(lanes);
    },
  };
}
