/**
 * The {@link Sequencer} of one process: what it commits is the order.
 *
 * A batch is made every second, or as soon as there are enough entries for one. While batches are quick nobody waits
 * longer than that; when the disk is slow, batches grow.
 *
 * @module
 */
import { leafHash } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { encodeBase64 } from '../log/text.ts';
import type { Clock } from './clock.ts';
import type { LogCore, Position } from './log-core.ts';
import type { Sequencer, SequencerStatus } from './sequencer.ts';

/** How long the first entry of a batch waits for others, in milliseconds. */
const BATCH_MS = 1000;

/** How many entries a batch has at most, besides the one that closes it. */
export const BATCH_ENTRIES = 1023;

/** How many entries may wait. */
const WAITING_LIMIT = 20_000;

/** How a sequencer works. */
export interface SingleOptions {
  readonly clock: Clock;
  /** The entry that closes a batch; undefined where batches are not closed. */
  readonly close?: (entries: readonly Uint8Array[], after: Position) => Uint8Array;
  /** Told of what will not be committed, and why. */
  readonly onDropped?: (entry: Uint8Array, reason: string) => void;
  /** Default: {@link BATCH_MS}. */
  readonly batchMs?: number;
}

/** A sequencer that orders by itself. */
export function single({ clock, close, onDropped = () => {}, batchMs = BATCH_MS }: SingleOptions): Sequencer {
  /** By leaf hash, oldest first. */
  const pool = new Map<string, Uint8Array>();
  const over = new AbortController();
  let core: LogCore | undefined;
  let halted: string | undefined;
  let running: Promise<void> | undefined;
  let arrived = Promise.withResolvers<void>();
  let filled = Promise.withResolvers<void>();

  const whole = (entries: readonly Uint8Array[], after: Position): readonly Uint8Array[] =>
    close ? [...entries, close(entries, after)] : entries;

  /** The entries that may follow, in the order in which they came; others leave the pool. */
  const sound = (log: LogCore, entries: readonly Uint8Array[]): readonly Uint8Array[] => {
    const after = log.last();
    if (log.verify(whole(entries, after)) === null) return entries;
    const taken: Uint8Array[] = [];
    for (const entry of entries) {
      const reason = log.verify(whole([...taken, entry], after));
      if (reason === null) taken.push(entry);
      else {
        pool.delete(keyOf(entry));
        onDropped(entry, reason);
      }
    }
    return taken;
  };

  const commitNext = async (log: LogCore): Promise<void> => {
    const entries = sound(log, [...pool.values()].slice(0, BATCH_ENTRIES));
    if (entries.length === 0) return;
    const after = log.last();
    await log.commit({ seq: after.seq + 1n, entries: whole(entries, after) });
    for (const entry of entries) pool.delete(keyOf(entry));
  };

  const run = async (log: LogCore): Promise<void> => {
    while (!over.signal.aborted) {
      if (pool.size === 0) await arrived.promise;
      if (over.signal.aborted) return;
      if (pool.size < BATCH_ENTRIES) {
        const enough = new AbortController();
        const signal = AbortSignal.any([over.signal, enough.signal]);
        void filled.promise.then(() => enough.abort());
        await clock.sleep(batchMs, signal);
        enough.abort();
      }
      if (over.signal.aborted) return;
      arrived = Promise.withResolvers();
      filled = Promise.withResolvers();
      try {
        await commitNext(log);
        halted = undefined;
      } catch (error) {
        halted = error instanceof Error ? error.message : String(error);
        // Whatever it is, it is not better at once.
        await clock.sleep(batchMs, over.signal);
      }
    }
  };

  return {
    async start(log) {
      core = log;
      running = run(log);
    },
    async submit(entry) {
      if (core === undefined || over.signal.aborted) throw new Error('The sequencer is not running');
      if (pool.size >= WAITING_LIMIT)
        throw new PyrsiaError('AGENT_REFUSED', { reason: `${WAITING_LIMIT} entries are waiting already` });
      pool.set(keyOf(entry), entry);
      arrived.resolve();
      if (pool.size >= BATCH_ENTRIES) filled.resolve();
    },
    status(): SequencerStatus {
      return {
        seq: core?.last().seq ?? 0n,
        waiting: pool.size,
        ...(halted !== undefined && pool.size > 0 && { halted }),
      };
    },
    async stop() {
      over.abort();
      arrived.resolve();
      await running;
    },
  };
}

function keyOf(entry: Uint8Array): string {
  return encodeBase64(leafHash(entry));
}
