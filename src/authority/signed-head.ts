/**
 * The newest tree that a key has signed, on the disk before the signature leaves: whoever starts again, with whatever state
 * of its log, signs nothing that contradicts it.
 *
 * @module
 */
import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { formatNote } from '../log/note.ts';
import { provenLog } from '../log/read-tiles.ts';
import { decodeText } from '../log/text.ts';
import { equalHashes } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import type { ReadableLog } from './log-core.ts';
import type { LogFiles } from './log-files.ts';

/** The most bytes of a checkpoint that is kept: 256 KiB. */
export const CHECKPOINT_LIMIT = 256 * 2 ** 10;

/** What was signed last. */
export interface SignedHead {
  last(): Checkpoint | undefined;
  /** Resolves when a crash cannot undo it. */
  put(checkpoint: Checkpoint): Promise<void>;
}

/**
 * Opens what was signed last, at `path` of `files`. The log has to begin with it.
 *
 * Rejects with `NOT_PROVEN` where the log is shorter or another one: it was cut, or put back to an older state.
 */
export async function openSignedHead(files: LogFiles, path: string, core: ReadableLog): Promise<SignedHead> {
  const what = `${path} of ${files.name}`;
  const bytes = await files.read(path, CHECKPOINT_LIMIT);
  let last = bytes && parseCheckpoint(decodeText(bytes, what, CHECKPOINT_LIMIT), what);
  if (last !== undefined) {
    const position = core.last();
    const refused = (reason: string): PyrsiaError =>
      new PyrsiaError('NOT_PROVEN', { what: `the log at ${core.source.name}`, reason });
    if (last.size > position.size)
      throw refused(`it has ${position.size} entries, and ${last.size} were signed: it was put back`);
    const root = await provenLog(core.source, position).rootAt(last.size);
    if (!equalHashes(root, last.root))
      throw refused(`its first ${last.size} entries are not those that were signed`);
  }
  return {
    last: () => last,
    async put(checkpoint) {
      await files.write([{ path, bytes: Buffer.from(formatNote(checkpoint.note)) }]);
      last = checkpoint;
    },
  };
}
