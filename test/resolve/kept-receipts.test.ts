import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepReceipt, keptReceipts, lastReceipt } from '../../src/resolve/kept-receipts.ts';
import { openReporter } from '../../src/resolve/reporter.ts';

let state: string;
beforeEach(() => (state = mkdtempSync(join(tmpdir(), 'pyrsia-state-'))));
afterEach(() => rmSync(state, { recursive: true }));

function receiptOf(
  launch: string,
  startedAt: number,
  document: 'upstream' | 'unchanged' | 'stale' = 'stale',
) {
  const reporter = openReporter({ launch, command: ['npm', 'ci'], cwd: '/', startedAt, policy: 'observe' });
  reporter.document(document);
  return reporter.receipt(startedAt + 1);
}

describe('a receipt', () => {
  it('outlives its launch, for the user only', () => {
    const receipt = receiptOf('one', 1);
    keepReceipt(state, receipt);
    expect(lastReceipt({ state })).toEqual(receipt);
    expect(keptReceipts({ state })).toEqual([receipt]);
    for (const file of ['last.json', 'receipts/one.json']) {
      expect(statSync(join(state, file)).mode & 0o777).toBe(0o600);
    }
  });

  it('is not kept of a launch that only looked something up, so that the last one is what was pointed to', () => {
    keepReceipt(state, receiptOf('one', 1));
    keepReceipt(state, receiptOf('view', 2, 'upstream'));
    keepReceipt(state, receiptOf('again', 3, 'unchanged'));
    expect(lastReceipt({ state })).toMatchObject({ launch: 'one' });
    expect(readdirSync(join(state, 'receipts'))).toEqual(['one.json']);
  });

  it('is kept of a launch of which all went past us', () => {
    const pastUs = [{ host: 'x', packages: 1, purls: ['pkg:npm/a@1'], reason: 'so' }];
    keepReceipt(state, { ...receiptOf('one', 1, 'upstream'), pastUs });
    expect(lastReceipt({ state })).toMatchObject({ launch: 'one', pastUs });
  });

  it('is kept where it only says why nothing could be filled', () => {
    const fill = { linked: 0, copied: 0, bytes: 0, ms: 1, problem: '/npm is no directory' };
    keepReceipt(state, { ...receiptOf('one', 1, 'upstream'), fill });
    expect(lastReceipt({ state })).toMatchObject({ launch: 'one', fill });
  });

  it('goes when twenty others have come after it', () => {
    for (let n = 0; n < 20; n++) {
      keepReceipt(state, receiptOf(`n${n}`, n));
      utimesSync(join(state, 'receipts', `n${n}.json`), n, n);
    }
    keepReceipt(state, receiptOf('latest', 20));
    const launches = keptReceipts({ state }).map(({ launch }) => launch);
    expect(launches).toHaveLength(20);
    expect([launches[0], launches.at(-1)]).toEqual(['latest', 'n1']);
  });
});
