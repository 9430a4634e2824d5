import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReportLine } from '../../src/resolve/report.ts';
import { openReporter } from '../../src/resolve/reporter.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'pyrsia-report-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const about = { launch: 'L', command: ['npm', 'ci'], cwd: '/', startedAt: 1, policy: 'observe' } as const;
const line = (purl: string): ReportLine => ({
  purl,
  outcome: 'delivered',
  via: 'response',
  word: 'declared',
  by: 'the registry',
  rung: 'registry digest',
  upstream: 'npm',
  private: false,
  ms: 1,
  at: 2,
});
const from = (name: string, source: 'cache' | 'upstream'): ReportLine => ({
  ...line(`pkg:npm/${name}@1`),
  source,
  bytes: 10,
});
const digest = (hex: string) => ({ digest: `sha256:${hex.repeat(64)}` as const });
const told = ({ purl, outcome, source }: ReportLine): string => [purl.at(8), outcome, source ?? ''].join(' ');
const past = (name: string, host: string) => ({ purl: `pkg:npm/${name}@1`, host, reason: `${host}!` });

describe('the account of a launch', () => {
  it('stands in the report, line by line, for the user only', async () => {
    const file = join(directory, 'report.jsonl');
    const reporter = openReporter(about, { report: file });
    await Promise.all(['pkg:npm/a@1', 'pkg:npm/b@1'].map((purl) => reporter.add(line(purl))));
    await reporter.add(line('pkg:npm/c@1'));
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((each) => JSON.parse(each))).toEqual(
      ['a', 'b', 'c'].map((name) => ({ launch: 'L', ...line(`pkg:npm/${name}@1`) })),
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('says upstream of what upstream has sent before the tool asked for it, once', async () => {
    const reporter = openReporter(about);
    reporter.brings(from('a', 'upstream'))(true);
    reporter.brings(from('b', 'cache'))(false);
    await reporter.add(from('c', 'upstream'));
    reporter.brings(from('c', 'upstream'))(true);
    for (const name of ['a', 'a', 'b', 'c']) await reporter.add(from(name, 'cache'));
    const { artifacts, totals } = reporter.receipt();
    expect(artifacts.map(({ purl, source }) => `${purl} ${source}`)).toEqual([
      'pkg:npm/c@1 upstream',
      'pkg:npm/a@1 upstream',
      'pkg:npm/b@1 cache',
    ]);
    expect(totals).toMatchObject({ upstream: 2, cache: 1, saved: 10 });
  });

  it('says upstream from the moment on that it is brought, since the tool may be quicker than we are', async () => {
    const reporter = openReporter(about);
    const came = reporter.brings(from('a', 'upstream'));
    await reporter.add(from('a', 'cache'));
    came(true);
    reporter.brings(from('b', 'upstream'));
    await reporter.add(from('b', 'upstream'));
    await reporter.add({ ...from('b', 'upstream'), outcome: 'linked', via: 'linked' });
    reporter.brings(from('c', 'upstream'))(true);
    await reporter.add({ ...from('c', 'upstream'), outcome: 'linked', via: 'linked' });
    await reporter.add(from('c', 'cache'));
    expect(reporter.receipt().totals).toMatchObject({ artifacts: 3, upstream: 3, cache: 0, linked: 0 });
  });

  it('has a package once, however often the tool asks for it, with what it cost, and each way in which it went wrong', async () => {
    const file = join(directory, 'report.jsonl');
    const reporter = openReporter(about, { report: file });
    for (const each of [
      { ...from('a', 'cache'), ...digest('1') },
      { ...from('a', 'cache'), ...digest('1') },
      { ...from('a', 'upstream'), ...digest('1') },
      { ...from('a', 'cache'), ...digest('1') },
      { ...from('a', 'cache'), ...digest('2') },
      { ...line('pkg:npm/b@1'), outcome: 'unavailable' as const },
      { ...line('pkg:npm/b@1'), outcome: 'unavailable' as const },
      from('b', 'upstream'),
      { ...line('pkg:npm/c@1'), outcome: 'refused' as const },
      { ...line('pkg:npm/c@1'), outcome: 'refused' as const },
      from('c', 'cache'),
    ])
      await reporter.add(each);
    expect(reporter.receipt().artifacts.map(told)).toEqual([
      'a delivered upstream',
      'a delivered cache',
      'b delivered upstream',
      'c refused ',
      'c delivered cache',
    ]);
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(7);
  });

  it('has one line for a package that was linked and asked for all the same: what came of that', async () => {
    const file = join(directory, 'report.jsonl');
    const reporter = openReporter(about, { report: file });
    const linked = (purl: string): ReportLine => ({ ...line(purl), outcome: 'linked', via: 'linked' });
    for (const each of [
      linked('pkg:npm/a@1'),
      line('pkg:npm/b@1'),
      line('pkg:npm/a@1'),
      linked('pkg:npm/b@1'),
    ])
      await reporter.add(each);
    await reporter.add(line('pkg:npm/a@1'));
    await reporter.add({ ...linked('pkg:npm/a@1'), upstream: 'https://other.example/' });
    const lines = reporter.receipt().artifacts.map(({ purl, outcome }) => `${purl} ${outcome}`);
    expect(lines).toEqual(['pkg:npm/a@1 delivered', 'pkg:npm/b@1 delivered', 'pkg:npm/a@1 linked']);
    const written = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(written.map((each) => (JSON.parse(each) as ReportLine).outcome)).toEqual([
      'linked',
      'delivered',
      'delivered',
      'linked',
    ]);
  });

  it('counts by host what went past us, unless it came through us, before or after', async () => {
    const receipt = join(directory, 'L.receipt');
    const reporter = openReporter(about, { receipt });
    await reporter.add(line('pkg:npm/a@1'));
    reporter.pastUs([past('a', 'x'), past('b', 'x'), past('c', 'y'), past('d', 'y'), past('e', 'z')]);
    await reporter.add({ ...line('pkg:npm/e@1'), outcome: 'linked', via: 'linked' });
    expect(reporter.receipt().pastUs).toEqual([
      { host: 'y', packages: 2, purls: ['pkg:npm/c@1', 'pkg:npm/d@1'], reason: 'y!' },
      { host: 'x', packages: 1, purls: ['pkg:npm/b@1'], reason: 'x!' },
    ]);
    expect(readFileSync(receipt, 'utf8')).toContain(' · 3 past us · ');
    expect(openReporter(about).receipt()).not.toHaveProperty('pastUs');
  });

  it('names the first three that went past us, of each host', () => {
    const reporter = openReporter(about);
    reporter.pastUs(['a', 'b'].map((name) => past(name, 'x')));
    reporter.pastUs(['c', 'd'].map((name) => past(name, 'x')));
    expect(reporter.receipt().pastUs).toEqual([
      { host: 'x', packages: 4, purls: ['a', 'b', 'c'].map((name) => `pkg:npm/${name}@1`), reason: 'x!' },
    ]);
  });

  it('says that all went past us where that is so', async () => {
    const receipt = join(directory, 'L.receipt');
    openReporter(about, { receipt }).pastUs([{ purl: 'pkg:npm/a@1', host: 'x', reason: 'so' }]);
    await expect.poll(() => existsSync(receipt)).toBe(true);
    expect(readFileSync(receipt, 'utf8')).toMatch(/^pyrsia: no package through us · 1 past us {2}\(/);
  });

  it('says how the tool’s own cache was filled, to nobody who did not ask', async () => {
    const receipt = join(directory, 'L.receipt');
    const reporter = openReporter(about, { receipt });
    const fill = { linked: 0, copied: 0, bytes: 0, ms: 3, problem: 'it is read-only' };
    reporter.filled(fill);
    expect(reporter.receipt()).toMatchObject({ fill, notes: [] });
    await reporter.add(line('pkg:npm/a@1'));
    expect(readFileSync(receipt, 'utf8')).not.toContain('read-only');
  });

  it('goes on where the report cannot be written, and notes why', async () => {
    const reporter = openReporter(about, { report: join(directory, 'nowhere', 'report.jsonl') });
    await reporter.add(line('pkg:npm/a@1'));
    expect(reporter.receipt(9)).toMatchObject({
      endedAt: 9,
      totals: { artifacts: 1 },
      notes: [expect.stringContaining('the report could not be written: ENOENT')],
    });
  });

  it.runIf(process.platform !== 'win32')('waits for nobody to read a report that is a pipe', async () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reporter = openReporter(about, { report: pipe });
    await reporter.add(line('pkg:npm/a@1'));
    expect(reporter.receipt().notes).toEqual([expect.stringContaining('ENXIO')]);
  });

  it('tells whoever waits for the tool what was fetched, when it is fetched, and nothing before', async () => {
    const receipt = join(directory, 'L.receipt');
    const reporter = openReporter(about, { receipt });
    reporter.document('upstream');
    reporter.note('npm asks @acme’s registry without us');
    reporter.said();
    await new Promise((resolve) => setImmediate(resolve));
    expect(readdirSync(directory)).toEqual([]);

    reporter.note('documents are\u001B[2J taken from the cache');
    await Promise.all([reporter.add(line('pkg:npm/a@1')), reporter.add(line('pkg:npm/b@1'))]);
    expect(readFileSync(receipt, 'utf8')).toMatch(
      /^pyrsia: documents are\uFFFD\[2J taken from the cache\npyrsia: 2 packages · .*pyrsia why last\)\n$/,
    );
    expect(statSync(receipt).mode & 0o777).toBe(0o600);
    await reporter.add(line('pkg:npm/c@1'));
    expect(readFileSync(receipt, 'utf8')).toMatch(/^pyrsia: 3 packages/m);
    expect(readdirSync(directory)).toEqual(['L.receipt']);

    rmSync(receipt);
    reporter.close();
    await reporter.add(line('pkg:npm/d@1'));
    expect(readdirSync(directory)).toEqual([]);
    // The tool did not get it any more, and the receipt that is kept says what was told.
    reporter.filled({ linked: 1, copied: 0, bytes: 1, ms: 1 });
    expect(reporter.receipt()).toMatchObject({ totals: { artifacts: 3 } });
    expect(reporter.receipt()).not.toHaveProperty('fill');
  });

  it('tells what is worth a line also where only documents were asked for', async () => {
    const receipt = join(directory, 'L.receipt');
    const reporter = openReporter(about, { receipt });
    reporter.document('stale');
    reporter.note('documents are taken from the cache');
    await expect.poll(() => existsSync(receipt)).toBe(true);
    expect(readFileSync(receipt, 'utf8')).toBe('pyrsia: documents are taken from the cache\n');
  });

  it('goes on where nobody could be told', async () => {
    const reporter = openReporter(about, { receipt: join(directory, 'gone', 'L.receipt') });
    await reporter.add(line('pkg:npm/a@1'));
    expect(reporter.receipt().notes).toEqual([]);
  });

  it('says that nothing is stored once there was something to store, and not again that a part was not', async () => {
    const reporter = openReporter(about);
    reporter.unstored('the disk is full');
    await reporter.add({ ...line('pkg:npm/a@1'), source: 'cache' });
    expect(reporter.receipt().notes).toEqual([]);
    reporter.note('not everything is stored: EROFS', 'storing');
    await reporter.add({ ...line('pkg:npm/b@1'), source: 'upstream' });
    expect(reporter.receipt().notes).toEqual(['nothing is stored: the disk is full']);
  });

  it.each([
    ['how many are submitted', {}, true, { origin: 'log.example', old: false }, 1],
    [
      'that none are submitted where nobody has switched that on',
      {},
      false,
      { origin: 'log.example', old: false },
      undefined,
    ],
    ['that none are submitted where no log was asked', {}, true, undefined, undefined],
    [
      'that none are submitted offline',
      { offline: 'PYRSIA_OFFLINE=1' },
      true,
      { origin: 'log.example', old: false },
      undefined,
    ],
  ] as const)('tells %s', async (_, more, submits, log, submitted) => {
    const reporter = openReporter({ ...about, ...more }, {}, submits);
    if (log) reporter.asked(log);
    await reporter.add({ ...line('pkg:npm/a@1'), log: { says: 'unknown' } });
    await reporter.add({ ...line('pkg:npm/b@1'), log: { says: 'logged', entry: 1 } });
    expect(reporter.receipt().submitted).toBe(submitted);
  });

  it('notes the same only once, and counts documents', () => {
    const reporter = openReporter(about);
    reporter.note('nothing is stored');
    reporter.note('nothing is stored');
    reporter.document('stale');
    expect(reporter.receipt()).toMatchObject({
      notes: ['nothing is stored'],
      documents: { upstream: 0, unchanged: 0, stale: 1 },
    });
  });
});
