/**
 * in-toto Statements ({@link https://in-toto.io/Statement/v1 | in-toto.io/Statement/v1}) in canonical JSON (RFC 8785).
 *
 * @module
 */
import canonicalize from 'canonicalize';

/** Predicate types of the kinds of entries that we know. */
export const predicateTypes = {
  observe: 'https://pyrsia.io/log/observe/v1',
  dispute: 'https://pyrsia.io/log/dispute/v1',
  block: 'https://pyrsia.io/log/block/v1',
} as const;

/** A Statement as JSON has it. */
export interface Statement {
  readonly _type: typeof STATEMENT;
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** What a Statement is about. */
export interface Subject {
  readonly name: string;
  /** Lower-case hex, by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
}

/** The `_type` of every Statement. */
export const STATEMENT = 'https://in-toto.io/Statement/v1';

/** Makes a Statement. */
export function statementOf(
  predicateType: string,
  subject: readonly Subject[],
  predicate: unknown,
): Statement {
  return { _type: STATEMENT, subject, predicateType, predicate };
}

/** The one spelling of a JSON value. Throws for what is none, as for text that is no Unicode. */
export function canonicalText(value: unknown): string {
  return canonicalize(value) ?? '';
}
