import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
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
