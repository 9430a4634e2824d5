/**
 * Content that is arriving: a file in `partial/` that grows.
 *
 * Named after its digest it outlives a broken transfer and a killed process; named after its process it
 * does not, and whoever finds it can tell that nobody writes it any more.
 *
 * @module
 */
import { mkdirSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { giveBack } from '../content/buffers.ts';
import type { Wanted } from '../content/descriptor.ts';
import { type Digest, digestWith } from '../content/digest.ts';
import { HELD_BACK, measure, type Meter } from '../content/verified.ts';
import { appendingTo } from './appending.ts';
import { openArriving, type Growing } from './arriving.ts';
import type { OfferedFile, PartialContent } from './cache.ts';
import { storedFrom } from './contents.ts';
import { cannotWrite, moveIntoPlace, temporaryPath } from './layout.ts';
import { readFrom } from './read-file.ts';
import { keepContent, type Room, type Shelf } from './shelf.ts';

/** Content that is arriving in one cache. */
export interface Partials {
  open(wanted: Wanted, options?: { readonly resume?: boolean }): Promise<PartialContent>;
  /** Of those that are offered to others, the one with this digest. */
  offered(this: void, digest: Digest): OfferedFile | undefined;
  /** Whether a file of this name in `partial/` is being written by this process. */
  isOpen(name: string): boolean;
  /** Breaks off whatever is still arriving, to be gone on with later. */
  close(): Promise<void>;
}

/** The partial files of `shelf`, which is writable. */
export function partialsOf(shelf: Shelf, room: Room): Partials {
  const writing = new Map<string, PartialContent | undefined>();
  const arriving = openArriving();

  return {
    async open(wanted, { resume = true } = {}) {
      if (wanted.size !== undefined) room.mustFit(wanted.size);
      const strongest = resume ? resumableName(wanted.digests) : undefined;
      const resumable = strongest !== undefined && !writing.has(strongest);
      const path = resumable ? join(shelf.layout.partial, strongest) : temporaryPath(shelf.layout);
      const name = basename(path);
      writing.set(name, undefined);
      try {
        mkdirSync(shelf.layout.partial, { recursive: true, mode: 0o700 });
        const opened = { path, resumable, ...(await openBeginning(path, wanted)) };
        const partial = partialOf(shelf, room, opened, {
          offer: (size, growing) => arriving.offer(name, size, growing),
          closed(isFinished) {
            writing.delete(name);
            if (!isFinished) arriving.withdraw(name);
          },
        });
        writing.set(name, partial);
        return partial;
      } catch (error) {
        writing.delete(name);
        throw cannotWrite(shelf.layout, error);
      }
    },
    offered: arriving.find,
    isOpen: (name) => writing.has(name),
    async close() {
      for (const partial of writing.values()) await partial?.suspend(new Error('The cache was closed'));
    },
  };
}

/** The digest as a file name. A weak one is good enough: what it leads to is measured again. */
function resumableName(digests: readonly Digest[]): string | undefined {
  const digest = digestWith(digests, 'sha256') ?? digestWith(digests, 'sha512') ?? digests[0];
  return digest?.replace(':', '-');
}

interface Opened {
  readonly path: string;
  readonly file: FileHandle;
  readonly meter: Meter;
  readonly size: number;
  readonly resumable: boolean;
}

/** Opens a file for appending, and measures what it holds already; a beginning that is too long is dropped. */
async function openBeginning(path: string, wanted: Wanted): Promise<Pick<Opened, 'file' | 'meter' | 'size'>> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const meter = measure(wanted, ['sha256']);
    if (size <= (wanted.size ?? size)) {
      for await (const chunk of readFrom(file, 0, size)) {
        meter.update(chunk);
        giveBack(chunk);
      }
      return { file, meter, size };
    }
    await file.truncate(0);
    return { file, meter, size: 0 };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function partialOf(
  shelf: Shelf,
  room: Room,
  { path, file, meter, size, resumable }: Opened,
  on: {
    readonly offer: (size: number, growing: Growing) => void;
    readonly closed: (isFinished: boolean) => void;
  },
): PartialContent {
  let place = path;
  let outcome: 'arriving' | 'finished' | Error = 'arriving';
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const go of waiting) go();
  };

  const mayGoOn = (): boolean => outcome === 'arriving';
  const mustGoOn = (): void => {
    if (outcome instanceof Error) throw outcome;
  };
  /** The same for whoever writes: what has failed is gone by then. */
  const mustWrite = async (): Promise<void> => {
    if (outcome instanceof Error) await ending;
    mustGoOn();
  };

  let ending: Promise<void> | undefined;
  const end = async (how: 'finished' | Error, keep: boolean): Promise<void> => {
    if (outcome !== 'arriving') return;
    ending = over(how, keep);
    await ending;
  };
  const over = async (how: 'finished' | Error, keep: boolean): Promise<void> => {
    outcome = how;
    wake();
    if (!keep) appending.drop();
    try {
      await appending.over();
      await file.close();
      if (!keep) await rm(path, { force: true });
    } finally {
      // Not before: whoever opens it next would go on with what is about to be removed.
      on.closed(how === 'finished');
    }
  };

  const failed = async (cause: unknown): Promise<Error> => {
    const reason = cannotWrite(shelf.layout, cause);
    await end(reason, false).catch(() => undefined);
    return reason;
  };

  const appending = appendingTo(file, size, room, {
    written: wake,
    // What is in the file and what was measured differ now: nobody can go on from here.
    failed: (error) => void failed(error),
  });

  return {
    get size() {
      return size;
    },

    offer(whole) {
      on.offer(whole, {
        get path() {
          return place;
        },
        get written() {
          return appending.written;
        },
        get isProven() {
          return outcome === 'finished';
        },
      });
    },

    async write(chunk) {
      await mustWrite();
      try {
        meter.update(chunk);
        room.mustFit(size + chunk.byteLength);
      } catch (error) {
        throw await failed(error);
      }
      size += chunk.byteLength;
      appending.add(chunk);
      while (mayGoOn() && appending.isBehind) await more(waiting, undefined);
      await mustWrite();
    },

    async *read({ offset = 0, signal } = {}) {
      mustGoOn();
      const source = await open(place, 'r');
      try {
        for (let at = offset; ;) {
          signal?.throwIfAborted();
          mustGoOn();
          const proven = outcome === 'finished' ? size : appending.written - HELD_BACK;
          for await (const chunk of readFrom(source, at, proven)) {
            at += chunk.byteLength;
            yield chunk;
            signal?.throwIfAborted();
          }
          if (outcome === 'finished' && at >= size) return;
          if (outcome === 'arriving' && at >= appending.written - HELD_BACK) await more(waiting, signal);
        }
      } finally {
        await source.close();
      }
    },

    async finish() {
      await appending.over();
      await mustWrite();
      try {
        const stored = storedFrom(meter.end());
        await file.chmod(0o444);
        keepContent(shelf, stored, (to) => {
          moveIntoPlace(path, to);
          place = to;
        });
        await end('finished', true);
        return stored;
      } catch (error) {
        throw await failed(error);
      }
    },

    suspend: async (reason) => end(reason, resumable),
    discard: async (reason) => end(reason, false),
  };
}

/** Waits until the file has grown or has ended, or the reader gives up. */
async function more(waiting: Set<() => void>, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = (): void => {
      signal?.removeEventListener('abort', go);
      waiting.delete(go);
      resolve();
    };
    waiting.add(go);
    signal?.addEventListener('abort', go, { once: true });
  });
}
