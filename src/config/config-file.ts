/**
 * Our configuration on the disk: `config.json` of the user, and `.pyrsia.json` of a project and of the
 * directories above it. One flat JSON object, setting by setting, as `docs/configuration.md` describes.
 *
 * @module
 */
import { chmodSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeOurs } from '../ours.ts';
import type { Paths } from '../paths.ts';
import { isKey } from './settings.ts';

/** The most bytes a configuration file may have: 64 KiB. */
const FILE_LIMIT = 64 * 2 ** 10;

/** A configuration file as it was found; one that does not exist is empty. */
export interface ConfigFile {
  readonly path: string;
  /** The object as it stands in the file. */
  readonly members: Readonly<Record<string, unknown>>;
  /** The settings in it as text; a list's items are separated by commas. */
  readonly entries: Readonly<Record<string, string>>;
  /** Why (some of) it could not be read, in whole sentences. */
  readonly problems: readonly string[];
}

/** Where the user's own settings lie. */
export function userConfigPath(paths: Pick<Paths, 'config'>): string {
  return join(paths.config, 'config.json');
}

/** Where projects may have a say in `cwd`: from there up to the user's home directory or the root. */
export function projectFiles(cwd: string, home: string | undefined): string[] {
  const files = [join(cwd, '.pyrsia.json')];
  for (let at = cwd; at !== home && dirname(at) !== at;) {
    at = dirname(at);
    files.push(join(at, '.pyrsia.json'));
  }
  return files;
}

/** Reads a file of settings. Never fails: what is wrong becomes a problem. */
export function readConfigFile(path: string): ConfigFile {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return empty(path);
    if (!stat.isFile() || stat.size > FILE_LIMIT)
      throw new Error(`not a file of at most ${FILE_LIMIT} bytes`);
    return parseConfigFile(path, readFileSync(path, 'utf8'));
  } catch (error) {
    return empty(path, `Cannot read ${path}: ${reasonOf(error)}`);
  }
}

/** Takes the text of a file of settings apart; `path` is for the messages. */
export function parseConfigFile(path: string, text: string): ConfigFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine quotes what it did not expect, with its line ends.
    return empty(path, `Cannot read ${path}: ${reasonOf(error).replaceAll(/\s+/g, ' ')}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return empty(path, `Cannot read ${path}: expected a JSON object`);
  }
  const entries: Record<string, string> = {};
  const problems: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    const written = textOf(member);
    if (written !== undefined) entries[key] = written;
    else if (isKey(key)) problems.push(`${path}, ${key}: expected text, a number or a list of texts`);
  }
  return { path, members: { ...value }, entries, problems };
}

/**
 * Replaces the user's settings by `text`, readable by the user alone; a reader sees the old file or the new
 * one. A link to a file kept elsewhere stays a link.
 */
export function writeConfigFile(path: string, text: string): void {
  makeOurs(dirname(path));
  const target = statSync(path, { throwIfNoEntry: false }) ? realpathSync(path) : path;
  const temporary = `${target}.${process.pid}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function empty(path: string, ...problems: string[]): ConfigFile {
  return { path, members: {}, entries: {}, problems };
}

function textOf(member: unknown): string | undefined {
  if (Array.isArray(member)) {
    const items = member.map(textOf);
    return items.every((item) => item !== undefined) ? items.join(',') : undefined;
  }
  return ['string', 'number', 'boolean'].includes(typeof member) ? String(member) : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
