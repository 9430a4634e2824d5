/**
 * A cosigner: it watches that a log only grows, as {@link https://c2sp.org/tlog-witness | c2sp.org/tlog-witness} asks, and
 * besides that it has a copy of the log and has judged each entry, before it signs.
 *
 * Requests are answered one after the other: fetch, judge, commit, persist what is about to be signed, sign.
 *
 * @module
 */
import { equalHashes, EMPTY_ROOT } from '../content/merkle.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import type { Signer, Verifier } from '../log/keys.ts';
import { formatNote, signText } from '../log/note.ts';
import { provenLog, type TileSource } from '../log/read-tiles.ts';
import { TILE_WIDTH } from '../log/tiles.ts';
import {
  type AddCheckpoint,
  answerAddCheckpoint,
  formatCosignatures,
  parseAddCheckpoint,
} from '../log/witness.ts';
import type { Clock } from './clock.ts';
import type { Judging } from './judge.ts';
import type { ReadableLog } from './log-core.ts';
import type { LogFiles } from './log-files.ts';
import type { SignedHead } from './signed-head.ts';
import { BATCH_ENTRIES } from './single.ts';

/** How far the time of a batch may be ahead of this machine's, in seconds: 5 min. */
const AHEAD_LIMIT = 5 * 60;

/** What a cosigner works with. */
export interface CosignerOptions {
  readonly core: ReadableLog;
  /** How entries are read: what was read to be copied need not be read again to be judged. */
  readonly read: Judging['read'];
  /** The keys of the log that it watches. */
  readonly logs: readonly Verifier[];
  /** Where that log's files are. */
  readonly origin: TileSource;
  readonly signer: Signer;
  readonly cosigned: SignedHead;
  /** Where it writes down that the log has signed two histories. */
  readonly files: LogFiles;
  readonly clock: Clock;
}

/** An answer over HTTP. */
export interface WitnessReply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Cosigns. */
export interface Cosigner {
  /** Answers `POST add-checkpoint`. Rejects when the disk fails: nothing was signed then. */
  addCheckpoint(this: void, request: Uint8Array): Promise<WitnessReply>;
}

/** Opens a cosigner. */
export function openCosigner(options: CosignerOptions): Cosigner {
  const { core, read, logs, origin, signer, cosigned, clock } = options;
  let busy: Promise<unknown> = Promise.resolve();

  const answer = async (request: Uint8Array): Promise<WitnessReply> => {
    let asked: AddCheckpoint;
    try {
      asked = parseAddCheckpoint(request);
    } catch (error) {
      return told(400, reasonOf(error));
    }
    const before = cosigned.last();
    const decided = answerAddCheckpoint(asked, logs, () => before);
    if (decided.status === 409) {
      if (before !== undefined) await noteFork(asked.checkpoint, before);
      return { status: 409, type: 'text/x.tlog.size', body: `${decided.size}\n` };
    }
    if (decided.status !== 200) return told(decided.status, decided.reason);
    const { next } = decided;
    try {
      await follow(next);
    } catch (error) {
      if (isPyrsiaError(error, 'NOT_PROVEN') || isPyrsiaError(error, 'DOCUMENT_INVALID'))
        return told(422, error.message);
      if (isPyrsiaError(error, 'NOT_FOUND') || isPyrsiaError(error, 'UPSTREAM_FAILED'))
        return told(503, error.message);
      throw error;
    }
    await cosigned.put(next);
    const time = BigInt(Math.floor(clock.now() / 1000));
    const body = formatCosignatures([signText(next.note.text, signer, time)]);
    return { status: 200, type: 'text/plain; charset=utf-8', body };
  };

  /** Brings this copy of the log up to `next`: every entry is proven, judged and on the disk. */
  const follow = async (next: Checkpoint): Promise<void> => {
    const refused = (reason: string): PyrsiaError =>
      new PyrsiaError('NOT_PROVEN', { what: `the checkpoint of ${next.size} entries`, reason });
    const { size } = core.last();
    if (size < next.size) for await (const batch of batchesAfter(size, next)) await commit(batch, refused);
    const root =
      core.last().size === next.size
        ? core.last().root
        : next.size === 0n
          ? EMPTY_ROOT
          : await provenLog(core.source, core.last()).rootAt(next.size);
    if (!equalHashes(root, next.root)) throw refused('other entries were committed here in their place');
  };

  const commit = async (
    entries: readonly Uint8Array[],
    refused: (reason: string) => Error,
  ): Promise<void> => {
    const last = read(entries.at(-1)!);
    if (last.kind === 'block' && last.block.time > clock.now() / 1000 + AHEAD_LIMIT)
      throw refused(`its block is of the future`);
    await core.commit({ seq: core.last().seq + 1n, entries });
  };

  /** What the log has from `start` to `next`, a batch at a time. */
  async function* batchesAfter(start: bigint, next: Checkpoint): AsyncGenerator<Uint8Array[]> {
    const log = provenLog(origin, next);
    const width = BigInt(TILE_WIDTH);
    const unwhole = (): PyrsiaError =>
      new PyrsiaError('NOT_PROVEN', {
        what: `the checkpoint of ${next.size} entries`,
        reason: `it is not of whole batches, of ${BATCH_ENTRIES + 1} entries at most`,
      });
    let batch: Uint8Array[] = [];
    for (let at = start; at < next.size; at += BigInt(TILE_WIDTH) - (at % width)) {
      const entries = await log.entries(at / width);
      for (const entry of entries.slice(Number(at % width))) {
        // Nobody else holds on to it: the file that it is part of need not stay in memory.
        const copy = Uint8Array.from(entry);
        batch.push(copy);
        if (batch.length > BATCH_ENTRIES + 1) throw unwhole();
        if (read(copy).kind !== 'block') continue;
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) throw unwhole();
  }

  /** Two trees of one size that the log has signed: a proof that anybody can check. */
  const noteFork = async (text: string, before: Checkpoint): Promise<void> => {
    const other = answerAddCheckpoint({ old: 0n, proof: [], checkpoint: text }, logs, () => undefined);
    if (other.status !== 200 || other.next.size !== before.size) return;
    if (equalHashes(other.next.root, before.root)) return;
    const both = `${formatNote(before.note)}\n${text}`;
    await options.files.write([{ path: `fork-at-${before.size}`, bytes: Buffer.from(both) }]);
  };

  return {
    addCheckpoint(request) {
      const done = busy.then(async () => answer(request));
      busy = done.catch(() => undefined);
      return done;
    },
  };
}

function told(status: number, reason: string): WitnessReply {
  return { status, type: 'text/plain; charset=utf-8', body: `${reason}\n` };
}

function reasonOf(error: unknown): string {
  if (error instanceof PyrsiaError) return error.message;
  throw error;
}
