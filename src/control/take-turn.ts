/**
 * The turn of an agent that systemd keeps running. Were it to end where another one lives, it would be started again every few
 * seconds, for as long as that one stays.
 *
 * @see systemd.exec(5), $SYSTEMD_EXEC_PID
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openConnection } from './connection.ts';
import { type Lock, tryLock } from './lock.ts';

/** How long to wait before the other one is asked again, in milliseconds. */
const AGAIN_MS = 2000;

/** Whether systemd itself has started this process. */
export function isKept(): boolean {
  return process.env['SYSTEMD_EXEC_PID'] === String(process.pid);
}

/** Takes the lock at `path` once nobody lives in the directory, and has whoever does go as soon as nobody needs them. */
export async function takeTurn(directory: string, path: string): Promise<Lock> {
  for (;;) {
    const lock = tryLock(path);
    if (lock) return lock;
    if (!(await hasGone(directory))) await delay(AGAIN_MS);
  }
}

async function hasGone(directory: string): Promise<boolean> {
  try {
    const other = await openConnection(directory);
    const { stopping = false } = (await other?.call('stop', { whenIdle: true })) ?? {};
    await (stopping ? other?.closed : other?.[Symbol.asyncDispose]());
    return stopping;
  } catch {
    // It is just coming or going, or hangs.
    return false;
  }
}
