/**
 * What the page about docker says of time is what was measured and is kept.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { CASES, type DockerRun, rowsOf } from '../../bench/docker/results.ts';
import { page, table } from './markdown.ts';

const run = JSON.parse(page('bench/results/docker.json')) as DockerRun;

describe('The times on the page about docker', () => {
  it('are those that were measured', () => {
    expect(table('docs/docker.md', '## How long it takes').map(Object.values)).toEqual(rowsOf(run));
  });

  it('are of all that is measured, each way as often as the others', () => {
    expect(Object.keys(run.cases).toSorted()).toEqual(Object.keys(CASES).toSorted());
    for (const { ways } of Object.values(run.cases)) {
      const counts = Object.values(ways).map(({ length }) => length);
      expect(counts.every((count) => count > 0 && count === counts[0])).toBe(true);
    }
  });
});
