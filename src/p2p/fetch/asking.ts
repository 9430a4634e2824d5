/**
 * Asking peers and upstream for chunks.
 *
 * @module
 */
import { chunkAt } from '../../content/chunks.ts';
import type { Fetching, Registry } from './fetching.ts';
import { type Hand, type HandAtWork, isDone, type PeerHand, wasAsked, wasOutrun } from './hand.ts';
import { takeChunk } from './intake.ts';
import { expectationOf, type Piece } from './share-out.ts';
import { readRun } from './upstream-run.ts';
import type { Ask, Slot, Window } from './window.ts';

/** How much upstream is asked for at a time: what it delivers in half a second, up to 8 chunks. */
const RUN_MS = 500;
const RUN_LIMIT = 8;

/** Asks a peer for one chunk. Never rejects. */
export async function askPeer(
  fetching: Fetching,
  worker: HandAtWork<PeerHand>,
  slot: Slot,
  now: number,
): Promise<void> {
  const { team, clock, changed } = fetching;
  const { hand } = worker;
  const abort = new AbortController();
  const ask: Ask = { hand, ...expectationOf(worker, slot.length, now), abort };
  slot.asks.add(ask);
  wasAsked(hand, slot.length, now);
  let bytes: Uint8Array | undefined;
  try {
    bytes = await team.fetch(hand, slot, abort.signal);
  } catch (error) {
    if (abort.signal.aborted) wasOutrun(hand, slot.length, clock.now());
    else team.failed(hand, slot, error);
  }
  abort.abort();
  slot.asks.delete(ask);
  isDone(hand, slot.length);
  if (bytes) takeChunk(fetching, hand, slot, bytes);
  changed();
}

/**
 * Asks upstream for a chunk and those that follow it and that nobody was asked for: as many as it may be asked for at a time, or,
 * `isLast`, all that are left. Never rejects.
 */
export async function askUpstream(
  fetching: Fetching,
  registry: Registry,
  worker: HandAtWork,
  first: Slot,
  { now, isLast }: { readonly now: number; readonly isLast: boolean },
): Promise<void> {
  const { wanted, cut, window, over, changed, waitForChange } = fetching;
  const { hand } = worker;
  const pieceAt = (index: number): Piece => ({ index, ...chunkAt(cut, index) });
  const untaken = untakenFrom(window, first);
  const run = isLast ? untaken : untaken.slice(0, runLength(hand, cut.chunkSize));
  const reachesEnd = isLast && untaken.at(-1) === window.slots().at(-1);
  const last = pieceAt(reachesEnd ? window.last : run.at(-1)!.index);
  const abort = new AbortController();
  const asks = new Map(
    run.map((slot, i): [number, () => void] => {
      const ask: Ask = { hand, ...expectationOf(worker, (i + 1) * cut.chunkSize, now), abort };
      slot.asks.add(ask);
      return [slot.index, () => void slot.asks.delete(ask)];
    }),
  );
  let index = first.index;
  const next = async (): Promise<Piece | undefined> => {
    if (index > last.index) return undefined;
    while (!over.aborted && !window.isOver && index >= window.head.index + window.width) {
      // Who was asked for what is to be read next has failed: this run would wait for that, and that for it.
      if (window.head.came === undefined && window.head.asks.size === 0) return undefined;
      await waitForChange();
    }
    return pieceAt(index++);
  };
  const take = (piece: Piece, bytes: Uint8Array): void => {
    asks.get(piece.index)?.();
    // Others may have been quicker, and it was read already.
    const slot = window.slots().find((each) => each.index === piece.index);
    if (slot) takeChunk(fetching, hand, slot, bytes);
    changed();
  };
  wasAsked(hand, 0, now);
  try {
    const span = { size: cut.size, offset: first.offset, length: last.offset + last.length - first.offset };
    await readRun(registry.source, wanted, span, next, take, AbortSignal.any([over, abort.signal]));
  } catch (error) {
    if (!over.aborted) {
      registry.error ??= error instanceof Error ? error : new Error(String(error));
      hand.gone ??= registry.error.message;
    }
  }
  for (const forget of asks.values()) forget();
  isDone(hand, 0);
  changed();
}

/** A chunk and those after it that nobody was asked for, up to the first that somebody was. */
function untakenFrom(window: Window, first: Slot): readonly Slot[] {
  const following = window.slots().slice(window.slots().indexOf(first) + 1);
  const taken = following.findIndex(({ came, asks }) => came !== undefined || asks.size > 0);
  return [first, ...(taken === -1 ? following : following.slice(0, taken))];
}

/** How many chunks upstream is asked for at a time: one until its speed is known. */
function runLength({ speed = 0 }: Hand, chunkSize: number): number {
  return Math.max(1, Math.min(RUN_LIMIT, Math.ceil((speed * RUN_MS) / chunkSize)));
}
