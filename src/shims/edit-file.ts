/**
 * Changing a file that belongs to somebody else, and may be read by others at any moment.
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
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { reasonOf } from './reason.ts';
import { writeWhole } from './write-file.ts';

/** What becomes of a file's text, which is latin1 so that every byte is kept. */
export type Change = (
  /** Undefined: there is no such file. */
  text: string | undefined,
  /** How many directories would be made for it. */
  directories: number,
) => {
  /** Undefined: there is to be no such file. */
  readonly text: string | undefined;
  /** How many of the directories above it go with it, if they are empty. */
  readonly directories?: number;
};

/** How often it is tried again when somebody else changes the file at the same time. */
const ATTEMPTS = 5;

/** Somebody else has changed the file meanwhile. */
class Overtaken extends Error {}

/**
 * Changes the file at `path`, and tells whether there was anything to change. Readers see the old text or the
 * new one, also when we are killed half-way. Where `path` is a link, the file that it leads to is changed;
 * mode, owner and other names of the file stay.
 *
 * A file with several names, or in a directory that cannot be written, is written in place: there a reader may
 * come in the middle, and gets what was there if the disk is full.
 *
 * @throws PyrsiaError `FILE_UNWRITABLE` when it may not be changed; it is as it was then.
 */
export function editFile(path: string, change: Change): boolean {
  for (let attempt = 1; ; attempt++) {
    try {
      return editOnce(path, change);
    } catch (error) {
      if (error instanceof Overtaken && attempt < ATTEMPTS) continue;
      throw new PyrsiaError('FILE_UNWRITABLE', { path, reason: reasonOf(error) }, { cause: error });
    }
  }
}

function editOnce(path: string, change: Change): boolean {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat && isLink) throw new Error('it is a link that leads nowhere');
  if (!stat) return make(path, change);
  if (!stat.isFile()) throw new Error('it is not a file');

  const target = realpathSync(path);
  const before = readFileSync(target, 'latin1');
  const { text: after, directories = 0 } = change(before, 0);
  if (after === before) return false;
  // Its owner does not want it to be changed, which root is no reason for either.
  if ((stat.mode & 0o222) === 0) throw new Error('it is read-only');
  accessSync(target, constants.W_OK);
  if (after === undefined && !isLink) remove(target, directories);
  else replace(target, stat, before, after ?? '');
  return true;
}

function make(path: string, change: Change): boolean {
  const missing = missingAbove(path);
  const { text } = change(undefined, missing);
  if (text === undefined) return false;
  if (missing > 0) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeWhole(
    path,
    Buffer.from(text, 'latin1'),
    (file) => fchmodSync(file, 0o644 & ~process.umask()),
    () => {
      if (lstatSync(path, { throwIfNoEntry: false })) throw new Overtaken('somebody else has made it');
    },
  );
  return true;
}

function replace(target: string, stat: Stats, before: string, after: string): void {
  const unchanged = (): void => {
    if (readFileSync(target, 'latin1') !== before) throw new Overtaken('somebody else is changing it');
  };
  const likeBefore = (file: number): void => {
    const { uid, gid } = fstatSync(file);
    if (uid !== stat.uid || gid !== stat.gid) fchownSync(file, stat.uid, stat.gid);
    fchmodSync(file, stat.mode & 0o7777);
  };
  try {
    // Its other names would keep the old text.
    if (stat.nlink > 1) throw new Error('it has several names');
    writeWhole(target, Buffer.from(after, 'latin1'), likeBefore, unchanged);
  } catch (error) {
    if (error instanceof Overtaken) throw error;
    unchanged();
    writeInPlace(target, before, after);
  }
}

/** Writes only what differs. */
function writeInPlace(target: string, before: string, after: string): void {
  let same = 0;
  while (same < before.length && before[same] === after[same]) same += 1;
  const file = openSync(target, 'r+');
  const endWith = (text: string): void => {
    const bytes = Buffer.from(text.slice(same), 'latin1');
    for (let done = 0; done < bytes.length;)
      done += writeSync(file, bytes, done, bytes.length - done, same + done);
    ftruncateSync(file, text.length);
  };
  try {
    endWith(after);
    fsyncSync(file);
  } catch (error) {
    endWith(before);
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Removes a file, and so many of the directories above it as are empty then. */
function remove(path: string, directories: number): void {
  rmSync(path);
  let above = dirname(path);
  for (let left = directories; left > 0 && readdirSync(above).length === 0; left--) {
    rmdirSync(above);
    above = dirname(above);
  }
}

/** How many directories have to be made for a file at `path`. */
function missingAbove(path: string): number {
  const above = dirname(path);
  return statSync(above, { throwIfNoEntry: false }) ? 0 : 1 + missingAbove(above);
}
