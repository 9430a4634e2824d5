/**
 * What a log and those who cosign its checkpoints say to each other:
 * {@link https://c2sp.org/tlog-witness | c2sp.org/tlog-witness}. The transport is not here.
 *
 * @module
 */
import { type Hash, provesConsistency, type TreeHead, EMPTY_ROOT, equalHashes } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import type { Verifier } from './keys.ts';
import { formatSignature, type NoteSignature, openNote, parseNote } from './note.ts';
import { parseHashes } from './proof.ts';
import { decodeNumber, decodeText, encodeBase64, invalid } from './text.ts';

/** The most bytes of a request: 512 KiB, half of them for its checkpoint. */
const REQUEST_LIMIT = 512 * 2 ** 10;

/** A request for a cosignature. */
export interface AddCheckpoint {
  /** The size of the tree that the witness has cosigned last. */
  readonly old: bigint;
  /** That the new tree begins with the old one. */
  readonly proof: readonly Hash[];
  readonly checkpoint: string;
}

/** What a witness does about a request; the statuses are those of HTTP. */
export type Answer =
  /** Persist `next`, then cosign it. */
  | { readonly status: 200; readonly next: Checkpoint }
  /** Another size was cosigned last, which the body names, or the same size with another root. */
  | { readonly status: 409; readonly size: bigint }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

/** Writes a request. */
export function formatAddCheckpoint({ old, proof, checkpoint }: AddCheckpoint): string {
  return `old ${old}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${checkpoint}`;
}

/**
 * Takes a request apart.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` or `DOCUMENT_TOO_LARGE`
 */
export function parseAddCheckpoint(bytes: Uint8Array): AddCheckpoint {
  const what = 'a request for a cosignature';
  const text = decodeText(bytes, what, REQUEST_LIMIT);
  const end = text.indexOf('\n\n');
  if (end === -1) throw invalid(what, 'it has no checkpoint after an empty line');
  const [first = '', ...hashes] = text.slice(0, end).split('\n');
  const [, number = ''] = /^old (.*)$/.exec(first) ?? [];
  const old = decodeNumber(number);
  if (old === undefined) throw invalid(what, 'its first line is not "old" and a size');
  return { old, proof: parseHashes(hashes, what), checkpoint: text.slice(end + 2) };
}

/**
 * What a witness answers that trusts these keys of logs, and has cosigned `latest` of the log in question.
 * It has to decide, persist and sign without anything in between.
 */
export function answerAddCheckpoint(
  { old, proof, checkpoint }: AddCheckpoint,
  logs: readonly Verifier[],
  latest: (origin: string) => TreeHead | undefined,
): Answer {
  const what = 'the checkpoint';
  let next: Checkpoint;
  try {
    next = parseCheckpoint(checkpoint, what);
  } catch (error) {
    return { status: 400, reason: reasonOf(error) };
  }
  const known = logs.filter(({ name }) => name === next.origin);
  if (known.length === 0) return { status: 404, reason: `the log ${next.origin} is not known here` };
  try {
    if (openNote(next.note, known, what).length === 0)
      return { status: 403, reason: `no known key of ${next.origin} has signed it` };
  } catch (error) {
    return { status: 403, reason: reasonOf(error) };
  }
  if (old > next.size) return { status: 400, reason: `it has ${next.size} entries, and ${old} before` };
  const before = latest(next.origin) ?? { size: 0n, root: EMPTY_ROOT };
  if (old !== before.size) return { status: 409, size: before.size };
  if (old === next.size && !equalHashes(before.root, next.root)) return { status: 409, size: before.size };
  if (!provesConsistency(proof, before, next))
    return { status: 422, reason: `it does not show that ${next.size} entries begin with those ${old}` };
  return { status: 200, next };
}

/** Writes the body of status 200. */
export function formatCosignatures(signatures: readonly NoteSignature[]): string {
  return signatures.map(formatSignature).join('');
}

/**
 * Those lines of a witness's answer that are signatures of known keys on `checkpoint`.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` for what are no signatures, `NOT_PROVEN` for wrong ones.
 */
export function cosignaturesIn(
  body: string,
  checkpoint: Checkpoint,
  known: readonly Verifier[],
): NoteSignature[] {
  const what = 'the answer of a witness';
  const note = parseNote(`${checkpoint.note.text}\n${body}`, what);
  if (note.text !== checkpoint.note.text) throw invalid(what, 'it has an empty line');
  const signed = openNote(note, known, what).map(({ by }) => by);
  return note.signatures.filter(({ name, id }) => signed.some((by) => by.name === name && by.id === id));
}

function reasonOf(error: unknown): string {
  if (error instanceof PyrsiaError) return error.message;
  throw error;
}
