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
  const { artifacts, maven, java, rounds, machine } = run;
  const table = [
    ['way', 'seconds', '× direct', 'mvn’s CPU s', 'upstream', 'server CPU s', 'peak MB'],
    ...rowsOf(run),
  ];
  return [
    `${artifacts} artifacts, Maven ${maven}, Java ${java}, ${rounds} rounds, upstream: ${upstreamOf(run)}; ${machine}`,
    'Medians (quartiles); × direct is the median of the ratios of each round',
    '',
    ...columns(table),
    '',
    ...judge(run).map(
      ({ what, spread, most, over }) =>
        `${over ? 'OVER' : 'ok  '}  ${what}: ${shown(spread, what.startsWith('MB') ? 0 : 2)}, bar ${Number(most.toFixed(2))}`,
    ),
    ...oddities(run).map((odd) => `ODD   ${odd}`),
    ...Object.entries(run.left).map(([way, why]) => `Not measured: ${way} (${why})`),
    ...(Object.keys(run.ways) as Way[]).map((way) => `${way}: ${WAYS[way]}`),
  ].join('\n');
}

/** What a run's upstream was, in a few words. */
function upstreamOf({ upstream, awayMs }: Run): string {
  if (upstream === 'repository') return 'the repository that mvn is configured with';
  const far = awayMs === undefined ? '' : `, ${awayMs} ms away`;
  return `a copy on this machine${far}`;
}

function rowsOf(run: Run): string[][] {
  return (Object.keys(run.ways) as Way[]).map((way) => {
    const cell = (read: (sample: Sample) => number | undefined, digits: number): string => {
      const values = run.ways[way]!.flatMap((sample) => read(sample) ?? []);
      return values.length > 0 ? shown(spreadOf(values), digits) : '–';
    };
    const times = ratio(run, way);
    return [
      way,
      cell(({ seconds }) => seconds, 2),
      times ? shown(times, 2) : '–',
      cell(({ cpu }) => cpu, 1),
      cell(({ upstream }) => upstream, 0),
      cell(({ server }) => server?.cpu, 1),
      cell(({ server }) => server && server.peakRss / 1e6, 0),
    ];
  });
}

/** Kept runs as rows of a table of a page: upstream, way, and what it took. */
export function pageRowsOf(runs: readonly Run[]): string[][] {
  return runs.flatMap((run) =>
    (Object.keys(WAYS) as Way[]).flatMap((way) => {
      const samples = run.ways[way];
      const times = ratio(run, way);
      if (!samples?.length || !times) return [];
      const median = (read: (sample: Sample) => number | undefined, digits = 0): string => {
        const values = samples.flatMap((sample) => read(sample) ?? []);
        return values.length > 0 ? spreadOf(values).median.toFixed(digits) : '–';
      };
      const megabytes = samples.map(({ server }) => (server?.peakRss ?? 0) / 1e6);
      return [
        [
          upstreamOf(run),
          WAYS[way],
          `${median(({ seconds }) => seconds, 1)} s`,
          `${times.median.toFixed(2)} × (${times.low.toFixed(2)}–${times.high.toFixed(2)})`,
          `${median(({ cpu, server }) => cpu + (server?.cpu ?? 0), 1)} s`,
          median(({ upstream }) => upstream),
          Math.max(...megabytes) > 0 ? `${Math.max(...megabytes).toFixed(0)} MB` : '–',
        ],
      ];
    }),
  );
}

/** A median with its quartiles; without them where they say no more. */
function shown(found: Spread, digits: number): string {
  const [low, median, high] = [found.low, found.median, found.high].map((value) => value.toFixed(digits));
  return low === high ? median! : `${median} (${low}–${high})`;
}
