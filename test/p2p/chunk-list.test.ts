import { fc, test } from '@fast-check/vitest';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ChunkList, rootOfChunks } from '../../src/content/chunks.ts';
import { digestOf } from '../../src/content/digest.ts';
import { isPyrsiaError } from '../../src/errors.ts';
import { LIST_LIMIT, parseHead, parseList, signList } from '../../src/p2p/lists/chunk-list.ts';
import { guiltyOf, otherRoot, twoLists } from '../../src/p2p/lists/fraud.ts';
import { openTally } from '../../src/p2p/lists/list-tally.ts';
import { peerOfKey } from '../../src/p2p/peer-name.ts';
import { vouch } from './gathering.ts';
import { changed, contentOf, listOf, nameOf, newKey, type Key } from './givers.ts';

const content = contentOf(3 * 2 ** 20 + 9);
const other = changed(content, 2 ** 21);
const digests = [nameOf(content), digestOf(content, 'sha512')] as const;
const key = newKey();
const named = (of: Key): string => peerOfKey(of.publicKey);
const listBy = (by: Key, bytes = content): Promise<Uint8Array> => signList(listOf(bytes), digests, by);
const honest = await listBy(key);
const wrong = await listBy(key, other);
const [liar, one, two] = [newKey(), newKey(), newKey()];
const lies = await listBy(liar, other);
const [first, second] = [await listBy(one), await listBy(two)];

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const at = (of: Key, address: string): { peer: string; address: string } => ({ peer: named(of), address });
const told = (list: ChunkList | undefined): string[] | undefined =>
  list?.hashes.map((hash) => Buffer.from(hash).toString('hex'));

describe('A list of chunks', () => {
  it('is read as it was written', () => {
    const read = parseList(honest);
    expect(read).toMatchObject({ size: content.byteLength, chunkSize: 2 ** 20, digests, maker: named(key) });
    expect(told(read)).toEqual(told(listOf(content)));
    expect(Buffer.from(honest).toString('latin1').startsWith(read.signed)).toBe(true);
  });

  it('has the same root as an entry of the log', () => {
    // What an authority writes: SHA-256(0x00 || chunk) for each MiB, and RFC 6962 above.
    const [a, b, c, d] = [0, 1, 2, 3].map((i) =>
      sha256(Buffer.of(0), content.subarray(i * 2 ** 20, (i + 1) * 2 ** 20)),
    );
    const root = sha256(Buffer.of(1), sha256(Buffer.of(1), a!, b!), sha256(Buffer.of(1), c!, d!));
    expect(Buffer.from(parseList(honest).root)).toEqual(root);
  });

  test.prop([fc.nat(honest.byteLength - 1), fc.integer({ min: 1, max: 255 })])(
    'is nobody’s where one byte is another',
    (position, flip) => {
      const damaged = Uint8Array.from(honest);
      damaged[position]! ^= flip;
      expect(() => parseList(damaged)).toThrow(expect.toSatisfy((error: unknown) => isPyrsiaError(error)));
    },
  );

  it.each([
    ['cut off', honest.subarray(0, -1)],
    ['longer', Buffer.concat([honest, Buffer.of(0)])],
    ['nothing', new Uint8Array()],
  ])('is none where it is %s', (_, bytes) => {
    expect(() => parseList(bytes)).toThrow(expect.toSatisfy((error: unknown) => isPyrsiaError(error)));
  });

  it('is not even looked at where it is too large', () => {
    expect(() => parseList(new Uint8Array(LIST_LIMIT + 1))).toThrow('larger than the limit');
  });

  it('has one spelling', () => {
    // The last character of a signature has four bits that count for nothing.
    const text = Buffer.from(honest).toString('latin1');
    const last = parseList(honest).signed.length - '?==\n'.length;
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const next = letters[letters.indexOf(text.charAt(last)) + 1]!;
    const spelled = Buffer.from(`${text.slice(0, last)}${next}${text.slice(last + 1)}`, 'latin1');
    expect(() => parseList(spelled)).toThrow('canonical');
  });

  it('is none where it is cut otherwise than everybody cuts', async () => {
    const cut = { ...listOf(content), chunkSize: 2 ** 22 };
    const bytes = await signList({ ...cut, hashes: cut.hashes.slice(0, 1) }, digests, key);
    expect(() => parseList(bytes)).toThrow('nobody cuts content like that');
  });
});

