/**
 * Every failure pyrsia can report, in one list.
 *
 * An *expected* outcome (not cached, not published, no such version) is a return value. An error
 * means a promise was broken: bytes were wrong, a limit was passed, or the world outside did not
 * answer. Messages say what was wanted, what came, and where there is one, what to do.
 *
 * @module
 */

/** What is known about each failure; the evidence, not the prose. Sizes are bytes, times milliseconds. */
export interface ErrorDetails {
  DIGEST_MALFORMED: { text: string };
  DIGEST_MISMATCH: { expected: string; actual: string; from?: string };
  SIZE_MISMATCH: { expected: number; actual: number; from?: string };
  /** What `against` says or is contradicts what `by` says of these coordinates; acceptable: it is a change. */
  CONTRADICTED: {
    purl: string;
    expected: string;
    actual: string;
    by: string;
    against: string;
    acceptable: boolean;
    /** Of the log, where it is the log that is contradicted, and the file with the entry's proof. */
    entry?: number;
    proof?: string;
  };
  /** Policy asks for more evidence than there is. */
  EVIDENCE_TOO_LOW: { purl: string; policy: string; word: string };
  /** What the log says of it does not let it through. */
  LOG_OBJECTS: { purl: string; policy: string; reason: string };
  REFERENCE_MALFORMED: { text: string; reason: string };
  NOT_FOUND: { what: string };
  /** The cache holds nothing for it and upstream may not or cannot be asked. */
  OFFLINE_MISS: { what: string; reason: string };
  /** The user's own configuration says that it is not to be asked for. */
  /** The tool that would know what something depends on does not say. */
  CLOSURE_UNKNOWN: { what: string; reason: string };
  BLOCKED: { what: string; by: string };
  UPSTREAM_FAILED: { url: string; reason: string };
  /** Nobody answers there who is that peer. */
  PEER_SILENT: { peer: string; at: string };
  CREDENTIALS_NEEDED: { what: string; upstream: string; remedy?: string };
  DOCUMENT_INVALID: { what: string; reason: string };
  DOCUMENT_TOO_LARGE: { what: string; limit: number };
  /** What came does not prove what it should: a signature, a hash or enough cosignatures are wanting. */
  NOT_PROVEN: { what: string; reason: string };
  /** A log has shown two histories, both signed as the policy asks; `path` is the proof. */
  LOG_FORKED: { origin: string; sizes: readonly number[]; signers: readonly string[]; path: string };
  /** Stored content no longer has its digest; it has been removed. */
  CACHE_CORRUPT: { digest: string; actual: string };
  CACHE_READ_ONLY: { path: string; reason: string };
  /** There is a cache, or something in its place, and it may not be read. */
  CACHE_UNREADABLE: { path: string; reason: string };
  CONFIG_INVALID: { problems: readonly string[] };
  /** A file of the user's, or one of ours among them, cannot be changed. */
  FILE_UNWRITABLE: { path: string; reason: string };
  /** What leads docker to us is not done, since its daemon is not ours to lead. */
  DOCKER_LEFT_ALONE: { reason: string };
  AGENT_UNAVAILABLE: { reason: string };
  AGENT_REFUSED: { reason: string };
}

/** Stable names: they appear in `--json` output and in the documentation. */
export type ErrorCode = keyof ErrorDetails;

const from = (source: string | undefined): string => (source ? ` from ${source}` : '');

const messages: { readonly [C in ErrorCode]: (details: ErrorDetails[C]) => string } = {
  DIGEST_MALFORMED: (d) =>
    `Cannot read digest "${d.text}": expected sha256:<64 hex>, sha512:<128 hex> or sha1:<40 hex>`,
  DIGEST_MISMATCH: (d) =>
    `Content${from(d.from)} does not match its digest: expected ${d.expected}, got ${d.actual}`,
  SIZE_MISMATCH: (d) =>
    `Content${from(d.from)} has the wrong size: expected ${d.expected} bytes, got ${d.actual}`,
  CONTRADICTED: (d) =>
    `Refused ${d.purl}: expected ${d.expected} (${d.by}${d.entry === undefined ? '' : `, entry ${d.entry}`}), ` +
    `got ${d.actual} (${d.against}). ${d.proof === undefined ? '' : `Proof: ${d.proof}. `}` +
    (d.acceptable
      ? `If the change is legitimate: pyrsia trust accept ${d.purl} --reason "why it is"`
      : `If ${d.by} can be trusted, ${d.against} has to be repaired`),
  EVIDENCE_TOO_LOW: (d) => `Refused ${d.purl}: policy ${d.policy} asks for more than "${d.word}"`,
  LOG_OBJECTS: (d) => `Refused ${d.purl}: ${d.reason} (policy ${d.policy})`,
  REFERENCE_MALFORMED: (d) => `Cannot read reference "${d.text}": ${d.reason}`,
  NOT_FOUND: (d) => `Not found: ${d.what}`,
  OFFLINE_MISS: (d) =>
    `Not in the cache: ${d.what} (${d.reason})${d.what.startsWith('pkg:') ? `; pyrsia pull ${d.what} brings it` : ''}`,
  CLOSURE_UNKNOWN: (d) => `Cannot tell what ${d.what} depends on: ${d.reason}`,
  BLOCKED: (d) => `Refused ${d.what}: ${d.by} blocks it`,
  UPSTREAM_FAILED: (d) => `Upstream did not deliver ${d.url}: ${d.reason}`,
  PEER_SILENT: (d) => `Nobody answers at ${d.at} who is ${d.peer}`,
  CREDENTIALS_NEEDED: (d) =>
    `Credentials needed for ${d.what} at ${d.upstream}${d.remedy ? ` (${d.remedy})` : ''}`,
  DOCUMENT_INVALID: (d) => `Cannot read ${d.what}: ${d.reason}`,
  DOCUMENT_TOO_LARGE: (d) => `Refused ${d.what}: larger than the limit of ${d.limit} bytes`,
  NOT_PROVEN: (d) => `Refused ${d.what}: ${d.reason}`,
  LOG_FORKED: (d) =>
    `The log ${d.origin} has shown two histories (${d.sizes.join(' and ')} entries), both signed by ${d.signers.join(', ')}; ` +
    `nothing more is taken from it, the proof is ${d.path}`,
  CACHE_CORRUPT: (d) =>
    `Cached content was damaged and has been removed: expected ${d.digest}, found ${d.actual}`,
  CACHE_READ_ONLY: (d) => `Cannot write the cache at ${d.path}: ${d.reason}`,
  CACHE_UNREADABLE: (d) => `Cannot read the cache at ${d.path}: ${d.reason}`,
  CONFIG_INVALID: (d) => d.problems.join('\n'),
  FILE_UNWRITABLE: (d) => `Cannot write ${d.path}: ${d.reason}`,
  DOCKER_LEFT_ALONE: (d) => `Docker is left alone: ${d.reason}`,
  AGENT_UNAVAILABLE: (d) => `The agent cannot be reached: ${d.reason}`,
  AGENT_REFUSED: (d) => `The agent refused: ${d.reason}`,
};

/** The one error class of this program. Switch on {@link PyrsiaError.code}, never on the message. */
export class PyrsiaError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'PyrsiaError';
  readonly code: C;
  readonly details: ErrorDetails[C];

  constructor(code: C, details: ErrorDetails[C], options?: { cause: unknown }) {
    super(messages[code](details), options);
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` is one of ours, and of this code where one is given. */
export function isPyrsiaError<C extends ErrorCode>(error: unknown, code?: C): error is PyrsiaError<C> {
  return error instanceof PyrsiaError && (code === undefined || error.code === code);
}
