import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { inclusionRanges, leafHash, prove, rootOf, nodeHash } from '../../src/content/merkle.ts';
import { parsePolicy } from '../../src/log/policy.ts';
import { formatProof, parseProof, verifyProof } from '../../src/log/proof.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { entriesOf, memoryLog } from './memory-log.ts';
import { checkpoint, log, policy, witnesses } from './signers.ts';

const hashes = Array.from({ length: 5 }, (_, i) => Buffer.alloc(32, i));
const files = memoryLog();
const head = files.add(entriesOf(0, 300));
const signed = checkpoint(head, [log, ...witnesses.slice(0, 5)]);
const trusted = parsePolicy(policy(5));
const leaf = leafHash(Buffer.from('entry 77'));
const path = await prove(inclusionRanges(77n, head.size), provenLog(files, head).readHashes);
const text = formatProof({ index: 77n, path, checkpoint: signed });
const read = (proof: string) => parseProof(Buffer.from(proof));

describe('A proof', () => {
  it('is written as the specification shows it', () => {
    const made = formatProof({
      index: 7n,
      path: hashes.slice(0, 2),
      checkpoint: 'c\n',
      extra: Buffer.from('x'),
    });
    const [zeroes, ones] = hashes.map((hash) => hash.toString('base64'));
    expect(made).toBe(`c2sp.org/tlog-proof@v1\nextra eA==\nindex 7\n${zeroes}\n${ones}\n\nc\n`);
  });

  test.prop([
    fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
    fc.option(fc.uint8Array(), { nil: undefined }),
  ])('is read back', (index, way, extra) => {
    const proof = { index, path: way, checkpoint: signed, ...(extra !== undefined && { extra }) };
    const back = read(formatProof(proof));
    expect([back.index, back.path.map(Buffer.from), back.checkpoint]).toEqual([
      index,
      way.map(Buffer.from),
      signed,
    ]);
    expect(back.extra && Buffer.from(back.extra)).toEqual(extra && Buffer.from(extra));
  });

  it('shows that an entry is in a log which enough watch', () => {
    expect(verifyProof(read(text), leaf, trusted)).toMatchObject({ origin: 'log.example/1', size: 300n });
  });

  it('4: shows nothing with another index, path, size, or for another entry', () => {
    const refused = { code: 'NOT_PROVEN' };
    const tries = [
      [text.replace('index 77', 'index 78'), leaf],
      [text.replace('index 77', 'index 300'), leaf],
      [text.replace(/(index 77\n).*\n/, '$1'), leaf],
      [text.replace(/(index 77\n)(.*\n)/, '$1$2$2'), leaf],
      [text.replace('\n300\n', '\n301\n'), leaf],
      [text, leafHash(Buffer.from('entry 78'))],
    ] as const;
    for (const [proof, of] of tries)
      expect(() => verifyProof(read(proof), of, trusted)).toThrow(expect.objectContaining(refused));
  });

  it('is worth nothing under a checkpoint that too few have cosigned', () => {
    const few = text.replace(signed, checkpoint(head, [log, ...witnesses.slice(0, 4)]));
    expect(() => verifyProof(read(few), leaf, trusted)).toThrow('4 of 7 known witnesses');
  });

  it('14: of an old tree stays one when the log grows', () => {
    const later = files.add(entriesOf(300, 400));
    expect(later.size).toBe(400n);
    expect(verifyProof(read(text), leaf, trusted).size).toBe(300n);
  });

  it.each([
    ['empty', ''],
    ['of another version', text.replace('@v1', '@v2')],
    ['without an index', text.replace('index 77\n', '')],
    ['with an index of 077', text.replace('index 77', 'index 077')],
    ['with an index of -1', text.replace('index 77', 'index -1')],
    ['with an index of 2^63', text.replace('index 77', `index ${2n ** 63n}`)],
    ['with extra data after its index', text.replace('index 77\n', 'index 77\nextra eA==\n')],
    ['with extra data that is no base64', text.replace('index 77', 'extra é\nindex 77')],
    ['with extra data twice', text.replace('index 77', 'extra eA==\nextra eA==\nindex 77')],
    ['with a hash of 31 bytes', text.replace('index 77', `index 77\n${Buffer.alloc(31).toString('base64')}`)],
    [
      'with 64 hashes',
      text.replace(/(index 77\n)[^]*?\n\n/, `$1${`${hashes[0]!.toString('base64')}\n`.repeat(64)}\n`),
    ],
    ['with a space after a line', text.replace('index 77', 'index 77 ')],
    ['with the line ends of another system', text.replaceAll('\n', '\r\n')],
    ['without a checkpoint', text.replace(/\n\n[^]*/, '\n')],
  ])('%s is none', (_, proof) => {
    expect(() => read(proof)).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
  });

  it('that is no UTF-8, or too long, is none', () => {
    expect(() => parseProof(Buffer.from([0xff, 0xfe]))).toThrow('it is no UTF-8');
    expect(() => parseProof(Buffer.alloc(2 ** 19 + 1, 'x'))).toThrow('larger than the limit of 524288 bytes');
  });

  it('in a log of a million entries, with five cosignatures, takes less than 2 KB', () => {
    const way = Array.from({ length: 20 }, (_, i) => leafHash(Buffer.from([i])));
    const index = 777_777n;
    const root = way.reduce(
      (hash, each, i) => ((index >> BigInt(i)) & 1n ? nodeHash(each, hash) : nodeHash(hash, each)),
      leaf,
    );
    const tree = { size: 2n ** 20n, root };
    const proof = formatProof({
      index,
      path: way,
      checkpoint: checkpoint(tree, [log, ...witnesses.slice(0, 5)]),
    });
    expect(verifyProof(read(proof), leaf, trusted).size).toBe(2n ** 20n);
    expect(Buffer.byteLength(proof)).toBeLessThan(2000);
    expect(rootOf([leaf])).toBe(leaf);
  });
});
