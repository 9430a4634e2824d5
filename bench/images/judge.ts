/**
 * What a run amounts to, held against the bars.
 *
 * @module
 */
import { type Spread, spreadOf } from '../npm-ci/statistics.ts';
import type { Run, Way } from './results.ts';

/** Which way may take how many times as long as which other, and the most memory that we may take, in bytes. */
const BARS: readonly (readonly [Way, Way, number])[] = [
  ['warm', 'mirror-warm', 1.1],
  ['cold', 'direct', 1.3],
  ['cold', 'mirror-cold', 1],
  ['cold-100', 'direct-100', 1.05],
];
const RSS_BAR = 200e6;

/** Something that must not be more than so much. */
export interface Judged {
  readonly what: string;
  readonly spread: Spread;
  readonly most: number;
  readonly over: boolean;
}

/** How long a way takes as a multiple of another, round by round; undefined where either was not measured. */
export function ratio(run: Run, way: Way, other: Way): Spread | undefined {
  const [own, others] = [run.ways[way], run.ways[other]];
  if (!own || !others) return undefined;
  return spreadOf(own.map(({ seconds }, round) => seconds / others[round]!.seconds));
}

/** All that has a bar in a run. */
export function judge(run: Run): Judged[] {
  const ratios = BARS.flatMap(([way, other, most]) => {
    const spread = ratio(run, way, other);
    return spread ? { what: `${way} / ${other}`, spread, most, over: spread.median > most } : [];
  });
  const peaks = (['warm', 'cold', 'cold-100'] as const).flatMap((way) => {
    const found = (run.ways[way] ?? []).flatMap(({ server }) => server?.peakRss ?? []);
    if (found.length === 0) return [];
    const spread = spreadOf([Math.max(...found) / 1e6]);
    return { what: `${way}, MB at most`, spread, most: RSS_BAR / 1e6, over: spread.median > RSS_BAR / 1e6 };
  });
  return [...ratios, ...peaks];
}

/** Sentences about ways that were not what they say, by the blobs that upstream was asked for. */
export function oddities(run: Run): string[] {
  const all = run.layers + 1;
  return (Object.keys(run.ways) as Way[]).flatMap((way) => {
    // A mirror that is new fetches each twice: for the client, and for itself.
    const wanted = way.endsWith('warm') ? 0 : way.startsWith('mirror') ? 2 * all : all;
    const odd = run.ways[way]!.filter(({ blobs }) => blobs !== wanted);
    return odd.length === 0
      ? []
      : [
          `${way}: upstream was asked for ${odd.map(({ blobs }) => blobs).join(', ')} blobs, expected ${wanted}`,
        ];
  });
}
