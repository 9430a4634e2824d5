/**
 * What it means that a transfer has failed.
 *
 * @module
 */
import { isPyrsiaError, PyrsiaError } from '../errors.ts';

/** Whether a file is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Whether what came is not what was wanted. */
export function isWrong(error: unknown): boolean {
  const isPeersOwn = error instanceof Error && 'wrong' in error && error.wrong === true;
  return isPeersOwn || isPyrsiaError(error, 'DIGEST_MISMATCH') || isPyrsiaError(error, 'SIZE_MISMATCH');
}

/** Whether nobody can go on from what has come. */
export function isUseless(error: unknown): boolean {
  return isWrong(error) || isPyrsiaError(error, 'CACHE_READ_ONLY');
}

/** The same failure, with `what` it was that failed. */
export function told(error: unknown, what: string): PyrsiaError {
  for (const code of ['DIGEST_MISMATCH', 'SIZE_MISMATCH'] as const) {
    if (isPyrsiaError(error, code))
      return new PyrsiaError(code, { from: what, ...error.details }, { cause: error });
  }
  if (error instanceof PyrsiaError) return error;
  return new PyrsiaError('UPSTREAM_FAILED', { url: what, reason: asError(error).message }, { cause: error });
}

/** Whatever was thrown, as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
