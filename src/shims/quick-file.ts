/**
 * The quick file of a tool: how the agent would lead it outside of any project, left in its directory for
 * stand-ins, which can then lead the tool themselves as long as everything that this rests on is as it was.
 *
 * One value a line, so that sh can read it:
 *
 * 1. the format
 * 2. the agent's pid
 * 3. the generation, by which a launch says which answer it has followed
 * 4. the tool, as it was found on the PATH
 * 5. the first `node` there, or nothing
 * 6. the variables that decide whom the tool asks, their values joined by `|`
 * 7. `1` if a project's lockfile may change the answer, or nothing
 *
 * and then any number of
 *
 * - `=PATH` a file that is there and not newer than this one, `-PATH` one that is not there
 * - `$NAME=value` a variable to be set, `&NAME=suffix` one to be set to the path of a file of the launch's own,
 *   `~NAME=suffix` one to be set to the address of a socket that listens there already (`unix://…`)
 * - `>suffix` such a file, of the lines that follow: `@text` is ended by the credential, `:text` is as it is
 * - `!argument` one to be put before the user's own
 *
 * until `end`.
 *
 * @module
 */
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CalledTool, Redirection } from '../ecosystems/ecosystem.ts';
import type { SettingsSource } from './settings.ts';

const FORMAT = 'pyrsia-quick-1';

/** The most lines of configuration that a stand-in is to copy for each launch. */
const LINES_LIMIT = 20;

/** What a quick file says, and what that rests on. */
export interface QuickAnswer {
  readonly executable: string;
  readonly node: string | undefined;
  /** By {@link fingerprint}. */
  readonly variables: string;
  /** Whether a project's lockfile may change it. */
  readonly lockfile: boolean;
  readonly sources: readonly SettingsSource[];
  /** By {@link quickLines}. */
  readonly lines: readonly string[];
}

/** Where the quick file of a tool lies in an agent's directory. */
export function quickFile(directory: string, tool: string): string {
  return join(directory, `quick-${tool}`);
}

/** What of an environment decides whom a tool asks. */
export function fingerprint({ settings }: CalledTool, env: NodeJS.ProcessEnv): string {
  return settings.variables.map((name) => env[name] ?? '').join('|');
}

/** A redirection in the words of the file; undefined when it cannot be said in them. */
export function quickLines(
  { env, args = [], files = {} }: Redirection,
  { settings, socket }: Pick<CalledTool, 'settings' | 'socket'>,
  { credential, pathOf }: { readonly credential: string; pathOf(this: void, file: string): string },
): readonly string[] | undefined {
  const suffixes = new Map(Object.keys(files).map((file) => [pathOf(file), file]));
  if (!Object.keys(env).every((name) => settings.led.includes(name))) return undefined;
  const variables = Object.entries(env).map(([name, value]) => {
    const suffix = suffixes.get(value);
    if (socket !== undefined && value === addressOf(pathOf(socket))) return `~${name}=${socket}`;
    return suffix === undefined ? `$${name}=${value}` : `&${name}=${suffix}`;
  });
  const texts = Object.entries(files).flatMap(([suffix, text]) => [
    `>${suffix}`,
    ...text
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => (line.endsWith(credential) ? `@${line.slice(0, -credential.length)}` : `:${line}`)),
  ]);
  const lines = [...variables, ...texts, ...args.map((argument) => `!${argument}`)];
  // The credential is another one each time, and sh can hold neither of the other two in a line.
  const isSayable = lines.every((line) => !line.includes(credential) && !/[\n\0]/.test(line));
  const copied = lines.filter((line) => line.startsWith(':')).length;
  return isSayable && copied <= LINES_LIMIT ? lines : undefined;
}

/** A socket, as tools are told of it. */
export function addressOf(path: string): string {
  return `unix://${path}`;
}

/**
 * Puts the quick file of a tool in place. It counts as made before `readAt`, when the settings had not been
 * read yet.
 *
 * @returns whether its values could be said in it
 */
export function writeQuickFile(
  directory: string,
  tool: string,
  generation: string,
  answer: QuickAnswer,
  readAt: number,
): boolean {
  const { executable, node = '', variables, lockfile, sources, lines } = answer;
  const values = [
    FORMAT,
    String(process.pid),
    generation,
    executable,
    node,
    variables,
    lockfile ? '1' : '',
    ...sources.map(({ path, exists }) => `${exists ? '=' : '-'}${path}`),
    ...lines,
    'end',
  ];
  if (values.some((value) => /[\n\0]/.test(value))) return false;
  const file = quickFile(directory, tool);
  writeFileSync(`${file}.new`, `${values.join('\n')}\n`, { mode: 0o600 });
  utimesSync(`${file}.new`, madeAt(readAt), madeAt(readAt));
  renameSync(`${file}.new`, file);
  return true;
}

/** Whether none of these files has come, gone or changed since they were read at `readAt`. */
export function areUnchanged(sources: readonly SettingsSource[], readAt: number): boolean {
  return sources.every(({ path, exists }) => {
    const changedAt = mtimeOf(path);
    return exists ? changedAt !== undefined && changedAt <= madeAt(readAt) * 1000 : changedAt === undefined;
  });
}

/** In seconds. The shortest-sighted shells compare no less, so what changes later in that second is newer for all. */
function madeAt(readAt: number): number {
  return Math.floor(readAt / 1000) - 1;
}

function mtimeOf(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Removes the quick file of a tool. */
export function removeQuickFile(directory: string, tool: string): void {
  rmSync(quickFile(directory, tool), { force: true });
}

/** Removes all quick files of an agent's directory. */
export function removeQuickFiles(directory: string): void {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names.filter((each) => each.startsWith('quick-')))
    rmSync(join(directory, name), { force: true });
}
