/**
 * Peers that have a beginning only, which grows while content arrives there: they are asked for what they have, and from time to time
 * whether there is more. Times in milliseconds.
 *
 * @module
 */

/** How long it takes until such a peer is asked again how much it has: at first, and at most where nothing has come. */
const LOOK_MS = 50;
const LONGEST_LOOK_MS = 1000;

/** How long it is waited for while less comes there than 64 KiB a second. */
const STANDING_MS = 10_000;
const LEAST = (STANDING_MS / 1000) * 64 * 2 ** 10;

/** How often it may not have what it said that it had: while what has arrived is moved into its place. */
const NOT_THERE = 3;

/** How it stands with a beginning. */
export interface Growth {
  /** When it was clearly more than before, and how many bytes then. */
  grewAt: number;
  most: number;
  /** When it is asked again. */
  looksAt: number;
  everyMs: number;
  isAsked: boolean;
  /** How often it had not what it said. */
  missed: number;
}

/** Who may have a part: as a hand has it. */
interface Grower {
  readonly growth?: Growth;
  readonly requests: number;
  reach: number;
  gone?: string;
}

/** Of a peer that has a part, as was heard now. */
export function growthFrom(available: number, now: number): Growth {
  return { grewAt: now, most: available, looksAt: now, everyMs: LOOK_MS, isAsked: false, missed: 0 };
}

/** It says that it has so many bytes from the start. */
export function hasBytes(hand: Grower, available: number, now: number): void {
  const { growth } = hand;
  if (growth) {
    growth.everyMs = available > hand.reach ? LOOK_MS : Math.min(LONGEST_LOOK_MS, 2 * growth.everyMs);
    if (available >= growth.most + LEAST) [growth.grewAt, growth.most] = [now, available];
    growth.looksAt = now + growth.everyMs;
  }
  hand.reach = Math.max(hand.reach, available);
}

/** It has not what it was asked for: it may have it a little later. */
export function hasNot(hand: Grower, offset: number, now: number): void {
  const { growth } = hand;
  hand.reach = Math.min(hand.reach, offset);
  if (!growth) return;
  growth.looksAt = now + growth.everyMs;
  if (growth.missed++ >= NOT_THERE) hand.gone ??= 'it has not what it says';
}

/** Whether more of it may come. */
export function isGrowing({ growth, gone, reach }: Grower, size: number, now: number): boolean {
  return growth !== undefined && gone === undefined && reach < size && now < growth.grewAt + STANDING_MS;
}

/** Whether it is to be asked now how much it has: nothing else is on its way that would tell. */
export function isToBeLookedAt(hand: Grower, size: number, now: number): boolean {
  const { growth, requests } = hand;
  return isGrowing(hand, size, now) && requests === 0 && !growth!.isAsked && now >= growth!.looksAt;
}
