import { giveBack, PIECE } from '../content/buffers.ts';
import { HELD_BACK } from '../content/verified.ts';

/** A reader that is so many bytes behind reads the file again: 2 MiB. */
const BEHIND = 8 * PIECE;

/** What a reader who has caught up with the writer is given as it is, instead of reading it from the file. */
export interface Feed {
  /** Puts what lies in the file before all that it is given at its beginning, in order. */
  begin(chunk: Uint8Array): void;
  /** Gives it what has just been written; its memory is the reader's. False: it has fallen behind, and gets no more. */
  give(chunk: Uint8Array): boolean;
  /** The next chunk that is followed by at least 64 KiB, or with `all` the next one. */
  next(all: boolean): Uint8Array | undefined;
  /** Whether it has fallen behind, and has had all that it was to have. */
  isOver(): boolean;
  /** Nobody reads it any more. */
  close(): void;
}

/** A feed of one reader, of nothing so far. */
export function openFeed(): Feed {
  const chunks: Uint8Array[] = [];
  let begun = 0;
  let bytes = 0;
  let isBehind = false;
  let isClosed = false;

  return {
    begin(chunk) {
      chunks.splice(begun++, 0, chunk);
      bytes += chunk.byteLength;
    },
    give(chunk) {
      if (isClosed || isBehind) return false;
      isBehind = bytes > BEHIND;
      if (isBehind) return false;
      chunks.push(chunk);
      bytes += chunk.byteLength;
      return true;
    },
    next(all) {
      const [first] = chunks;
      if (!first || (!all && bytes - first.byteLength < HELD_BACK)) return undefined;
      bytes -= first.byteLength;
      return chunks.shift();
    },
    isOver: () => isBehind && (chunks.length === 0 || bytes - chunks[0]!.byteLength < HELD_BACK),
    close() {
      isClosed = true;
      for (const chunk of chunks.splice(0)) giveBack(chunk);
    },
  };
}
