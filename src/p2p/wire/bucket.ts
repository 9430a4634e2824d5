/**
 * Token buckets: how much may go through in a second.
 *
 * @module
 */
import type { Clock } from '../clock.ts';

/** Lets through so much in a second, in the order in which it was asked. */
export interface Bucket {
  /**
   * Resolves when `amount` may go. What is larger than a burst goes at once, and the next has to wait for it.
   *
   * @throws whatever `signal` is aborted with.
   */
  take(this: void, amount: number, signal?: AbortSignal): Promise<void>;
  /** How long one more would wait now, in milliseconds. */
  delay(this: void): number;
  /** Whether it is full. */
  full(this: void): boolean;
}

/**
 * A full bucket.
 *
 * @param rate - how much in a second; undefined: without limit
 * @param burstMs - what may go at once after a rest is what goes in so many milliseconds
 */
export function openBucket(rate: number | undefined, burstMs: number, clock: Clock): Bucket {
  if (rate === undefined)
    return { take: async (_, signal) => signal?.throwIfAborted(), delay: () => 0, full: () => true };
  /** When all that has gone would have gone at that rate. */
  let paid = clock.now() - burstMs;
  return {
    delay() {
      const now = clock.now();
      return Math.max(0, Math.max(paid, now - burstMs) + Math.min(1000 / rate, burstMs) - now);
    },
    full: () => paid <= clock.now() - burstMs,
    async take(amount, signal) {
      signal?.throwIfAborted();
      paid = Math.max(paid, clock.now() - burstMs);
      const cost = (amount * 1000) / rate;
      const turn = paid + Math.min(cost, burstMs);
      paid += cost;
      // Timers are early by less than a millisecond at times.
      for (let left = turn - clock.now(); left > 0; left = turn - clock.now()) {
        await clock.sleep(Math.ceil(left), signal);
        if (!signal?.aborted) continue;
        paid -= cost;
        throw signal.reason;
      }
    },
  };
}
