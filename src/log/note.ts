/**
 * Signed notes: {@link https://c2sp.org/signed-note | c2sp.org/signed-note}.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import { isKeyName, type Signer, type Statement, type Verifier } from './keys.ts';
import { decodeBase64, encodeBase64, invalid } from './text.ts';

/** The most bytes of a note: 256 KiB, room for the post-quantum signatures of {@link SIGNATURES_LIMIT} others. */
const NOTE_LIMIT = 256 * 2 ** 10;

/** The most signature lines of a note. The specification asks for 16 at least. */
export const SIGNATURES_LIMIT = 100;

/** A note, taken apart; nothing of it is verified. */
export interface Note {
  /** What is signed, with the newline at its end. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** One line below a note. */
export interface NoteSignature {
  readonly name: string;
  readonly id: number;
  /** Without the key ID. */
  readonly signature: Uint8Array;
}

/** That a key which is known has signed. */
export interface Signed extends Statement {
  readonly by: Verifier;
}

/**
 * Takes a note apart.
 *
 * @param what - what it is called in messages
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function parseNote(note: string, what = 'a signed note'): Note {
  if (note.length > NOTE_LIMIT) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what, limit: NOTE_LIMIT });
  if (hasControls(note)) throw invalid(what, 'it has control characters');
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n')) throw invalid(what, 'it has no signatures after an empty line');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > SIGNATURES_LIMIT) throw invalid(what, `it has more than ${SIGNATURES_LIMIT} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map((line) => parseSignature(line, what)) };
}

/** Writes a note. `text` ends with a newline. */
export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`;
}

/** Writes one signature, with the newline at its end. */
export function formatSignature({ name, id, signature }: NoteSignature): string {
  const bytes = Buffer.alloc(4 + signature.byteLength);
  bytes.writeUInt32BE(id);
  bytes.set(signature, 4);
  return `\u2014 ${name} ${encodeBase64(bytes)}\n`;
}

/** Signs `text`. `time` is in seconds since 1970, for signatures that have one. */
export function signText(text: string, signer: Signer, time: bigint): NoteSignature {
  const { name, id } = signer.verifier;
  return { name, id, signature: signer.sign(text, time) };
}

/**
 * Who of those known has signed a note: each key once, with its latest statement. Other signatures are ignored;
 * none may be left.
 *
 * @throws PyrsiaError `NOT_PROVEN` when a signature that names a known key is not that key's.
 */
export function openNote({ text, signatures }: Note, known: readonly Verifier[], what: string): Signed[] {
  const signed = new Map<Verifier, Signed>();
  const seen = new Set<string>();
  for (const each of signatures) {
    const by = known.find(({ name, id }) => name === each.name && id === each.id);
    const line = formatSignature(each);
    if (by === undefined || seen.has(line)) continue;
    seen.add(line);
    const statement = by.check(text, each.signature);
    if (statement === undefined)
      throw new PyrsiaError('NOT_PROVEN', { what, reason: `the signature of ${by.name} does not match` });
    const before = signed.get(by);
    if (before === undefined || (statement.time ?? 0n) > (before.time ?? 0n))
      signed.set(by, { by, ...statement });
  }
  return [...signed.values()];
}

function parseSignature(line: string, what: string): NoteSignature {
  const [, name = '', base64 = ''] = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = decodeBase64(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.byteLength < 5)
    throw invalid(what, 'one of its last lines is no signature');
  return { name, id: Buffer.from(bytes).readUInt32BE(0), signature: bytes.subarray(4) };
}

/** Whether there are ASCII control characters other than newline, which no note has. */
function hasControls(text: string): boolean {
  return /[^\n -\u{10FFFF}]/u.test(text);
}
