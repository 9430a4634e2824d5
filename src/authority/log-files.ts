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
  const synced = new Set<string>();
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
    write: async (files) => writeFiles(directory, files, synced),
    async writeLoosely(files) {
      for (const { path, bytes } of files) {
        const to = join(directory, path);
        await mkdir(dirname(to), { recursive: true });
        await writeFile(`${to}.new`, bytes, { mode: 0o644 });
        await rename(`${to}.new`, to);
      }
    },
    async drop(paths) {
      for (const path of paths) {
        await rm(join(directory, path), { recursive: true, force: true });
        synced.delete(join(directory, path));
      }
    },
  };
}

/** `synced`: directories whose own names, and those above them, are on the disk. */
async function writeFiles(directory: string, files: readonly LogFile[], synced: Set<string>): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(join(directory, path))));
  await Promise.all([...folders].map(async (folder) => mkdir(folder, { recursive: true })));
  // At once, so that the file system has one journal to write for all of them.
  await Promise.all(files.map(async ({ path, bytes }) => writeFileSynced(join(directory, path), bytes)));
  const all = new Set(folders);
  for (const folder of folders)
    for (let at = folder; !synced.has(folder) && at.startsWith(directory); at = dirname(at)) all.add(at);
  await Promise.all([...all].map(sync));
  for (const folder of all) synced.add(folder);
}

async function writeFileSynced(to: string, bytes: Uint8Array): Promise<void> {
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

async function sync(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
