import { describe, expect, it } from 'vitest';
import { type IndexRecord, keyOf, recordKinds } from '../../src/log/buckets.ts';
import { POLICIES } from '../../src/verify/expect.ts';
import { type Finding, findingOf, objection } from '../../src/verify/logged.ts';

const record = (kind: keyof typeof recordKinds, entry: number, fill = entry): IndexRecord => ({
  key: keyOf('pkg:npm/x@1'),
  sha256: Buffer.alloc(32, fill),
  entry: BigInt(entry),
  kind: recordKinds[kind],
  rung: 4,
});
const digest = (fill: string) => `sha256:${fill.repeat(32)}` as const;

const objections = (finding: Finding, standing: { old: boolean; fork?: string }) =>
  POLICIES.map((policy) => objection(policy, finding, standing) !== undefined);

describe('What records say', () => {
  it.each([
    ['nothing', [], { kind: 'unknown' }],
    ['an observation', [record('observe', 1)], { kind: 'logged', entry: 1, digest: digest('01') }],
    [
      '32: two observations, the first',
      [record('observe', 1), record('observe', 2)],
      { kind: 'logged', entry: 1, digest: digest('01') },
    ],
    [
      'a publication before an observation',
      [record('observe', 1), record('publish', 2)],
      { kind: 'logged', entry: 2, digest: digest('02') },
    ],
    [
      'a dispute',
      [record('dispute', 3, 1), record('dispute', 3, 2)],
      { kind: 'disputed', entry: 3, digests: [digest('01'), digest('02')] },
    ],
    [
      '18: a revocation',
      [record('publish', 1), record('revoke', 2, 1)],
      { kind: 'revoked', entry: 2, digest: digest('01') },
    ],
    [
      'a revocation that was taken back',
      [record('publish', 1), record('revoke', 2, 1), record('unrevoke', 3, 1)],
      { kind: 'logged', entry: 1, digest: digest('01') },
    ],
  ] as const)('%s', (_, records, found) => {
    expect(findingOf(records)).toEqual(found);
  });
});

describe('What a policy makes of it', () => {
  const logged: Finding = { kind: 'logged', digest: digest('01'), entry: 1 };
  const unknown: Finding = { kind: 'unknown' };
  const unasked: Finding = { kind: 'unasked', reason: 'gone' };
  const disputed: Finding = { kind: 'disputed', digests: [], entry: 3 };
  it('16: what is in an old view holds for ever; what is not is refused by locked and strict', () => {
    expect(objections(logged, { old: true })).toEqual([false, false, false]);
    expect(objections(unknown, { old: true })).toEqual([false, true, true]);
    expect(objections(unasked, { old: true })).toEqual([false, true, true]);
    expect(objections(unknown, { old: false })).toEqual([false, false, false]);
  });
  it('29: so is what a log does not know that has shown two histories', () => {
    expect(objections(logged, { old: false, fork: 'x' })).toEqual([false, false, false]);
    expect(objections(unknown, { old: false, fork: 'x' })).toEqual([false, true, true]);
  });
  it('what is disputed is refused by locked and strict, what was called back by all', () => {
    expect(objections(disputed, { old: false })).toEqual([false, true, true]);
    expect(objections({ kind: 'revoked', digest: digest('01'), entry: 2 }, { old: false })).toEqual([
      true,
      true,
      true,
    ]);
  });
});
