import { describe, expect, it } from 'vitest';
import type { Share } from '../../src/p2p/contract.ts';
import { openRules } from '../../src/p2p/rules.ts';

/** The rules of a machine whose user has named `ada`. */
const rulesOf = (share: Share, isClosed = false) =>
  openRules({ rules: { share }, links: [], isClosed, isNamed: (peer) => peer === 'ada' }, 'self', {
    banned: () => undefined,
  });

describe('Whom others name', () => {
  it.each(['off', 'lan'] as const)('is dialled near only where %s is shared', (share) => {
    const { dials } = rulesOf(share);
    expect(dials('bob', '192.168.1.7')).toBe(true);
    expect(dials('bob', '203.0.113.7')).toBe(false);
    expect(dials(undefined, '203.0.113.7')).toBe(false);
    expect(dials('bob', 'host.example')).toBe(false);
  });

  it('is dialled anywhere where everybody is given something, and in a private network', () => {
    for (const { dials } of [rulesOf('public'), rulesOf('lan', true)])
      expect(dials('bob', '203.0.113.7')).toBe(true);
  });

  it.each(['off', 'lan', 'public'] as const)('is never looked for at our own loopback: %s', (share) => {
    const { dials } = rulesOf(share);
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(dials('bob', address)).toBe(false);
  });
});

describe('Whom the user has named', () => {
  it('is dialled wherever it is', () => {
    for (const address of ['127.0.0.1', '203.0.113.7', 'host.example'])
      expect(rulesOf('off').dials('ada', address)).toBe(true);
  });
});

describe('The hash table', () => {
  it('is told what is here where everybody may know, or only members of a private network ask', () => {
    const told = (['off', 'lan', 'public'] as const).map((share) => [
      rulesOf(share).isPublic(),
      rulesOf(share, true).isPublic(),
    ]);
    expect(told).toEqual([
      [false, false],
      [false, true],
      [true, true],
    ]);
  });
});
