/**
 * Maven's local repository: directories of versions are put there whole, as Maven itself would have left them, and only
 * where there is none. What is there is Maven's alone, which reads, changes and writes its files again.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { copyFileSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { changeMode } from './change-mode.ts';
import { lookAt, obstacleAt } from './npm-cache-folder.ts';

/** A directory of ours in which one of a version grows, and how long it is left alone when nobody works in it: 10 min. */
const OURS = '.pyrsia-';
const OURS_WHOLE = /^\.pyrsia-[0-9a-f]{16}$/;
const STALE_MS = 10 * 60 * 1000;

/** Somebody has made it meanwhile. */
const TAKEN = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR']);

/** What is to be in a directory. */
export interface Growing {
  /** Copies one of our files there. */
  copy(from: string, name: string): void;
  write(name: string, text: string): void;
}

/** A local repository. Everything throws what the file system says. */
export interface LocalRepository extends Disposable {
  /** Whether anything lies at this path, which is relative. */
  has(this: void, path: string): boolean;
  /** Puts a directory there, once `grow` has made what is in it; false where it cannot be, and nothing is changed. */
  place(this: void, path: string, grow: (growing: Growing) => Promise<void>): Promise<boolean>;
}

/**
 * Opens the local repository at `root`, which is made when something is put there, as a Maven with this `umask` makes it.
 * Undefined where it is somebody else's, or no directory.
 */
export function openLocalRepository(root: string, umask: number | undefined): LocalRepository | undefined {
  if (obstacleAt(root, lookAt(root))) return undefined;
  const there = lookAt(root)?.mode ?? 0o755;
  const mode = umask === undefined ? there & 0o777 : 0o777 & ~umask;
  const made = new Set<string>();
  let aside: string | undefined;
  let count = 0;

  /** Makes a directory, with what is above it. */
  function make(path: string): void {
    if (lookAt(path)) return;
    make(dirname(path));
    makeOne(path);
  }

  /** The same below the root, where no link is followed; false where something else lies in its place. */
  function makeWithin(path: string): boolean {
    let at = root;
    for (const segment of path.split('/')) {
      at += sep + segment;
      if (made.has(at)) continue;
      const found = lookAt(at, lstatSync);
      if (found && !found.isDirectory()) return false;
      if (!found) makeOne(at);
      made.add(at);
    }
    return true;
  }

  function makeOne(path: string): void {
    try {
      mkdirSync(path, { mode });
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return;
      throw error;
    }
    changeMode(path, mode);
  }

  /** Where directories grow; what an agent that was killed has left there goes. */
  function begin(): string {
    for (const name of readdirSync(root).filter((each) => OURS_WHOLE.test(each))) {
      const path = join(root, name);
      const found = lookAt(path, lstatSync);
      if (found?.isDirectory() && Date.now() - found.mtimeMs > STALE_MS)
        rmSync(path, { recursive: true, force: true });
    }
    const path = join(root, `${OURS}${randomBytes(8).toString('hex')}`);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  return {
    has(path) {
      try {
        return lookAt(join(root, path), lstatSync) !== undefined;
      } catch {
        return true; // Something else lies where a directory above it would.
      }
    },
    async place(path, grow) {
      const target = join(root, path);
      make(root);
      if (!makeWithin(posix.dirname(path))) return false;
      const own = join((aside ??= begin()), String((count += 1)));
      makeOne(own);
      try {
        await grow({
          copy(from, name) {
            copyFileSync(from, join(own, name));
            changeMode(join(own, name), mode & 0o666);
          },
          write(name, text) {
            writeFileSync(join(own, name), text, { flag: 'wx' });
            changeMode(join(own, name), mode & 0o666);
          },
        });
        renameSync(own, target);
        return true;
      } catch (error) {
        rmSync(own, { recursive: true, force: true });
        if (TAKEN.has(codeOf(error))) return false;
        throw error;
      }
    },
    [Symbol.dispose]() {
      if (aside !== undefined) rmSync(aside, { recursive: true, force: true });
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
