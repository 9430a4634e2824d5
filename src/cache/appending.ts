/**
 * Appending to a file a little later: what has come is written while the next is measured, and whatever came
 * meanwhile in one go, because each trip to another thread takes as long as to write a piece.
 *
 * @module
 */
import type { FileHandle } from 'node:fs/promises';
import { giveBack, PIECE } from '../content/buffers.ts';
import type { Room } from './shelf.ts';

/** How much may wait to be written: 1 MiB. */
const BEHIND = 4 * PIECE;

/** How long less than a piece waits for more, in milliseconds: what a slow line brings comes in bits. */
const GATHER_MS = 10;

/** What is written to a file. */
export interface Appending {
  /** How long the file is. */
  readonly written: number;
  /** Whether so much waits that no more is to come for now. */
  readonly isBehind: boolean;
  /** Takes a chunk, whose memory is used again once it is written. */
  add(this: void, chunk: Uint8Array): void;
  /** Resolves when nothing is being written; never rejects. */
  over(this: void): Promise<void>;
  /** Forgets what waits. */
  drop(this: void): void;
}

/**
 * Appends to `file`, which is `start` bytes long.
 *
 * @param on - `written` is called when the file has grown, `failed` when it cannot: nothing more is written then
 */
export function appendingTo(
  file: FileHandle,
  start: number,
  room: Pick<Room, 'reserve'>,
  on: { readonly written: () => void; readonly failed: (error: unknown) => void },
): Appending {
  const waiting: Uint8Array[] = [];
  let written = start;
  let come = start;
  let flushing: Promise<void> | undefined;
  let enough: (() => void) | undefined;

  const gathered = async (): Promise<void> => {
    if (come - written >= PIECE) return;
    const timer = setTimeout(() => enough?.(), GATHER_MS);
    await new Promise<void>((resolve) => (enough = resolve));
    clearTimeout(timer);
    enough = undefined;
  };

  const flush = async (): Promise<void> => {
    try {
      await gathered();
      for (let parts = waiting.splice(0); parts.length > 0; parts = waiting.splice(0)) {
        const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
        await room.reserve(bytes, () => append(file, parts));
        written += bytes;
        for (const each of parts) giveBack(each);
        on.written();
      }
    } catch (error) {
      waiting.length = 0;
      on.failed(error);
    } finally {
      flushing = undefined;
    }
  };

  return {
    get written() {
      return written;
    },
    get isBehind() {
      return come - written > BEHIND;
    },
    add(chunk) {
      come += chunk.byteLength;
      waiting.push(chunk);
      if (come - written >= PIECE) enough?.();
      flushing ??= flush();
    },
    async over() {
      enough?.();
      await flushing;
    },
    drop: () => void (waiting.length = 0),
  };
}

/** Writes all of `parts` behind what is in the file. */
async function append(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts;
  while (left.length > 0) {
    let { bytesWritten } = await file.writev([...left]);
    left = left.flatMap((part) => {
      const rest = part.subarray(bytesWritten);
      bytesWritten -= part.byteLength - rest.byteLength;
      return rest.byteLength > 0 ? [rest] : [];
    });
  }
}
