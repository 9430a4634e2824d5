/**
 * What a client sends, as it comes: heads of requests, and what belongs to them.
 *
 * @module
 */
import type { Socket } from 'node:net';
import { handingOver } from './pieces.ts';

/** The longest head that is looked at: 64 KiB. */
export const HEAD_LIMIT = 2 ** 16;
/** How much may wait for its turn before a client has to: 1 MiB. */
const WAITING_LIMIT = 2 ** 20;

/** Takes bytes, and says how many of them; it calls `done` when it does not need them any more, if ever. */
export type Use = (bytes: Buffer, done: () => void) => number;

/** What a client sends, piece by piece. It is read also while nobody takes it, so that its end is noticed. */
export interface Incoming {
  /** Where answers go. */
  readonly client: Socket;
  /** The next head, with the empty line at its end, or without it the beginning of one that is too long; undefined when none comes any more. */
  head(): Promise<Buffer | undefined>;
  /** Gives all that comes to `use`, until it is over, or nothing comes any more. Rejects with what `use` throws. */
  give(use: Use, isOver?: () => boolean): Promise<void>;
  /** What has come and was not taken. */
  rest(): Buffer;
  /** Aborts when nothing comes any more. */
  readonly gone: AbortSignal;
}

/** Reads from a connection that was accepted, and not yet read from. */
export function readerOf(accepted: Socket): Incoming {
  let waiting: Buffer[] = [];
  let isEnded = false;
  let wake: (() => void) | undefined;
  let take: ((bytes: Buffer, done: () => void) => void) | undefined;
  const gone = new AbortController();
  const keep = (bytes: Buffer): void => {
    waiting.push(bytes);
    if (waiting.reduce((sum, { byteLength }) => sum + byteLength, 0) > WAITING_LIMIT) client.pause();
    wake?.();
  };
  const end = (): void => {
    isEnded = true;
    gone.abort();
    wake?.();
  };
  const client = handingOver(accepted, (bytes, done) => (take ?? keep)(bytes, done));
  client.once('end', end).once('close', end);

  const come = async (): Promise<boolean> => {
    if (isEnded) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    client.resume();
    await promise;
    wake = undefined;
    return true;
  };
  const rest = (): Buffer => {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    return bytes;
  };
  return {
    client,
    gone: gone.signal,
    async head() {
      for (;;) {
        const bytes = rest();
        const over = bytes.indexOf('\r\n\r\n') + 4;
        if (over >= 4) {
          if (over < bytes.byteLength) waiting = [bytes.subarray(over)];
          return bytes.subarray(0, over);
        }
        if (bytes.byteLength > HEAD_LIMIT) return bytes;
        if (bytes.byteLength > 0) waiting = [bytes];
        if (!(await come())) return undefined;
      }
    },
    async give(use, isOver = () => false) {
      let error: Error | undefined;
      const isDone = (): boolean => error !== undefined || isOver();
      /** Memory of which a part is left to others is not used again. */
      const given = (bytes: Buffer, done: () => void): void => {
        let used = 0;
        try {
          used = use(bytes, () => used === bytes.byteLength && done());
        } catch (thrown) {
          error = thrown instanceof Error ? thrown : new Error(String(thrown));
        }
        if (used < bytes.byteLength) waiting.unshift(bytes.subarray(used));
        if (!isDone()) return;
        take = undefined;
        wake?.();
      };
      while (waiting.length > 0 && !isDone()) given(waiting.shift()!, () => undefined);
      if (!isDone()) {
        take = given;
        await come();
        take = undefined;
      }
      if (error) throw error;
    },
    rest,
  };
}
