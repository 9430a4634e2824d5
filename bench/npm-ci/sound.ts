/**
 * Whether each way was what it says it is, by the requests that were counted.
 *
 * @module
 */
import type { Run, Sample, Way } from './results.ts';

/** How many requests npm made and how many reached upstream, for a project of so many packages. */
type Expected = (packages: number) => { readonly requests: number; readonly upstream: number };

const all: Expected = (packages) => ({ requests: packages, upstream: packages });
const kept: Expected = (packages) => ({ requests: packages, upstream: 0 });
const none: Expected = () => ({ requests: 0, upstream: 0 });

// How many of a cold fill's packages npm asks for itself is a question of who is first.
const expected: Readonly<Partial<Record<Way, Expected>>> = {
  direct: all,
  floor: none,
  warm: none,
  exec: none,
  bare: kept,
  proxy: kept,
  verdaccio: kept,
  'safe-chain': all,
  'direct-100': all,
  'direct-10': all,
};

/** Sentences about ways that were not what they say. */
export function oddities(run: Run): string[] {
  return (Object.keys(run.ways) as Way[]).flatMap((way) => {
    const wanted = expected[way]?.(run.packages);
    const isOdd = (sample: Sample): boolean =>
      wanted !== undefined &&
      (sample.requests !== wanted.requests || (sample.upstream ?? wanted.upstream) !== wanted.upstream);
    const odd = run.ways[way]!.filter(isOdd);
    if (odd.length === 0) return [];
    const { requests, upstream } = odd[0]!;
    return [
      `${way}: ${odd.length} of ${run.rounds} rounds with ${requests} requests, ${upstream ?? '?'} of them upstream's; ` +
        `expected ${wanted!.requests} and ${wanted!.upstream}`,
    ];
  });
}
