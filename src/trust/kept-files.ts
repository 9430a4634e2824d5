/**
 * Files of a log that were proven and are kept. They are proven again at every use, so nothing here has to be believed, and a
 * torn file is as good as none.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import type { TileSource } from '../log/read-tiles.ts';

/** Kept files. */
export interface KeptFiles extends TileSource {
  /** Keeps a file, sometime. What cannot be written is not kept. */
  keep(this: void, path: string, bytes: Uint8Array): void;
  /** Of the numbered files and folders beside `path` removes all others. */
  only(this: void, path: string): Promise<void>;
  /** Resolves when all is written. */
  settled(this: void): Promise<void>;
}

/** How many files are written at the same time. */
const LANES = 4;

/** The files in `directory`, which is made when it is needed. */
export function openKeptFiles(directory: string): KeptFiles {
  const queue = new Map<string, Uint8Array>();
  const made = new Set<string>();
  const lanes = new Set<Promise<void>>();

  async function write(path: string, bytes: Uint8Array): Promise<void> {
    const to = join(directory, path);
    const folder = dirname(to);
    if (!made.has(folder)) await mkdir(folder, { recursive: true, mode: 0o700 });
    made.add(folder);
    const temporary = `${to}.${randomBytes(6).toString('hex')}.new`;
    await writeFile(temporary, bytes, { mode: 0o600 });
    await rename(temporary, to);
    // A wider tile has what a narrower one had.
    if (folder.endsWith('.p')) await removeBut(folder, basename(to));
    else if (path.startsWith('tile/')) await rm(`${to}.p`, { recursive: true, force: true });
  }
  async function lane(): Promise<void> {
    for (let next = queue.entries().next(); !next.done; next = queue.entries().next()) {
      const [path, bytes] = next.value;
      queue.delete(path);
      // What cannot be kept is fetched again.
      await write(path, bytes).catch(() => undefined);
    }
  }

  return {
    name: directory,
    async read(path, limit) {
      const waiting = queue.get(path);
      if (waiting) return waiting;
      try {
        const bytes = await readFile(join(directory, path));
        return bytes.byteLength > limit ? undefined : bytes;
      } catch (error) {
        if (isAbsence(error)) return undefined;
        const reason = error instanceof Error ? error.message : String(error);
        throw new PyrsiaError('DOCUMENT_INVALID', { what: join(directory, path), reason }, { cause: error });
      }
    },
    keep(path, bytes) {
      queue.set(path, bytes);
      if (lanes.size >= LANES) return;
      const running = Promise.resolve().then(lane);
      lanes.add(running);
      void running.finally(() => lanes.delete(running));
    },
    only: async (path) => removeBut(join(directory, dirname(path)), basename(path)).catch(() => undefined),
    async settled() {
      while (lanes.size > 0) await Promise.all(lanes);
    },
  };
}

/** Removes what is called a number, and not this one. */
async function removeBut(folder: string, name: string): Promise<void> {
  for (const each of await readdir(folder))
    if (each !== name && /^\d+$/.test(each)) await rm(join(folder, each), { recursive: true, force: true });
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
