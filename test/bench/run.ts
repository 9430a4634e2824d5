/**
 * Runs that nobody measured.
 *
 * @module
 */
import type { Run, Sample } from '../../bench/npm-ci/results.ts';

/** One install of a second. */
export const sample = (parts: Partial<Sample>): Sample => ({ seconds: 1, cpu: 1, requests: 0, ...parts });

/** A run of these ways. */
export const runOf = (ways: Run['ways'], parts: Partial<Run> = {}): Run => ({
  project: 'npm-503',
  packages: 503,
  npm: '11.19.1',
  node: '20.20.2',
  upstream: 'mirror',
  rounds: 1,
  at: '2026-01-01T00:00:00.000Z',
  machine: '2 processors, 24 GiB',
  lines: {},
  left: {},
  ...parts,
  ways,
});
