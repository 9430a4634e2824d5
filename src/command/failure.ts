/**
 * How a command fails: its exit code and what is said. The table is `docs/exit-codes.md`'s.
 *
 * @module
 */
import { type ErrorCode, isPyrsiaError } from '../errors.ts';

const FAILED = 1;
const USAGE = 2;
const REFUSED = 3;
const CREDENTIALS = 4;
const NOT_FOUND = 5;
const OFFLINE = 6;

/** The exit code of each of our own errors. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  DIGEST_MALFORMED: USAGE,
  DIGEST_MISMATCH: REFUSED,
  SIZE_MISMATCH: REFUSED,
  CONTRADICTED: REFUSED,
  EVIDENCE_TOO_LOW: REFUSED,
  LOG_OBJECTS: REFUSED,
  REFERENCE_MALFORMED: USAGE,
  NOT_FOUND,
  OFFLINE_MISS: OFFLINE,
  CLOSURE_UNKNOWN: FAILED,
  BLOCKED: REFUSED,
  UPSTREAM_FAILED: FAILED,
  PEER_SILENT: FAILED,
  CREDENTIALS_NEEDED: CREDENTIALS,
  DOCUMENT_INVALID: FAILED,
  DOCUMENT_TOO_LARGE: FAILED,
  NOT_PROVEN: REFUSED,
  LOG_FORKED: REFUSED,
  CACHE_CORRUPT: FAILED,
  CACHE_READ_ONLY: FAILED,
  CACHE_UNREADABLE: FAILED,
  CONFIG_INVALID: USAGE,
  FILE_UNWRITABLE: FAILED,
  DOCKER_LEFT_ALONE: FAILED,
  AGENT_UNAVAILABLE: FAILED,
  AGENT_REFUSED: FAILED,
};

/** A failure as `--json` shows it. */
export interface Failure {
  /** One of our own codes, `USAGE` for a command line that cannot be read, or `INTERNAL`. */
  readonly code: ErrorCode | 'USAGE' | 'INTERNAL';
  readonly message: string;
  readonly details: unknown;
}

/** What is said about `error`, whatever it is. */
export function failureOf(error: unknown): Failure {
  if (isPyrsiaError(error)) return { code: error.code, message: error.message, details: error.details };
  const message = inOurWords(error instanceof Error ? error.message : String(error));
  return { code: oclifExit(error) === USAGE ? 'USAGE' : 'INTERNAL', message, details: {} };
}

/** oclif's own messages, shorter, and with commands written as one types them. */
function inOurWords(text: string): string {
  const [, unknown] = /^command (\S+) not found$/i.exec(text) ?? [];
  if (unknown !== undefined)
    return `There is no command "${unknown.replaceAll(':', ' ')}": see pyrsia --help`;
  const told = text.replace(/^The following errors? occurred:\n\s*/, '');
  return told.charAt(0).toUpperCase() + told.slice(1);
}

/** The exit code that tells a script what kind of failure this is. */
export function exitCodeOf(error: unknown): number {
  return isPyrsiaError(error) ? exitCodes[error.code] : (oclifExit(error) ?? FAILED);
}

/** Which exit code says most of several failures: what is refused, then what has failed, and at last what was mistyped. */
const WORST = [REFUSED, FAILED, CREDENTIALS, OFFLINE, NOT_FOUND, USAGE];

/** The exit code of a command of which all of `errors` went wrong, one after the other. */
export function worstExitCode(errors: readonly unknown[]): number {
  const codes = errors.map(exitCodeOf);
  return WORST.find((code) => codes.includes(code)) ?? codes[0] ?? 0;
}

/** The exit code that oclif gives its own errors; 2 where it cannot read the command line. */
function oclifExit(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('oclif' in error)) return undefined;
  const { oclif } = error;
  const hasExit = typeof oclif === 'object' && oclif !== null && 'exit' in oclif;
  return hasExit && typeof oclif.exit === 'number' ? oclif.exit : undefined;
}
