/**
 * Checkpoints: a tree's size and root as its log signed them.
 * {@link https://c2sp.org/tlog-checkpoint | c2sp.org/tlog-checkpoint}.
 *
 * @module
 */
import type { TreeHead } from '../content/merkle.ts';
import { type Note, parseNote } from './note.ts';
import { decodeHash, decodeNumber, encodeBase64, invalid } from './text.ts';

/** What a checkpoint says; whether anybody has signed it is another question. */
export interface Checkpoint extends TreeHead {
  /** Which log. */
  readonly origin: string;
  /** Lines of which other software may know more. */
  readonly extensions: readonly string[];
  readonly note: Note;
}

/**
 * Takes a checkpoint apart.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function parseCheckpoint(text: string, what = 'a checkpoint'): Checkpoint {
  const note = parseNote(text, what);
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = note.text.slice(0, -1).split('\n');
  if (origin === '') throw invalid(what, 'it names no log');
  const size = decodeNumber(sizeLine);
  if (size === undefined) throw invalid(what, 'its second line is not the size of a tree');
  const root = decodeHash(rootLine);
  if (root === undefined) throw invalid(what, 'its third line is not the hash of a tree');
  if (extensions.includes('')) throw invalid(what, 'it has an empty line before its signatures');
  return { origin, size, root, extensions, note };
}

/** The text of a checkpoint, which its signatures are made of. */
export function checkpointText({ origin, size, root }: Pick<Checkpoint, 'origin' | 'size' | 'root'>): string {
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}
