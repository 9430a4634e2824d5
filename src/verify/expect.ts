/**
 * On whose word content is what its coordinates say. A decision, so a pure function.
 *
 * Integrity is not identity: a digest that only the client names (a lockfile) proves bytes, not that
 * they are lodash.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import { contradiction, isWeak } from '../content/digest.ts';
import type { Wanted } from '../content/descriptor.ts';

/** Whose word, strongest first. */
export type Word = 'published' | 'declared' | 'claimed' | 'unknown';

/** Everything that is known of some coordinates before a byte is fetched. */
export interface Testimony {
  /** The log's own entry. Always absent until there is a log. */
  readonly published?: Wanted;
  /** Digests of the bytes that this upstream gave before. */
  readonly seen?: readonly Digest[];
  /** What the registry's own metadata says: of each algorithm one at most. */
  readonly declared?: Digest | readonly Digest[];
  /** What the request names: a lockfile's integrity. */
  readonly claimed?: Digest;
}

/** Who said it, in the words that users read. */
export type Witness =
  | 'the log'
  | 'the bytes seen before'
  | 'the registry'
  | 'the bytes that came'
  | 'the lockfile'
  /** Of a registry's document, or of what a tag means, as another computer on the network has it. */
  | "a neighbour's copy"
  | 'nobody';

/** What the bytes have to be, and on whose word. */
export type Expectation =
  | { readonly kind: 'expected'; readonly word: Word; readonly by: Witness; readonly wanted: Wanted }
  /** Two words contradict each other: refused without fetching anything. */
  | {
      readonly kind: 'contradicted';
      readonly by: Witness;
      readonly expected: Digest;
      /** Who says otherwise. */
      readonly against: Witness;
      readonly actual: Digest;
    };

/**
 * Weighs the testimony. Every digest that anybody named must hold, and two of the same algorithm that
 * differ are a contradiction, told from the stronger witness's side; the strongest witness gives the word.
 */
export function expect(testimony: Testimony): Expectation {
  const said: readonly [Word, Witness, readonly Digest[]][] = [
    ['published', 'the log', testimony.published?.digests ?? []],
    ['declared', 'the bytes seen before', testimony.seen ?? []],
    ['declared', 'the registry', [testimony.declared ?? []].flat()],
    ['claimed', 'the lockfile', testimony.claimed ? [testimony.claimed] : []],
  ];
  const named: { readonly by: Witness; readonly digest: Digest }[] = [];
  for (const [, by, digests] of said) {
    for (const digest of digests) {
      const stronger = named.find((known) => contradiction([known.digest], [digest]));
      if (stronger) {
        const { by: firstBy, digest: expected } = stronger;
        return { kind: 'contradicted', by: firstBy, expected, against: by, actual: digest };
      }
      if (!named.some((known) => known.digest === digest)) named.push({ by, digest });
    }
  }
  const digests = named.map(({ digest }) => digest);
  const [word, by] = said.find(([, , theirs]) => theirs.length > 0) ?? (['unknown', 'nobody'] as const);
  const size = testimony.published?.size;
  return { kind: 'expected', word, by, wanted: { digests, ...(size === undefined ? {} : { size }) } };
}

/** What is asked of evidence: `observe` never breaks a build that worked; `locked` is for CI. */
export type Policy = 'observe' | 'locked' | 'strict';

/** The policies, from the most to the least permissive. */
export const POLICIES: readonly Policy[] = ['observe', 'locked', 'strict'];

/**
 * Whether `policy` is content with `word`. `observe` is with any; `locked` wants more than a claim;
 * `strict` wants in addition a digest that cannot be collided to order.
 */
export function suffices(policy: Policy, word: Word, digests: readonly Digest[]): boolean {
  if (policy === 'observe') return true;
  if (word === 'claimed' || word === 'unknown') return false;
  return policy === 'locked' || digests.some((digest) => !isWeak(digest));
}
