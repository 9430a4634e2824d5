/**
 * How things stand with the stand-ins: whether a shell reaches them, and what they reach.
 *
 * @module
 */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, resolve } from 'node:path';
import { findTool } from './find-tool.ts';
import { readShim, realTool, shimFile, type ShimPlace } from './shim-files.ts';

/** How one tool stands. */
export interface ShimState {
  readonly tool: string;
  /** Where its stand-in lies, or would. */
  readonly file: string;
  /**
   * `missing`: there is no stand-in · `overwritten`: a file is there that is none of ours · `disabled` ·
   * `broken`: what it needs is gone · `unreachable`: its directory is not on this PATH · `shadowed`: something
   * of the same name comes before it · `active`.
   */
  readonly state: 'missing' | 'overwritten' | 'disabled' | 'broken' | 'unreachable' | 'shadowed' | 'active';
  /** The tool behind it; undefined when there is none on this PATH. */
  readonly real?: string;
  /** What comes before it. */
  readonly before?: string;
  /** What it needs and is not there, or not as it must be. */
  readonly gone?: readonly string[];
}

/** How each of `tools` stands for who has this place's environment. Changes nothing. */
export function shimStates(tools: readonly string[], place: ShimPlace): ShimState[] {
  return tools.map((tool) => {
    const real = realTool(tool, place);
    return { tool, file: shimFile(tool, place), ...judge(tool, place), ...(real !== undefined && { real }) };
  });
}

/** Whether there is a stand-in, or a tool that could have one. */
export function isThere({ state, real }: ShimState): boolean {
  return state !== 'missing' || real !== undefined;
}

/** Where `directory` stands on a PATH: 0 is first; undefined when it is not there. */
export function positionOnPath(path: string | undefined, directory: string): number | undefined {
  const at = (path ?? '').split(delimiter).findIndex((entry) => isAbsolute(entry) && same(entry, directory));
  return at < 0 ? undefined : at;
}

function judge(tool: string, place: ShimPlace): Pick<ShimState, 'state' | 'before' | 'gone'> {
  const header = readShim(tool, place);
  if (header === undefined) return { state: 'missing' };
  if (header === 'foreign') return { state: 'overwritten' };
  const gone = [header.node, header.entry, ...(header.interpreter ? [header.interpreter] : [])].filter(
    (path) => !existsSync(path),
  );
  if (!isExecutable(shimFile(tool, place))) gone.push('permission to execute it');
  if (header.disabled) return { state: 'disabled' };
  if (gone.length > 0) return { state: 'broken', gone };

  const { paths, env, cwd } = place;
  if (positionOnPath(env['PATH'], paths.shims) === undefined) return { state: 'unreachable' };
  const endings = env['PATHEXT'];
  const first = findTool(tool, env['PATH'], { cwd, ...(endings && { endings }) });
  if (first === undefined || same(dirname(first), paths.shims)) return { state: 'active' };
  return { state: 'shadowed', before: first };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether two paths lead to one directory. */
function same(one: string, other: string): boolean {
  return resolved(one) === resolved(other);
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
