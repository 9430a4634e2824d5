/**
 * Ourselves in a {@link Place}: a stand-in for npm, and the agent behind it.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { pathsOf } from '../../src/paths.ts';
import type { Receipt } from '../../src/resolve/report.ts';
import { launchDirectory } from '../../src/shims/launch.ts';
import type { Home, Place } from './place.ts';
import type { Sample } from './results.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** The command that leads npm without a stand-in. */
export const EXEC = `'${process.execPath}' '${program}' exec --`;

async function pyrsia({ env }: Home, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [program, ...args], { env, maxBuffer: 2 ** 28 });
  return stdout;
}

/** Puts stand-ins first on the PATH of a place. */
export async function withStandIns<T extends Home>(place: T, ...tools: readonly string[]): Promise<T> {
  await pyrsia(place, 'shim', 'install', ...tools, '--no-path', '--yes');
  const PATH = [pathsOf(place.env).shims, place.env['PATH']].join(delimiter);
  return { ...place, env: { ...place.env, PATH } };
}

/** What the agent has taken so far: CPU seconds, and its peak RSS in bytes. */
export async function spent(place: Home): Promise<NonNullable<Sample['server']>> {
  const { pid, peakRss } = JSON.parse(await pyrsia(place, 'agent', 'status', '--json'));
  return { cpu: cpuOf(pid), peakRss };
}

/** CPU seconds of a process so far. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Has the agent end. One that cannot be asked to is killed with all that is left of a run. */
export async function stopAgent(place: Home): Promise<void> {
  await pyrsia(place, 'agent', 'stop').catch(() => {});
}

export async function lastReceipt(place: Place): Promise<Receipt> {
  return JSON.parse(await pyrsia(place, 'why', 'last', '--json')) as Receipt;
}

/** Watches for launch files until it is disposed of. */
export interface LaunchWatch extends Disposable {
  /** When the latest launch file was written, in milliseconds since 1970. */
  readonly at: () => number;
}

/** The agent of the place must have run before. */
export function watchLaunches({ env }: Place): LaunchWatch {
  let at = Number.NaN;
  const dir = launchDirectory(pathsOf(env).runtime);
  const watcher: FSWatcher = watch(dir, (_, name) => {
    if (!name || name.includes('.')) return;
    const file = statSync(join(dir, name), { throwIfNoEntry: false });
    if (file) at = file.mtimeMs; // It is written once, and whole.
  });
  return { at: () => at, [Symbol.dispose]: () => watcher.close() };
}

/** When the last link was made in npm's content, in milliseconds since 1970: that changes a file's status. */
export function lastLinkedAt({ npmCache }: Place): number {
  const content = join(npmCache, '_cacache', 'content-v2');
  const files = readdirSync(content, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  const stats = files.map((each) => statSync(join(each.parentPath, each.name)));
  return Math.max(...stats.map(({ nlink, ctimeMs }) => (nlink > 1 ? ctimeMs : 0)));
}
