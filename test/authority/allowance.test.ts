import { describe, expect, it } from 'vitest';
import { openAllowances } from '../../src/authority/allowance.ts';

/** Allowances of ten an hour, and the time that they go by. */
function ten() {
  let now = 1_800_000_000_000;
  const allowances = openAllowances({ now: () => now, sleep: async () => {} }, 10);
  return { ...allowances, later: (minutes: number) => void (now += minutes * 60_000) };
}

describe('What one submitter may ask for', () => {
  it('has an end, which is told in seconds, and comes back with time', () => {
    const { take, later } = ten();
    for (let i = 0; i < 10; i++) expect(take('192.0.2.1')).toBe(0);
    expect(take('192.0.2.1')).toBe(360);
    later(3);
    expect(take('192.0.2.1')).toBe(180);
    later(3);
    expect(take('192.0.2.1')).toBe(0);
    expect(take('192.0.2.1')).toBe(360);
    later(600);
    for (let i = 0; i < 10; i++) expect(take('192.0.2.1')).toBe(0);
    expect(take('192.0.2.1')).toBeGreaterThan(0);
  });

  it('is nobody else’s, however many there are', () => {
    const { take } = ten();
    for (let i = 0; i < 11; i++) take('192.0.2.1');
    for (let i = 0; i < 300; i++) expect(take(`198.51.100.${i}`)).toBe(0);
    expect(take('192.0.2.1')).toBeGreaterThan(0);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
    ['192.0.2.7', '::ffff:192.0.2.7'],
    ['fe80::1%eth0', 'fe80::2%eth1'],
  ])('counts %s and %s as one, who has both', (one, other) => {
    const { take } = ten();
    for (let i = 0; i < 10; i++) take(one);
    expect(take(other)).toBeGreaterThan(0);
    expect(take('2001:db8:1:3::1')).toBe(0);
  });
});
