/**
 * What a run amounts to, held against the bars.
 *
 * @module
 */
import { against, type Run, type Sample, type Way } from './results.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** Something that must not be more than so much. */
export interface Judged {
  readonly way: Way;
  readonly what: string;
  readonly spread: Spread;
  readonly most: number;
  readonly over: boolean;
}

/** How long a way takes as a multiple of another, round by round; undefined where either was not measured. */
export function ratio(run: Run, way: Way, other: Way = against(way)): Spread | undefined {
  const [own, others] = [run.ways[way], run.ways[other]];
  if (!own || !others) return undefined;
  return spreadOf(own.map(({ seconds }, round) => seconds / others[round]!.seconds));
}

/** The spread of what `read` finds in each sample of a way; undefined where it finds nothing. */
export function spread(run: Run, way: Way, read: (sample: Sample) => number | undefined): Spread | undefined {
  const values = (run.ways[way] ?? []).flatMap((sample) => read(sample) ?? []);
  return values.length > 0 ? spreadOf(values) : undefined;
}

/** All that has a bar in a run. npm 12 has its own: direct is faster there. */
export function judge(run: Run): Judged[] {
  const latest = Number.parseInt(run.npm, 10) >= 12;
  const bars: readonly (readonly [Way, string, Spread | undefined, number])[] = [
    ['warm', '× direct', ratio(run, 'warm'), latest ? 0.8 : 0.6],
    ...(latest
      ? []
      : ([
          ['warm', '× npm’s own cache', ratio(run, 'warm', 'floor'), 1.08],
          ['cold', '× direct', ratio(run, 'cold'), 0.7],
          ['cold-100', '× direct', ratio(run, 'cold-100'), 1],
          ['cold-10', '× direct', ratio(run, 'cold-10'), 1],
        ] as const)),
    ['warm', 'requests', highest(run, 'warm', ({ requests }) => requests), 0],
    ...(run.project === 'npm-503'
      ? ([['warm', 'ms until filled', spread(run, 'warm', ({ fill }) => fill?.doneMs), 150]] as const)
      : []),
    ...(['warm', 'cold'] as const).map(
      (way) => [way, 'MB at most', highest(run, way, megabytes), 150] as const,
    ),
  ];
  return bars.flatMap(([way, what, found, bar]) =>
    found ? { way, what, spread: found, most: bar, over: found.median > bar } : [],
  );
}

const megabytes = ({ server }: Sample): number | undefined => server && server.peakRss / 1e6;

/** For what must never be exceeded: the highest is what counts. */
function highest(run: Run, way: Way, read: (sample: Sample) => number | undefined): Spread | undefined {
  const values = (run.ways[way] ?? []).flatMap((sample) => read(sample) ?? []);
  return values.length > 0 ? spreadOf([Math.max(...values)]) : undefined;
}
