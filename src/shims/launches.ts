/**
 * The launches that an agent serves at the moment.
 *
 * Somebody tells the agent of a launch, or it sees the file appear, or the launch's first request comes before
 * either: whichever is first, the launch is taken up once.
 *
 * @module
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { isLaunchId, launchDirectory, launchFile, ownerOf, readLaunch } from './launch.ts';
import type { Launch } from './launch.ts';

/** How often it is looked whether the processes of running launches are still there. */
const LOOK_EVERY_MS = 250;

/** How often it is looked for launches that went unseen. */
const SEARCH_EVERY_MS = 1000;

/** How long a launch file may lie that cannot be taken up: half-written, malformed, somebody else's. */
const REFUSED_KEPT_MS = 60_000;

/** The running launches of one agent. */
export interface Launches {
  /**
   * Takes up the launch `id`, until its process is gone, its file is removed, or `until` aborts. A launch that
   * is running already is returned as it is.
   *
   * @throws PyrsiaError `AGENT_REFUSED` when there is no such launch file, or its process is not running.
   */
  admit(id: string, until?: AbortSignal): Launch;
  /** The running launch `id`, taken up where that was not done yet: undefined when there is none, or its file is gone. */
  find(id: string): Launch | undefined;
  list(): readonly Launch[];
  /** Ends the launch `id`, if it is running, and removes its files. */
  end(id: string): void;
  /** Takes up what went unseen, and ends what is over: otherwise both happen a moment later. */
  look(): void;
  /** Ends all of them. */
  close(): void;
}

/** Whom the launches of an agent concern. */
export interface LaunchesParts {
  readonly directory: string;
  /** Told of each launch once, when it is taken up. */
  readonly onStart?: (launch: Launch) => void;
  /** Told of each launch once, after its files are gone. */
  readonly onEnd: (launch: Launch) => void;
  /** Told once of each file that cannot be taken up, and why. */
  readonly onRefused?: (reason: string) => void;
  /** Whether a public name that no launch has is kept for one; what else lies there is tidied away. */
  readonly isKept?: (name: string) => boolean;
}

/** The launches of the agent in `directory`, none so far. Files that launches of dead processes left there are removed. */
export function launches({ directory, onStart, onEnd, onRefused, isKept }: LaunchesParts): Launches {
  const running = new Map<string, { readonly launch: Launch; readonly startedAt: string }>();
  const refused = new Set<string>();
  let looking: NodeJS.Timeout | undefined;
  mkdirSync(launchDirectory(directory), { recursive: true, mode: 0o700 });
  removeLeftovers(directory);

  const watcher = watchFor((name) => {
    if (isLaunchId(name)) seen(name);
  });
  const searching = setInterval(search, SEARCH_EVERY_MS).unref();

  return {
    admit(id, until) {
      const launch = running.get(id)?.launch ?? start(id);
      if (!launch) throw new PyrsiaError('AGENT_REFUSED', { reason: 'there is no such launch' });
      until?.addEventListener('abort', () => end(id), { once: true });
      if (until?.aborted) end(id);
      return launch;
    },
    find: (id) => (isLaunchId(id) ? seen(id) : undefined),
    list: () => [...running.values()].map(({ launch }) => launch),
    end,
    look() {
      lookAtProcesses();
      search();
    },
    close() {
      watcher?.close();
      clearInterval(searching);
      for (const id of running.keys()) end(id);
      // An agent before us was killed, and after that the command that would have removed its files.
      removeLeftovers(directory);
    },
  };

  /** The launch of this id out of its file; undefined when there is none. */
  function start(id: string): Launch | undefined {
    const launch = readLaunch(directory, id);
    if (!launch) return undefined;
    const startedAt = startOf(launch.pid);
    if (startedAt === undefined) {
      throw new PyrsiaError('AGENT_REFUSED', {
        reason: `process ${launch.pid} of the launch is not running`,
      });
    }
    running.set(id, { launch, startedAt });
    looking ??= setInterval(lookAtProcesses, LOOK_EVERY_MS).unref();
    onStart?.(launch);
    return launch;
  }

  /** The same where nobody is waiting for a reason: that is told once. */
  function takeUp(id: string): Launch | undefined {
    try {
      return start(id);
    } catch (error) {
      if (!refused.has(id)) onRefused?.(error instanceof Error ? error.message : String(error));
      refused.add(id);
      return undefined;
    }
  }

  function seen(id: string): Launch | undefined {
    if (!running.has(id)) return takeUp(id);
    if (!existsSync(launchFile(directory, id))) end(id);
    return running.get(id)?.launch;
  }

  function lookAtProcesses(): void {
    for (const [id, { launch, startedAt }] of running) {
      if (startOf(launch.pid) !== startedAt || !existsSync(launchFile(directory, id))) end(id);
    }
  }

  function search(): void {
    const names = namesIn(directory);
    for (const id of refused) if (!names.includes(id)) refused.delete(id);
    for (const id of names.filter(isLaunchId)) if (!running.has(id)) takeUp(id);
    const owners = new Set([...running.values()].map(({ launch }) => launch.name));
    for (const file of names) {
      const owner = ownerOf(file);
      const isNobodys =
        owner === undefined
          ? isLaunchId(file) && !running.has(file)
          : !owners.has(owner) && isKept?.(owner) !== true;
      const path = join(launchDirectory(directory), file);
      if (isNobodys && ageOf(path) > REFUSED_KEPT_MS) rmSync(path, { recursive: true, force: true });
    }
  }

  function end(id: string): void {
    const found = running.get(id);
    if (!found) return;
    running.delete(id);
    if (running.size === 0) {
      clearInterval(looking);
      looking = undefined;
    }
    removeLaunch(directory, found.launch);
    onEnd(found.launch);
  }

  /** Calls `onName` with each file's name that appears or changes; where the system cannot say so, the search will find it. */
  function watchFor(onName: (name: string) => void): { close(): void } | undefined {
    try {
      return watch(launchDirectory(directory), { persistent: false }, (_, name) => {
        if (name !== null) onName(name);
      }).on('error', () => {});
    } catch {
      return undefined;
    }
  }
}

