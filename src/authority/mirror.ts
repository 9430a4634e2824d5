/**
 * The final checkpoint beside this authority's copy of the log: who does not make it himself fetches it when he has cosigned.
 *
 * @module
 */
import { equalHashes, type TreeHead } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { type Policy, provenCheckpoint } from '../log/policy.ts';
import { provenLog, type TileSource } from '../log/read-tiles.ts';
import { decodeText } from '../log/text.ts';
import type { Clock } from './clock.ts';
import { CHECKPOINT } from './finality.ts';
import type { ReadableLog } from './log-core.ts';
import type { LogFiles } from './log-files.ts';
import { CHECKPOINT_LIMIT } from './signed-head.ts';

/** How long is waited before it is looked for again, in milliseconds, and how often. */
const AGAIN_MS = 500;
const TIMES = 20;

/** A mirror. */
export interface Mirror {
  /** How many entries are final, as far as is known. */
  size(): bigint;
  /** There is going to be a newer one. */
  look(): void;
  stop(): Promise<void>;
}

/** Opens a mirror of `origin`'s checkpoint in `files`. `before`: what has to be there before it. */
export function openMirror(parts: {
  readonly core: ReadableLog;
  readonly policy: Policy;
  readonly origin: TileSource;
  readonly files: LogFiles;
  readonly before: (head: TreeHead) => Promise<void>;
  readonly clock: Clock;
}): Mirror {
  const { core, policy, origin, files, before, clock } = parts;
  const over = new AbortController();
  let size = 0n;
  let left = 0;
  let running: Promise<void> | undefined;

  const take = async (): Promise<void> => {
    const bytes = await origin.read(CHECKPOINT, CHECKPOINT_LIMIT);
    if (bytes === undefined) return;
    const checkpoint = provenCheckpoint(decodeText(bytes, CHECKPOINT, CHECKPOINT_LIMIT), policy);
    const position = core.last();
    if (checkpoint.size <= size || checkpoint.size > position.size) return;
    const root = await provenLog(core.source, position).rootAt(checkpoint.size);
    if (!equalHashes(root, checkpoint.root))
      throw new PyrsiaError('NOT_PROVEN', { what: 'the checkpoint', reason: 'it is not of these entries' });
    await before(checkpoint);
    await files.write([{ path: CHECKPOINT, bytes }]);
    size = checkpoint.size;
  };
  const run = async (): Promise<void> => {
    for (left = TIMES; left > 0 && size < core.last().size && !over.signal.aborted; left--) {
      // Whatever it was, it may be better next time; what is published is proven.
      await take().catch(() => undefined);
      if (size < core.last().size) await clock.sleep(AGAIN_MS, over.signal);
    }
    running = undefined;
  };

  return {
    size: () => size,
    look() {
      left = TIMES;
      running ??= run();
    },
    async stop() {
      over.abort();
      await running;
    },
  };
}
