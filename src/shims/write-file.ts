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
  sweep(dirname(path), basename(path));
  const temporary = `${path}.pyrsia-${process.pid}`;
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

/** Removes what processes that were killed left in `directory`, of the file `name` or of any. */
export function sweep(directory: string, name?: string): void {
  try {
    for (const each of readdirSync(directory)) {
      const [, written, pid] = /^(.+)\.pyrsia-(\d+)$/.exec(each) ?? [];
      if (written === undefined || (name !== undefined && written !== name)) continue;
      if (!isRunning(Number(pid))) rmSync(join(directory, each));
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
