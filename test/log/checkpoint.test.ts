import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT } from '../../src/content/merkle.ts';
import { checkpointText, parseCheckpoint } from '../../src/log/checkpoint.ts';
import { parseVerifierKey } from '../../src/log/keys.ts';
import { formatNote } from '../../src/log/note.ts';
import { parsePolicy, policyOf, provenCheckpoint } from '../../src/log/policy.ts';
import { checkpoint, forged, log, NOW, policy, policyText, signer, vkey, witnesses } from './signers.ts';

const head = { size: 7n, root: Buffer.alloc(32, 5) };
const plain = checkpoint(head);
const cosigned = (count: number): string => checkpoint(head, [log, ...witnesses.slice(0, count)]);

describe('A checkpoint', () => {
  it('is read, and written as it was', () => {
    const { origin, size, root, extensions, note } = parseCheckpoint(plain);
    expect([origin, size, Buffer.from(root), extensions]).toEqual(['log.example/1', 7n, head.root, []]);
    expect(checkpointText({ origin, size, root })).toBe(note.text);
    expect(formatNote(note)).toBe(plain);
  });

  it('may have lines of which other software knows more', () => {
    expect(parseCheckpoint(plain.replace('\n\n', '\nmore\nand more\n\n')).extensions).toEqual([
      'more',
      'and more',
    ]);
  });

  it.each([
    ['without a log', plain.replace('log.example/1\n', '\n')],
    ['of two lines', 'log.example/1\n7\n\n\u2014 a AAAAAAA=\n'],
    ['with a size that begins with 0', plain.replace('\n7\n', '\n07\n')],
    ['with a size of -0', plain.replace('\n7\n', '\n-0\n')],
    ['with a size of 1e3', plain.replace('\n7\n', '\n1e3\n')],
    ['with a size of 2^63', plain.replace('\n7\n', `\n${2n ** 63n}\n`)],
    ['with a size of a thousand digits', plain.replace('\n7\n', `\n${'9'.repeat(1000)}\n`)],
    ['with a size in other digits', plain.replace('\n7\n', '\n٧\n')],
    ['with a root of 31 bytes', plain.replace(/\n.{44}\n/, `\n${Buffer.alloc(31).toString('base64')}\n`)],
    ['with a root in two spellings', plain.replace(/.=\n/, 'V=\n')],
    ['with an empty line within', plain.replace('\n\n', '\nmore\n\n\n\n')],
  ])('%s is none', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
  });

  it('of the largest size that others can read is read', () => {
    expect(parseCheckpoint(checkpoint({ ...head, size: 2n ** 63n - 1n })).size).toBe(2n ** 63n - 1n);
  });
});

describe('The checkpoints of a foreign log', () => {
  const key = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
  const trusted = policyOf(parseVerifierKey(key));

  it.each(Array.from({ length: 16 }, (_, n) => n))('of size %d is believed', (n) => {
    const text = readFileSync(`test/data/tlog-tessera/checkpoint.${n}`, 'utf8');
    const { size, root, log: by } = provenCheckpoint(text, trusted);
    expect([size, by.name]).toEqual([BigInt(n), 'example.com/log/testdata']);
    if (n === 0) expect(Buffer.from(root)).toEqual(Buffer.from(EMPTY_ROOT));
    expect(() => provenCheckpoint(text.replace(`\n${n}\n`, `\n${n + 1}\n`), trusted)).toThrow(
      'does not match',
    );
  });
});

