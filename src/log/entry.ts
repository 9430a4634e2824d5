/**
 * What our log's entries are: in-toto Statements ({@link https://in-toto.io/Statement/v1 | in-toto.io/Statement/v1}) as
 * canonical JSON (RFC 8785), so that one statement has one hash.
 *
 * `observe` says that independent nodes fetched a public artifact, each by itself, and saw the same bytes; `dispute` that
 * they did not; `block` closes a batch. A statement of another kind is `other`: its bytes are proven, its meaning is for
 * whoever knows it.
 *
 * @module
 */
import { PyrsiaError } from '../errors.ts';
import { type Block, readBlock } from './block.ts';
import { type Dispute, type Observation, readDispute, readObservation } from './observation.ts';
import { digestsIn, isRecord, membersOf, textIn, wrong } from './shape.ts';
import { canonicalText, predicateTypes, type Statement, STATEMENT, type Subject } from './statement.ts';
import { decodeText, invalid } from './text.ts';

/** The most bytes of an entry of ours: 32 KiB. */
const STATEMENT_LIMIT = 32 * 2 ** 10;

/** How deep an entry may be nested. */
const DEPTH_LIMIT = 16;

/** An entry that was read. */
export type Entry =
  | { readonly kind: 'observe'; readonly observation: Observation }
  | { readonly kind: 'dispute'; readonly dispute: Dispute }
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'other'; readonly predicateType: string };

/** Writes an entry. @throws PyrsiaError `DOCUMENT_TOO_LARGE` */
export function formatEntry(statement: Statement): Uint8Array {
  const bytes = Buffer.from(canonicalText(statement));
  if (bytes.byteLength > STATEMENT_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: 'a log entry', limit: STATEMENT_LIMIT });
  return bytes;
}

/**
 * Reads an entry. Members that its kind does not have are refused: a kind that grows gets a new predicate type.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` or `DOCUMENT_TOO_LARGE`
 */
export function parseEntry(bytes: Uint8Array, what = 'a log entry'): Entry {
  const text = decodeText(bytes, what, STATEMENT_LIMIT);
  if (isDeep(text)) throw invalid(what, `it is nested more than ${DEPTH_LIMIT} deep`);
  let value: unknown;
  let canonical: string | undefined;
  try {
    value = JSON.parse(text);
    canonical = canonicalText(value);
  } catch {
    throw invalid(what, 'it is no JSON');
  }
  // Whatever is spelled otherwise, or twice, comes out different.
  if (canonical !== text) throw invalid(what, 'it is not in canonical form (RFC 8785)');
  try {
    return entryIn(value);
  } catch (error) {
    if (error instanceof TypeError) throw invalid(what, error.message);
    throw error;
  }
}

function entryIn(value: unknown): Entry {
  const statement = membersOf(value, 'a statement', ['_type', 'predicate', 'predicateType', 'subject']);
  if (statement['_type'] !== STATEMENT) throw wrong('_type', STATEMENT);
  const predicateType = textIn(statement, 'predicateType');
  const subjects = subjectsIn(statement['subject']);
  const { predicate } = statement;
  switch (predicateType) {
    case predicateTypes.observe:
      return { kind: 'observe', observation: readObservation(subjects, predicate) };
    case predicateTypes.dispute:
      return { kind: 'dispute', dispute: readDispute(subjects, predicate) };
    case predicateTypes.block:
      return { kind: 'block', block: readBlock(subjects, predicate) };
    default:
      if (!isRecord(predicate)) throw wrong('predicate', 'an object');
      return { kind: 'other', predicateType };
  }
}

function subjectsIn(value: unknown): Subject[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong('subject', 'a list');
  return value.map((each: unknown) => {
    const subject = membersOf(each, 'subject', ['digest', 'name']);
    return { name: textIn(subject, 'name'), digest: digestsIn(subject, 'digest') };
  });
}

/** Whether brackets are nested too deep, those within strings left out. */
function isDeep(text: string): boolean {
  let depth = 0;
  // A string that does not end goes on to the end of the text: to look for it again behind each quote would take the square of that.
  for (const [bracket] of text.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)|[[\]{}]/gs)) {
    if ((bracket === '[' || bracket === '{') && (depth += 1) > DEPTH_LIMIT) return true;
    if (bracket === ']' || bracket === '}') depth -= 1;
  }
  return false;
}
