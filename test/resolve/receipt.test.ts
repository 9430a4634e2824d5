import { describe, expect, it } from 'vitest';
import { receiptLine, submittable, totals } from '../../src/resolve/receipt.ts';
import type { Receipt, ReportLine } from '../../src/resolve/report.ts';

const line = (changes: Partial<ReportLine> = {}): ReportLine => ({
  purl: 'pkg:npm/lodash@4.17.21',
  outcome: 'delivered',
  bytes: 1000,
  source: 'cache',
  via: 'response',
  word: 'declared',
  by: 'the registry',
  rung: 'registry digest',
  upstream: 'npm',
  private: false,
  ms: 21,
  at: 4300,
  ...changes,
});
const times = (count: number, changes?: Partial<ReportLine>): ReportLine[] =>
  Array.from({ length: count }, () => line(changes));
const undelivered = (outcome: ReportLine['outcome'], reason: string): ReportLine => {
  const { bytes: _bytes, source: _source, ...rest } = line({ outcome, reason });
  return rest;
};
const receipt = (artifacts: ReportLine[], changes: Partial<Receipt> = {}): Receipt => ({
  launch: 'one',
  command: ['npm', 'ci'],
  cwd: '/home/me/project',
  startedAt: 0,
  endedAt: 9000,
  policy: 'observe',
  artifacts,
  documents: { upstream: 0, unchanged: 0, stale: 0 },
  totals: totals(artifacts),
  notes: [],
  ...changes,
});

describe('What may be submitted', () => {
  const unknown = { log: { says: 'unknown' } } as const;

  it.each([
    ['what the tool got and the log does not know', unknown, true],
    ['what was linked', { ...unknown, outcome: 'linked', via: 'linked' }, true],
    ['what is private', { ...unknown, private: true }, false],
    ['what came with the user’s own credentials', { ...unknown, outcome: 'passed' }, false],
    ['what was refused', { ...unknown, outcome: 'refused' }, false],
    ['what there is none of', { ...unknown, outcome: 'not found' }, false],
    ['what the log has', { log: { says: 'logged', entry: 1 } }, false],
    ['what observers disagree about', { log: { says: 'disputed', entry: 1 } }, false],
    ['what the log could not be asked for', { log: { says: 'unasked' } }, false],
    ['what the log was not asked for', {}, false],
    [
      'a layer of an image',
      { ...unknown, purl: `pkg:docker/library/nginx@sha256:${'0'.repeat(64)}#blob` },
      false,
    ],
  ] as const)('is %s: %j %s', (_, changes, may) => {
    expect(submittable([line(changes)])).toHaveLength(may ? 1 : 0);
  });
});

describe('totals', () => {
  it('count every artifact once by source, by outcome and by word', () => {
    const sum = totals([
      ...times(3),
      line({ source: 'peer', word: 'published' }),
      line({ source: 'upstream', word: 'unknown' }),
      line({ source: 'upstream', word: 'claimed' }),
      line({ outcome: 'passed', source: 'upstream' }),
      line({ outcome: 'linked', via: 'linked' }),
      line({ outcome: 'linked', via: 'linked', source: 'peer' }),
      line({ outcome: 'linked', via: 'linked', source: 'upstream', word: 'claimed' }),
      undelivered('refused', 'no'),
      undelivered('unavailable', 'down'),
      undelivered('not found', '404'),
    ]);
    expect(sum).toEqual({
      artifacts: 13,
      cache: 4,
      peer: 2,
      upstream: 3,
      linked: 3,
      passed: 1,
      refused: 1,
      unavailable: 1,
      notFound: 1,
      verified: 6,
      logged: 0,
      claimed: 2,
      unknown: 1,
      bytes: 10_000,
      saved: 6000,
    });
  });

  it('of nothing are zero', () => {
    expect(Object.values(totals([])).every((value) => value === 0)).toBe(true);
  });
});

