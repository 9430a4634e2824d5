/**
 * Processes that belong to a sandbox, found by what they were started with, and whether they are there.
 *
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, as /proc shows it. */
export interface Process {
  readonly pid: number;
  readonly command: string;
}

/**
 * Processes other than this one whose environment, arguments or working directory name a path below `root`. None
 * where there is no /proc. One that is being killed loses the first two some 40 ms before the last, by which a
 * stand-in knows that the agent lives.
 */
export function processesOf(root: string): Process[] {
  return numbersIn('/proc')
    .filter((pid) => pid !== process.pid)
    .map((pid) => ({
      pid,
      command: read(`/proc/${pid}/cmdline`),
      marks: [read(`/proc/${pid}/environ`), directoryOf(pid)],
    }))
    .filter(({ command, marks }) => [command, ...marks].some((mark) => mark.includes(`${root}/`)))
    .map(({ pid, command }) => ({ pid, command: command.replaceAll('\0', ' ').trim() }));
}

/** Whether process `pid` is there, whoever's it is. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** How long processes may take to end of themselves, in milliseconds. */
const GRACE_MS = 1_000;

/** Kills the processes of `root`, after a moment in which they may end of themselves, and waits until they are gone. Throws when that takes more than five seconds. */
export async function killProcessesOf(root: string): Promise<void> {
  const begunAt = Date.now();
  const asked = new Set<number>();
  for (let left = processesOf(root); left.length > 0; left = processesOf(root)) {
    const ms = Date.now() - begunAt;
    if (ms > 5_000) throw new Error(`Left behind: ${JSON.stringify(left)}`);
    for (const { pid } of left) {
      if (ms > GRACE_MS) send(pid, 'SIGKILL');
      else if (!asked.has(pid)) send(pid, 'SIGTERM');
      asked.add(pid);
    }
    await sleep(10);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function directoryOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Empty for a process that has gone, or that is somebody else's. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
