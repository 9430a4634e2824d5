/**
 * How much somebody may ask for: a bucket of tokens for each submitter, which fills again with time.
 *
 * @module
 */
import { isIPv6 } from 'node:net';
import type { Clock } from './clock.ts';

/** How many artifacts one submitter may have looked at in an hour; all of them at once, if need be. */
const ALLOWANCE = 2000;

/** How many submitters are remembered; the one that has asked least lately is forgotten. */
const SUBMITTERS_LIMIT = 10_000;

const HOUR = 60 * 60 * 1000;

/** Allowances. */
export interface Allowances {
  /** Takes one from what a submitter may still have; else how many seconds it has to wait. */
  take(this: void, submitter: string): number;
}

/** Everybody has all of theirs. */
export function openAllowances(clock: Clock, allowance = ALLOWANCE): Allowances {
  const left = new Map<string, { readonly tokens: number; readonly at: number }>();
  return {
    take(submitter) {
      const who = networkOf(submitter);
      const now = clock.now();
      const before = left.get(who) ?? { tokens: allowance, at: now };
      const tokens = Math.min(allowance, before.tokens + (Math.max(0, now - before.at) * allowance) / HOUR);
      left.delete(who);
      left.set(who, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
      if (left.size > SUBMITTERS_LIMIT) left.delete(left.keys().next().value!);
      return tokens < 1 ? Math.ceil(((1 - tokens) * HOUR) / allowance / 1000) : 0;
    },
  };
}

/** Of IPv6 whoever has one address has all of its network. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const start = head.split(':').filter(Boolean);
  const end = tail?.split(':').filter(Boolean) ?? [];
  const filled = [...start, ...Array.from({ length: 8 - start.length - end.length }, () => '0'), ...end];
  return filled.slice(0, 4).join(':');
}
