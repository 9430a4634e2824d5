/**
 * Where content comes from. The cache, the peers and the upstream registry implement the same two
 * interfaces, so the resolver can ask one after the other.
 *
 * One kind of byte stream runs through the whole house: anything `for await` can walk.
 * `decisions/byte-streams.md` has the measurement.
 *
 * @module
 */
import type { Wanted } from './descriptor.ts';
import type { Digest, Sha256 } from './digest.ts';

/** Content in pieces. A Node stream is one; so is an array of buffers. */
export type ByteStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Options of every call that may touch a disk or a network. */
export interface CallOptions {
  /** Aborting rejects the call, and ends a stream it has already returned with an error. */
  readonly signal?: AbortSignal;
}

/** A part of the content: from `offset` (default 0), `length` bytes (default: to the end). */
export interface OpenOptions extends CallOptions {
  readonly offset?: number;
  readonly length?: number;
}

/** Content that a source has. Whoever opens it reads it to the end or calls `return` on its iterator. */
export interface Content {
  /** Length of the whole content in bytes, where the source says it. */
  readonly size?: number;
  /** Only this source says how long it is: none of it is to be passed on before all is verified. */
  readonly unsure?: boolean;
  /** Digests that hold if `chunks` ends without an error: the source has checked them itself. Peers and upstream: none. */
  readonly proven: readonly Digest[];
  readonly chunks: ByteStream;
}

/** The places content may come from, as shown to users and in reports. */
export type SourceName = 'cache' | 'peer' | 'upstream';

/** What came from one of those that a source asks. */
export interface Given {
  /** The peer's id; absent: upstream. */
  readonly peer?: string;
  readonly bytes: number;
  /** How many chunks, each of which was asked for by itself. */
  readonly chunks: number;
}

/**
 * A place content may come from.
 *
 * A source need not be honest: whatever it has not {@link Content.proven} itself is piped through
 * `verified` by whoever reads it; the resolver does so for all of them.
 */
export interface Source {
  readonly name: SourceName;

  /**
   * Opens the content described by `wanted`.
   *
   * Resolves to `undefined` when this source does not have it, and rejects only when the source
   * could not be asked (no network) or what it had was no good (a damaged file).
   */
  open(wanted: Wanted, options?: OpenOptions): Promise<Content | undefined>;

  /** Who has given what so far, where the source asks several. */
  given?(this: void): readonly Given[];

  /** Told when what it gave turned out to be something else, where the source can make use of that. */
  wrong?(this: void): void;

  /** Told when all that it gave turned out to be right, where the source can make use of that. */
  right?(this: void): void;
}

/** Content in a store. */
export interface Stored {
  /** The name in the store first, then every other digest that was computed on the way in. */
  readonly digests: readonly [Sha256, ...Digest[]];
  /** Length in bytes. */
  readonly size: number;
}

/** A source one can also write to. Content is known by sha256 and by every digest it was stored with. */
export interface Store extends Source {
  /**
   * Stores content that satisfies `wanted`, which may name no digest at all. Nothing is visible to `open`
   * until the last byte is verified; a failed or aborted `put` leaves no trace. Storing the same content
   * twice keeps one copy, and heals a damaged one.
   *
   * Rejects with `DIGEST_MISMATCH` or `SIZE_MISMATCH`, or with whatever `content` failed with.
   */
  put(wanted: Wanted, content: ByteStream, options?: CallOptions): Promise<Stored>;

  /** Forgets content by any of its digests. Resolves to whether there was any. */
  delete(digest: Digest): Promise<boolean>;

  /** Lists what is stored, in no particular order. */
  list(): AsyncIterable<Stored>;
}
