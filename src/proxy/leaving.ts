/**
 * Content on its way to a client, a few pieces ahead of what its connection has taken.
 *
 * @module
 */
import type { ServerResponse } from 'node:http';
import { giveBack } from '../content/buffers.ts';

/**
 * How much may wait to be sent: 1 MiB. A connection that runs dry waits for our next turn, and where processors are few
 * that comes late; and the next pieces are read, and hashed, while these leave.
 */
const WAITING_LIMIT = 2 ** 20;

/** Pieces that leave. */
export interface Leaving {
  /** Sends a piece, and resolves when there is room for another. Rejects when the client is gone. */
  add(this: void, piece: Uint8Array): Promise<void>;
}

/** Sends by `response` until `signal` aborts. The memory of a piece is used again once it has left. */
export function leavingBy(response: Pick<ServerResponse, 'write'>, signal: AbortSignal): Leaving {
  let waiting = 0;
  let wake: (() => void) | undefined;
  signal.addEventListener('abort', () => wake?.(), { once: true });

  const isFull = (): boolean => waiting > WAITING_LIMIT && !signal.aborted;

  return {
    async add(piece) {
      waiting += piece.byteLength;
      response.write(piece, (error) => {
        waiting -= piece.byteLength;
        if (!error) giveBack(piece);
        wake?.();
      });
      while (isFull()) await new Promise<void>((resolve) => (wake = resolve));
      signal.throwIfAborted();
    },
  };
}
