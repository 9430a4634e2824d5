/**
 * Changing a file that belongs to somebody else, and is read by others at any moment: they see the old text or
 * the new one, also when we are killed half-way.
 *
 * @module
 */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { reasonOf } from './reason.ts';

/** What an edit makes of a file's text, both as latin1; undefined: the file is not there, and not to be there. */
export type Change = (
  text: string | undefined,
  newDirectories: number,
) => { readonly text: string | undefined; readonly directories?: number };

/** How often it is tried again when somebody else changes the file at the same time. */
const ATTEMPTS = 5;

/** What follows a file's name, before our pid, while it is being written. */
const TEMPORARY = '.pyrsia-';

/**
 * Changes the file at `path`, and tells whether there was anything to change. Where it leads to another file,
 * that one is changed, and the link stays. Mode, owner and other names of the file stay as well. A file that is
 * not there is made, with the directories it lies in, and goes with as many of them as `change` says.
 *
 * A file that has several names, or lies in a directory that cannot be written, is written in place; there a
 * reader may come in the middle.
 *
 * @throws PyrsiaError `FILE_UNWRITABLE` when it may not be written, and it is not changed then.
 */
export function editFile(path: string, change: Change): boolean {
  try {
    for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
      const changed = editOnce(path, change);
      if (changed !== undefined) return changed;
    }
    throw new Error('somebody else is changing it');
  } catch (error) {
    throw new PyrsiaError('FILE_UNWRITABLE', { path, reason: reasonOf(error) }, { cause: error });
  }
}

/** Undefined when somebody else has changed the file meanwhile. */
function editOnce(path: string, change: Change): boolean | undefined {
  const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat && link) throw new Error('it is a link that leads nowhere');
  if (!stat) return make(path, change);
  const target = realpathSync(path);
  if (!stat.isFile()) throw new Error('it is not a file');

  const before = readFileSync(target, 'latin1');
  const { text: after, directories = 0 } = change(before, 0);
  if (after === before) return false;
  // Its owner does not want it to be changed, and root is no reason to.
  if ((stat.mode & 0o222) === 0) throw new Error('it is read-only');
  accessSync(target, constants.W_OK);

  if (after === undefined && !link) remove(target, directories);
  else return replace(target, stat, before, after ?? '');
  return true;
}

function make(path: string, change: Change): boolean | undefined {
  const missing = missingAbove(path);
  const { text } = change(undefined, missing);
  if (text === undefined) return false;
  if (missing > 0) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = temporaryFor(path);
  try {
    writeNew(temporary, text, (file) => fchmodSync(file, 0o644 & ~process.umask()));
    if (lstatSync(path, { throwIfNoEntry: false })) return undefined;
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  return true;
}

function replace(target: string, stat: Stats, before: string, after: string): boolean | undefined {
  const temporary = temporaryFor(target);
  try {
    // Its other names would keep the old text.
    if (stat.nlink > 1) throw new Error('it has several names');
    writeNew(temporary, after, (file) => {
      const { uid, gid } = fstatSync(file);
      if (uid !== stat.uid || gid !== stat.gid) fchownSync(file, stat.uid, stat.gid);
      fchmodSync(file, stat.mode & 0o7777);
    });
    if (readFileSync(target, 'latin1') !== before) return undefined;
    renameSync(temporary, target);
  } catch {
    writeInPlace(target, before, after);
  } finally {
    rmSync(temporary, { force: true });
  }
  return true;
}

function writeNew(temporary: string, text: string, prepare: (file: number) => void): void {
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeWhole(file, text, 0);
    prepare(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Only what differs, in one write; a disk that is full gets back what was there. */
function writeInPlace(target: string, before: string, after: string): void {
  let same = 0;
  while (same < before.length && before[same] === after[same]) same += 1;
  const file = openSync(target, 'r+');
  try {
    writeWhole(file, after.slice(same), same);
    ftruncateSync(file, after.length);
    fsyncSync(file);
  } catch (error) {
    ftruncateSync(file, same);
    writeWhole(file, before.slice(same), same);
    throw error;
  } finally {
    closeSync(file);
  }
}

function writeWhole(file: number, text: string, at: number): void {
  const bytes = Buffer.from(text, 'latin1');
  for (let done = 0; done < bytes.length;)
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
}

/** Removes a file of ours, and so many of the directories above it as are empty then. */
function remove(path: string, directories: number): void {
  rmSync(path);
  let above = dirname(path);
  for (let left = directories; left > 0; left--) {
    if (readdirSync(above).length > 0) return;
    rmdirSync(above);
    above = dirname(above);
  }
}

/** How many directories have to be made for a file at `path`. */
function missingAbove(path: string): number {
  const above = dirname(path);
  return statSync(above, { throwIfNoEntry: false }) ? 0 : 1 + missingAbove(above);
}

/** Where the new text is written, beside the old. */
function temporaryFor(path: string): string {
  sweep(path);
  return `${path}${TEMPORARY}${process.pid}`;
}

/** Removes what processes that were killed left beside `path`. */
function sweep(path: string): void {
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
