import { describe, expect, it } from 'vitest';
import { inclusionRanges, prove } from '../../src/content/merkle.ts';
import { verifyEvidence } from '../../src/log/evidence.ts';
import { formatProof, type LogProof, parseProof } from '../../src/log/proof.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { grownLog, observed, sha256Of } from '../trust/grown-log.ts';

const of = grownLog();
const purl = 'pkg:npm/left@1.0.0';
const about = { purl, sha256: sha256Of('left') };
of.append([
  { purl, bytes: 'left' },
  { purl: 'pkg:npm/right@1.0.0', bytes: 'left' },
  { purl, bytes: 'left', observers: 2 },
]);
const text = Buffer.from(of.files.get('checkpoint')!).toString();
const log = provenLog(of, of.head());
const entries = await log.entries(0n);
const proofOf = async (index: bigint): Promise<LogProof> => ({
  index,
  path: await prove(inclusionRanges(index, of.head().size), log.readHashes),
  checkpoint: text,
});
const proof = await proofOf(0n);

describe('Evidence for an artifact', () => {
  it('says who saw it', () => {
    const written = parseProof(Buffer.from(formatProof(proof)));
    expect(verifyEvidence(about, entries[0]!, written, of.network)).toMatchObject({
      rung: 'observed',
      index: 0n,
      observers: ['org1', 'org2', 'org3', 'org4'],
      upstream: 'https://registry.example/',
    });
  });

  it('3: refuses the right bytes of other coordinates, with their valid proof', async () => {
    const other = await proofOf(1n);
    expect(() => verifyEvidence(about, entries[1]!, other, of.network)).toThrow(
      /is about pkg:npm\/right@1.0.0/,
    );
    const others = { purl, sha256: sha256Of('others') };
    expect(() => verifyEvidence(others, entries[0]!, proof, of.network)).toThrow(/is about sha256:/);
  });

  it('4: refuses a proof with another index, path or size', () => {
    const altered: LogProof[] = [
      { ...proof, index: 1n },
      { ...proof, path: proof.path.slice(1) },
      { ...proof, path: proof.path.toReversed() },
      { ...proof, checkpoint: text.replace('\n4\n', '\n5\n') },
    ];
    for (const each of altered)
      expect(() => verifyEvidence(about, entries[0]!, each, of.network)).toThrow(/does not (show|match)/);
  });

  it('5: takes an observation for no publication, nor a block for an observation', async () => {
    expect(() => verifyEvidence(about, entries[0]!, proof, of.network, 'published')).toThrow(
      /no publication/,
    );
    expect(() => verifyEvidence(about, entries[3]!, proof, of.network)).toThrow(/does not show/);
    const block = await proofOf(3n);
    expect(() => verifyEvidence(about, entries[3]!, block, of.network)).toThrow(/is no observation/);
  });

  it('33: counts organisations, not signatures: fewer than the quorum are too few', async () => {
    const few = await proofOf(2n);
    expect(() => verifyEvidence(about, entries[2]!, few, of.network)).toThrow(/only 2 known observers/);
    const [first] = of.observers;
    const entry = observed(
      { purl, bytes: 'left' },
      Array.from({ length: 5 }, () => first!),
    );
    const fivefold = grownLog({ entries: [entry] });
    const lone = provenLog(fivefold, fivefold.head());
    const path = await prove(inclusionRanges(0n, fivefold.head().size), lone.readHashes);
    const signed = Buffer.from(fivefold.files.get('checkpoint')!).toString();
    expect(() => verifyEvidence(about, entry, { index: 0n, path, checkpoint: signed }, of.network)).toThrow(
      /only 1 known observers/,
    );
  });

  it('8, 9, 10: counts nobody unknown, and refuses a wrong signature of one who is known', () => {
    const none = { ...of.network, observers: [] };
    expect(() => verifyEvidence(about, entries[0]!, proof, none)).toThrow(/only 0 known observers/);
  });

  it('28: refuses a checkpoint that too few have cosigned', () => {
    const lone = grownLog();
    lone.append([{ purl, bytes: 'left' }], { cosigners: 2 });
    const checkpoint = Buffer.from(lone.files.get('checkpoint')!).toString();
    expect(() => verifyEvidence(about, entries[0]!, { ...proof, checkpoint }, of.network)).toThrow(
      /fewer than the policy asks for/,
    );
  });
});
