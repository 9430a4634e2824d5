/**
 * Who decides the order of entries: one seam, and nothing else knows which implementation it is.
 *
 * @module
 */
import type { LogCore } from './log-core.ts';

/** Orders entries into batches and has the log commit them. All implementations run `test/conformance/sequencer.ts`. */
export interface Sequencer {
  /** Goes on after `core.last()`. What was ordered and is not committed there is committed first. */
  start(core: LogCore): Promise<void>;
  /**
   * Takes an entry that is to be ordered; the same one twice is one. It may be lost, and what the log refuses when its turn
   * comes is dropped: whoever handed it in looks whether it was committed, and tries again. Rejects when there is no room.
   */
  submit(entry: Uint8Array): Promise<void>;
  status(): SequencerStatus;
  /** Resolves when nothing is under way any more; what was not ordered is lost. */
  stop(): Promise<void>;
}

/** How far a sequencer is. */
export interface SequencerStatus {
  /** The batch that was committed last. */
  readonly seq: bigint;
  /** Entries that wait. */
  readonly waiting: number;
  /** Why there is no progress although there is work; absent where there is. */
  readonly halted?: string;
}
