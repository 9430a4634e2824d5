/**
 * How old a view of a log is, by what those say who cosigned it.
 *
 * @module
 */
import type { Policy, ProvenCheckpoint } from './policy.ts';

/** How far a clock may be ahead of ours: 10 minutes, in seconds. Later times are of the future, and do not count. */
const AHEAD_S = 10n * 60n;

/** When a view is so old that it is worth a word: after 7 days, in milliseconds. */
export const OLD_MS = 7 * 24 * 60 * 60 * 1000;

/** When each receipt says so: after 30 days, in milliseconds. */
export const VERY_OLD_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * When a checkpoint was vouched for, in milliseconds since 1970: the (f+1)-th newest time among its cosigners, so that the f of
 * them who may lie make it neither newer nor older. Undefined where too few have said a time.
 */
export function vouchedAt(
  { cosignatures }: Pick<ProvenCheckpoint, 'cosignatures'>,
  { witnesses }: Pick<Policy, 'witnesses'>,
  now: number,
): number | undefined {
  const f = Math.floor((witnesses.size - 1) / 3);
  const latest = BigInt(Math.floor(now / 1000)) + AHEAD_S;
  const times = cosignatures.flatMap(({ time }) => (time !== undefined && time <= latest ? [time] : []));
  const newest = times.toSorted((a, b) => (a > b ? -1 : 1))[Math.max(f, 0)];
  return newest === undefined ? undefined : Number(newest) * 1000;
}
