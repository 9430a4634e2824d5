/**
 * The files of a log and of those who sign it, on a disk: what a write has acknowledged a crash does not take back.
 *
 * @module
 */
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import type { LogFile } from '../log/grow.ts';
import type { TileSource } from '../log/read-tiles.ts';

/** Files that survive. */
export interface LogFiles extends TileSource {
  /** Writes each file so that it is there as a whole or as it was before; resolves when all of them will be after a crash. */
  write(files: readonly LogFile[]): Promise<void>;
  /** The same, for what can be made anew: a crash may take it back. */
  writeLoosely(files: readonly LogFile[]): Promise<void>;
  /** Removes directories with what is in them; what is not there need not be. */
  drop(paths: readonly string[]): Promise<void>;
}

/** The files in a directory, which exists. */
export function diskFiles(directory: string): LogFiles {
  return {
    name: directory,
    async read(path, limit) {
      try {
        const bytes = await readFile(join(directory, path));
        if (bytes.byteLength > limit)
          throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: join(directory, path), limit });
        return bytes;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write: async (files) => writeFiles(directory, files),
    async writeLoosely(files) {
      for (const { path, bytes } of files) {
        const to = join(directory, path);
        await mkdir(dirname(to), { recursive: true });
        await writeFile(`${to}.new`, bytes, { mode: 0o644 });
        await rename(`${to}.new`, to);
      }
    },
    async drop(paths) {
      for (const path of paths) await rm(join(directory, path), { recursive: true, force: true });
    },
  };
}

async function writeFiles(directory: string, files: readonly LogFile[]): Promise<void> {
  const folders = new Set<string>();
  for (const { path, bytes } of files) {
    const to = join(directory, path);
    const folder = dirname(to);
    if (!folders.has(folder)) await mkdir(folder, { recursive: true });
    folders.add(folder);
    const temporary = `${to}.new`;
    const file = await open(temporary, 'w', 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, to);
  }
  // The names of the files, and those of new directories in the ones above.
  const all = new Set<string>();
  for (const folder of folders) for (let at = folder; at.startsWith(directory); at = dirname(at)) all.add(at);
  for (const folder of all) {
    const handle = await open(folder);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
