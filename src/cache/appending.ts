import type { FileHandle } from 'node:fs/promises';
import { PIECE } from '../content/buffers.ts';
import type { Room } from './shelf.ts';

/** With so many bytes that are not in the file yet, whoever brings them waits: 1 MiB. */
const MOST = 4 * PIECE;

/** A file that is written behind whoever brings its bytes: what comes while some are written is written at once. */
export interface Appending {
  /** How many bytes are in the file. */
  readonly written: number;
  /**
   * Takes a chunk, which nobody may change any more. Resolves when the next may come; rejects once writing has failed,
   * maybe of an earlier one.
   */
  append(chunk: Uint8Array): Promise<void>;
  /** Resolves when all of it is in the file; rejects once writing has failed. */
  settled(): Promise<void>;
}

/**
 * Appends to `file`, which has `written` bytes.
 *
 * @param onWritten - is given each chunk that is in the file, in order: it is of no use here any more
 */
export function appending(
  file: FileHandle,
  room: Room,
  written: number,
  onWritten: (chunks: readonly Uint8Array[]) => void,
): Appending {
  let waiting: Uint8Array[] = [];
  /** How many bytes have come. */
  let come = written;
  let writing: Promise<void> | undefined;
  let hasFailed = false;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const [chunks, size] = [waiting, come - written];
      waiting = [];
      await room.reserve(size, () => appendTo(file, chunks));
      written += size;
      onWritten(chunks);
    }
    // Where it has failed it stays as it is, and everybody is told.
    writing = undefined;
  }

  return {
    get written() {
      return written;
    },
    async append(chunk) {
      waiting.push(chunk);
      come += chunk.byteLength;
      if (!writing) {
        writing = writeAll();
        writing.catch(() => (hasFailed = true));
      }
      if (hasFailed || come - written >= MOST) await writing;
    },
    settled: async () => writing,
  };
}

/** Appends all of the chunks, however few bytes the system takes at a time. */
async function appendTo(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let left = chunks.filter(({ byteLength }) => byteLength > 0);
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left);
    left = behind(left, bytesWritten);
  }
}

/** The chunks without their first `bytes` bytes. */
function behind(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(left);
    left = Math.max(0, left - chunk.byteLength);
    return rest.byteLength > 0 ? [rest] : [];
  });
}
