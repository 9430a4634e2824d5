/**
 * The proof that a log has shown two histories: two checkpoints, each signed by as many as the policy asks for, that cannot both
 * be of one log. It needs nobody's word, and names those who have signed both.
 *
 * ```
 * pyrsia.io/log-fork@v1
 * root <what the longer log's first entries make, instead of the shorter one's root>
 * <hashes of the consistency proof from that root to the longer log's>
 *
 * <the shorter checkpoint>
 * <an empty line, and the longer checkpoint>
 * ```
 *
 * @module
 */
import { equalHashes, type Hash, provesConsistency, type TreeHead } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import type { Verifier } from './keys.ts';
import { type Policy, type ProvenCheckpoint, provenCheckpoint } from './policy.ts';
import { parseHashes } from './proof.ts';
import { decodeHash, decodeText, encodeBase64, invalid } from './text.ts';

/** The most bytes of such a proof: 1 MiB, two notes and 64 hashes. */
const FORK_LIMIT = 2 ** 20;

const HEADER = 'pyrsia.io/log-fork@v1';

/** Two histories. */
export interface Fork {
  /** The checkpoint of no more entries, as a note. */
  readonly shorter: string;
  readonly longer: string;
  /** The root of as many entries of the longer one as the shorter has. */
  readonly root: Hash;
  /** That the longer one begins with those. */
  readonly proof: readonly Hash[];
}

/** Writes the proof of a fork. */
export function formatFork({ shorter, longer, root, proof }: Fork): string {
  const lines = [HEADER, `root ${encodeBase64(root)}`, ...proof.map(encodeBase64)];
  return `${lines.join('\n')}\n\n${shorter}\n${longer}`;
}

/** Takes one apart. @throws PyrsiaError `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE` */
export function parseFork(bytes: Uint8Array, what = 'the proof of a fork'): Fork {
  const text = decodeText(bytes, what, FORK_LIMIT);
  const end = text.indexOf('\n\n');
  const [header, rootLine = '', ...hashes] = text.slice(0, end).split('\n');
  const root = rootLine.startsWith('root ') ? decodeHash(rootLine.slice(5)) : undefined;
  if (end === -1 || header !== HEADER || root === undefined)
    throw invalid(what, `it does not begin as ${HEADER}`);
  // A note: its text, an empty line, its signatures; then an empty line, and the next.
  const notes = text.slice(end + 2);
  const signatures = notes.indexOf('\n\n');
  const between = notes.indexOf('\n\n', signatures + 2);
  if (signatures === -1 || between === -1) throw invalid(what, 'it does not have two checkpoints');
  return {
    root,
    proof: parseHashes(hashes, what),
    shorter: notes.slice(0, between + 1),
    longer: notes.slice(between + 2),
  };
}

/** What a fork proves. */
export interface ProvenFork {
  readonly shorter: ProvenCheckpoint;
  readonly longer: ProvenCheckpoint;
  /** The names of those who have signed both. */
  readonly both: readonly string[];
}

/**
 * Checks the proof of a fork.
 *
 * @throws PyrsiaError `NOT_PROVEN` where both may be of one log, or one of them does not satisfy the policy
 */
export function verifyFork(fork: Fork, policy: Policy, what = 'the proof of a fork'): ProvenFork {
  const shorter = provenCheckpoint(fork.shorter, policy, `the first checkpoint of ${what}`);
  const longer = provenCheckpoint(fork.longer, policy, `the second checkpoint of ${what}`);
  const begun: TreeHead = { size: shorter.size, root: fork.root };
  if (
    shorter.origin !== longer.origin ||
    equalHashes(shorter.root, fork.root) ||
    !provesConsistency(fork.proof, begun, longer)
  )
    throw new PyrsiaError('NOT_PROVEN', { what, reason: 'both checkpoints may be of one log' });
  const both = signers(shorter).filter((by) => signers(longer).includes(by));
  return { shorter, longer, both: [...new Set(both.map(({ name }) => name))] };
}

function signers({ log, cosignatures }: ProvenCheckpoint): Verifier[] {
  return [log, ...cosignatures.map(({ by }) => by)];
}
