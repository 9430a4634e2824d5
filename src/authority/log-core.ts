/**
 * The log on one authority's disk: what was decided, in order, as the static files that anybody may publish.
 *
 * @module
 */
import type { Hash } from '../content/merkle.ts';
import type { TileSource } from '../log/read-tiles.ts';

/** How far a log is. Durable: a crash does not take it back. */
export interface Position {
  /** How many batches were committed. */
  readonly seq: bigint;
  /** How many entries. */
  readonly size: bigint;
  readonly root: Hash;
}

/** A batch whose place is decided. */
export interface Decided {
  /** The number of the batch, counted from 1. */
  readonly seq: bigint;
  readonly entries: readonly Uint8Array[];
}

/** The log itself. Who decides the order of batches is somebody else's matter. */
export interface LogCore {
  last(): Position;
  /** Why a batch may not follow what is committed; null where it may. Depends on nothing but that and the batch. */
  verify(batch: readonly Uint8Array[]): string | null;
  /**
   * Writes a batch; resolves when a crash cannot undo it. The one that was committed last may be repeated, with the same
   * entries; any other number but the next rejects, and so does what {@link LogCore.verify} refuses.
   */
  commit(decided: Decided): Promise<void>;
}

/** A log whose files can be read. */
export interface ReadableLog extends LogCore {
  /** Its files, as others read them. */
  readonly source: TileSource;
}
