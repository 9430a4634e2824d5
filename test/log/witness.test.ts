import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { consistencyRanges, type Hash, prove, type TreeHead } from '../../src/content/merkle.ts';
import { parseCheckpoint } from '../../src/log/checkpoint.ts';
import { signText } from '../../src/log/note.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import {
  answerAddCheckpoint,
  cosignaturesIn,
  formatAddCheckpoint,
  formatCosignatures,
  parseAddCheckpoint,
} from '../../src/log/witness.ts';
import { entriesOf, memoryLog } from './memory-log.ts';
import { checkpoint, forged, log, NOW, signer, witnesses } from './signers.ts';

const files = memoryLog();
const heads = Array.from({ length: 12 }, (_, n) =>
  n === 0 ? files.add([]) : files.add(entriesOf(n - 1, n)),
);
const proofOf = (m: number, n: number): Promise<Hash[]> =>
  prove(consistencyRanges(BigInt(m), BigInt(n)), provenLog(files, heads[n]!).readHashes);
const [witness] = witnesses;
/** What a witness answers that has cosigned the first `latest` entries. */
const asked = (latest: TreeHead | undefined, old: number, proof: Hash[], text: string) => {
  const request = parseAddCheckpoint(
    Buffer.from(formatAddCheckpoint({ old: BigInt(old), proof, checkpoint: text })),
  );
  return answerAddCheckpoint(request, [log.verifier], (origin) =>
    origin === 'log.example/1' ? latest : undefined,
  );
};
const size = fc.integer({ min: 0, max: 11 });

describe('A request for a cosignature', () => {
  it('is written as the specification shows it', () => {
    expect(formatAddCheckpoint({ old: 3n, proof: [Buffer.alloc(32)], checkpoint: 'c\n' })).toBe(
      `old 3\n${Buffer.alloc(32).toString('base64')}\n\nc\n`,
    );
  });

  it.each([
    ['empty', ''],
    ['without a size', 'c\n\nc\n'],
    ['with a size of 03', 'old 03\n\nc\n'],
    ['with a proof of 64 hashes', `old 3\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\nc\n`],
    ['with a proof of something else', 'old 3\nabc\n\nc\n'],
    ['without a checkpoint', 'old 3\n'],
  ])('%s is refused', (_, text) => {
    expect(() => parseAddCheckpoint(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
    );
  });

  it('is not read beyond its limit', () => {
    expect(() => parseAddCheckpoint(Buffer.alloc(2 ** 19 + 1, 'x'))).toThrow('larger than the limit');
  });
});

describe('A witness', () => {
  test.prop([fc.tuple(size, size)])('cosigns each tree that begins with the last one', async ([a, b]) => {
    const [m, n] = a < b ? [a, b] : [b, a];
    const answer = asked(m === 0 ? undefined : heads[m], m, await proofOf(m, n), checkpoint(heads[n]!));
    expect(answer).toMatchObject({ status: 200, next: { size: BigInt(n) } });
  });

  test.prop([size, size])('names the size it has where the old one is another', async (latest, old) => {
    fc.pre(latest !== old);
    const n = Math.max(latest, old);
    const answer = asked(
      latest === 0 ? undefined : heads[latest],
      old,
      await proofOf(old, n),
      checkpoint(heads[n]!),
    );
    expect(answer).toEqual({ status: 409, size: BigInt(latest) });
  });

  it('never cosigns a second root of one size', () => {
    const other = checkpoint({ size: 5n, root: Buffer.alloc(32, 1) });
    expect(asked(heads[5], 5, [], other)).toEqual({ status: 409, size: 5n });
  });

  it('never cosigns a smaller tree', () => {
    expect(asked(heads[5], 5, [], checkpoint(heads[3]!))).toMatchObject({ status: 400 });
    expect(asked(heads[5], 3, [], checkpoint(heads[3]!))).toEqual({ status: 409, size: 5n });
  });

  it('24: never cosigns another history', async () => {
    const fork = checkpoint({ size: 9n, root: Buffer.alloc(32, 1) });
    expect(asked(heads[5], 5, await proofOf(5, 9), fork)).toMatchObject({ status: 422 });
    expect(asked(heads[5], 5, await proofOf(4, 9), checkpoint(heads[9]!))).toMatchObject({ status: 422 });
    expect(asked(undefined, 0, await proofOf(5, 9), checkpoint(heads[9]!))).toMatchObject({ status: 422 });
  });

  it('knows its logs, and their keys', () => {
    const unknown = checkpoint(heads[3]!, [log], { origin: 'log.example/2' });
    expect(asked(undefined, 0, [], unknown)).toMatchObject({ status: 404 });
    expect(asked(undefined, 0, [], checkpoint(heads[3]!, [signer('log.example/1', 2)]))).toMatchObject({
      status: 403,
    });
    const wrong = checkpoint(heads[3]!).replace(/\u2014[^]*/, formatCosignatures([forged(log)]));
    expect(asked(undefined, 0, [], wrong)).toMatchObject({
      status: 403,
      reason: expect.stringContaining('does not match'),
    });
    expect(asked(undefined, 0, [], 'nonsense\n')).toMatchObject({ status: 400 });
  });
});

describe('The answer of a witness', () => {
  const sent = parseCheckpoint(checkpoint(heads[7]!));
  const known = witnesses.slice(0, 2).map(({ verifier }) => verifier);
  const cosignature = signText(sent.note.text, witness!, NOW);

  it('gives its signatures, and leaves those of others', () => {
    const stranger = signText(sent.note.text, witnesses[5]!, NOW);
    expect(cosignaturesIn(formatCosignatures([stranger, cosignature]), sent, known)).toEqual([
      { ...cosignature, signature: Buffer.from(cosignature.signature) },
    ]);
    expect(cosignaturesIn(formatCosignatures([stranger]), sent, known)).toEqual([]);
  });

  it('is refused when it is forged, of another tree, or no list of signatures', () => {
    const ofAnother = signText(parseCheckpoint(checkpoint(heads[6]!)).note.text, witness!, NOW);
    for (const wrong of [forged(witness!), ofAnother])
      expect(() => cosignaturesIn(formatCosignatures([wrong]), sent, known)).toThrow('does not match');
    for (const wrong of [
      '',
      'ok\n',
      `more\n\n${formatCosignatures([cosignature])}`,
      formatCosignatures([cosignature]).trim(),
    ])
      expect(() => cosignaturesIn(wrong, sent, known)).toThrow(
        expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
      );
  });
});
