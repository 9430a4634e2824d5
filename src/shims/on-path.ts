/**
 * Having our directory first on the PATH: by a block in each file that the user's shell reads, or by what a CI
 * service offers instead.
 *
 * @module
 */
import { readFileSync, statSync } from 'node:fs';
import { isPyrsiaError } from '../errors.ts';
import { openHome } from './ask-shells.ts';
import { type Change, editFile } from './edit-file.ts';
import { addToList, isListed, removeFromList } from './path-list.ts';
import { addBlock, type BlockState, blockState, removeBlocks } from './rc-block.ts';
import { allRcFiles, type Home, rcFiles } from './rc-files.ts';
import { type Shell, SHELLS, type Syntax } from './shells.ts';

/** A file in which a directory is named so that it comes first. */
export interface PathFile {
  readonly path: string;
  /** `list`: a CI service's list of directories. */
  readonly syntax: Syntax | 'list';
}

/** What became of one file. */
export interface Edited {
  readonly path: string;
  /** `altered`: somebody has changed lines of ours, which are left as they are. */
  readonly outcome: 'added' | 'removed' | 'unchanged' | 'altered' | 'failed';
  /** Why it failed. */
  readonly reason?: string;
  /** Lines that somebody wrote between ours; they stay. */
  readonly kept?: readonly string[];
}

/** How a file stands to our directory. */
export interface PathFileState {
  readonly path: string;
  readonly state: BlockState | 'unreadable';
}

/** From which files new shells of this user, or the steps of this job of a CI service, learn of our directory. */
export function pathFiles(shell: Shell, home: Home): readonly PathFile[] {
  const { GITHUB_PATH: list, CIRCLECI: circle, BASH_ENV: bashEnv } = home.env;
  // A machine that builds is no place for blocks in files that nobody reads there.
  if (list) return [{ path: list, syntax: 'list' }];
  if (azureLine('', home.env) !== undefined) return [];
  if (circle && bashEnv) return [{ path: bashEnv, syntax: 'posix' }];
  return rcFiles(shell, home).filter(mayBeFile);
}

/** Every file that may name our directory. */
export function allPathFiles(home: Home): readonly PathFile[] {
  const list = home.env['GITHUB_PATH'];
  return [...allRcFiles(home).filter(mayBeFile), ...(list ? [{ path: list, syntax: 'list' } as const] : [])];
}

/** Takes all of ours out of every file that may have it, whichever shell the user had then. Never throws. */
export function leavePath(env: NodeJS.ProcessEnv, directory: string): Edited[] {
  return removeFromPath(allPathFiles(openHome(env, SHELLS)), directory);
}

/** What Azure Pipelines takes from the output of a step to put `directory` first in those that follow; undefined elsewhere. */
export function azureLine(directory: string, env: NodeJS.ProcessEnv): string | undefined {
  return env['TF_BUILD'] ? `##vso[task.prependpath]${directory}` : undefined;
}

/** Has each of `files` put `directory` first. Never throws. */
export function addToPath(files: readonly PathFile[], directory: string): Edited[] {
  return files.map(({ path, syntax }) =>
    edit(path, 'added', (text, directories) => {
      if (syntax === 'list') return { text: addToList(text ?? '', directory) };
      const wanted = { directory, syntax };
      const altered = text !== undefined && blockState(text, wanted) === 'altered';
      return { text: addBlock(text, wanted, directories), altered };
    }),
  );
}

/** Takes all of ours out of each of `files`. Never throws. */
export function removeFromPath(files: readonly PathFile[], directory: string): Edited[] {
  return files.map(({ path, syntax }) =>
    edit(path, 'removed', (text) => {
      if (text === undefined) return { text };
      return syntax === 'list' ? { text: removeFromList(text, directory) } : removeBlocks(text);
    }),
  );
}

/** What each of `files` has of ours. */
export function statesOf(files: readonly PathFile[], directory: string): PathFileState[] {
  return files.map(({ path, syntax }) => {
    try {
      const text = readFileSync(path, 'latin1');
      if (syntax === 'list') return { path, state: isListed(text, directory) ? 'current' : 'absent' };
      return { path, state: blockState(text, { directory, syntax }) };
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      return { path, state: isMissing ? 'absent' : 'unreadable' };
    }
  });
}

/** False for what can have nothing of ours, such as /dev/null for $BASH_ENV. */
function mayBeFile({ path }: PathFile): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  } catch {
    return true; // Writing to it will say why.
  }
}

function edit(
  path: string,
  done: 'added' | 'removed',
  change: (...args: Parameters<Change>) => ReturnType<Change> & {
    readonly kept?: readonly string[];
    readonly altered?: boolean;
  },
): Edited {
  let last: ReturnType<typeof change> | undefined;
  try {
    const changed = editFile(path, (text, directories) => (last = change(text, directories)));
    const kept = last?.kept ?? [];
    const outcome = last?.altered ? 'altered' : changed ? done : 'unchanged';
    return { path, outcome, ...(kept.length > 0 && { kept }) };
  } catch (error) {
    if (!isPyrsiaError(error, 'FILE_UNWRITABLE')) throw error;
    return { path, outcome: 'failed', reason: error.details.reason };
  }
}
