/**
 * Whose an address is: what one hoster, household or company has is one range, as far as it can be told from outside.
 *
 * @module
 */
import { isIPv4, isIPv6 } from 'node:net';
import { isPrivate } from './lan.ts';

/**
 * The range that an IP address is in: `203.0.113.0/24`, `2001:db8:1:2::/64`. Within a private network each machine is
 * a range of its own. Anything that is no address is its own range, too.
 */
export function rangeOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '');
  if (isIPv4(plain)) return isPrivate(plain) ? plain : `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`;
  if (!isIPv6(plain)) return plain;
  return isPrivate(plain) ? groupsOf(plain).join(':') : `${groupsOf(plain).slice(0, 4).join(':')}::/64`;
}

/** Whether two addresses may be of different people, as far as their networks tell. */
export function areUnrelated(a: string, b: string): boolean {
  return !isPrivate(a) && !isPrivate(b) && rangeOf(a) !== rangeOf(b);
}

/** The eight groups of an IPv6 address, without leading zeroes. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const start = head.split(':').filter(Boolean);
  const end = tail?.split(':').filter(Boolean) ?? [];
  return [...start, ...Array.from({ length: 8 - start.length - end.length }, () => '0'), ...end];
}
