/**
 * What the page about images says of time is what was measured and is kept.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import type { Run } from '../../bench/images/results.ts';
import { rowsOf } from '../../bench/images/table.ts';
import { page, table } from './markdown.ts';

const runs = JSON.parse(page('bench/results/images.json')) as Run[];

describe('The times on the page about images', () => {
  it('are those that were measured', () => {
    expect(table('docs/images.md', '## How long it takes').map(Object.values)).toEqual(rowsOf(runs));
  });

  it('are of each way as often as there were rounds', () => {
    expect(runs.length).toBeGreaterThan(0);
    for (const { ways, rounds } of runs)
      for (const samples of Object.values(ways)) expect(samples).toHaveLength(rounds);
  });
});
