/**
 * The README's picture of `npm ci` shows what was measured and is kept.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { pictureOf } from '../../bench/npm-ci/picture.ts';
import type { Run } from '../../bench/npm-ci/results.ts';
import { page } from './markdown.ts';

const runs = JSON.parse(page('bench/results/npm-ci.json')) as Run[];

describe("The README's picture", () => {
  it('is shown', () => expect(page('README.md')).toMatch(/!\[[^\]]+\]\(docs\/npm-ci\.svg\)/));

  it('is drawn of the measurements that are kept', () => {
    expect(page('docs/npm-ci.svg')).toBe(pictureOf(runs));
  });

  it('is of each way as often as there were rounds', () => {
    expect(runs.length).toBeGreaterThan(0);
    for (const { ways, rounds } of runs)
      for (const samples of Object.values(ways)) expect(samples).toHaveLength(rounds);
  });
});
