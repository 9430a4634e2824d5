import { harmless } from '../../content/harmless.ts';
import type { Reply } from '../ecosystem.ts';

/** What went wrong, in the specification's words and a few that registries have added. */
export type ImageErrorCode =
  | 'BLOB_UNKNOWN'
  | 'DENIED'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNAVAILABLE'
  | 'UNSUPPORTED';

const STATUS: Readonly<Record<ImageErrorCode, number>> = {
  BLOB_UNKNOWN: 404,
  DENIED: 403,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  TOOMANYREQUESTS: 429,
  UNAUTHORIZED: 401,
  // Of what is above 499 engines print the number only.
  UNAVAILABLE: 424,
  UNSUPPORTED: 405,
};

/**
 * An error as the specification has it; every client prints its message, on a terminal maybe.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export function imageError(code: ImageErrorCode, message: string): Reply {
  return {
    status: STATUS[code],
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [{ code, message: harmless(`pyrsia: ${message}`) }] }),
  };
}

/** How a client is told that it does not get it. */
export function refuse(kind: 'refused' | 'unavailable', message: string): Reply {
  return imageError(kind === 'refused' ? 'DENIED' : 'UNAVAILABLE', message);
}
