/**
 * From an entry that somebody hands in to its place in the log, once that is final.
 *
 * @module
 */
import { leafHash } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { encodeBase64 } from '../log/text.ts';
import type { Finality } from './finality.ts';
import type { Judging } from './judge.ts';
import type { Sequencer } from './sequencer.ts';

/** Takes entries. */
export interface Intake {
  /**
   * Has an entry ordered, and resolves to its index when a quorum has cosigned a checkpoint that has it. Rejects with
   * `NOT_PROVEN` for what the log does not take, and with the reason of `signal`, which does not take the entry back.
   */
  add(entry: Uint8Array, signal: AbortSignal): Promise<bigint>;
  /** These have become part of the log. */
  committed(entries: readonly Uint8Array[], first: bigint): void;
  /** This one will not. */
  dropped(entry: Uint8Array, reason: string): void;
}

interface Waiting {
  readonly committed: (index: bigint) => void;
  readonly dropped: (error: Error) => void;
}

/** Nobody waits yet. */
export function openIntake(parts: {
  readonly judging: Judging;
  readonly sequencer: Sequencer;
  readonly finality: () => Finality;
}): Intake {
  const waiting = new Map<string, Set<Waiting>>();
  const take = (entry: Uint8Array): Set<Waiting> => {
    const key = keyOf(entry);
    const all = waiting.get(key) ?? new Set();
    waiting.delete(key);
    return all;
  };

  return {
    async add(entry, signal) {
      const reason = parts.judging.entry(entry);
      if (reason !== undefined) throw refused(reason);
      const { promise, resolve, reject } = Promise.withResolvers<bigint>();
      promise.catch(() => undefined); // It may be over before anybody waits.
      const key = keyOf(entry);
      const each = { committed: resolve, dropped: reject };
      const all = waiting.get(key) ?? new Set();
      waiting.set(key, all.add(each));
      const leave = (): void => {
        all.delete(each);
        if (all.size === 0 && waiting.get(key) === all) waiting.delete(key);
        reject(reasonOf(signal));
      };
      signal.addEventListener('abort', leave, { once: true });
      try {
        await parts.sequencer.submit(entry);
        const index = await promise;
        await Promise.race([parts.finality().reached(index + 1n), aborted(signal)]);
        return index;
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
    committed(entries, first) {
      for (const [i, entry] of entries.entries())
        for (const each of take(entry)) each.committed(first + BigInt(i));
    },
    dropped(entry, reason) {
      for (const each of take(entry)) each.dropped(refused(reason));
    },
  };
}

async function aborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(reasonOf(signal)), { once: true });
  return promise;
}

function refused(reason: string): PyrsiaError {
  return new PyrsiaError('NOT_PROVEN', { what: 'the entry', reason });
}

function keyOf(entry: Uint8Array): string {
  return encodeBase64(leafHash(entry));
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
