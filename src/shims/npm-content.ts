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
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, hexOf } from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';

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

/** Whether this is not the folder of the user that we are; the reason then. */
export function notOurs(cache: string): string | undefined {
  const root = join(cache, '_cacache');
  for (const path of [
    cache,
    root,
    join(root, 'content-v2'),
    join(root, 'content-v2', 'sha512'),
    join(root, 'tmp'),
  ]) {
    const found = lookAt(path);
    if (found && !found.isDirectory()) return `${path} is no directory`;
    if (found && process.getuid && found.uid !== process.getuid())
      return `${path} belongs to user ${found.uid}`;
  }
  return lookAt(dirname(cache)) ? undefined : `there is no ${dirname(cache)}`;
}

/** Opens npm's content in `cache`, which is ours. Nothing is made before something is put there. */
export function openNpmContent(cache: string, { copies = false } = {}): NpmContent {
  const root = join(cache, '_cacache');
  const content = join(root, 'content-v2');
  const temporaries = join(root, 'tmp');
  const made = new Set<string>();
  let links = !copies && deviceOf(content) === deviceOf(temporaries);

  const pathOf = (digest: Digest): string => {
    const hex = hexOf(digest);
    return join(content, 'sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
  };

  /** Makes a directory below the parent of `cache`, each as open to others as the one that it is made in. */
  function make(directory: string): void {
    if (made.has(directory)) return;
    if (!lookAt(directory)) {
      if (directory !== cache) make(dirname(directory));
      try {
        mkdirSync(directory, { mode: 0o700 });
        if (process.platform !== 'win32' && directory !== cache)
          chmodSync(directory, statSync(dirname(directory)).mode & 0o777);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
    made.add(directory);
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

  return {
    links: () => links,
    has: (digest) => lookAt(pathOf(digest), lstatSync) !== undefined,
    link(digest, file) {
      const path = pathOf(digest);
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
      const temporary = join(temporaries, `pyrsia-${randomBytes(8).toString('hex')}`);
      const opening = inPlace([temporaries], () => open(temporary, 'wx', 0o644));
      if (opening === 'gone') return 'gone';
      try {
        const file = await opening;
        try {
          if (process.platform !== 'win32') await file.chmod(0o644);
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

/** The device that a path is or would be on. */
function deviceOf(path: string): number | undefined {
  const found = lookAt(path);
  if (found) return found.dev;
  return dirname(path) === path ? undefined : deviceOf(dirname(path));
}

function lookAt(path: string, look: typeof statSync = statSync) {
  return look(path, { throwIfNoEntry: false });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
