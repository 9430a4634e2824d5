/**
 * That an entry is in a log, as one text file which needs no network to be checked:
 * {@link https://c2sp.org/tlog-proof | c2sp.org/tlog-proof}.
 *
 * @module
 */
import { type Hash, provesInclusion } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { type Policy, type ProvenCheckpoint, provenCheckpoint } from './policy.ts';
import { decodeBase64, decodeHash, decodeNumber, decodeText, encodeBase64, invalid } from './text.ts';

/** The most hashes that a proof about a tree of less than 2^63 leaves has. */
const HASHES_LIMIT = 63;

/** The most bytes of a proof: 512 KiB, half of them for its checkpoint. */
const PROOF_LIMIT = 512 * 2 ** 10;

const HEADER = 'c2sp.org/tlog-proof@v1';

/** A proof, taken apart; nothing of it is verified. */
export interface LogProof {
  readonly index: bigint;
  readonly path: readonly Hash[];
  /** The checkpoint, as the log and its witnesses have signed it. */
  readonly checkpoint: string;
  /** Whatever the application adds. Nobody vouches for it. */
  readonly extra?: Uint8Array;
}

/** Writes a proof. */
export function formatProof({ index, path, checkpoint, extra }: LogProof): string {
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...path.map(encodeBase64),
  ];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/**
 * Takes a proof apart.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` or `DOCUMENT_TOO_LARGE`
 */
export function parseProof(bytes: Uint8Array, what = 'the proof'): LogProof {
  const text = decodeText(bytes, what, PROOF_LIMIT);
  const end = text.indexOf('\n\n');
  if (end === -1) throw invalid(what, 'it has no checkpoint after an empty line');
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== HEADER) throw invalid(what, `its first line is not ${HEADER}`);

  const [, base64] = /^extra (.*)$/.exec(lines[0] ?? '') ?? [];
  const extra = base64 === undefined ? undefined : decodeBase64(base64);
  if (base64 !== undefined) {
    if (extra === undefined) throw invalid(what, 'its extra data is no base64');
    lines.shift();
  }
  const [, number = ''] = /^index (.*)$/.exec(lines.shift() ?? '') ?? [];
  const index = decodeNumber(number);
  if (index === undefined) throw invalid(what, 'it has no line "index" with a number');
  return {
    index,
    path: parseHashes(lines, what),
    checkpoint: text.slice(end + 2),
    ...(extra !== undefined && { extra }),
  };
}

/**
 * Reads hashes, one a line, {@link HASHES_LIMIT} at most.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`
 */
export function parseHashes(lines: readonly string[], what: string): Hash[] {
  if (lines.length > HASHES_LIMIT) throw invalid(what, `it has more than ${HASHES_LIMIT} hashes`);
  return lines.map((line) => {
    const hash = decodeHash(line);
    if (hash === undefined) throw invalid(what, 'one of its lines is not the hash of a tree');
    return hash;
  });
}

/**
 * Checks a proof for the entry that has the hash `leaf`, and returns the checkpoint that it is in.
 *
 * @throws PyrsiaError `NOT_PROVEN`, or `DOCUMENT_INVALID` for a checkpoint that is none.
 */
export function verifyProof(
  { index, path, checkpoint }: LogProof,
  leaf: Hash,
  policy: Policy,
  what = 'the proof',
): ProvenCheckpoint {
  const proven = provenCheckpoint(checkpoint, policy, `the checkpoint of ${what}`);
  if (!provesInclusion(path, index, leaf, proven))
    throw new PyrsiaError('NOT_PROVEN', {
      what,
      reason: `it does not show that entry ${index} of ${proven.origin}, of ${proven.size}, is this one`,
    });
  return proven;
}
