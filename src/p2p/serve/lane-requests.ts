import { QUEUED_LIMIT } from './allowance.ts';
import type { Served } from './serving.ts';
import {
  type BlobRequest,
  parseBlobRequest,
  REQUEST_LIMIT,
  REQUEST_START,
  requestLength,
} from '../wire/wire.ts';

/** The requests of a lane, in their order. */
export interface LaneRequests {
  /** The first of those that wait; undefined when the peer has ended and there are no more. */
  first(this: void): Promise<BlobRequest | undefined>;
  /** Those that wait now. */
  readonly waiting: readonly BlobRequest[];
  /** The first one is answered. */
  done(this: void): void;
}

/** Reads requests as they come. However fast the peer sends them, no more of them is kept than may wait. */
export function readRequests(served: Served): LaneRequests {
  const { channel, share } = served;
  const waiting: BlobRequest[] = [];
  const state = { ended: false, wake: (): void => undefined };
  const take = (request: BlobRequest): void => {
    waiting.push(request);
    state.wake();
  };
  channel.closed.addEventListener('abort', () => {
    for (const _ of waiting.splice(0)) share.dequeue();
  });
  void (async () => {
    try {
      for (let next = await readRequest(served); next; next = await readRequest(served)) take(next);
    } catch (error) {
      channel.close('malformed', error instanceof Error ? error.message : String(error));
    } finally {
      state.ended = true;
      state.wake();
    }
  })();
  return {
    waiting,
    async first() {
      while (waiting.length === 0 && !state.ended) {
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
      }
      channel.closed.throwIfAborted();
      return waiting[0];
    },
    done() {
      if (waiting.shift()) share.dequeue();
    },
  };
}

async function readRequest({ channel, share, useful }: Served): Promise<BlobRequest | undefined> {
  const start = await channel.read(REQUEST_START);
  if (start === undefined) return undefined;
  const rest = await channel.read(requestLength(start) - REQUEST_START);
  if (rest === undefined) throw channel.close('cut', 'it stopped in the middle of a message');
  channel.closed.throwIfAborted();
  const request = parseBlobRequest(Buffer.concat([start, rest]));
  channel.expect(start.byteLength + rest.byteLength);
  if (!share.enqueue()) throw channel.close('flood', 'it asks for too much at a time');
  useful();
  return request;
}

/** How many bytes of requests may come before any of them was read. */
export const REQUESTS_BUFFER = QUEUED_LIMIT * REQUEST_LIMIT;
