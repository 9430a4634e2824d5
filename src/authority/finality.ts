/**
 * Making a log's checkpoints final: its own signature, then those of as many cosigners as the policy asks for. Who ordered
 * the entries does not matter here.
 *
 * @module
 */
import { consistencyRanges, equalHashes, prove, type TreeHead } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { checkpointText, type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import type { Signer, Verifier } from '../log/keys.ts';
import { formatNote, type NoteSignature, signText } from '../log/note.ts';
import { agrees, type Policy, provenCheckpoint } from '../log/policy.ts';
import { provenLog } from '../log/read-tiles.ts';
import { decodeNumber, decodeText } from '../log/text.ts';
import { cosignaturesIn, formatAddCheckpoint } from '../log/witness.ts';
import type { Clock } from './clock.ts';
import type { WitnessReply } from './cosigner.ts';
import type { ReadableLog } from './log-core.ts';
import type { LogFiles } from './log-files.ts';
import { CHECKPOINT_LIMIT, type SignedHead } from './signed-head.ts';

/** How long is waited before those are asked again who have not cosigned, in milliseconds. */
const AGAIN_MS = 1000;

/** How long one may take to answer, in milliseconds: 20 s. */
const ANSWER_MS = 20_000;

/** Where a checkpoint is, beside the tiles. */
export const CHECKPOINT = 'checkpoint';

/** One who is asked to cosign. */
export interface AskedCosigner {
  readonly verifier: Verifier;
  /** Sends a request; rejects when there was no answer. */
  ask(this: void, request: Uint8Array, signal: AbortSignal): Promise<Pick<WitnessReply, 'status' | 'body'>>;
}

/** What finality works with. */
export interface FinalityOptions {
  readonly core: ReadableLog;
  readonly signer: Signer;
  readonly policy: Policy;
  readonly cosigners: readonly AskedCosigner[];
  /** What the log has signed last. */
  readonly signed: SignedHead;
  /** Where `checkpoint` is written; other files with it. */
  readonly files: LogFiles;
  /** Files that have to be there before the checkpoint of this tree is. */
  readonly before?: (head: TreeHead) => Promise<void>;
  readonly clock: Clock;
}

/** Checkpoints, made final. */
export interface Finality {
  /** How many entries are final. */
  size(): bigint;
  /** The log has grown. */
  grown(): void;
  /** Resolves when so many entries are final. */
  reached(size: bigint): Promise<void>;
  /** Why the newest entries are not final although somebody was asked, cosigner by cosigner. */
  wanting(): ReadonlyMap<string, string>;
  stop(): Promise<void>;
}

/** Starts to make checkpoints of `core` final. */
export async function openFinality(options: FinalityOptions): Promise<Finality> {
  const { core, signer, policy, cosigners, signed, files, clock } = options;
  const over = new AbortController();
  const wanting = new Map<string, string>();
  const waiting = new Set<{ readonly size: bigint; readonly resolve: () => void }>();
  /** How many entries each has cosigned, as far as is known. */
  const known = new Map<AskedCosigner, bigint>();
  /** Those who have not answered yet. */
  const busy = new Set<AskedCosigner>();
  let size = await sizeOf(files, policy, core);
  let grown = Promise.withResolvers<void>();

  /** Asks one for its cosignature of `checkpoint`; undefined when it does not give it. */
  const cosignature = async (
    by: AskedCosigner,
    checkpoint: Checkpoint,
    late: AbortSignal,
  ): Promise<NoteSignature[] | undefined> => {
    const { name } = by.verifier;
    for (let tries = 0; tries < 3; tries++) {
      const old = known.get(by) ?? size;
      if (old > checkpoint.size) {
        wanting.set(name, `it has cosigned ${old} entries already, and there are ${checkpoint.size}`);
        return undefined;
      }
      const log = provenLog(core.source, checkpoint);
      const proof = await prove(consistencyRanges(old, checkpoint.size), log.readHashes);
      const request = formatAddCheckpoint({ old, proof, checkpoint: formatNote(checkpoint.note) });
      const { status, body } = await by.ask(Buffer.from(request), late);
      if (status === 200) {
        const signatures = cosignaturesIn(body, checkpoint, [by.verifier]);
        if (signatures.length === 0) break;
        known.set(by, checkpoint.size);
        wanting.delete(name);
        return signatures;
      }
      const has = status === 409 ? decodeNumber(body.trim()) : undefined;
      if (has === undefined || has === old) {
        wanting.set(name, `it answered ${status}: ${body.slice(0, 300).trim()}`);
        return undefined;
      }
      known.set(by, has);
    }
    wanting.set(name, 'it gives no cosignature of its own');
    return undefined;
  };

  /** Gathers cosignatures until there are enough, or everybody has answered. */
  const gathered = async (checkpoint: Checkpoint): Promise<string | undefined> => {
    const signatures = [...checkpoint.note.signatures];
    const cosigned = new Set<Verifier>();
    const isEnough = (): boolean => policy.quorum === undefined || agrees(policy.quorum, cosigned);
    const enough = Promise.withResolvers<void>();
    const asked = cosigners
      .filter((by) => !busy.has(by))
      .map(async (by) => {
        busy.add(by);
        const late = new AbortController();
        const answered = new AbortController();
        const ended = AbortSignal.any([over.signal, answered.signal]);
        void clock.sleep(ANSWER_MS, ended).then(() => late.abort());
        try {
          const theirs = await cosignature(by, checkpoint, late.signal);
          if (theirs === undefined) return;
          signatures.push(...theirs);
          cosigned.add(by.verifier);
          if (isEnough()) enough.resolve();
        } catch (error) {
          wanting.set(by.verifier.name, error instanceof Error ? error.message : String(error));
        } finally {
          busy.delete(by);
          answered.abort();
        }
      });
    if (!isEnough()) await Promise.race([enough.promise, Promise.all(asked)]);
    if (!isEnough() || over.signal.aborted) return undefined;
    return formatNote({ text: checkpoint.note.text, signatures: [...signatures] });
  };

  /** Makes the newest tree final; false when too few have cosigned. */
  const finish = async (): Promise<boolean> => {
    const { size: newest, root } = core.last();
    const text = checkpointText({ origin: signer.verifier.name, size: newest, root });
    const note = formatNote({ text, signatures: [signText(text, signer, 0n)] });
    const checkpoint = parseCheckpoint(note);
    const last = signed.last();
    if (last === undefined || last.size !== newest || !equalHashes(last.root, root))
      await signed.put(checkpoint);
    const final = await gathered(checkpoint);
    if (final === undefined) return false;
    // What clients would refuse is not handed out.
    provenCheckpoint(final, policy);
    await options.before?.(checkpoint);
    await files.write([{ path: CHECKPOINT, bytes: Buffer.from(final) }]);
    size = newest;
    for (const each of waiting) {
      if (each.size > size) continue;
      waiting.delete(each);
      each.resolve();
    }
    return true;
  };

  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      if (core.last().size === size) await grown.promise;
      if (over.signal.aborted) return;
      grown = Promise.withResolvers();
      if (core.last().size === size) continue;
      try {
        if (await finish()) continue;
      } catch (error) {
        wanting.set(signer.verifier.name, error instanceof Error ? error.message : String(error));
      }
      await clock.sleep(AGAIN_MS, over.signal);
    }
  };
  const running = run();

  return {
    size: () => size,
    grown: () => grown.resolve(),
    wanting: () => wanting,
    async reached(least) {
      if (size >= least) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add({ size: least, resolve });
      await promise;
    },
    async stop() {
      over.abort();
      grown.resolve();
      await running;
    },
  };
}

/** How many entries the checkpoint that was written last makes final. */
async function sizeOf(files: LogFiles, policy: Policy, core: ReadableLog): Promise<bigint> {
  const bytes = await files.read(CHECKPOINT, CHECKPOINT_LIMIT);
  if (bytes === undefined) return 0n;
  const final = provenCheckpoint(decodeText(bytes, CHECKPOINT, CHECKPOINT_LIMIT), policy);
  const { size } = core.last();
  if (final.size > size)
    throw new PyrsiaError('NOT_PROVEN', {
      what: `the log at ${files.name}`,
      reason: `it has ${size} entries, and ${final.size} are final: it was put back`,
    });
  return final.size;
}
