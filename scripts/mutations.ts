/**
 * Guards that must not fall silently: each is taken out in turn, and the tests named with it have to notice.
 *
 * Add one for every line whose absence would let wrong bytes, a stranger or a secret through.
 *
 * @module
 */

/** One guard taken out. */
export interface Mutation {
  /** What would go wrong, as a sentence: `Wrong content is delivered`. */
  readonly why: string;
  /** The source file, relative to the root. */
  readonly file: string;
  /** Text that stands in `file` exactly once, white space included. */
  readonly find: string;
  /** What stands there instead; it should still compile. */
  readonly replace: string;
  /** Test files of which at least one test has to fail. */
  readonly tests: readonly string[];
}

/** All of them; the order does not matter. */
export const mutations: readonly Mutation[] = [
  {
    why: 'Content with a wrong digest is delivered',
    file: 'src/content/verified.ts',
    find: "if (wrong) throw new PyrsiaError('DIGEST_MISMATCH', wrong);",
    replace: '',
    tests: ['test/content/verified.test.ts'],
  },
  {
    why: 'A complete wrong file reaches the client before its digest is known',
    file: 'src/content/verified.ts',
    find: 'heldSize - first.byteLength >= HELD_BACK',
    replace: 'heldSize >= HELD_BACK',
    tests: ['test/content/verified.test.ts'],
  },
  {
    why: 'Content that stops early passes',
    file: 'src/content/verified.ts',
    find: 'wanted.size !== undefined && size !== wanted.size',
    replace: 'wanted.size !== undefined && size > wanted.size',
    tests: ['test/content/verified.test.ts'],
  },
  {
    why: 'A source that never ends is read for ever',
    file: 'src/content/verified.ts',
    find: 'if (size > limit)',
    replace: 'if (size > limit * 2 ** 20)',
    tests: ['test/content/verified.test.ts'],
  },
  {
    why: 'A digest of the wrong length is accepted, and becomes a file name',
    file: 'src/content/digest.ts',
    find: 'sha256:[0-9a-f]{64}',
    replace: 'sha256:[^:]*',
    tests: ['test/content/digest.test.ts'],
  },
  {
    why: 'The weakest hash of an integrity string decides',
    file: 'src/content/digest.ts',
    find: "digestWith(digests, 'sha512') ?? digestWith(digests, 'sha256') ?? digests[0]",
    replace: 'digests[0]',
    tests: ['test/content/digest.test.ts'],
  },
  {
    why: 'A lockfile may name other bytes than the registry does',
    file: 'src/verify/expect.ts',
    find: 'contradiction([known.digest], [digest])',
    replace: 'contradiction([known.digest], [known.digest])',
    tests: ['test/verify/expect.test.ts'],
  },
  {
    why: 'strict is content with a digest that can be collided to order',
    file: 'src/verify/expect.ts',
    find: '!isWeak(digest)',
    replace: "digest !== ''",
    tests: ['test/verify/expect.test.ts'],
  },
];
