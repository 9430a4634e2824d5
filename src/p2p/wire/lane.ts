/**
 * A lane: one stream to one peer on which content is asked for, as long as it is needed. Types alone.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import type { CallOptions } from '../../content/source.ts';
import type { PeerName } from '../contract.ts';

/**
 * What may be wrong with what a peer does:
 *
 * - `lied`: it sent what nobody asked for, or contradicts what it said itself.
 * - `malformed`: what it sent is no message.
 * - `flood`: it asks for more than it may.
 * - `slow`: it sends or takes less than 64 KiB/s, for 10 s.
 * - `cut`: it closed or broke the stream before it had answered.
 * - `none`: it has not what was asked for, any more or yet. The lane goes on.
 * - `busy`: it would have to be waited for. The lane goes on; nobody is to be blamed.
 */
export type FaultKind = 'lied' | 'malformed' | 'flood' | 'slow' | 'cut' | 'none' | 'busy';

/** Asks one peer for content. What is asked for at the same time is answered in that order. */
export interface Lane {
  readonly peer: PeerName;

  /** Whether it may be asked: not after it was closed from here or there, nor after a fault but `none` and `busy`. */
  readonly open: boolean;

  /**
   * Bytes of content, exactly as many as asked for; nothing has been verified. They and their memory belong to the caller.
   *
   * Up to 16 requests and 16 MiB are on their way at a time, the others wait. Aborting rejects at once; what is on its way
   * is read, and dropped.
   *
   * @param length - in bytes, at most 4 MiB
   * @throws PeerFault, or whatever the signal was aborted with.
   */
  fetch(
    this: void,
    digest: Digest,
    offset: number,
    length: number,
    options?: CallOptions,
  ): Promise<Uint8Array>;

  /** The list of chunks that this peer has of it, at most 4 MiB, as it came; undefined: it has none. */
  list(this: void, digest: Digest, options?: CallOptions): Promise<Uint8Array | undefined>;

  /** How many bytes from the start the peer has, as it said last on this lane; undefined: it has not said. */
  available(this: void, digest: Digest): number | undefined;

  /** Ends it. What was asked for and has not come is rejected with `cut`. */
  close(this: void): void;
}
