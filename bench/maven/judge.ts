/**
 * What a run amounts to, held against the bars.
 *
 * @module
 */
import { type Spread, spreadOf } from '../npm-ci/statistics.ts';
import { against, type Run, type Sample, type Way } from './results.ts';

/** Which way may take how many times as long as which other. */
const BARS: readonly (readonly [Way, Way, number])[] = [
  ['cold', 'direct', 1.05],
  ['warm', 'direct', 0.75],
  ['warm', 'nginx', 1],
];
/** The most memory that we may take, in bytes. */
const RSS_BAR = 150e6;
/** The most requests that we may make, as a part of those that a direct build makes of a repository without checksums: two thirds. */
const BARE_BAR = 0.67;

/** Something that must not be more than so much. */
export interface Judged {
  readonly what: string;
  readonly spread: Spread;
  readonly most: number;
  readonly over: boolean;
}

/** What `read` finds in a way as a multiple of another, round by round; undefined where either was not measured. */
export function ratio(
  run: Run,
  way: Way,
  other: Way = against(way),
  read: (sample: Sample) => number | undefined = ({ seconds }) => seconds,
): Spread | undefined {
  const [own, others] = [run.ways[way], run.ways[other]];
  if (!own?.length || !others?.length) return undefined;
  const ratios = own.map((sample, round) => (read(sample) ?? NaN) / (read(others[round]!) ?? NaN));
  return ratios.some(Number.isNaN) ? undefined : spreadOf(ratios);
}

const judged = (what: string, spread: Spread | undefined, most: number): Judged[] =>
  spread ? [{ what, spread, most, over: spread.median > most }] : [];

/** All that has a bar in a run. */
export function judge(run: Run): Judged[] {
  const peaks = Object.values(run.ways).flatMap((samples, at) =>
    isOurs(Object.keys(run.ways)[at]!) ? samples.map(({ server }) => (server?.peakRss ?? 0) / 1e6) : [],
  );
  return [
    ...BARS.flatMap(([way, other, most]) => judged(`${way} / ${other}`, ratio(run, way, other), most)),
    ...judged(
      'cold-bare / direct-bare, requests',
      ratio(run, 'cold-bare', 'direct-bare', ({ upstream }) => upstream),
      BARE_BAR,
    ),
    ...judged('MB at most', peaks.length > 0 ? spreadOf([Math.max(...peaks)]) : undefined, RSS_BAR / 1e6),
  ];
}

/** Whether what stands between is us. */
const isOurs = (way: string): boolean => /^(?:warm|cold|offline)/.test(way);

/** Sentences about ways that were not what they say, by the requests that upstream saw. */
export function oddities(run: Run): string[] {
  if (run.upstream !== 'mirror') return [];
  return (Object.keys(run.ways) as Way[]).flatMap((way) => {
    const isKept = ['floor', 'warm', 'offline', 'nginx'].includes(way);
    const odd = run.ways[way]!.filter(({ upstream = 0 }) => (isKept ? upstream > 0 : upstream === 0));
    const seen = odd.map(({ upstream }) => upstream).join(', ');
    return odd.length > 0
      ? [`${way}: upstream saw ${seen} requests, expected ${isKept ? 'none' : 'some'}`]
      : [];
  });
}
