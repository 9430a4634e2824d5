/**
 * The evidence for an artifact, kept in two files that anybody can check without us and without a network: the entry, and the
 * proof that it is in the log.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, hexOf } from '../content/digest.ts';
import { PyrsiaError } from '../errors.ts';
import { type Evidence, verifyEvidence } from '../log/evidence.ts';
import { formatProof, parseProof } from '../log/proof.ts';
import { ENTRY_LIMIT } from '../log/tiles.ts';
import type { LogClient } from './log-client.ts';

/** The most bytes of a proof: 512 KiB. */
const PROOF_LIMIT = 512 * 2 ** 10;

/** An artifact that the log knows. */
export interface LoggedArtifact {
  readonly purl: string;
  readonly digest: Digest;
  readonly entry: number;
}

/** Evidence, and where it lies. */
export interface KeptEvidence extends Evidence {
  readonly proofFile: string;
  readonly entryFile: string;
}

/**
 * Keeps the evidence for an artifact where nothing of it has to be asked for: when the part of the log that has its entry is here.
 * Resolves to whether it is kept, whatever keeps it from that.
 */
export async function keepEvidence(client: LogClient, about: LoggedArtifact): Promise<boolean> {
  const { files } = client;
  // It is proven whenever it is used.
  if (existsSync(join(files.name, proofPathOf(about)))) return true;
  try {
    await evidenceFor(client, about);
    return true;
  } catch {
    return false;
  }
}

const proofPathOf = ({ digest }: LoggedArtifact): string => `proofs/${hexOf(digest)}.tlog-proof`;

/**
 * The evidence for an artifact: what is kept, else from the log; then it is kept.
 *
 * @throws PyrsiaError `NOT_PROVEN`, `NOT_FOUND`, whatever the log's last source fails with
 */
export async function evidenceFor(client: LogClient, about: LoggedArtifact): Promise<KeptEvidence> {
  const { files, network } = client;
  const { purl, digest, entry } = about;
  const sha256 = hexOf(digest);
  const [proofPath, entryPath] = [proofPathOf(about), `proofs/${sha256}.entry`];
  const at = { proofFile: join(files.name, proofPath), entryFile: join(files.name, entryPath) };
  const [proof, bytes] = await Promise.all([
    files.read(proofPath, PROOF_LIMIT),
    files.read(entryPath, ENTRY_LIMIT),
  ]);
  if (proof && bytes) {
    try {
      return { ...verifyEvidence({ purl, sha256 }, bytes, parseProof(proof), network), ...at };
    } catch (error) {
      // Of the same bytes under another name, damaged, or of another network.
      if (!(error instanceof PyrsiaError)) throw error;
    }
  }
  const found = await client.entry(BigInt(entry));
  const read = parseProof(Buffer.from(found.proof));
  const evidence = verifyEvidence({ purl, sha256 }, found.entry, read, network);
  files.keep(proofPath, Buffer.from(formatProof(read)));
  files.keep(entryPath, found.entry);
  await files.settled();
  return { ...evidence, ...at };
}
