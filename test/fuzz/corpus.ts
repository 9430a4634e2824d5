/**
 * Inputs that were found by fuzzing, one for each way in which reading can end; `npm run fuzz` adds to them.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An input in base64, and how reading it ended. */
export interface Sample {
  readonly outcome: string;
  readonly input: string;
}

/** The inputs for a target, by what was said of them. */
export type Corpus = Record<string, Sample>;

const fileOf = (target: string): string =>
  fileURLToPath(new URL(`../data/fuzz/${target}.json`, import.meta.url));

/** Reads a target's inputs; none where nobody has fuzzed it. */
export function readCorpus(target: string): Corpus {
  const file = fileOf(target);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Corpus) : {};
}

/** Keeps a target's inputs. */
export function writeCorpus(target: string, corpus: Corpus): void {
  const sorted = Object.fromEntries(Object.entries(corpus).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(fileOf(target), `${JSON.stringify(sorted, undefined, 1)}\n`);
}
