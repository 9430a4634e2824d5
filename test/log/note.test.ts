import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatVerifierKey, parseVerifierKey } from '../../src/log/keys.ts';
import {
  formatNote,
  formatSignature,
  openNote,
  parseNote,
  signText,
  SIGNATURES_LIMIT,
} from '../../src/log/note.ts';
import { forged, log, NOW, signer, vkey, witnesses } from './signers.ts';

/** The example of the signed-note specification, and that of Go's package `note`. */
const vectors = [
  [
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
  ],
  [
    'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
  ],
] as const;

describe.each(vectors)('The note of %s', (key, note) => {
  it('is verified, and written as it was', () => {
    const verifier = parseVerifierKey(key);
    expect(formatVerifierKey(verifier)).toBe(key);
    expect(openNote(parseNote(note), [verifier], 'it')).toEqual([{ by: verifier, time: undefined }]);
    expect(formatNote(parseNote(note))).toBe(note);
  });

  it('is refused when a letter differs', () => {
    const other = note.replace('you', 'we').replace('example message', 'example massage');
    expect(() => openNote(parseNote(other), [parseVerifierKey(key)], 'it')).toThrow(
      /^Refused it: the signature of/,
    );
  });
});

const text = 'Hello\n\nWorld\n';
const [w1, w2] = [witnesses[0]!, witnesses[1]!];
const known = [log, ...witnesses].map(({ verifier }) => verifier);
const opened = (...signatures: ReturnType<typeof forged>[]) =>
  openNote(parseNote(formatNote({ text, signatures })), known, 'the note');

describe('A signature', () => {
  test.prop([fc.string({ unit: 'grapheme' })])(
    'of any text is verified, an empty line in it included',
    (line) => {
      const clean = `${line.replaceAll(/\p{Cc}/gu, '')}\n\nend\n`;
      const signatures = [signText(clean, log, NOW), signText(clean, w1, NOW)];
      const signed = openNote(parseNote(formatNote({ text: clean, signatures })), known, 'it');
      expect(signed.map(({ by, time }) => [by.name, time])).toEqual([
        ['log.example/1', undefined],
        ['w1.example', NOW],
      ]);
    },
  );

  it('of an unknown key is ignored, also one that shares its name, or its ID', () => {
    const namesake = signer('log.example/1', 99);
    const sameId = { ...signText(text, log, NOW), name: 'other.example' };
    expect(opened(signText(text, namesake, NOW), sameId)).toEqual([]);
  });

  it('of a known key that is wrong makes the whole note worthless', () => {
    for (const by of [log, w1]) {
      expect(() => opened(signText(text, w2, NOW), forged(by))).toThrow(
        `the signature of ${by.verifier.name} does not match`,
      );
    }
  });

  it('counts once, however often it is repeated, with the latest time', () => {
    const [early, late] = [signText(text, w1, NOW), signText(text, w1, NOW + 5n)];
    expect(opened(early, early, late, early)).toEqual([{ by: w1.verifier, time: NOW + 5n }]);
  });

  it('with a time is not that of the same key without, nor of another time, nor of one beyond 2^63', () => {
    const plain = { ...signText(text, signer('w1.example', 10), NOW), id: w1.verifier.id };
    const later = signText(text, w1, NOW);
    const moved = { ...later, signature: Uint8Array.from(later.signature).with(7, 1) };
    const endless = signText(text, w1, 2n ** 63n);
    const longer = { ...later, signature: Buffer.concat([later.signature, Uint8Array.of(0)]) };
    for (const wrong of [plain, moved, endless, longer])
      expect(() => opened(wrong)).toThrow('does not match');
  });
});

describe('A note', () => {
  const line = formatSignature(signText(text, log, NOW));
  const many = (count: number): string => `${text}\n${line.repeat(count)}`;

  it('may have many signatures, but not any number of them', () => {
    expect(parseNote(many(SIGNATURES_LIMIT)).signatures).toHaveLength(SIGNATURES_LIMIT);
    expect(() => parseNote(many(SIGNATURES_LIMIT + 1))).toThrow('more than 100 signatures');
  });

  it('is not read beyond its limit', () => {
    expect(() => parseNote('x'.repeat(2 ** 18 + 1))).toThrow('larger than the limit of 262144 bytes');
  });

  it.each([
    ['empty', ''],
    ['without signatures', 'Hello\n'],
    ['without a line after the empty one', 'Hello\n\n'],
    ['that ends without a newline', many(1).slice(0, -1)],
    ['with something after its signatures', `${many(1)}x\n`],
    ['with a carriage return', many(1).replace('Hello', 'Hello\r')],
    ['with a null', many(1).replace('Hello', 'Hel\0lo')],
    ['with a tab', many(1).replace('Hello', 'Hel\tlo')],
    ['with a hyphen for the dash', many(1).replace('\u2014', '-')],
    ['with a second space', many(1).replace('\u2014 ', '\u2014  ')],
    ['with a plus in a name', many(1).replace('log.example/1', 'log+example')],
    ['with a space of Unicode in a name', many(1).replace('log.example/1', 'log\u3000example')],
    ['with base64 without its padding', many(1).replace(/=+\n$/, '\n')],
    [
      'with base64 that ends in other bits',
      many(1).replace(
        /(.)(=+\n)$/,
        (_, at: string, rest: string) => `${String.fromCodePoint(at.codePointAt(0)! + 1)}${rest}`,
      ),
    ],
    ['with base64 of URLs', many(1).replace(/ [^ ]+\n$/, ' ____YWJj\n')],
    ['with a signature that is a key ID only', `${text}\n\u2014 a AAAAAA==\n`],
  ])('%s is none', (_, note) => {
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
  });
});

describe('A verifier key', () => {
  const [name, id, base64] = [
    'log.example/1',
    vkey(log).split('+')[1]!,
    vkey(log).split('+').slice(2).join('+'),
  ];

  it('is read back from how it is written, with either type', () => {
    for (const each of [log, w1])
      expect(parseVerifierKey(vkey(each))).toMatchObject({ id: each.verifier.id, type: each.verifier.type });
  });

  it.each([
    ['empty', ''],
    ['without a name', `+${id}+${base64}`],
    ['with a space in its name', `log example+${id}+${base64}`],
    ['with the ID of another name', `other.example+${id}+${base64}`],
    ['with an ID in capitals', `${name}+${id.toUpperCase().replace(/^[0-9]+$/, 'ABCDEF01')}+${base64}`],
    ['with a short ID', `${name}+${id.slice(1)}+${base64}`],
    ['of an unknown type', `${name}+${id}+${Buffer.from([2, ...Buffer.alloc(32)]).toString('base64')}`],
    ['that is too short', `${name}+${id}+${Buffer.from([1, ...Buffer.alloc(31)]).toString('base64')}`],
    ['that is too long', `${name}+${id}+${Buffer.from([1, ...Buffer.alloc(33)]).toString('base64')}`],
    ['without padding', `${name}+${id}+AQ`],
    ['with a space after it', `${name}+${id}+${base64} `],
  ])('%s is refused', (_, key) => {
    expect(() => parseVerifierKey(key)).toThrow(expect.objectContaining({ code: 'REFERENCE_MALFORMED' }));
  });
});
