/**
 * The store on the disk: content as cacache lays it out, found through the catalogue, and hashed at every
 * use. A file that no longer has its digest is removed, so that the next source is asked and the next `put`
 * heals it.
 *
 * cacache's own `put` and `get` are not used: they keep 0644 files, leave a damaged file as it is, refuse
 * empty content, believe a wrong sha256 beside a right sha512, and read at a tenth of a file stream's speed.
 *
 * @module
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { Wanted } from '../content/descriptor.ts';
import type { ByteStream, CallOptions, Content, OpenOptions, Store, Stored } from '../content/source.ts';
import { measure, verified } from '../content/verified.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import { abortable } from './abortable.ts';
import { allContent, contentFor, contentWith, type Held, storedFrom } from './contents.ts';
import { AT_ONCE, cannotWrite, contentPath, isMissing, placeFile } from './layout.ts';
import type { Partials } from './partial.ts';
import { readFrom } from './read-file.ts';
import { damaged, dropContent, keepContent, readContent, type Shelf } from './shelf.ts';

/**
 * The content of `shelf`. `put` keeps up to 1 MiB in memory and streams more than that through `partial/`.
 *
 * Content up to 1 MiB is checked whole before `open` resolves, a part of it included. Larger content is
 * checked on the way, its last 64 KiB held back. A part of larger content cannot be: nothing is `proven` then.
 */
export function contentStore(shelf: Shelf, partials: Partials | undefined): Store {
  const { catalogue, layout, writing } = shelf;

  const mustWrite = (): { partials: Partials; writing: NonNullable<Shelf['writing']> } => {
    if (writing && partials) return { partials, writing };
    throw new PyrsiaError('CACHE_READ_ONLY', {
      path: layout.root,
      reason: shelf.readOnlyBecause ?? 'it was opened for reading',
    });
  };

  const putSmall = async (wanted: Wanted, parts: readonly Uint8Array[]): Promise<Stored> => {
    const meter = measure(wanted, ['sha256']);
    for (const part of parts) meter.update(part);
    const stored = storedFrom(meter.end());
    try {
      await mustWrite().writing.room.reserve(stored.size, () =>
        keepContent(shelf, stored, (path) => placeFile(layout, path, parts, 0o444)),
      );
    } catch (error) {
      throw cannotWrite(layout, error);
    }
    return stored;
  };

  return {
    name: 'cache',

    async open(wanted, options = {}) {
      options.signal?.throwIfAborted();
      const held = contentFor(catalogue, wanted);
      if (!held) return undefined;
      const content =
        held.size <= AT_ONCE ? await openSmall(shelf, held, options) : await openLarge(shelf, held, options);
      if (content) writing?.later.used('content', held.sha256);
      return content;
    },

    async put(wanted, content, { signal }: CallOptions = {}) {
      const { partials: arriving } = mustWrite();
      const gathered: Uint8Array[] = [];
      let size = 0;
      const chunks = abortable(content, signal)[Symbol.asyncIterator]();
      try {
        for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
          gathered.push(next.value);
          size += next.value.byteLength;
          if (size > AT_ONCE) return await putLarge(arriving, wanted, gathered, chunks);
        }
        return await putSmall(wanted, gathered);
      } finally {
        await chunks.return(undefined);
      }
    },

    async delete(digest) {
      mustWrite();
      const held = contentWith(catalogue, digest);
      if (held) await dropContent(shelf, held.sha256);
      return held !== undefined;
    },

    async *list() {
      for (const { digests, size } of allContent(catalogue)) yield { digests, size };
    },
  };
}

async function putLarge(
  partials: Partials,
  wanted: Wanted,
  gathered: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): Promise<Stored> {
  const partial = await partials.open(wanted, { resume: false });
  try {
    for (const chunk of gathered) await partial.write(chunk);
    for (let next = await rest.next(); !next.done; next = await rest.next()) await partial.write(next.value);
    return await partial.finish();
  } catch (error) {
    await partial.discard(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function openSmall(
  shelf: Shelf,
  held: Held,
  { offset = 0, length }: OpenOptions,
): Promise<Content | undefined> {
  const bytes = await readContent(shelf, held);
  if (!bytes) return undefined;
  const part = bytes.subarray(offset, length === undefined ? undefined : offset + length);
  return { size: held.size, proven: held.digests, chunks: part.byteLength === 0 ? [] : [part] };
}

async function openLarge(
  shelf: Shelf,
  held: Held,
  { offset = 0, length, signal }: OpenOptions,
): Promise<Content | undefined> {
  const { sha256, size, digests } = held;
  let file: FileHandle;
  try {
    file = await open(contentPath(shelf.layout, sha256));
  } catch (error) {
    if (!isMissing(error)) throw error;
    await dropContent(shelf, sha256);
    return undefined;
  }

  const { size: actualSize } = await file.stat();
  const end = Math.min(size, offset + (length ?? size));
  if (actualSize !== size || end <= offset) await file.close();
  if (actualSize !== size) throw await damaged(shelf, sha256, `${actualSize} bytes`);
  if (end <= offset) return { size, proven: [], chunks: [] };
  const whole = offset === 0 && end === size;
  const pieces = readFrom(file, offset, end, signal ? { signal } : {});

  async function* checked(): AsyncGenerator<Uint8Array> {
    try {
      yield* whole ? verified(pieces, { digests: [sha256], size }) : pieces;
    } catch (error) {
      if (isPyrsiaError(error, 'DIGEST_MISMATCH')) throw await damaged(shelf, sha256, error.details.actual);
      if (isPyrsiaError(error, 'SIZE_MISMATCH')) {
        throw await damaged(shelf, sha256, `${error.details.actual} bytes`);
      }
      throw error;
    } finally {
      await file.close();
    }
  }
  return { size, proven: whole ? digests : [], chunks: closing(checked(), async () => file.close(), signal) };
}

/** The same iteration, which gives up what it holds on `return` and when `signal` aborts even when it was never begun. */
function closing(
  chunks: AsyncGenerator<Uint8Array>,
  close: () => Promise<void>,
  signal: AbortSignal | undefined,
): ByteStream {
  let isBegun = false;
  const giveUp = async (): Promise<void> => {
    if (!isBegun) await close();
    isBegun = true;
  };
  const abort = (): void => void giveUp();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        isBegun = true;
        signal?.removeEventListener('abort', abort);
        return chunks.next();
      },
      return: async () => {
        await giveUp();
        return chunks.return(undefined);
      },
    }),
  };
}
