/**
 * What a run leaves behind: every single measurement.
 *
 * @module
 */
import { type Spread, spreadOf } from '../npm-ci/statistics.ts';

/** What is measured: in which ways, the first of which is docker without us, and held against which bar. */
export const CASES = {
  'docker version': { ways: ['direct', 'shim', 'sh'], most: 2, of: 'added ms' },
  'docker ps': { ways: ['direct', 'shim', 'sh'], most: 2, of: 'added ms' },
  'docker run --rm busybox true': { ways: ['direct', 'shim', 'socket', 'sh'], most: 15, of: 'added ms' },
  'the same, with no agent running': { ways: ['direct', 'shim'], of: 'added ms' },
  'docker pull, 103 MB at 100 Mbit/s, cold': { ways: ['direct', 'shim'], most: 1.05, of: 'times' },
  'docker pull, 103 MB at 100 Mbit/s, warm': { ways: ['direct', 'shim'], most: 0.5, of: 'times' },
  'docker save, 1 GB': { ways: ['direct', 'socket'], most: 1.25, of: 'times' },
  'docker load, 1 GB': { ways: ['direct', 'socket'], most: 1.25, of: 'times' },
} as const satisfies Record<string, Case>;

interface Case {
  readonly ways: readonly Way[];
  /** The most that a way may take more, or as a multiple of, docker without us. */
  readonly most?: number;
  readonly of: 'added ms' | 'times';
}
export type CaseName = keyof typeof CASES;

/**
 * `direct`: docker without us · `shim`: by its stand-in · `socket`: with `DOCKER_HOST` at a socket of ours that is there
 * already · `sh`: by a shell that does nothing but start it.
 */
export type Way = 'direct' | 'shim' | 'socket' | 'sh';

/** One case: the nth of all its ways belong to one round. Milliseconds. */
export interface Measured {
  /** When it began. */
  readonly at: string;
  readonly ways: Readonly<Partial<Record<Way, readonly number[]>>>;
}

/** All that was measured. */
export interface DockerRun {
  readonly client: string;
  readonly daemon: string;
  /** Processors and memory. */
  readonly machine: string;
  readonly cases: Readonly<Partial<Record<CaseName, Measured>>>;
}

/** What a way costs beside docker without us, as the case is held against its bar: round by round. */
export function costOf(name: CaseName, { ways }: Measured, way: Way): Spread {
  const { direct = [] } = ways;
  const { of } = CASES[name];
  return spreadOf(
    (ways[way] ?? []).map((ms, round) => (of === 'times' ? ms / direct[round]! : ms - direct[round]!)),
  );
}

/** A run as rows: what, how long without us, how much more with us, the bar. */
export function rowsOf({ cases }: DockerRun): string[][] {
  return (Object.keys(CASES) as CaseName[]).flatMap((name) => {
    const measured = cases[name];
    if (!measured) return [];
    const { of, ...rest }: Case = CASES[name];
    const way = rest.ways[1]!;
    const shown = (value: number): string =>
      of === 'times' ? `${value.toFixed(2)} ×` : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} ms`;
    const { low, median, high } = costOf(name, measured, way);
    const direct = spreadOf(measured.ways.direct!).median;
    return [
      [
        name,
        direct < 2000 ? `${direct.toFixed(1)} ms` : `${(direct / 1000).toFixed(2)} s`,
        `${shown(median)} (${shown(low)} to ${shown(high)})`,
        rest.most === undefined ? '–' : shown(rest.most),
      ],
    ];
  });
}
