/**
 * Remembers for a while which places did not deliver what: others are asked first then. What is large fails only when
 * its client has begun to read it, so that the next place's turn comes when the client asks again.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';

/** How long it is remembered, in milliseconds. */
const MEMORY_MS = 60_000;
/** The most that is remembered; the oldest goes first. */
const ENTRIES = 1000;

/** Places that failed lately, each for one content. */
export interface FailingPlaces {
  /** Whether the upstream of this origin, asked for `digest`, failed to deliver it. */
  has(origin: string, digest: Digest): boolean;
  add(origin: string, digest: Digest): void;
}

/** Nothing has failed so far. */
export function openFailingPlaces(now: () => number): FailingPlaces {
  const failedAt = new Map<string, number>();
  return {
    has: (origin, digest) => now() - (failedAt.get(`${origin} ${digest}`) ?? -Infinity) < MEMORY_MS,
    add(origin, digest) {
      const key = `${origin} ${digest}`;
      failedAt.delete(key);
      failedAt.set(key, now());
      const [oldest] = failedAt.keys();
      if (failedAt.size > ENTRIES && oldest !== undefined) failedAt.delete(oldest);
    },
  };
}
