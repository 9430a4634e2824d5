/**
 * Writing a file so that whoever reads it sees all of it or none.
 *
 * @module
 */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What follows a file's name, before our pid, while it is being written. */
const TEMPORARY = '.pyrsia-';

/**
 * Writes `bytes` beside `path` and puts them in its place. `prepare` gets the new file before anybody sees it,
 * and `check` may call it off by throwing. Throws what the file system says, and leaves nothing then.
 */
export function writeWhole(
  path: string,
  bytes: Uint8Array,
  prepare: (file: number) => void,
  check: () => void = () => {},
): void {
  sweep(path);
  const temporary = `${path}${TEMPORARY}${process.pid}`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, bytes);
      prepare(file);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    check();
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Writes a file that is to have exactly this mode, whatever the umask is. */
export function writeWithMode(path: string, text: string, mode: number): void {
  writeWhole(path, Buffer.from(text), (file) => fchmodSync(file, mode));
}

/** Removes what processes that were killed left beside `path`. */
export function sweep(path: string): void {
  const start = `${basename(path)}${TEMPORARY}`;
  try {
    for (const name of readdirSync(dirname(path))) {
      if (name.startsWith(start) && !isRunning(Number(name.slice(start.length))))
        rmSync(join(dirname(path), name));
    }
  } catch {
    // They are in nobody's way.
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