describe('A fraud', () => {
  const [a, b] = [parseList(honest), parseList(wrong)];

  it('is proven by two lists of one content that one key has signed', () => {
    const fraud = twoLists(a, b)!;
    expect(guiltyOf(fraud)).toBe(named(key));
    expect(twoLists(a, a)).toBeUndefined();
    expect(JSON.stringify(fraud).length).toBeLessThan(2000);
  });

  it('is not proven by what somebody else has signed, or of other content', async () => {
    expect(twoLists(a, parseList(await listBy(newKey(), other)))).toBeUndefined();
    const elsewhere = parseList(await signList(listOf(other), [nameOf(other)], key));
    expect(twoLists(a, elsewhere)).toBeUndefined();
  });

  it('is proven by the log, and not where the log says the same', () => {
    expect(guiltyOf(otherRoot(b, digests[0], vouch(content))!)).toBe(named(key));
    expect(otherRoot(a, digests[0], vouch(content))).toBeUndefined();
    expect(otherRoot(b, nameOf(other), vouch(content))).toBeUndefined();
  });

  it('is not proven by what proves nothing', () => {
    const root = Buffer.from(rootOfChunks(listOf(content))).toString('hex');
    expect(guiltyOf({ kind: 'two-lists', head: a.signed, other: a.signed })).toBeUndefined();
    expect(guiltyOf({ kind: 'two-lists', head: a.signed, other: 'nothing' })).toBeUndefined();
    expect(guiltyOf({ kind: 'other-root', head: a.signed, root })).toBeUndefined();
    expect(guiltyOf({ kind: 'wrong-whole', head: a.signed, digest: nameOf(other) })).toBeUndefined();
    expect(guiltyOf({ kind: 'wrong-whole', head: a.signed, digest: digests[1] })).toBe(named(key));
    expect(() => parseHead(`${a.signed}\n`)).toThrow('malformed');
  });
});

describe('Of several lists', () => {
  const size = content.byteLength;
  const right = told(listOf(content));

  it('the one that two unrelated peers have signed is believed, whoever came first', () => {
    const tally = openTally(digests[1], size);
    tally.show(at(liar, '192.0.2.1'), lies);
    expect(told(tally.best())).not.toEqual(right);
    tally.show(at(one, '203.0.113.1'), first);
    expect(told(tally.best())).not.toEqual(right);
    tally.show(at(two, '198.51.100.1'), second);
    expect(told(tally.best())).toEqual(right);
  });

  it.each([
    ['one address range', '203.0.113.9'],
    ['a private network', '192.168.1.7'],
  ])('two of %s count as one', (_, address) => {
    const tally = openTally(digests[0], size);
    tally.show(at(liar, '192.0.2.1'), lies);
    tally.show(at(one, address.replace(/\d+$/, '1')), first);
    tally.show(at(two, address), second);
    expect(tally.best()?.maker).toBe(named(liar));
  });

  it('the one that the log has is believed, whoever shows it, and whoever contradicts it is guilty', () => {
    const tally = openTally(digests[0], size, vouch(content));
    expect(tally.show(at(liar, '192.0.2.1'), lies)).toMatchObject({ kind: 'fraud' });
    expect(tally.best()).toBeUndefined();
    expect(tally.show(at(two, '198.51.100.1'), first)).toMatchObject({ kind: 'counts' });
    expect(told(tally.best())).toEqual(right);
  });

  it('those do not count that are of something else, of another size, or of another peer', () => {
    expect(openTally(nameOf(other), size).show(at(one, '192.0.2.1'), first)).toMatchObject({
      kind: 'useless',
    });
    expect(openTally(digests[0], size + 1).show(at(one, '192.0.2.1'), first)).toMatchObject({
      kind: 'useless',
    });
    expect(openTally(digests[0], size).show(at(two, '192.0.2.1'), first)).toMatchObject({ kind: 'useless' });
    expect(openTally(digests[0], size).show(at(two, '192.0.2.1'), Buffer.from('x'))).toMatchObject({
      kind: 'useless',
    });
  });

  it('two of one key are a fraud', () => {
    const tally = openTally(digests[0], size);
    tally.show(at(key, '192.0.2.1'), honest);
    expect(tally.show(at(key, '192.0.2.1'), wrong)).toMatchObject({
      kind: 'fraud',
      fraud: { kind: 'two-lists' },
    });
  });
});
