/**
 * The part of some content that is on its way: chunks that were asked for, and such that came before their turn. What it
 * holds in memory is bounded.
 *
 * @module
 */
import { chunkAt, chunkCount, type Cut } from '../../content/chunks.ts';
import type { Hand } from './hand.ts';
import type { Piece } from './share-out.ts';

/** The most bytes of one fetch that are in memory: 32 MiB. */
const WINDOW = 32 * 2 ** 20;

/** How many chunks of that are kept free: one that is being read, and two that are asked for a second time. */
const SPARE = 3;

/** One who was asked for a chunk. */
export interface Ask {
  readonly hand: Hand;
  /** When it should be here, and when it is late. */
  readonly expectedAt: number;
  readonly lateAt: number;
  readonly abort: AbortController;
}

/** A chunk on its way. */
export interface Slot extends Piece {
  readonly asks: Set<Ask>;
  came?: Came;
}

/** What came for a chunk, from whom, and whether it is known to be what it should be. */
export interface Came {
  readonly bytes: Uint8Array;
  readonly from: Hand;
  isVerified: boolean;
}

/** Chunks on their way, in order. */
export interface Window {
  /** The next to be read. */
  readonly head: Slot;
  /** Whether nothing is left. */
  readonly isOver: boolean;
  /** All of it. */
  slots(this: void): readonly Slot[];
  /** How many chunks fit into it. */
  readonly width: number;
  /** The last of all chunks. */
  readonly last: number;
  /** Those that nobody was asked for. */
  free(this: void): readonly Slot[];
  /** Whether a chunk may be asked for once more. */
  hasSpare(this: void): boolean;
  /** Goes on behind the head. */
  advance(this: void): void;
  /** How many bytes are not read yet. */
  left(this: void): number;
}

/** Opens a window on the chunks that have the bytes from `offset` to before `end`. */
export function openWindow(cut: Cut, offset: number, end: number): Window {
  const first = Math.floor(offset / cut.chunkSize);
  const last = Math.min(chunkCount(cut), Math.max(first + 1, Math.ceil(end / cut.chunkSize))) - 1;
  const width = Math.max(1, WINDOW / cut.chunkSize - SPARE);
  const slots: Slot[] = [];
  let next = first;

  function fillUp(): void {
    for (; slots.length < width && next <= last; next++)
      slots.push({ index: next, ...chunkAt(cut, next), asks: new Set() });
  }
  fillUp();
  return {
    get head() {
      return slots[0]!;
    },
    get isOver() {
      return slots.length === 0;
    },
    slots: () => slots,
    width,
    last,
    free: () => slots.filter(({ asks, came }) => came === undefined && asks.size === 0),
    hasSpare: () => slots.reduce((sum, { asks }) => sum + Math.max(0, asks.size - 1), 0) < SPARE - 1,
    advance() {
      slots.shift();
      fillUp();
    },
    left: () =>
      slots.reduce((sum, { length }) => sum + length, 0) + Math.max(0, last + 1 - next) * cut.chunkSize,
  };
}
