/**
 * A stream of libp2p 3 as we use it: exact reads out of a bounded buffer, and sends that wait.
 *
 * What of libp2p 3.3.11 (and its yamux 8) is not relied on, since it does otherwise than one would think:
 *
 * - `stream.onDrain()` answers with one promise for ever, which is kept once a first drain has come: we wait for the event
 *   `drain`, and look again, because the flag may be set again before we are called.
 * - A receiver's window is opened again by whoever dispatches `message`, not by whoever reads, so an iterator holds back
 *   nobody, and `pause` ends in a buffer that is too small for the window: whoever reads says how much may come at all
 *   (`expect`), and more than that is a fault.
 * - Iterating a stream that the other side has closed does not end, and `end` may have been dispatched before there is
 *   a listener: the end is looked up after each event, and means nothing in the middle of a message.
 * - A listener that throws ends the process.
 *
 * @module
 */
import type { Stream } from '@libp2p/interface';
import type { Uint8ArrayList } from 'uint8arraylist';
import type { PeerName } from '../contract.ts';
import { isPeerFault, PeerFault } from '../fault.ts';
import type { FaultKind } from './lane.ts';
import { spend } from './spent.ts';

/** A stream to one peer. Its calls reject with a {@link PeerFault}. */
export interface Channel {
  readonly peer: PeerName;
  /** Aborts with the fault when the stream is closed, by whomever. */
  readonly closed: AbortSignal;
  /** So many bytes more may come than have, or fewer. There must not have come more. */
  expect(this: void, bytes: number): void;
  /**
   * Exactly so many bytes, in memory of their own, which is `into` where it is given. Undefined: the other side has ended before
   * the first of them; in the middle of them that is `cut`. One at a time; once it has settled nothing is written there any more.
   */
  read(this: void, length: number, into?: Uint8Array): Promise<Uint8Array | undefined>;
  /** Hands bytes to the stream, which are not to be changed any more, and waits until it takes more. One at a time. */
  send(this: void, bytes: Uint8Array): Promise<void>;
  /** Ends it at once, in both directions. */
  close(this: void, kind: FaultKind, reason: string): PeerFault;
}

/** Is told of bytes that come, and of waiting until the peer takes those that go. */
export interface Watcher {
  readonly came?: (this: void, bytes: number) => void;
  readonly sending?: (this: void, event: 'wait' | 'rest') => void;
}

interface Reader {
  readonly into: Uint8Array;
  filled: number;
  readonly resolve: (bytes: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Takes over a stream.
 *
 * @param beyond - what it is to send more than was expected
 */
export function channelOver(
  stream: Stream,
  peer: PeerName,
  beyond: FaultKind,
  { came, sending }: Watcher = {},
): Channel {
  const held: Uint8Array[] = [];
  const ended = new AbortController();
  let allowed = 0;
  let reader: Reader | undefined;

  const close = (kind: FaultKind, reason: string, cause?: unknown): PeerFault => {
    if (isPeerFault(ended.signal.reason)) return ended.signal.reason;
    const fault = new PeerFault(kind, peer, reason, cause === undefined ? undefined : { cause });
    ended.abort(fault);
    held.length = 0;
    reader?.reject(fault);
    reader = undefined;
    stream.abort(fault);
    return fault;
  };

  const expect = (bytes: number): void => {
    allowed += bytes;
    if (allowed < 0) close(beyond, 'it sends more than it was asked for');
  };

  /** Gives the reader what is held. */
  const serve = (): void => {
    const mine = reader;
    if (mine === undefined) return;
    const { into } = mine;
    while (mine.filled < into.byteLength) {
      const chunk = held.shift();
      if (chunk === undefined) return endedEarly(mine);
      const part = chunk.subarray(0, into.byteLength - mine.filled);
      into.set(part, mine.filled);
      mine.filled += part.byteLength;
      if (part.byteLength < chunk.byteLength) held.unshift(chunk.subarray(part.byteLength));
      else spend(chunk);
    }
    reader = undefined;
    mine.resolve(into);
  };

  const endedEarly = ({ filled, resolve }: Reader): void => {
    if (!stream.readableEnded || stream.readBufferLength > 0) return;
    if (filled > 0) return void close('cut', 'it stopped in the middle of a message');
    reader = undefined;
    resolve(undefined);
  };

  stream.addEventListener('message', ({ data }) => {
    if (ended.signal.aborted) return;
    expect(-data.byteLength);
    if (ended.signal.aborted) return;
    held.push(...chunksOf(data));
    came?.(data.byteLength);
    serve();
  });
  stream.addEventListener('end', serve);
  stream.addEventListener('close', ({ error }) => {
    serve();
    close('cut', 'it closed the stream', error);
  });
  if (stream.status !== 'open') close('cut', 'it closed the stream');

  return {
    peer,
    closed: ended.signal,
    expect,
    close,
    async read(length, into = Buffer.allocUnsafe(length)) {
      ended.signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
      reader = { into, filled: 0, resolve, reject };
      serve();
      return promise;
    },
    async send(bytes) {
      ended.signal.throwIfAborted();
      try {
        if (stream.send(bytes)) return;
      } catch (error) {
        throw close('cut', 'it closed the stream', error);
      }
      sending?.('wait');
      try {
        while (stream.writableNeedsDrain) await drained(stream, ended.signal);
      } finally {
        sending?.('rest');
      }
    },
  };
}

/** Resolves at the next `drain`; rejects with the fault when the stream is closed. */
async function drained(stream: Stream, closed: AbortSignal): Promise<void> {
  closed.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (): void => reject(closed.reason);
  stream.addEventListener('drain', () => resolve(), { once: true });
  closed.addEventListener('abort', fail);
  try {
    await promise;
  } finally {
    closed.removeEventListener('abort', fail);
  }
}

function chunksOf(data: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  return data instanceof Uint8Array ? [data] : data;
}
