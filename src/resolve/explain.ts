/**
 * What is known of an artifact, from the cache's memory and the receipts that are kept: `pyrsia why`.
 *
 * @module
 */
import type { Binding } from '../cache/cache.ts';
import { purlOf } from '../content/coordinates.ts';
import { type Digest, isWeak } from '../content/digest.ts';
import { type Policy, suffices, type Witness, type Word } from '../verify/expect.ts';
import type { Receipt, ReportLine } from './report.ts';

/** One artifact at one upstream. */
export interface Explanation {
  readonly purl: string;
  readonly upstream: string;
  readonly private: boolean;
  readonly digests: readonly { readonly digest: Digest; readonly weak: boolean }[];
  /** Length in bytes, where it was ever measured. */
  readonly size?: number;
  /** When the digests were first seen, in milliseconds since 1970; undefined if they never were accepted. */
  readonly seenAt?: number;
  /** Why a human accepted a change. */
  readonly accepted?: string;
  readonly word: Word;
  readonly by: Witness;
  readonly policy: Policy;
  /** Whether policy is content with this word. */
  readonly allowed: boolean;
  /** Every time it was asked for in a launch whose receipt is kept, the latest first. */
  readonly asked: readonly Asked[];
}

/** One request, and the command that it was made for. */
export interface Asked extends ReportLine {
  readonly command: readonly string[];
}

/** What `bindings` and those lines of `receipts` that match say, one explanation for each purl and upstream. */
export function explain(
  bindings: readonly Binding[],
  receipts: readonly Receipt[],
  matches: (line: ReportLine) => boolean,
  policy: Policy,
): Explanation[] {
  const bound = new Map(bindings.map((each) => [keyOf(purlOf(each.coordinates), each.upstream), each]));
  const asked = receipts
    .flatMap(({ command, artifacts }) => artifacts.map((line): Asked => ({ ...line, command })))
    .filter((line) => bound.has(keyOf(line.purl, line.upstream)) || matches(line))
    .toSorted((a, b) => b.at - a.at);
  const linesByKey = Map.groupBy(asked, (line) => keyOf(line.purl, line.upstream));

  return [...new Set([...bound.keys(), ...linesByKey.keys()])].map((key) => {
    const binding = bound.get(key);
    const lines = linesByKey.get(key) ?? [];
    const [latest] = lines;
    const digests = binding?.digests ?? (latest?.digest ? [latest.digest] : []);
    // Bytes that were seen once are a word of their own from then on.
    const word = binding ? strongest(lines) : (latest?.word ?? 'unknown');
    const size = binding?.size ?? latest?.bytes;
    const [purl = '', upstream = ''] = key.split(' ');
    return {
      purl,
      upstream,
      private: binding?.private ?? latest?.private ?? true,
      digests: digests.map((digest) => ({ digest, weak: isWeak(digest) })),
      ...(size !== undefined && { size }),
      ...(binding && { seenAt: binding.seenAt }),
      ...(binding?.reason !== undefined && { accepted: binding.reason }),
      word,
      by: lines.find((line) => line.word === word)?.by ?? (binding ? 'the bytes seen before' : 'nobody'),
      policy,
      allowed: suffices(policy, word, digests),
      asked: lines,
    };
  });
}

function keyOf(purl: string, upstream: string): string {
  return `${purl} ${upstream}`;
}

function strongest(lines: readonly ReportLine[]): Word {
  return lines.some(({ word }) => word === 'published') ? 'published' : 'declared';
}
