import { setTimeout as delay } from 'node:timers/promises';

/** Time, which a test makes itself. */
export interface Clock {
  /** Milliseconds since some moment; never fewer than before. */
  now(this: void): number;
  /** Resolves after so many milliseconds, or as soon as `signal` aborts. What waits keeps no process running. */
  sleep(this: void, ms: number, signal?: AbortSignal): Promise<void>;
}

/** The time of this machine. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    await delay(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined);
  },
};
