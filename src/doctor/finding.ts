/**
 * What the doctor finds, and how it looks for it. A check is one small function; adding one is a file here, a
 * line in `checks.ts`, and a row for each of its findings in `docs/doctor.md`.
 *
 * @module
 */
import type { Patient } from './patient.ts';

/** What checks are about, in the order in which they are told. */
export const GROUPS = {
  shims: 'the shims, and the real tools behind them',
  path: "the PATH, and the lines in the shell's files",
  installation: 'one pyrsia, and a Node that it can run on',
  agent: 'the agent and its ports',
  runtime: 'the directory of sockets and launches',
  cache: "the cache: may be written, has room, can be read; and npm's own, which is filled",
  upstream: 'the registries that npm is configured with, and the clock',
  peers: 'other computers: reached, found, let in',
  settings: 'settings, and what switches pyrsia off',
} as const;

export type Group = keyof typeof GROUPS;

/** Something that is not as it should be, or that explains why things are as they are. */
export interface Finding {
  /** Stable, and explained in `docs/doctor.md`. */
  readonly id: string;
  /** A note tells of something that may be meant, or costs nothing worth mentioning: it fails no script. */
  readonly level: 'wrong' | 'note';
  /** What is the matter, with the facts. One sentence without a final period, as the others. */
  readonly title: string;
  /** What that costs the user. */
  readonly cost: string;
  /** The command line that repairs it; where none can, whom to ask for what. */
  readonly remedy: string;
  readonly fix?: Fix;
}

/** How the doctor itself would repair it. */
export interface Fix {
  /** What it would do, as a question without its question mark: `End process 12`. */
  readonly what: string;
  /** Does it, and says what was done. Rejects when it could not. */
  run(this: void): Promise<string>;
}

/** Looks for one kind of thing. Changes nothing, starts nothing. May reject: then that is what is found. */
export interface Check {
  readonly name: string;
  readonly group: Group;
  look(this: void, patient: Patient): Promise<readonly Finding[]> | readonly Finding[];
}

/** Something that is done at once, as what {@link Fix.run} does. */
export function done(work: () => void, said: string): Fix['run'] {
  return async () => {
    await Promise.resolve(work());
    return said;
  };
}
