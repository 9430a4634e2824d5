/**
 * What peers say of content, and what is remembered of them, and what has to be so whatever the bytes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { chunker, CHUNK } from '../../src/content/chunks.ts';
import { digestOf } from '../../src/content/digest.ts';
import { type ListSigner, parseHead, parseList, signList } from '../../src/p2p/lists/chunk-list.ts';
import { peerOfKey } from '../../src/p2p/peer-name.ts';
import { formatBook, parseBook } from '../../src/p2p/book/peer-book-file.ts';
import {
  afterFailure,
  afterGift,
  afterStrike,
  banOf,
  newPeer,
  scoreOf,
} from '../../src/p2p/book/peer-score.ts';
import type { Target } from './target.ts';

const NOW = 1_800_000_000_000;

/** The same key each time. */
function signerOf(seed: number): ListSigner {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { publicKey, sign: (bytes) => sign(null, bytes, key) };
}

async function listBy(seed: number, size: number, algorithms: readonly 'sha512'[] = []): Promise<Uint8Array> {
  const content = Buffer.alloc(size, seed);
  const chunks = chunker(CHUNK);
  chunks.update(content);
  const others = algorithms.map((algorithm) => digestOf(content, algorithm));
  return signList(chunks.end(), [digestOf(content, 'sha256'), ...others], signerOf(seed));
}

const lists = [await listBy(1, 0), await listBy(2, 5), await listBy(3, 2 * CHUNK + 1, ['sha512'])];
const heads = lists.map((list) => parseList(list).signed);

const name = (seed: number): string => peerOfKey(signerOf(seed).publicKey);
const struck = afterStrike(
  newPeer(name(2), NOW),
  { at: NOW - 5, reason: 'fraud', weight: 1 },
  '203.0.113.0/24',
  { kind: 'two-lists', head: heads[0]!, other: heads[1]! },
);
const books = [
  [],
  [afterGift(newPeer(name(1), NOW), 1000, 10, NOW), struck, afterFailure(newPeer(name(3), NOW), 'cut', NOW)],
];

/** Readers of what peers say of content, and of the book of peers. */
export const peerTargets: readonly Target[] = [
  {
    name: 'chunk-list',
    seeds: lists,
    read(bytes) {
      const { signed } = parseList(bytes);
      // Nobody has signed anything else.
      assert.ok(heads.includes(signed));
      assert.ok(lists.some((list) => Buffer.from(list).equals(bytes)));
    },
  },
  {
    name: 'chunk-list-head',
    seeds: heads.map((head) => Buffer.from(head)),
    read: (bytes) => assert.ok(heads.includes(parseHead(Buffer.from(bytes).toString('latin1')).signed)),
  },
  {
    name: 'peer-book',
    seeds: books.map((book) => Buffer.from(formatBook(book))),
    read(bytes) {
      const book = parseBook(Buffer.from(bytes).toString('utf8'), NOW);
      const written = formatBook(book);
      assert.equal(formatBook(parseBook(written, NOW)), written);
      for (const each of book) {
        const after = afterStrike(each, { at: NOW, reason: 'wrong-chunk', weight: 1 });
        for (const known of [each, after]) assert.ok(scoreOf(known, NOW) >= 0);
        assert.ok((banOf(after, NOW)?.until ?? NOW) >= NOW);
      }
    },
  },
];
