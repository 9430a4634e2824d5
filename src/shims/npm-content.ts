/**
 * npm's own cache, where it looks for content by digest before it asks anybody: files are put there as npm
 * itself would have put them, by hard link where that can be, and never seen before they are whole.
 *
 * npm never opens such a file for writing, and unlinks one that is no good. It writes through a link only
 * where it cannot rename its own temporary file: where those lie on another device, files are copied.
 *
 * @see https://github.com/npm/cacache/blob/main/lib/content/path.js
 * @module
 */
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { Digest } from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';
import { changeMode } from './change-mode.ts';
import { contentIn, foldersOf, lookAt, obstacleAt, sharesDevice } from './npm-cache-folder.ts';

/** What becomes of content that is put there; `gone`: somebody is cleaning up at the same time. */
export type Placed = 'linked' | 'copied' | 'there' | 'gone';

/** The content in a cache of npm's. Everything throws what the file system says. */
export interface NpmContent {
  /** Whether files are linked there, as far as it has turned out yet. */
  links(this: void): boolean;
  /** Whether a file lies there under this digest, sound or not. */
  has(digest: Digest): boolean;
  /** Links our file there; undefined where that cannot be and it has to be copied. */
  link(digest: Digest, file: string): Placed | undefined;
  /** Writes a copy; it is visible once `chunks` has ended without an error. */
  copy(digest: Digest, chunks: ByteStream): Promise<Placed>;
}

/** No hard links between here and there, or not of this file: a copy can do. */
const COPIED = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** How our temporary files begin, among npm's, and what they are called. */
const OURS = 'pyrsia-';
const OURS_WHOLE = /^pyrsia-[0-9a-f]{16}$/;

/** A temporary file that has not been written for so long is one of an agent that was killed, in milliseconds: 1 h. */
const STALE_MS = 60 * 60 * 1000;

/**
 * Opens npm's content in `cache`, which is ours. Nothing is made before something is put there: with npm's `umask`,
 * where that is known, as npm makes it.
 */
export function openNpmContent(
  cache: string,
  { copies = false, umask }: { readonly copies?: boolean; readonly umask?: number | undefined } = {},
): NpmContent {
  const { content, temporaries } = foldersOf(cache);
  const made = new Set<string>();
  /** Modes of directories of which the umask takes nothing away. */
  const unmasked = new Set<number>();
  let isTidy = false;
  let links = !copies && sharesDevice(content, temporaries);

  const pathOf = (digest: Digest): string => contentIn(content, digest);

  /**
   * Makes a directory, with what is above it: below the parent of `cache` only where it is not known how npm would,
   * each as open to others as the one that it is made in. Within the content it follows no link, which would
   * lead us out of it.
   */
  function make(directory: string): void {
    if (made.has(directory)) return;
    if (directory !== cache) make(dirname(directory));
    else if (umask !== undefined) makeAbove(dirname(cache));
    const isWithin = directory.startsWith(content + sep);
    const found = lookAt(directory, isWithin ? lstatSync : statSync);
    const obstacle = found && isWithin ? obstacleAt(directory, found) : undefined;
    if (obstacle) throw new Error(obstacle.text);
    if (!found) makeOne(directory);
    made.add(directory);
  }

  function makeAbove(directory: string): void {
    if (lookAt(directory)) return;
    makeAbove(dirname(directory));
    makeOne(directory);
  }

  function makeOne(directory: string): void {
    const mode = modeOf(directory);
    try {
      mkdirSync(directory, { mode });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      return;
    }
    if (unmasked.has(mode)) return;
    if ((statSync(directory).mode & 0o777) === mode) unmasked.add(mode);
    else changeMode(directory, mode);
  }

  function modeOf(directory: string): number {
    if (umask !== undefined) return 0o777 & ~umask;
    return directory === cache ? 0o700 : statSync(dirname(directory)).mode & 0o777;
  }

  /** Does something in directories that may be removed at the same time: once more then, and after that not at all. */
  function inPlace<T>(directories: readonly string[], work: () => T): T | 'gone' {
    for (let tries = 0; tries < 2; tries++) {
      try {
        directories.forEach(make);
        return work();
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        made.clear();
      }
    }
    return 'gone';
  }

  /** Removes what an agent that was killed in the middle of a copy has left; npm does so at `npm cache verify` only. */
  function tidy(): void {
    isTidy = true;
    try {
      for (const name of readdirSync(temporaries).filter((each) => OURS_WHOLE.test(each))) {
        const path = join(temporaries, name);
        const found = lookAt(path, lstatSync);
        if (found?.isFile() && Date.now() - found.mtimeMs > STALE_MS) rmSync(path, { force: true });
      }
    } catch {
      // It is npm's own cache: whatever is wrong with it, npm will say.
    }
  }

  return {
    links: () => links,
    has: (digest) => lookAt(pathOf(digest), lstatSync) !== undefined,
    link(digest, file) {
      const path = pathOf(digest);
      // Root may link anybody's, who could then write what lies in root's folder.
      const found = lookAt(file);
      if (found && process.getuid && found.uid !== process.getuid()) return undefined;
      return inPlace([dirname(path)], () => {
        try {
          linkSync(file, path);
          return 'linked';
        } catch (error) {
          const code = codeOf(error);
          if (code === 'EEXIST') return 'there';
          if (!COPIED.has(code)) throw error;
          // With the next file it may be otherwise where only this one has too many links, or is not ours.
          if (code !== 'EMLINK' && code !== 'EPERM') links = false;
          return undefined;
        }
      });
    },
    async copy(digest, chunks) {
      const path = pathOf(digest);
      const temporary = join(temporaries, `${OURS}${randomBytes(8).toString('hex')}`);
      const opening = inPlace([temporaries], () => open(temporary, 'wx', 0o644));
      if (opening === 'gone') return 'gone';
      if (!isTidy) tidy();
      try {
        const file = await opening;
        try {
          changeMode(temporary, 0o644);
          for await (const chunk of chunks) await file.writeFile(chunk);
        } finally {
          await file.close();
        }
        return inPlace([dirname(path)], () => {
          renameSync(temporary, path);
          return 'copied';
        });
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return 'gone';
        throw error;
      } finally {
        rmSync(temporary, { force: true });
      }
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
