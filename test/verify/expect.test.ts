import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { expect as weigh, POLICIES, suffices, type Testimony, type Word } from '../../src/verify/expect.ts';

const of = (content: string, algorithm: 'sha1' | 'sha256' | 'sha512' = 'sha512'): Digest =>
  digestOf(new TextEncoder().encode(content), algorithm);
const [good, evil] = [of('lodash'), of('something else')];

describe('whose word it is', () => {
  it.each<[Testimony, Word, string]>([
    [{}, 'unknown', 'nobody'],
    [{ claimed: good }, 'claimed', 'the lockfile'],
    [{ declared: good }, 'declared', 'the registry'],
    [{ declared: good, claimed: good }, 'declared', 'the registry'],
    [{ seen: [good], claimed: good }, 'declared', 'the bytes seen before'],
    [{ seen: [good], declared: good }, 'declared', 'the bytes seen before'],
    [{ seen: [], claimed: good }, 'claimed', 'the lockfile'],
    [{ published: { digests: [good] }, seen: [good], declared: good, claimed: good }, 'published', 'the log'],
  ])('%o is %s by %s', (testimony, word, by) => {
    expect(weigh(testimony)).toMatchObject({ kind: 'expected', word, by });
  });

  it('asks for every digest that anybody named, once', () => {
    const testimony = { seen: [of('lodash', 'sha256'), good], declared: of('lodash', 'sha1'), claimed: good };
    expect(weigh(testimony)).toMatchObject({
      wanted: { digests: [of('lodash', 'sha256'), good, of('lodash', 'sha1')] },
    });
  });

  it('knows a size only from the log', () => {
    expect(weigh({ published: { digests: [good], size: 7 } })).toMatchObject({ wanted: { size: 7 } });
    expect(weigh({ declared: good })).toEqual(expect.objectContaining({ wanted: { digests: [good] } }));
  });

  it.each<[Testimony, string, string]>([
    [{ declared: good, claimed: evil }, 'the registry', 'the lockfile'],
    [{ seen: [good], claimed: evil }, 'the bytes seen before', 'the lockfile'],
    [{ seen: [good], declared: evil }, 'the bytes seen before', 'the registry'],
    [{ published: { digests: [good] }, seen: [evil] }, 'the log', 'the bytes seen before'],
    [{ published: { digests: [good] }, declared: good, claimed: evil }, 'the log', 'the lockfile'],
  ])('%o contradicts %s by %s, and names both digests', (testimony, by, against) => {
    expect(weigh(testimony)).toEqual({ kind: 'contradicted', by, against, expected: good, actual: evil });
  });

  it('a lockfile may add a digest of another algorithm, which then has to hold as well', () => {
    expect(weigh({ declared: of('lodash', 'sha1'), claimed: evil })).toMatchObject({
      kind: 'expected',
      word: 'declared',
      wanted: { digests: [of('lodash', 'sha1'), evil] },
    });
  });

  const digest = fc
    .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('sha1', 'sha256', 'sha512'))
    .map((d) => of(...d));
  const testimonies = fc.record(
    {
      published: fc.record({ digests: fc.array(digest) }),
      seen: fc.array(digest),
      declared: digest,
      claimed: digest,
    },
    { requiredKeys: [] },
  );

  test.prop([testimonies])('never expects two digests of one algorithm', (testimony) => {
    const expectation = weigh(testimony);
    if (expectation.kind === 'contradicted') {
      expect(expectation.expected).not.toBe(expectation.actual);
    } else {
      const algorithms = expectation.wanted.digests.map((each) => each.split(':')[0]);
      expect(new Set(algorithms).size).toBe(algorithms.length);
    }
  });
});

describe('what a policy is content with', () => {
  it.each<[Word, readonly Digest[], string]>([
    ['published', [good], 'observe locked strict'],
    ['declared', [good], 'observe locked strict'],
    ['declared', [of('a', 'sha1'), of('a', 'sha256')], 'observe locked strict'],
    ['declared', [of('a', 'sha1')], 'observe locked'],
    ['published', [], 'observe locked'],
    ['claimed', [good], 'observe'],
    ['unknown', [], 'observe'],
  ])('%s with %o: %s', (word, digests, policies) => {
    expect(POLICIES.filter((policy) => suffices(policy, word, digests)).join(' ')).toBe(policies);
  });
});
