/**
 * Upstreams that say nothing: whoever can do without their answer waits no longer than until that is clear. A connection to
 * a network that is cut takes many seconds to fail, once for each request.
 *
 * @module
 */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

/** How long an upstream may say nothing at all, in milliseconds, until whoever can do without it does. */
const SILENCE_MS = 2000;

/** What was heard of upstreams, by the way to them. */
export interface Silence {
  /** It has answered somebody. */
  heard(this: void, way: string): void;
  /**
   * Resolves once nothing was heard of it for two seconds since it is asked; at once where that was so before, and nothing
   * was heard since. Rejects when `signal` aborts.
   */
  of(this: void, way: string, signal: AbortSignal): Promise<void>;
}

/** Nothing was heard so far. `now` in milliseconds; it never goes back. */
export function openSilence(now: () => number): Silence {
  const heardAt = new Map<string, number>();
  const silent = new Set<string>();

  return {
    heard(way) {
      heardAt.set(way, now());
      silent.delete(way);
    },
    async of(way, signal) {
      const since = now();
      while (!silent.has(way)) {
        const left = Math.max(since, heardAt.get(way) ?? since) + SILENCE_MS - now();
        if (left <= 0) silent.add(way);
        else await delay(left, undefined, { signal, ref: false });
        // Where this process was busy, the answer may be here, and unread.
        await turn(undefined, { signal });
      }
    },
  };
}
