/** One guard taken out. */
export interface Mutation extends Guard {
  /** The source file, relative to the root. */
  readonly file: string;
  /** The test file of which at least one test has to fail: the quickest that does. */
  readonly test: string;
}

/** A guard in some file. */
export interface Guard {
  /** What would go wrong, as a sentence: `Wrong content is delivered`. */
  readonly why: string;
  /** Text that stands in the file exactly once, white space included. */
  readonly find: string;
  /** What stands there instead; it should still compile. */
  readonly replace: string;
  /** Runs only the tests whose names (`group > test`) match this pattern, where the whole file would take long. */
  readonly only?: string;
}

/** Guards that stand in `file`, each of which `test` has to miss. */
export function guardsIn(file: string, test: string, ...guards: readonly Guard[]): Mutation[] {
  return guards.map((guard) => ({ file, test, ...guard }));
}
