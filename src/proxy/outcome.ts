/**
 * How requests end that fail.
 *
 * @module
 */
import { type ErrorCode, isPyrsiaError, PyrsiaError } from '../errors.ts';

/** Errors that mean "not this, whatever it is", and never "not now". */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONTRADICTED',
  'DIGEST_MISMATCH',
  'SIZE_MISMATCH',
  'EVIDENCE_TOO_LOW',
  'LOG_OBJECTS',
  'BLOCKED',
  'REFERENCE_MALFORMED',
]);

/** How a request ended that failed with `error`. */
export function outcomeOf(error: unknown): 'refused' | 'unavailable' | 'not found' {
  if (isPyrsiaError(error, 'NOT_FOUND')) return 'not found';
  return error instanceof PyrsiaError && REFUSALS.has(error.code) ? 'refused' : 'unavailable';
}
