/**
 * The launches that an agent serves at the moment.
 *
 * @module
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { belongsTo, isLaunchId, launchDirectory, launchFile, readLaunch } from './launch.ts';
import type { Launch } from './launch.ts';

/** How often it is looked whether the processes are still there. */
const LOOK_EVERY_MS = 1000;

/** The running launches of one agent. */
export interface Launches {
  /**
   * Takes up the launch `id`, until its process is gone, its file is removed, or `until` aborts. A launch that
   * is running already is returned as it is.
   *
   * @throws PyrsiaError `AGENT_REFUSED` when there is no such launch file, or its process is not running.
   */
  admit(id: string, until?: AbortSignal): Launch;
  /** The running launch `id`: undefined also as soon as its file is gone. */
  get(id: string): Launch | undefined;
  list(): readonly Launch[];
  /** Ends the launch `id`, if it is running, and removes its files. */
  end(id: string): void;
  /** Ends all of them. */
  close(): void;
}

/**
 * The launches of the agent in `directory`, none so far. Files that launches of dead processes left there are
 * removed. `onEnd` is told of each launch once, after its files are gone.
 */
export function launches({
  directory,
  onEnd,
}: {
  directory: string;
  onEnd: (launch: Launch) => void;
}): Launches {
  const running = new Map<string, { readonly launch: Launch; readonly startedAt: string }>();
  mkdirSync(launchDirectory(directory), { recursive: true, mode: 0o700 });
  removeLeftovers(directory);

  const timer = setInterval(() => {
    for (const [id, { launch, startedAt }] of running) {
      if (startOf(launch.pid) !== startedAt || !existsSync(launchFile(directory, id))) end(id);
    }
  }, LOOK_EVERY_MS).unref();

  return {
    admit(id, until) {
      const launch = running.get(id)?.launch ?? read(id);
      until?.addEventListener('abort', () => end(id), { once: true });
      if (until?.aborted) end(id);
      return launch;
    },
    get(id) {
      const found = running.get(id);
      if (found && !existsSync(launchFile(directory, id))) end(id);
      return running.get(id)?.launch;
    },
    list: () => [...running.values()].map(({ launch }) => launch),
    end,
    close() {
      clearInterval(timer);
      for (const id of running.keys()) end(id);
      // An agent before us was killed, and after that the command that would have removed its files.
      removeLeftovers(directory);
    },
  };

  function read(id: string): Launch {
    const launch = readLaunch(directory, id);
    if (!launch) throw new PyrsiaError('AGENT_REFUSED', { reason: 'there is no such launch' });
    const startedAt = startOf(launch.pid);
    if (startedAt === undefined) {
      throw new PyrsiaError('AGENT_REFUSED', {
        reason: `process ${launch.pid} of the launch is not running`,
      });
    }
    running.set(id, { launch, startedAt });
    return launch;
  }

  function end(id: string): void {
    const found = running.get(id);
    if (!found) return;
    running.delete(id);
    removeLaunch(directory, id);
    onEnd(found.launch);
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
  for (const id of namesIn(directory).filter(isLaunchId)) {
    if (!isAlive(directory, id)) removeLaunch(directory, id);
  }
  const names = namesIn(directory);
  const owners = new Set(names.filter(isLaunchId).map(belongsTo));
  for (const name of names) {
    if (/^[0-9a-f]{32}\./.test(name) && !owners.has(name.slice(0, 32)))
      rmSync(join(launchDirectory(directory), name), { force: true });
  }
}

function isAlive(directory: string, id: string): boolean {
  try {
    const launch = readLaunch(directory, id);
    // One that is not complete yet is being written.
    return launch ? startOf(launch.pid) !== undefined : existsSync(launchFile(directory, id));
  } catch {
    return false;
  }
}

/** Removes the launch file of `id` and all that belongs to it; the launch ends with that. */
export function removeLaunch(directory: string, id: string): void {
  for (const name of namesIn(directory)) {
    if (name === id || name.startsWith(`${belongsTo(id)}.`))
      rmSync(join(launchDirectory(directory), name), { force: true });
  }
}

/** What lies among the launch files; nothing when somebody tidied the directory away. */
function namesIn(directory: string): string[] {
  const files = launchDirectory(directory);
  return existsSync(files) ? readdirSync(files) : [];
}