describe('the receipt', () => {
  it('says where everything came from in one line', () => {
    const artifacts = [...times(488, { bytes: 42_828 }), ...times(15, { source: 'upstream', bytes: 26_667 })];
    expect(receiptLine(receipt(artifacts))).toBe(
      'pyrsia: 503 packages · 488 cache · 15 upstream · 503 verified · 21.3 MB, 20.9 MB not downloaded · 4.3 s  (pyrsia why last)',
    );
  });

  it('is not written when nothing was fetched', () => {
    expect(receiptLine(receipt([]))).toBeUndefined();
  });

  it('counts what was linked by its source, and says how much was', () => {
    const artifacts = [
      ...times(485, { outcome: 'linked', via: 'linked' }),
      ...times(3, { outcome: 'linked', via: 'linked', source: 'upstream' }),
      line(),
      line({ source: 'upstream' }),
    ];
    expect(receiptLine(receipt(artifacts))).toBe(
      "pyrsia: 490 packages · 486 cache · 4 upstream · 488 linked into npm's cache · 490 verified · 490 kB, 486 kB not downloaded · 4.3 s  (pyrsia why last)",
    );
  });

  it('calls a copy a copy', () => {
    const artifacts = [
      ...times(3, { outcome: 'linked', via: 'linked' }),
      ...times(2, { outcome: 'linked', via: 'copied' }),
    ];
    expect(receiptLine(receipt(artifacts))).toContain(
      "5 cache · 3 linked into npm's cache · 2 copied into npm's cache · 5 verified",
    );
    expect(receiptLine(receipt(artifacts.slice(3)))).toContain(
      "2 cache · 2 copied into npm's cache · 2 verified",
    );
  });

  it('counts what went past us, also where nothing came through us', () => {
    const pastUs = [
      { host: 'one.example', packages: 10, purls: [], reason: 'so' },
      { host: 'two.example', packages: 2, purls: [], reason: 'so' },
    ];
    expect(receiptLine(receipt([line()], { pastUs }))).toMatch(
      /^pyrsia: 1 package · 1 cache · 12 past us · 1 verified · /,
    );
    expect(receiptLine(receipt([], { pastUs }))).toBe(
      'pyrsia: no package through us · 12 past us  (pyrsia why last)',
    );
  });

  it('leaves out what is zero, and says one package', () => {
    expect(receiptLine(receipt([line({ source: 'upstream' })]))).toBe(
      'pyrsia: 1 package · 1 upstream · 1 verified · 1 kB · 4.3 s  (pyrsia why last)',
    );
  });

  it('names what rests on the lockfile alone, and that upstream was not asked', () => {
    const stale = { upstream: 0, unchanged: 0, stale: 2 };
    expect(
      receiptLine(
        receipt([line({ word: 'claimed' })], { offline: 'PYRSIA_OFFLINE is set', documents: stale }),
      ),
    ).toBe(
      'pyrsia: 1 package · 1 cache · 1 named by the lockfile only · offline: PYRSIA_OFFLINE is set · 2 stale documents · 1 kB, 1 kB not downloaded · 4.3 s  (pyrsia why last)',
    );
  });

  it('names a refusal and its reason, before what was merely unavailable', () => {
    const artifacts = [
      undelivered('unavailable', 'upstream is down'),
      undelivered('refused', 'bytes differ'),
    ];
    expect(receiptLine(receipt(artifacts))?.split('\n')).toEqual([
      'pyrsia: 2 packages · 1 REFUSED · 1 unavailable · 4.3 s  (pyrsia why last)',
      'pyrsia: pkg:npm/lodash@4.17.21: bytes differ',
    ]);
  });

  it('does not name the package twice when the reason already does', () => {
    const reason = 'Refused pkg:npm/lodash@4.17.21: the registry says otherwise';
    expect(receiptLine(receipt([undelivered('refused', reason)]))?.split('\n')[1]).toBe(`pyrsia: ${reason}`);
  });

  it('speaks of artifacts where not all are npm packages, and of what was passed', () => {
    const artifacts = [line({ outcome: 'passed' }), line({ purl: 'pkg:docker/library/nginx@1.27' })];
    expect(receiptLine(receipt(artifacts))).toMatch(
      /^pyrsia: 2 artifacts · 1 cache · 1 passed with your own credentials · /,
    );
  });

  it('counts the time until the last artifact was there, whatever the command did then', () => {
    const artifacts = [line({ at: 1000, ms: 2000 }), line({ at: 1500, ms: 10 })];
    expect(receiptLine(receipt(artifacts, { startedAt: 500 }))).toMatch(/ · 2\.5 s /);
  });

  it('has no duration while the launch runs', () => {
    const { endedAt: _endedAt, ...running } = receipt([line()]);
    expect(receiptLine(running)).not.toMatch(/4\.3 s/);
  });
});