/**
 * When process `pid` was started, in whatever unit the system counts; undefined when it is not running (any
 * more). A pid is used again, a pid with a start time is not.
 */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return undefined;
  }
  try {
    // The command's name, in parentheses, may hold anything. See proc_pid_stat(5): (3) state … (22) starttime.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return 'unknown'; // No /proc here.
  }
}

function removeLeftovers(directory: string): void {
  for (const path of leftovers(directory)) rmSync(path, { recursive: true, force: true });
}

/** Files of launches whose processes are gone, as they remain where an agent was killed. */
export function leftovers(directory: string): string[] {
  const dead: string[] = [];
  const owners = new Set<string>();
  for (const id of namesIn(directory).filter(isLaunchId)) {
    const owner = ownerOfLiving(directory, id);
    if (owner === undefined) dead.push(id);
    else owners.add(owner);
  }
  const belonging = namesIn(directory).filter((file) => {
    const owner = ownerOf(file);
    return owner !== undefined && !owners.has(owner);
  });
  return [...dead, ...belonging].map((file) => join(launchDirectory(directory), file));
}

/** The name of a launch whose process is running; `''` for one that is being written. */
function ownerOfLiving(directory: string, id: string): string | undefined {
  try {
    const launch = readLaunch(directory, id);
    if (!launch) return existsSync(launchFile(directory, id)) ? '' : undefined;
    return startOf(launch.pid) === undefined ? undefined : launch.name;
  } catch {
    return undefined;
  }
}

/** Removes the launch file of `id` and all that belongs to it; the launch ends with that. */
export function removeLaunch(directory: string, { id, name }: Pick<Launch, 'id' | 'name'>): void {
  rmSync(launchFile(directory, id), { force: true });
  for (const file of namesIn(directory)) {
    if (ownerOf(file) === name)
      rmSync(join(launchDirectory(directory), file), { recursive: true, force: true });
  }
}

/** What lies among the launch files; nothing when somebody tidied the directory away. */
function namesIn(directory: string): string[] {
  const files = launchDirectory(directory);
  return existsSync(files) ? readdirSync(files) : [];
}

function ageOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found ? Date.now() - found.mtimeMs : 0;
}
