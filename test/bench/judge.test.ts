import { describe, expect, it } from 'vitest';
import { judge, ratio } from '../../bench/npm-ci/judge.ts';
import { merged, type Sample } from '../../bench/npm-ci/results.ts';
import { oddities } from '../../bench/npm-ci/sound.ts';
import { spreadOf } from '../../bench/npm-ci/statistics.ts';
import { runOf, sample } from './run.ts';

const seconds = (...all: number[]): Sample[] => all.map((each) => sample({ seconds: each }));

const counted = (requests: number, upstream?: number): Sample =>
  sample({ requests, ...(upstream !== undefined && { upstream }) });
const over = (...parts: Parameters<typeof runOf>): string[] =>
  judge(runOf(...parts)).flatMap(({ way, what, over: isOver }) => (isOver ? `${way} ${what}` : []));

describe('A spread', () => {
  it('is the middle and the quartiles', () => {
    expect(spreadOf([5, 1, 2, 4, 3])).toEqual({ low: 2, median: 3, high: 4 });
    expect(spreadOf([1, 2])).toEqual({ low: 1.25, median: 1.5, high: 1.75 });
    expect(spreadOf([7])).toEqual({ low: 7, median: 7, high: 7 });
  });
});

describe('A ratio', () => {
  it('is taken within each round, and not of medians', () => {
    const run = runOf({ direct: seconds(10, 1, 2), warm: seconds(5, 2, 1) });
    expect(ratio(run, 'warm')).toEqual({ low: 0.5, median: 0.5, high: 1.25 });
  });

  it('is to a direct install by the same line', () => {
    const run = runOf({
      direct: seconds(1),
      'direct-10': seconds(20),
      'cold-10': seconds(10),
    });
    expect(ratio(run, 'cold-10')?.median).toBe(0.5);
  });

  it('is not there where nothing was measured', () => {
    expect(ratio(runOf({ warm: seconds(1) }), 'warm')).toBeUndefined();
  });
});

describe('The bars', () => {
  it('are kept by a run that is as quick as it should be', () => {
    const warm = [sample({ seconds: 0.55, fill: { linked: 503, ms: 40, doneMs: 70 } })];
    const ways = { direct: seconds(1), floor: seconds(0.52), warm, cold: seconds(0.7) };
    expect(judge(runOf(ways))).toHaveLength(5);
    expect(over(ways)).toEqual([]);
  });

  it.each([
    ['warm × direct', { direct: seconds(1), warm: seconds(0.61) }],
    ['warm × npm’s own cache', { floor: seconds(1), warm: seconds(1.09) }],
    ['warm requests', { warm: [sample({ requests: 0 }), sample({ requests: 1 }), sample({ requests: 0 })] }],
    ['warm ms until filled', { warm: [sample({ fill: { linked: 1, ms: 1, doneMs: 151 } })] }],
    ['warm MB at most', { warm: [sample({ server: { cpu: 1, peakRss: 151e6 } }), sample({})] }],
    ['cold MB at most', { cold: [sample({ server: { cpu: 1, peakRss: 151e6 } }), sample({})] }],
    ['cold × direct', { direct: seconds(1), cold: seconds(0.71) }],
    ['cold-100 × direct', { 'direct-100': seconds(1), 'cold-100': seconds(1.01) }],
    ['cold-10 × direct', { 'direct-10': seconds(1), 'cold-10': seconds(1.01) }],
  ])('say of too much that it is too much: %s', (what, ways) => {
    expect(over(ways)).toEqual([what]);
  });

  it('are another one with npm 12', () => {
    const ways = { direct: seconds(1), floor: seconds(0.5), warm: seconds(0.8), cold: seconds(0.9) };
    expect(over(ways, { npm: '12.2.0' })).toEqual([]);
    expect(over({ ...ways, warm: seconds(0.81) }, { npm: '12.2.0' })).toEqual(['warm × direct']);
  });
});

describe('Runs that are kept', () => {
  it('are replaced by later ones of the same project, npm and upstream', () => {
    const [first, second, other] = [
      runOf({}, { rounds: 1 }),
      runOf({}, { rounds: 11 }),
      runOf({}, { npm: '12.2.0' }),
    ];
    expect(merged([first, other], [second])).toEqual([second, other]);
    expect(merged([first], [other])).toEqual([first, other]);
  });
});

describe('A way that was not what it says', () => {
  it('is told of, by the requests that were counted', () => {
    const run = runOf(
      {
        direct: [counted(503, 503)],
        floor: [counted(0, 0)],
        bare: [counted(503, 2)],
        proxy: [counted(1, 0)],
      },
      { rounds: 1 },
    );
    expect(oddities(run)).toEqual([
      "bare: 1 of 1 rounds with 503 requests, 2 of them upstream's; expected 503 and 0",
      "proxy: 1 of 1 rounds with 1 requests, 0 of them upstream's; expected 503 and 0",
    ]);
  });

  it('is not one whose upstream nobody counted', () => {
    expect(oddities(runOf({ direct: [counted(503)], cold: [counted(12)] }))).toEqual([]);
  });
});
