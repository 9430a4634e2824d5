import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { makeOurs } from '../ours.ts';
import { listArtifactRows, listArtifacts, sizeOf } from './artifacts.ts';
import { bindingsOf, readBindings } from './bindings.ts';
import type { Cache } from './cache.ts';
import { memoryCatalogue, openCatalogue, readCatalogue } from './catalogue.ts';
import { contentStore } from './content-store.ts';
import { contentWith } from './contents.ts';
import { documentsOf, readDocuments } from './documents.ts';
import { hashedFile } from './hashed-file.ts';
import { cannotWrite, contentPath, type Layout, layoutOf } from './layout.ts';
import { openLedger } from './ledger.ts';
import { lentDocuments } from './lent.ts';
import { memoryBindings, memoryDocuments } from './memory-layer.ts';
import { offeredFile, offeredSets } from './offered.ts';
import { partialsOf } from './partial.ts';
import { rebuild } from './rebuild.ts';
import { defaultLimit, roomOf } from './room.ts';
import type { Shelf } from './shelf.ts';
import { collectGarbage, verifyCache } from './verify.ts';
import { writeBehind } from './write-behind.ts';

/** How to open a cache. */
export interface CacheOptions {
  /** What it may take on the disk, in bytes; {@link defaultLimit} where it is left out. */
  readonly limit?: number;
  /** Opened so it creates and changes nothing, not even a file of SQLite's; a text says why. */
  readonly readOnly?: boolean | string;
  /** The time in milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Opens the cache in the directory at `path`, creating it. One process may write; any number may read.
 *
 * A directory that cannot be written is read as far as it can be, and `readOnlyBecause` says why: storing
 * content then rejects with `CACHE_READ_ONLY`, while bindings and documents are kept in memory. A catalogue
 * that is missing, damaged or of another version is rebuilt first, at a third of a millisecond an artifact.
 */
export async function openCache(path: string, options: CacheOptions = {}): Promise<Cache> {
  const { limit = defaultLimit(path), readOnly = false, now = Date.now } = options;
  const layout = layoutOf(path);
  if (readOnly !== false)
    return openToRead(layout, limit, now, readOnly === true ? 'it was opened for reading' : readOnly);
  try {
    return await openToWrite(layout, limit, now);
  } catch (error) {
    const reason = cannotWrite(layout, error);
    if (!isPyrsiaError(reason, 'CACHE_READ_ONLY')) throw reason;
    return openToRead(layout, limit, now, reason.details.reason);
  }
}

async function openToWrite(layout: Layout, limit: number, now: () => number): Promise<Cache> {
  makeOurs(layout.root);
  for (const directory of [layout.root, layout.content, layout.documents, layout.partial]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  }
  const { catalogue, fresh } = openCatalogue(layout.catalogue);
  try {
    const ledger = openLedger(layout.content);
    const later = writeBehind(catalogue, ledger, now);
    const room = roomOf(
      () => shelf,
      limit,
      (name) => partials.isOpen(name),
    );
    const shelf: Shelf = {
      layout,
      catalogue,
      now,
      readOnlyBecause: undefined,
      writing: { ledger, room, later },
    };
    const partials = partialsOf(shelf, room);
    if (fresh) await rebuild(shelf, ledger);

    const lent = lentDocuments(shelf);
    return {
      ...whatBothDo(shelf, limit),
      offered: (digest) => offeredFile(shelf, digest) ?? partials.offered(digest) ?? lent.file(digest),
      offeredDocuments: lent,
      content: contentStore(shelf, partials),
      bindings: bindingsOf(shelf, ledger),
      documents: documentsOf(shelf, room),
      partial: async (wanted) => partials.open(wanted),
      gc: async ({ dryRun = false } = {}) => collectGarbage(shelf, room, partials, dryRun),
      async [Symbol.asyncDispose]() {
        lent.close();
        await partials.close();
        await later.flush();
        catalogue.close();
      },
    };
  } catch (error) {
    catalogue.close();
    throw error;
  }
}

async function openToRead(
  layout: Layout,
  limit: number,
  now: () => number,
  readOnlyBecause: string,
): Promise<Cache> {
  const found = readCatalogue(layout.catalogue);
  const catalogue = found ?? memoryCatalogue();
  const shelf: Shelf = { layout, catalogue, now, readOnlyBecause, writing: undefined };
  if (!found) await rebuild(shelf, openLedger(layout.content));
  const refuse = async (): Promise<never> => {
    throw new PyrsiaError('CACHE_READ_ONLY', { path: layout.root, reason: readOnlyBecause });
  };

  return {
    ...whatBothDo(shelf, limit),
    content: contentStore(shelf, undefined),
    bindings: memoryBindings(readBindings(catalogue)),
    documents: memoryDocuments(readDocuments(shelf)),
    partial: refuse,
    gc: refuse,
    [Symbol.asyncDispose]: async () => catalogue.close(),
  };
}

/** What needs no writing. */
function whatBothDo(
  shelf: Shelf,
  limit: number,
): Pick<
  Cache,
  | 'path'
  | 'readOnlyBecause'
  | 'artifacts'
  | 'artifactRows'
  | 'size'
  | 'pathOf'
  | 'offered'
  | 'offeredSets'
  | 'hashed'
  | 'verify'
> {
  return {
    path: shelf.layout.root,
    readOnlyBecause: shelf.readOnlyBecause,
    artifacts: (query) => listArtifacts(shelf, query),
    artifactRows: (query) => listArtifactRows(shelf, query),
    size: () => sizeOf(shelf, limit),
    pathOf(digest) {
      const held = contentWith(shelf.catalogue, digest);
      const path = held && contentPath(shelf.layout, held.sha256);
      return path !== undefined && existsSync(path) ? path : undefined;
    },
    offered: (digest) => offeredFile(shelf, digest),
    offeredSets: (large) => offeredSets(shelf, large),
    hashed: async (wanted) => hashedFile(shelf, wanted),
    verify: async (options) => verifyCache(shelf, options),
  };
}
