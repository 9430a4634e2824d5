/**
 * Processes of this machine, as /proc tells of one's own; nothing where there is none.
 *
 * @see https://docs.kernel.org/networking/proc_net_tcp.html
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';

/** Every process. */
export function processes(): number[] {
  return namesIn('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** The process that listens on `port`; undefined when it is somebody else's. */
export function listener(port: number): { readonly pid: number; readonly name: string } | undefined {
  const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => listening(table, port)));
  const pid = sockets.size === 0 ? undefined : processes().find((each) => holds(each, sockets));
  return pid === undefined ? undefined : { pid, name: textOf(`/proc/${pid}/comm`).trim() };
}

/** A process other than `but` that has `file` open. */
export function opener(file: string, but: number): number | undefined {
  return processes().find((pid) => pid !== but && holds(pid, new Set([file])));
}

/** The text of a file; empty where there is none, or none for us. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Whether a process has one of these open, by what /proc/PID/fd calls them. */
function holds(pid: number, wanted: ReadonlySet<string>): boolean {
  return namesIn(`/proc/${pid}/fd`).some((name) => wanted.has(linkAt(`/proc/${pid}/fd/${name}`)));
}

/** How /proc/PID/fd names the sockets that listen on `port`. */
function listening(table: string, port: number): string[] {
  const lines = textOf(`/proc/net/${table}`).split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const isIt = Number.parseInt(local.split(':')[1] ?? '', 16) === port;
    return isIt && state === LISTEN ? [`socket:[${inode}]`] : [];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
