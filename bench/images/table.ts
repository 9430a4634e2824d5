/**
 * A run as text.
 *
 * @module
 */
import { columns } from '../columns.ts';
import { type Spread, spreadOf } from '../npm-ci/statistics.ts';
import { judge, oddities, ratio } from './judge.ts';
import { type Run, type Sample, type Way, WAYS } from './results.ts';

/** A run as a table, and what has a bar below it. */
export function tableOf(run: Run): string {
  const { version, bytes, layers, rounds, machine } = run;
  const ways = Object.keys(run.ways) as Way[];
  const rows = ways.map((way) => {
    const cell = (read: (sample: Sample) => number | undefined, digits: number): string => {
      const values = run.ways[way]!.flatMap((sample) => read(sample) ?? []);
      return values.length > 0 ? shown(spreadOf(values), digits) : '–';
    };
    const direct = ratio(run, way, way.endsWith('-100') ? 'direct-100' : 'direct');
    return [
      way,
      cell(({ seconds }) => seconds, 2),
      direct ? shown(direct, 2) : '–',
      cell(({ server }) => server?.cpu, 2),
      cell(({ server }) => server && server.peakRss / 1e6, 0),
    ];
  });
  const table = [['way', 'seconds', '× direct', 'server CPU s', 'peak MB'], ...rows];
  return [
    `${version}: ${bytes / 1e6} MB in ${layers} layers, ${rounds} rounds; ${machine}`,
    'Medians (quartiles); ratios are the median of those of each round',
    '',
    ...columns(table),
    '',
    ...judge(run).map(
      ({ what, spread, most, over }) =>
        `${over ? 'OVER' : 'ok  '}  ${what}: ${shown(spread, what.includes('/') ? 2 : 0)}, bar ${most}`,
    ),
    ...oddities(run).map((odd) => `ODD   ${odd}`),
    ...ways.map((way) => `${way}: ${WAYS[way]}`),
  ].join('\n');
}

/** A median with its quartiles; without them where they say no more. */
function shown(found: Spread, digits: number): string {
  const [low, median, high] = [found.low, found.median, found.high].map((value) => value.toFixed(digits));
  return low === high ? median! : `${median} (${low}–${high})`;
}

/** Kept runs as rows of a table of a page: image, client, and what of it has a bar. */
export function rowsOf(runs: readonly Run[]): string[][] {
  return runs.map((run) => {
    const times = (way: Way, other: Way): string => {
      const found = ratio(run, way, other);
      return found ? `${found.median.toFixed(2)} ×` : '–';
    };
    const isSlow = 'direct-100' in run.ways;
    const [direct, cold] = isSlow ? (['direct-100', 'cold-100'] as const) : (['direct', 'cold'] as const);
    const peaks = [...(run.ways.warm ?? []), ...(run.ways[cold] ?? [])].map(({ server }) => server!.peakRss);
    return [
      `${run.bytes / 1e6} MB${isSlow ? ', 100 Mbit/s' : ''}`,
      run.client,
      `${spreadOf(run.ways[direct]!.map(({ seconds }) => seconds)).median.toFixed(2)} s`,
      times('warm', 'mirror-warm'),
      times(cold, direct),
      times(cold, isSlow ? 'mirror-cold-100' : 'mirror-cold'),
      `${(Math.max(...peaks) / 1e6).toFixed(0)} MB`,
    ];
  });
}
