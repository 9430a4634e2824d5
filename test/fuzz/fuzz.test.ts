import { describe, expect, it } from 'vitest';
import { alter, randomFrom } from './alter.ts';
import { readCorpus } from './corpus.ts';
import { outcomeOf } from './target.ts';
import { targets } from './targets.ts';

/** How many inputs each run makes; the same ones each time. `npm run fuzz` makes others, for as long as one likes. */
const RUNS = 1000;

describe.each(targets.map((target) => [target.name, target] as const))('Reading a %s', (name, target) => {
  it('understands what is well-formed', () => {
    for (const seed of target.seeds) expect(['read', 'NOT_PROVEN']).toContain(outcomeOf(target, seed));
    expect(outcomeOf(target, target.seeds[0]!)).toBe('read');
  });

  it('ends as it did when it was fuzzed', () => {
    const corpus = Object.values(readCorpus(name));
    expect(corpus.length).toBeGreaterThan(1);
    for (const { outcome, input } of corpus)
      expect({ input, outcome: outcomeOf(target, Buffer.from(input, 'base64')) }).toEqual({ input, outcome });
  });

  it('returns or refuses, and writes back what it has read, whatever the bytes', () => {
    const random = randomFrom(1);
    const samples = [
      ...target.seeds,
      ...Object.values(readCorpus(name)).map(({ input }) => Buffer.from(input, 'base64')),
    ];
    const outcomes = new Set<string>();
    for (let run = 0; run < RUNS; run++) outcomes.add(outcomeOf(target, alter(samples, random)));
    expect([...outcomes].filter((outcome) => outcome !== 'read')).not.toEqual([]);
  });
});
