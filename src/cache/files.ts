import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, isDigest, isSha256, type Sha256 } from '../content/digest.ts';
import { BLOCK, contentRoot, DEPTH, isMissing, type Layout } from './layout.ts';

/** A file in the cache. Size in bytes, time in milliseconds since 1970. */
export interface FoundFile {
  readonly path: string;
  /** How many of the directories above are its own. */
  readonly depth: number;
  readonly size: number;
  readonly modifiedAt: number;
}

/** Every file where content lies, by the digest its name claims. Files that are named otherwise are not ours. */
export async function* contentFiles(layout: Layout): AsyncGenerator<FoundFile & { readonly sha256: Sha256 }> {
  for await (const { name, ...file } of filesBelow(contentRoot(layout), DEPTH.content)) {
    const sha256 = `sha256:${name}`;
    if (isDigest(sha256) && isSha256(sha256)) yield { ...file, sha256 };
  }
}

/** Every file where documents lie, by the digest of its key. */
export async function* documentFiles(layout: Layout): AsyncGenerator<FoundFile & { readonly key: Digest }> {
  for await (const { name, ...file } of filesBelow(layout.documents, DEPTH.document)) {
    const key = `sha256:${name}`;
    if (isDigest(key)) yield { ...file, key };
  }
}

/** Every file that is arriving, or was. */
export function partialFiles(layout: Layout): AsyncGenerator<FoundFile & { readonly name: string }> {
  return filesBelow(layout.partial, DEPTH.partial);
}

/** What is arriving takes on the disk, in bytes: a few files, looked at one by one. */
export function partialBytes({ partial }: Layout): number {
  return below({ path: partial, name: '' })
    .map(({ path }) => statSync(path, { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + Math.ceil(size / BLOCK) * BLOCK, 0);
}

/**
 * Files `depth` directories below `path`; a name is the directories and the file in one. Reads directories
 * on this thread, where twenty thousand small ones take a tenth of the time, and lets others go on between.
 */
async function* filesBelow(
  path: string,
  depth: number,
): AsyncGenerator<FoundFile & { readonly name: string }> {
  let directories = [{ path, name: '' }];
  for (let level = 0; level < depth; level++) {
    directories = directories.flatMap(below);
    await new Promise(setImmediate);
  }
  for (const directory of directories) {
    for (const file of below(directory)) {
      const found = statSync(file.path, { throwIfNoEntry: false });
      if (found?.isFile()) yield { ...file, depth, size: found.size, modifiedAt: Math.floor(found.mtimeMs) };
    }
    await new Promise(setImmediate);
  }
}

function below({ path, name }: { path: string; name: string }): { path: string; name: string }[] {
  return namesIn(path).map((each) => ({ path: join(path, each), name: name + each }));
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isMissing(error) || isForbidden(error)) return [];
    throw error;
  }
}

/** Whether it is somebody else's: a cache is read as far as it can be. */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
