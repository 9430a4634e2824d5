/**
 * The cache's limit in bytes, which by default depends on the disk.
 *
 * @module
 */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from './settings.ts';

/** The largest limit that is chosen by itself: 20 GB. */
const LARGEST_AUTO = 20e9;

/** The limit in bytes of a cache at `path`, which need not exist yet; `auto` is 20 GB or 10 % of its disk. */
export async function cacheLimit(limit: Config['cache.limit'], path: string): Promise<number> {
  return limit === 'auto' ? Math.min(LARGEST_AUTO, Math.floor((await diskBytes(path)) / 10)) : limit;
}

/** Size in bytes of the disk that `path` is or would be on. */
async function diskBytes(path: string): Promise<number> {
  try {
    const { blocks, bsize } = await statfs(path);
    return blocks * bsize;
  } catch {
    return dirname(path) === path ? Infinity : diskBytes(dirname(path));
  }
}
