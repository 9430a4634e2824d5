/**
 * Whether an entry, with its proof, says of given bytes that they are what given coordinates name. Pure, so anybody can ask it of
 * what came from anywhere.
 *
 * @module
 */
import { leafHash } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import { parseEntry } from './entry.ts';
import { agreed, type Network } from './network.ts';
import { observersOf } from './observation.ts';
import type { ProvenCheckpoint } from './policy.ts';
import { type LogProof, verifyProof } from './proof.ts';

/** What an entry proves of an artifact. */
export interface Evidence {
  /** How far up the ladder: q have seen it, or b have made it. */
  readonly rung: 'observed' | 'published';
  readonly index: bigint;
  /** The organisations that stand for it. */
  readonly observers: readonly string[];
  /** When they saw it, in seconds since 1970. */
  readonly observedAt: number;
  /** The registry that they asked. */
  readonly upstream: string;
  readonly checkpoint: ProvenCheckpoint;
  /** What its chunks have to be, one by one. */
  readonly vouched: { readonly size: number; readonly chunkSize: number; readonly root: Uint8Array };
}

/**
 * What `entry` proves of the bytes with `sha256` (hex) at `purl`.
 *
 * @param least - the rung that is asked for
 * @throws PyrsiaError `NOT_PROVEN` for an entry that is not in the log, is about something else, or has too few behind it
 */
export function verifyEvidence(
  { purl, sha256 }: { readonly purl: string; readonly sha256: string },
  entry: Uint8Array,
  proof: LogProof,
  network: Network,
  least: Evidence['rung'] = 'observed',
): Evidence {
  const what = `the evidence for ${purl}`;
  const refused = (reason: string): PyrsiaError => new PyrsiaError('NOT_PROVEN', { what, reason });
  const checkpoint = verifyProof(proof, leafHash(entry), network.policy, what);
  const read = parseEntry(entry, `entry ${proof.index} of ${checkpoint.origin}`);
  if (read.kind !== 'observe') throw refused(`entry ${proof.index} is no observation`);
  const { observation } = read;
  if (observation.purl !== purl) throw refused(`entry ${proof.index} is about ${observation.purl}`);
  if (observation.digest['sha256'] !== sha256)
    throw refused(`entry ${proof.index} is about sha256:${observation.digest['sha256']}`);
  const signed = observersOf(
    observation,
    observation,
    network.observers.map(({ verifier }) => verifier),
  );
  if (!agreed(network, signed)) throw refused(`only ${signed.length} known observers have signed it`);
  if (least !== 'observed') throw refused(`entry ${proof.index} is an observation, and no publication`);
  const organisations = network.observers.filter(({ verifier }) => signed.includes(verifier));
  return {
    rung: 'observed',
    index: proof.index,
    observers: [...new Set(organisations.map(({ organisation }) => organisation))],
    observedAt: observation.observedAt,
    upstream: observation.upstream,
    checkpoint,
    vouched: {
      size: observation.size,
      chunkSize: observation.chunks.size,
      root: Buffer.from(observation.chunks.root, 'hex'),
    },
  };
}
