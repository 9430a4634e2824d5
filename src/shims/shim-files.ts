/**
 * The stand-ins on the disk: one file for each tool, in a directory that comes first on the PATH.
 *
 * @module
 */
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { makeOurs, RECORD, removeEmptied, removeOurs } from '../ours.ts';
import { homeOf, type Paths } from '../paths.ts';
import { findTool } from './find-tool.ts';
import { reasonOf } from './reason.ts';
import { parseShim, shimCommandFile, type ShimHeader, shimScript } from './shim-script.ts';
import { sweep, writeWithMode } from './write-file.ts';

/** For whom stand-ins are made, and by which program. */
export interface ShimPlace {
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Absolute: the Node that stand-ins start. */
  readonly node: string;
  /** Absolute: what it runs. */
  readonly entry: string;
  readonly platform: NodeJS.Platform;
}

/** The place of the user who has `env`, for the program whose package.json lies in `root`. */
export function shimPlace(paths: Paths, env: NodeJS.ProcessEnv, cwd: string, root: string): ShimPlace {
  const { execPath: node, platform } = process;
  return { paths, env, cwd, node, entry: join(root, 'bin', 'shim.js'), platform };
}

/** The file that stands in for the tool `name`. */
export function shimFile(name: string, { paths, platform }: ShimPlace): string {
  return join(paths.shims, platform === 'win32' ? `${name}.cmd` : name);
}

/** What the stand-in for `name` says of itself: `foreign` when a file is there that is none of ours. */
export function readShim(name: string, place: ShimPlace): ShimHeader | 'foreign' | undefined {
  const file = shimFile(name, place);
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (!stat) return undefined;
  // A link is not how we make them, whatever it leads to.
  if (!stat.isFile()) return 'foreign';
  const header = parseShim(readFileSync(file, 'utf8'));
  return header?.tool === name ? header : 'foreign';
}

/** The tool that the stand-in for `name` stands before; undefined when there is none on the PATH. */
export function realTool(name: string, { paths, env, cwd }: ShimPlace): string | undefined {
  const skip = [paths.shims];
  const endings = env['PATHEXT'];
  for (;;) {
    const found = findTool(name, env['PATH'], { cwd, skip, ...(endings && { endings }) });
    if (found === undefined || !isShim(found)) return found;
    // Another pyrsia's.
    skip.push(dirname(found));
  }
}

/**
 * Puts a stand-in for `tool` where there is none, or makes it anew for this Node and this program; tells whether
 * that changed anything. A tool that was disabled is so no longer; a file that is none of ours is replaced.
 *
 * @throws PyrsiaError `FILE_UNWRITABLE`
 */
export function installShim(tool: CalledTool, place: ShimPlace): boolean {
  const { paths } = place;
  unwritable(paths.shims, () => {
    makeOurs(paths.shims);
    // Whoever could write there could put commands in front of everybody's.
    const { mode } = statSync(paths.shims);
    if (mode & 0o022) chmodSync(paths.shims, mode & 0o755);
  });
  return write(tool, place, { node: place.node, entry: place.entry, interpreter: interpreterFor(place.env) });
}

/**
 * Makes the stand-in for `tool` pass everything by, or work again; tells whether that changed anything. The file
 * stays: shells that are running remember its path.
 *
 * @throws PyrsiaError `NOT_FOUND` when there is none of ours, `FILE_UNWRITABLE`.
 */
export function setDisabled(tool: CalledTool, place: ShimPlace, disabled: boolean): boolean {
  const header = readShim(tool.executable, place);
  if (header === undefined || header === 'foreign') {
    throw new PyrsiaError('NOT_FOUND', {
      what: `a shim for ${tool.executable}: pyrsia shim install ${tool.executable}`,
    });
  }
  return write(tool, place, { ...header, disabled });
}

/**
 * Removes the stand-in for `name`, and tells whether there was one. A file that is none of ours stays.
 *
 * @throws PyrsiaError `FILE_UNWRITABLE`
 */
export function removeShim(name: string, place: ShimPlace): boolean {
  const header = readShim(name, place);
  if (header === undefined || header === 'foreign') return false;
  const file = shimFile(name, place);
  unwritable(file, () => rmSync(file));
  return true;
}

/** What lies in the directory of the stand-ins: the tools that have one, and paths of what is none of ours. */
export function shimsIn(place: ShimPlace): {
  readonly tools: readonly string[];
  readonly others: readonly string[];
} {
  const { shims } = place.paths;
  const names = existsSync(shims) ? readdirSync(shims).filter((name) => name !== RECORD) : [];
  const tools = names.flatMap((name) => {
    const tool = place.platform === 'win32' ? name.replace(/\.cmd$/i, '') : name;
    const header = readShim(tool, place);
    return header === undefined || header === 'foreign' ? [] : tool;
  });
  const files = new Set(tools.map((tool) => shimFile(tool, place)));
  return { tools, others: names.map((name) => join(shims, name)).filter((path) => !files.has(path)) };
}

/** Removes the directory of the stand-ins, and those that were made for it, once nothing is left in it. Never throws. */
export function removeShimDirectory(place: ShimPlace): void {
  const { paths, env } = place;
  sweep(paths.shims);
  const { tools, others } = shimsIn(place);
  if (tools.length > 0 || others.length > 0) return;
  const { above } = removeOurs(paths.shims, { home: homeOf(env) });
  removeEmptied(above, Object.values(paths));
}

function write(
  tool: CalledTool,
  { paths, env, platform, ...place }: ShimPlace,
  recorded: Pick<ShimHeader, 'node' | 'entry' | 'interpreter'> & { readonly disabled?: boolean },
): boolean {
  const { shims, runtime } = paths;
  const options = { ...recorded, tool, shims, runtime, env, uid: process.getuid?.() ?? 0 };
  const text = platform === 'win32' ? shimCommandFile(options) : shimScript(options);
  const file = shimFile(tool.executable, { paths, env, platform, ...place });
  return unwritable(file, () => {
    const stat = lstatSync(file, { throwIfNoEntry: false });
    const isThere = stat?.isFile() && (stat.mode & 0o777) === 0o755 && readFileSync(file, 'utf8') === text;
    if (!isThere) writeWithMode(file, text, 0o755);
    return !isThere;
  });
}

/** bash where there is one: other shells drop what has a name that is no identifier. A `#!` takes neither spaces nor long paths. */
function interpreterFor(env: NodeJS.ProcessEnv): string {
  const usual = '/bin:/usr/bin';
  const found = [
    findTool('bash', usual),
    findTool('bash', env['PATH']),
    findTool('sh', usual),
    findTool('sh', env['PATH']),
  ];
  return found.find((path) => path !== undefined && /^\S{1,100}$/.test(path)) ?? '/bin/sh';
}

/** Whether a file is a shim, of this pyrsia or of another. Tools of many megabytes are not read. */
export function isShim(file: string): boolean {
  try {
    return statSync(file).size < 2 ** 20 && parseShim(readFileSync(file, 'utf8')) !== undefined;
  } catch {
    return false;
  }
}

function unwritable<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (isPyrsiaError(error)) throw error;
    throw new PyrsiaError('FILE_UNWRITABLE', { path, reason: reasonOf(error) }, { cause: error });
  }
}
