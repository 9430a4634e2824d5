import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  contradiction,
  type Digest,
  type DigestAlgorithm,
  digester,
  digestFromIntegrity,
  digestOf,
  hexOf,
  integrityOf,
  isDigest,
  isWeak,
  parseDigest,
} from '../../src/content/digest.ts';

const algorithm = fc.constantFrom<DigestAlgorithm>('sha1', 'sha256', 'sha512');
const digest = fc.tuple(fc.uint8Array(), algorithm).map(([bytes, name]): Digest => digestOf(bytes, name));
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe('digestOf', () => {
  // FIPS 180-4's example "abc".
  it.each([
    ['sha1', 'sha1:a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['sha256', 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'sha512',
      'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    ],
  ] as const)('digests "abc" with %s', (name, expected) => {
    expect(digestOf(text('abc'), name)).toBe(expected);
  });

  test.prop([fc.array(fc.uint8Array()), algorithm])(
    'agrees with a digester, however the bytes are cut',
    (chunks, name) => {
      const hash = digester(name);
      for (const chunk of chunks) hash.update(chunk);
      expect(hash.digest()).toBe(digestOf(Buffer.concat(chunks), name));
    },
  );
});

describe('parseDigest', () => {
  test.prop([digest])('accepts what digestOf makes', (known) => {
    expect(parseDigest(known)).toBe(known);
  });

  it.each([
    '',
    'sha256:',
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(63)}`,
    `sha1:${'a'.repeat(64)}`,
    ` sha256:${'a'.repeat(64)}`,
    `sha256:${'a'.repeat(64)}\n`,
    `sha256:${'a'.repeat(62)}/.`,
  ])('refuses %j', (malformed) => {
    expect(isDigest(malformed)).toBe(false);
    expect(() => parseDigest(malformed)).toThrow(
      expect.objectContaining({ code: 'DIGEST_MALFORMED', details: { text: malformed } }),
    );
  });
});

describe('digestFromIntegrity', () => {
  test.prop([digest])('reads what integrityOf writes', (known) => {
    expect(digestFromIntegrity(integrityOf(known))).toBe(known);
  });

  test.prop([fc.uint8Array(), fc.shuffledSubarray(['sha1', 'sha256', 'sha512'] as const, { minLength: 1 })])(
    'takes the strongest hash, in whatever order they stand',
    (bytes, names) => {
      const integrity = names.map((name) => integrityOf(digestOf(bytes, name))).join(' ');
      const strongest = (['sha512', 'sha256', 'sha1'] as const).find((name) => names.includes(name))!;
      expect(digestFromIntegrity(integrity)).toBe(digestOf(bytes, strongest));
    },
  );

  test.prop([fc.string()])('never makes a malformed digest of anything', (anything) => {
    const made = digestFromIntegrity(anything);
    expect(made === undefined || isDigest(made)).toBe(true);
  });

  const sha512 = createHash('sha512').update('abc').digest('base64');

  it('knows options, and passes over hashes that it cannot check', () => {
    expect(digestFromIntegrity(`sha384-${'A'.repeat(64)} sha512-${sha512}?foo`)).toBe(
      digestOf(text('abc'), 'sha512'),
    );
  });

  it.each([
    '',
    'sha512-',
    'sha512-AAAA',
    `sha256-${sha512}`,
    `SHA512-${sha512}`,
    `sha512-${sha512}x`,
    'latest',
  ])('finds nothing in %j', (integrity) => {
    expect(digestFromIntegrity(integrity)).toBeUndefined();
  });
});

describe('contradiction', () => {
  const [a, b] = [digestOf(text('a'), 'sha512'), digestOf(text('b'), 'sha512')];

  it('is between two digests of one algorithm that differ', () => {
    expect(contradiction([digestOf(text('a'), 'sha1'), a], [b])).toEqual({ expected: a, actual: b });
  });

  it('is not between digests of different algorithms', () => {
    expect(contradiction([digestOf(text('a'), 'sha256')], [b])).toBeUndefined();
  });

  test.prop([
    fc.uint8Array(),
    fc.subarray(['sha1', 'sha256', 'sha512'] as const),
    fc.subarray(['sha1', 'sha512'] as const),
  ])('is never found between digests of the same bytes', (bytes, some, others) => {
    const digests = (names: readonly DigestAlgorithm[]) => names.map((name) => digestOf(bytes, name));
    expect(contradiction(digests(some), digests(others))).toBeUndefined();
  });

  test.prop([digest, digest])('does not depend on who speaks first', (one, other) => {
    expect(contradiction([one], [other]) === undefined).toBe(contradiction([other], [one]) === undefined);
  });
});

it('only sha1 is weak', () => {
  expect((['sha1', 'sha256', 'sha512'] as const).map((name) => isWeak(digestOf(text('a'), name)))).toEqual([
    true,
    false,
    false,
  ]);
  expect(hexOf(digestOf(text('abc'), 'sha1'))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
});
