/**
 * Reads everything again, and frees what nobody needs.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { type Digest, digester, digestOf, isDigest } from '../content/digest.ts';
import type { Cache, Collected, Verification } from './cache.ts';
import { allContent, contentWith, type Held } from './contents.ts';
import { readDocument } from './documents.ts';
import { contentFiles, documentFiles, type FoundFile, partialFiles } from './files.ts';
import { AT_ONCE, contentPath, isMissing, type Layout, removeFile, writerOf } from './layout.ts';
import type { Partials } from './partial.ts';
import { rebuild } from './rebuild.ts';
import { dropContent, dropDocument, readIfThere, type Room, type Shelf } from './shelf.ts';

/** How long the beginning of a broken transfer is worth keeping: 7 days. */
const STALE_MS = 7 * 24 * 60 * 60 * 1000;

type VerifyOptions = NonNullable<Parameters<Cache['verify']>[0]>;

/** What {@link Cache.verify} does. Needs a mebibyte of memory, and gives others their turn after each file. */
export async function verifyCache(shelf: Shelf, options: VerifyOptions = {}): Promise<Verification> {
  const { catalogue, layout, writing } = shelf;
  const rebuilt = options.rebuild === true && writing !== undefined;
  if (rebuilt) await rebuild(shelf, writing.ledger);

  const contents = allContent(catalogue);
  const documents = catalogue.all('SELECT key, upstream, path FROM document');
  const total = contents.length + documents.length;
  const damaged: Verification['damaged'][number][] = [];
  const damagedDocuments: string[] = [];
  let checked = 0;
  const progress = async (): Promise<void> => {
    checked += 1;
    options.onProgress?.(checked, total);
    await new Promise(setImmediate);
  };

  for (const held of contents) {
    const actual = await measureFile(layout, held);
    const { sha256 } = held;
    if (actual !== undefined && actual !== sha256) {
      damaged.push({ digest: sha256, actual, purls: purlsOf(shelf, sha256), removed: writing !== undefined });
    }
    if (actual !== sha256) await dropContent(shelf, sha256);
    await progress();
  }
  for (const { key, upstream, path } of documents) {
    if (typeof key === 'string' && isDigest(key) && !readDocument(layout, key)) {
      damagedDocuments.push(`${String(upstream)} ${String(path)}`);
      dropDocument(shelf, key);
    }
    await progress();
  }
  const orphans = (await Array.fromAsync(orphansOf(shelf))).length;
  return { checked, damaged, damagedDocuments, orphans, rebuilt };
}

/** What {@link Cache.gc} does. */
export async function collectGarbage(
  shelf: Shelf,
  room: Room,
  partials: Partials,
  dryRun: boolean,
): Promise<Collected> {
  const evicted = await room.evict(dryRun);
  const orphans = await free(orphansOf(shelf), dryRun);
  const stale = await free(stalePartials(shelf, partials), dryRun);
  return {
    artifacts: evicted.artifacts,
    orphans: orphans.count,
    partials: stale.count,
    bytes: evicted.bytes + orphans.bytes + stale.bytes,
  };
}

async function free(
  files: AsyncIterable<FoundFile>,
  dryRun: boolean,
): Promise<{ readonly count: number; readonly bytes: number }> {
  let count = 0;
  let bytes = 0;
  for await (const { path, size, depth } of files) {
    if (!dryRun) removeFile(path, depth);
    count += 1;
    bytes += size;
  }
  return { count, bytes };
}

/** Files that the catalogue does not know: their writer was killed between two steps. */
async function* orphansOf({ catalogue, layout }: Shelf): AsyncGenerator<FoundFile> {
  for await (const file of contentFiles(layout)) {
    if (!contentWith(catalogue, file.sha256)) yield file;
  }
  for await (const file of documentFiles(layout)) {
    if (!catalogue.get('SELECT 1 FROM document WHERE key = ?', file.key)) yield file;
  }
}

/** What will never be finished: temporary files of dead processes, and transfers that nobody went on with. */
async function* stalePartials({ layout, now }: Shelf, partials: Partials): AsyncGenerator<FoundFile> {
  for await (const file of partialFiles(layout)) {
    if (partials.isOpen(file.name)) continue;
    const writer = writerOf(file.name);
    const abandoned = writer !== undefined && !isAlive(writer);
    if (abandoned || now() - file.modifiedAt > STALE_MS) yield file;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The sha256 that the file has now; undefined when there is no file. */
async function measureFile(layout: Layout, { sha256, size }: Held): Promise<Digest | undefined> {
  const path = contentPath(layout, sha256);
  if (size <= AT_ONCE) {
    const bytes = readIfThere(path);
    return bytes && digestOf(bytes, 'sha256');
  }
  const hash = digester('sha256');
  try {
    const chunks: AsyncIterable<Uint8Array> = createReadStream(path, { highWaterMark: AT_ONCE });
    for await (const chunk of chunks) hash.update(chunk);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return hash.digest();
}

function purlsOf({ catalogue }: Shelf, sha256: Digest): string[] {
  return catalogue
    .all('SELECT purl FROM binding WHERE sha256 = ?1 OR learned = ?1 ORDER BY purl', sha256)
    .map(({ purl }) => String(purl));
}
