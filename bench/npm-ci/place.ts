/**
 * Where npm is run: a home with an npmrc, a project, npm's own cache, and nothing of the person who measures.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { ownHome } from '../own-home.ts';

const run = promisify(execFile);

/** The environment in a home. */
export interface Home {
  readonly env: Readonly<Record<string, string>>;
}

/** A home in which npm is run. */
export interface Place extends Home {
  readonly npmCache: string;
}

/** Makes a home in `dir`, whose npm is the one on `path` and has these settings. */
export function makePlace(dir: string, path: string, settings: Readonly<Record<string, string>>): Place {
  const env = ownHome(dir, path);
  const npmCache = join(dir, 'npm');
  const npmrc = { ...settings, cache: npmCache, audit: false, fund: false, 'update-notifier': false };
  writeFileSync(
    join(dir, 'home', '.npmrc'),
    Object.entries(npmrc)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  return { env, npmCache };
}

/** What one command took. */
export interface Timed {
  readonly seconds: number;
  readonly cpu: number;
  readonly requests: number;
}

/**
 * Runs a command in the project `dir`, without `node_modules`, and with npm's own cache empty unless it is kept.
 * The shell counts the CPU time of what it has waited for; npm's log tells its requests. Rejects when the command fails.
 */
export async function timed(
  { env, npmCache }: Place,
  dir: string,
  command: string,
  { keepCache = false } = {},
): Promise<Timed> {
  rmSync(join(dir, 'node_modules'), { recursive: true, force: true });
  const logs = join(npmCache, '_logs');
  rmSync(keepCache ? logs : npmCache, { recursive: true, force: true });
  const script = `TIMEFORMAT='%3R %3U %3S'; time { ${command} >&2; }`;
  const { stderr } = await run('bash', ['-c', script], { cwd: dir, env, maxBuffer: 2 ** 26 });
  const [seconds = 0, user = 0, system = 0] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return { seconds, cpu: user + system, requests: requestsIn(logs) };
}

/** Requests that left npm, as its own log has them. */
function requestsIn(logs: string): number {
  const text = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'));
  const fetched = text.flatMap((each) => each.match(/^\d+ http fetch .*$/gm) ?? []);
  return fetched.filter((line) => !line.endsWith('(cache hit)')).length;
}

/** A digest of everything that was installed in the project `dir`, but for npm's note of where it came from. */
export function treeOf(dir: string): string {
  const hash = createHash('sha256');
  const modules = join(dir, 'node_modules');
  const entries = readdirSync(modules, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { entry, path, name: relative(modules, path) };
  });
  for (const { entry, path, name } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name === '.package-lock.json' || entry.isDirectory()) continue;
    const content = entry.isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
    const mode = entry.isSymbolicLink() ? 'link' : statSync(path).mode.toString(8);
    hash.update(`${name}\0${mode}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
