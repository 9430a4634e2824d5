/**
 * What is asked for on the command line.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { type ProjectName, projects } from './projects.ts';
import { type Way, WAYS } from './results.ts';
import { type Npm, npms } from './npms.ts';
import { oneOf } from '../one-of.ts';

export interface Options {
  readonly rounds: number;
  readonly projects: readonly ProjectName[];
  readonly npms: readonly Npm[];
  /** Undefined: all that are of use for a project and an npm. */
  readonly ways: readonly Way[] | undefined;
  readonly upstream: 'mirror' | 'registry';
  readonly json: string | undefined;
  readonly keep: boolean;
}

/** Throws when it is not understood. */
export function optionsOf(args: readonly string[]): Options {
  const list = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '11' },
      project: list,
      npm: list,
      way: list,
      upstream: { type: 'string', default: 'mirror' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`--rounds ${values.rounds}`);
  return {
    rounds,
    projects: oneOf('project', Object.keys(projects) as ProjectName[], values.project),
    npms: oneOf('npm', npms, values.npm),
    ways: values.way && oneOf('way', Object.keys(WAYS) as Way[], values.way),
    upstream: oneOf('upstream', ['mirror', 'registry'], [values.upstream])[0]!,
    json: values.json,
    keep: values.keep,
  };
}
