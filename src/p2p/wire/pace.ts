/**
 * How slow a peer may be, whether it sends or takes: it is waited for ten seconds in all, and whatever goes through adds
 * what that would take at the least rate.
 *
 * @module
 */

/** The least rate in bytes per second: 64 KiB. */
export const LEAST_RATE = 64 * 2 ** 10;

/** How long a peer may be below it, in milliseconds. */
export const PATIENCE = 10_000;

/** Who waits looks each second: of what is longer, this process stood still for most, and the peer is not to be blamed. */
const LOOK = 2000;

/** Of one direction of one stream. Times are those of one clock in milliseconds. */
export interface Pace {
  /** From now on the peer is waited for; again while it is: no change. */
  wait(this: void, now: number): void;
  /** So many bytes have gone through. */
  moved(this: void, bytes: number, now: number): void;
  /** Nobody waits for the peer any more. */
  rest(this: void, now: number): void;
  /** Whether it has been too slow. */
  over(this: void, now: number): boolean;
}

/** Nobody waits yet. */
export function startPace(): Pace {
  let left = PATIENCE;
  let since: number | undefined;
  const spend = (now: number): void => {
    if (since !== undefined) [left, since] = [left - Math.min(now - since, LOOK), now];
  };
  return {
    wait(now) {
      since ??= now;
    },
    moved(bytes, now) {
      spend(now);
      left = Math.min(PATIENCE, left + (bytes * 1000) / LEAST_RATE);
    },
    rest(now) {
      spend(now);
      since = undefined;
    },
    over(now) {
      spend(now);
      return left <= 0;
    },
  };
}