describe('A policy', () => {
  const fiveOfSeven = parsePolicy(policy(5));

  it('believes what its log has signed and enough have cosigned', () => {
    const proven = provenCheckpoint(cosigned(5), fiveOfSeven);
    expect(proven.log).toMatchObject({ name: 'log.example/1' });
    expect(proven.cosignatures.map(({ by, time }) => [by.name, time])).toEqual(
      ['w1', 'w2', 'w3', 'w4', 'w5'].map((name) => [`${name}.example`, NOW]),
    );
    expect(provenCheckpoint(cosigned(7), fiveOfSeven).cosignatures).toHaveLength(7);
  });

  it('28: believes nothing that fewer have cosigned', () => {
    expect(() => provenCheckpoint(cosigned(4), fiveOfSeven)).toThrow(
      'Refused the checkpoint: 4 of 7 known witnesses have cosigned it, fewer than the policy asks for',
    );
  });

  it('8: counts nobody twice', () => {
    const first = witnesses[0]!;
    const repeated = checkpoint(head, [log, ...Array.from({ length: 9 }, () => first)]);
    const later = checkpoint(head, [first, first], { time: NOW + 1n }).split('\n\n')[1]!;
    expect(() => provenCheckpoint(repeated + later, fiveOfSeven)).toThrow('1 of 7 known witnesses');
  });

  it('9: ignores strangers, and refuses forged signatures of those it knows', () => {
    const strangers = Array.from({ length: 9 }, (_, i) => signer(`s${i}.example`, 100 + i, 'cosignature/v1'));
    expect(() => provenCheckpoint(checkpoint(head, [log, ...strangers]), fiveOfSeven)).toThrow('0 of 7');
    expect(
      provenCheckpoint(checkpoint(head, [...strangers, log, ...witnesses]), fiveOfSeven).cosignatures,
    ).toHaveLength(7);
    const { text, signatures } = parseCheckpoint(cosigned(6)).note;
    const withForged = formatNote({ text, signatures: [...signatures, forged(witnesses[6]!)] });
    expect(() => provenCheckpoint(withForged, fiveOfSeven)).toThrow(
      'the signature of w7.example does not match',
    );
  });

  it('10: believes no cosignatures of another log', () => {
    const others = checkpoint(head, witnesses, { origin: 'log.example/2' }).split('\n\n')[1]!;
    expect(() => provenCheckpoint(plain + others, fiveOfSeven)).toThrow('does not match');
  });

  it('believes no log but its own, also under another name', () => {
    const stranger = signer('log.example/1', 2);
    expect(() => provenCheckpoint(checkpoint(head, [stranger, ...witnesses]), fiveOfSeven)).toThrow(
      'no known key of a log "log.example/1" has signed it',
    );
    const renamed = checkpoint(head, [log, ...witnesses], { origin: 'log.example/2' });
    expect(() => provenCheckpoint(renamed, fiveOfSeven)).toThrow('no known key of a log "log.example/2"');
    expect(() => provenCheckpoint(checkpoint(head, witnesses), fiveOfSeven)).toThrow('no known key of a log');
  });

  it('takes no witness for the log, whatever it is called', () => {
    const namesake = signer('log.example/1', 77, 'cosignature/v1');
    const trusted = parsePolicy(policy(1, [namesake]));
    expect(() => provenCheckpoint(checkpoint(head, [namesake]), trusted)).toThrow('no known key of a log');
    expect(provenCheckpoint(checkpoint(head, [namesake, log]), trusted).log).toBe(trusted.logs[0]!.verifier);
  });

  it('33: counts the keys of one operator as one, where it says so', () => {
    const keys = witnesses.map((each, i) => `witness w${i + 1} ${vkey(each)}`).join('\n');
    const grouped = `log ${vkey(log)}\n${keys}\ngroup one any w1 w2 w3 w4 w5\ngroup q all one w6 w7\nquorum q\n`;
    const trusted = parsePolicy(Buffer.from(grouped));
    expect(() => provenCheckpoint(cosigned(6), trusted)).toThrow('fewer than the policy');
    expect(
      provenCheckpoint(checkpoint(head, [log, ...witnesses.slice(4)]), trusted).cosignatures,
    ).toHaveLength(3);
  });

  it('may ask for nobody, or for one', () => {
    const base = policyText(1).replace(/group[^]*/, '');
    expect(provenCheckpoint(plain, parsePolicy(Buffer.from(`${base}quorum none`))).size).toBe(7n);
    expect(() => provenCheckpoint(plain, parsePolicy(Buffer.from(`${base}quorum w2\n`)))).toThrow('0 of 7');
    const second = checkpoint(head, [log, witnesses[1]!]);
    expect(provenCheckpoint(second, parsePolicy(Buffer.from(`${base}quorum w2\n`))).size).toBe(7n);
  });

  it('is read with tabs, comments, addresses, and names that are no ASCII', () => {
    const [first] = witnesses;
    const text = ` \t# a comment\n\nlog\t${vkey(log)}  https://log.example/ \nwitness Zeugin-ä ${vkey(first!)}\thttps://w.example\nquorum Zeugin-ä\n`;
    const { logs, witnesses: named } = parsePolicy(Buffer.from(text));
    expect(logs[0]!.url).toBe('https://log.example/');
    expect(named.get('Zeugin-ä')!.url).toBe('https://w.example');
  });

  const base = policyText(5).split('\n');
  const withLine = (at: number, line: string): string => base.toSpliced(at, 0, line).join('\n');
  it.each([
    ['without a quorum', 'log x\n', /line 1: Cannot read reference "x"/],
    ['that is empty', '', /it has no line "quorum"/],
    ['with two quorums', withLine(11, 'quorum none'), /line 12: there is a second quorum/],
    ['with a log twice', withLine(2, `log ${vkey(log)}`), /line 3: the key of log.example\/1 is there twice/],
    ['with a witness twice', withLine(9, `witness again ${vkey(witnesses[0]!)}`), /is there twice/],
    [
      'with one key under two names',
      withLine(9, `witness again ${vkey(signer('w9.example', 10, 'cosignature/v1'))}`),
      /is there twice/,
    ],
    [
      'with a name twice',
      withLine(9, `witness w1 ${vkey(signer('x', 55, 'cosignature/v1'))}`),
      /w1 is defined twice/,
    ],
    [
      'with a witness called none',
      withLine(9, `witness none ${vkey(signer('x', 55, 'cosignature/v1'))}`),
      /none is defined twice/,
    ],
    [
      'with a log that cosigns',
      withLine(2, `log ${vkey(witnesses[0]!)}`),
      /expected a key for ed25519 signatures/,
    ],
    [
      'with a witness that signs as logs do',
      withLine(9, `witness x ${vkey(signer('x', 55))}`),
      /expected a key for cosignature\/v1/,
    ],
    ['with a member twice', withLine(9, 'group g any w1 w1'), /w1 is already a member of a group/],
    ['with a member of two groups', withLine(10, 'group g any w1'), /w1 is already a member of a group/],
    ['with an unknown member', withLine(9, 'group g any w99'), /w99 is not defined above it/],
    ['with a group in itself', withLine(9, 'group g any g'), /g is not defined above it/],
    ['with a group of none', withLine(9, 'group g any none'), /none is not defined above it/],
    ['with a group of nobody', withLine(9, 'group g any'), /expected group <name>/],
    ['with a threshold of 0', withLine(9, 'group g 0 w1'), /expected a number from 1 to 1, got 0/],
    [
      'with a threshold that nobody reaches',
      withLine(9, 'group g 2 w1'),
      /expected a number from 1 to 1, got 2/,
    ],
    ['with a threshold in hex', withLine(9, 'group g 0x1 w1'), /expected a number from 1 to 1, got 0x1/],
    [
      'with an unknown word',
      withLine(1, 'trust everybody'),
      /line 2: expected log, witness, group or quorum, got trust/,
    ],
    ['with a carriage return', withLine(1, '# a\r'), /line 2: it has control characters/],
    [
      'with a quorum of two',
      policyText(5).replace('quorum all-of-them', 'quorum w1 w2'),
      /expected quorum <name>/,
    ],
  ])('%s is refused, with the line', (_, text, reason) => {
    expect(() => parsePolicy(Buffer.from(text))).toThrow(reason);
  });

  it('is not quoted at length', () => {
    const long = policyText(5).replace('quorum all-of-them', `quorum ${'x'.repeat(5000)}`);
    expect(() => parsePolicy(Buffer.from(long))).toThrow(/: line \d+: x{100} is not defined above it$/);
  });

  it('is not read beyond its limit', () => {
    expect(() => parsePolicy(Buffer.alloc(2 ** 18 + 1, '\n'))).toThrow(
      'larger than the limit of 262144 bytes',
    );
  });
});
