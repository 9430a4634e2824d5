/**
 * The folder of npm's own cache: what lies where in it, and what keeps us out of it.
 *
 * @see https://github.com/npm/cacache/blob/main/lib/content/path.js
 * @module
 */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { algorithmOf, type Digest, hexOf } from '../content/digest.ts';

/** Folders below a cache of npm's. */
export interface NpmFolders {
  readonly root: string;
  /** Where content lies by its digest. */
  readonly content: string;
  /** Where npm writes what is not whole yet. */
  readonly temporaries: string;
}

/** What keeps us out of a cache of npm's. */
export interface Obstacle {
  readonly kind: 'file' | 'link' | 'foreign' | 'nowhere';
  readonly path: string;
  /** A clause: `/home/me/.npm is no directory`. */
  readonly text: string;
}

/** The folders of the cache in `cache`. */
export function foldersOf(cache: string): NpmFolders {
  const root = join(cache, '_cacache');
  return { root, content: join(root, 'content-v2'), temporaries: join(root, 'tmp') };
}

/** Where content lies in the cache in `cache`. */
export function contentAt(cache: string, digest: Digest): string {
  return contentIn(foldersOf(cache).content, digest);
}

/** The same, below the folder for content. To normalize a path takes as long as to look what lies there. */
export function contentIn(content: string, digest: Digest): string {
  const hex = hexOf(digest);
  return [content, algorithmOf(digest), hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)].join(sep);
}

/** Whether a file has lain there under this digest since before `time`, in milliseconds since 1970. */
export function heldBefore(cache: string, digest: Digest, time: number): boolean {
  try {
    const found = lookAt(contentAt(cache, digest));
    return found !== undefined && found.mtimeMs < time;
  } catch {
    return false; // What we may not read, npm may not either.
  }
}

/** Why this is no folder of the user that we are. Whether it may be written shows when it is. */
export function obstacleIn(cache: string): Obstacle | undefined {
  const { root, content, temporaries } = foldersOf(cache);
  // Whoever keeps these elsewhere may have links to them; within the content there are none.
  for (const path of [cache, root, content, temporaries]) {
    const obstacle = obstacleAt(path, lookAt(path));
    if (obstacle) return obstacle;
  }
  const digests = join(content, 'sha512');
  const obstacle = obstacleAt(digests, lookAt(digests, lstatSync));
  if (obstacle || lookAt(dirname(cache))) return obstacle;
  return { kind: 'nowhere', path: dirname(cache), text: `there is no ${dirname(cache)}` };
}

/** Why what was found at `path` is no directory of ours; a link is none if the link itself was looked at. */
export function obstacleAt(path: string, found: Stats | undefined): Obstacle | undefined {
  if (!found) {
    const isLink = lookAt(path, lstatSync) !== undefined;
    return isLink ? { kind: 'link', path, text: `${path} is a link to nowhere` } : undefined;
  }
  if (found.isSymbolicLink()) return { kind: 'link', path, text: `${path} is a link` };
  if (!found.isDirectory()) return { kind: 'file', path, text: `${path} is no directory` };
  if (process.getuid && found.uid !== process.getuid())
    return { kind: 'foreign', path, text: `${path} belongs to user ${found.uid}` };
  return undefined;
}

/** Whether two paths are, or would be, on the same device. */
export function sharesDevice(one: string, other: string): boolean {
  return deviceOf(one) === deviceOf(other);
}

function deviceOf(path: string): number | undefined {
  const found = lookAt(path);
  if (found) return found.dev;
  return dirname(path) === path ? undefined : deviceOf(dirname(path));
}

/** What lies there; undefined for nothing. */
export function lookAt(path: string, look: typeof statSync = statSync): Stats | undefined {
  return look(path, { throwIfNoEntry: false });
}
