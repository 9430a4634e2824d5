import { expect, it } from 'vitest';
import type { Binding } from '../../src/cache/cache.ts';
import { explain } from '../../src/resolve/explain.ts';
import { totals } from '../../src/resolve/receipt.ts';
import type { Receipt, ReportLine } from '../../src/resolve/report.ts';

const sha1 = `sha1:${'a'.repeat(40)}` as const;
const binding: Binding = {
  upstream: 'npm',
  coordinates: { ecosystem: 'npm', name: 'left', version: '1.0.0' },
  digests: [sha1],
  private: false,
  seenAt: 5,
};
const line: ReportLine = {
  purl: 'pkg:npm/left@1.0.0',
  outcome: 'delivered',
  source: 'upstream',
  via: 'response',
  word: 'claimed',
  by: 'the lockfile',
  rung: 'none',
  upstream: 'npm',
  private: false,
  ms: 1,
  at: 1,
};
const receipt = (...artifacts: ReportLine[]): Receipt => ({
  launch: 'one',
  command: ['npm', 'ci'],
  cwd: '/',
  startedAt: 0,
  policy: 'observe',
  artifacts,
  documents: { upstream: 0, unchanged: 0, stale: 0 },
  totals: totals(artifacts),
  notes: [],
});
const nothing = () => false;

it('takes bytes that were seen before for a word of their own', () => {
  const [explanation] = explain([binding], [], nothing, 'locked');
  expect(explanation).toMatchObject({
    word: 'declared',
    by: 'the bytes seen before',
    allowed: true,
    seenAt: 5,
  });
});

it('says that policy would refuse a weak digest', () => {
  const [explanation] = explain([binding], [], nothing, 'strict');
  expect(explanation).toMatchObject({ allowed: false, digests: [{ digest: sha1, weak: true }] });
});

it('tells of what was never accepted from the receipts alone', () => {
  const refused: ReportLine = { ...line, outcome: 'refused', reason: 'no' };
  const [explanation] = explain([], [receipt(refused)], ({ purl }) => purl === line.purl, 'locked');
  expect(explanation).toMatchObject({
    word: 'claimed',
    by: 'the lockfile',
    allowed: false,
    asked: [{ reason: 'no' }],
  });
  expect(explanation).not.toHaveProperty('seenAt');
});

it('keeps upstreams apart, and puts the latest first', () => {
  const lines = [line, { ...line, at: 9 }, { ...line, upstream: 'https://other.example/' }];
  const explanations = explain([binding], [receipt(...lines)], nothing, 'observe');
  expect(explanations).toHaveLength(1);
  expect(explanations[0]?.asked.map(({ at }) => at)).toEqual([9, 1]);
});
