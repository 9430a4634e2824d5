/**
 * Content that is used where it lies: all of it is hashed, and none of it kept.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { Wanted } from '../content/descriptor.ts';
import { measure, type Meter } from '../content/verified.ts';
import { isPyrsiaError } from '../errors.ts';
import type { HashedFile } from './cache.ts';
import { contentFor } from './contents.ts';
import { contentPath, isMissing } from './layout.ts';
import { damaged, dropContent, type Shelf } from './shelf.ts';

/** How much is read at a time, and the longest file for which others wait: 1 MiB. */
const AT_ONCE = 2 ** 20;

/** To allocate as much as is read makes V8 collect garbage all the time, which takes twice as long as to read. */
let shared: Uint8Array | undefined;

/** What longer files have been read by, one for each that is read at the same time. */
const spare: Uint8Array[] = [];
const SPARE_LIMIT = 4;

/** As the cache's `hashed` promises. */
export async function hashedFile(shelf: Shelf, wanted: Wanted): Promise<HashedFile | undefined> {
  const held = contentFor(shelf.catalogue, wanted);
  if (!held) return undefined;
  const { sha256, size } = held;
  const path = contentPath(shelf.layout, sha256);
  const own = measure({ digests: [sha256], size });
  // The catalogue's other digests were computed from what has this sha256.
  const unproven = measure({ digests: wanted.digests.filter((digest) => !held.digests.includes(digest)) });
  try {
    await read(path, size, [own, unproven]);
    own.end();
  } catch (error) {
    if (isMissing(error)) {
      await dropContent(shelf, sha256);
      return undefined;
    }
    if (isPyrsiaError(error, 'DIGEST_MISMATCH')) throw await damaged(shelf, sha256, error.details.actual);
    if (isPyrsiaError(error, 'SIZE_MISMATCH'))
      throw await damaged(shelf, sha256, `${error.details.actual} bytes`);
    throw error;
  }
  unproven.end();
  shelf.writing?.later.used('content', sha256);
  return { path, size };
}

async function read(path: string, size: number, meters: readonly Meter[]): Promise<void> {
  const file = openSync(path, 'r');
  const isShort = size < AT_ONCE;
  const buffer = isShort ? (shared ??= new Uint8Array(AT_ONCE)) : (spare.pop() ?? new Uint8Array(AT_ONCE));
  try {
    for (let at = 0, length = -1; length !== 0; at += length) {
      length = readSync(file, buffer, 0, AT_ONCE, at);
      for (const meter of meters) meter.update(buffer.subarray(0, length));
      if (!isShort) await turn();
    }
  } finally {
    if (!isShort && spare.length < SPARE_LIMIT) spare.push(buffer);
    closeSync(file);
  }
}
