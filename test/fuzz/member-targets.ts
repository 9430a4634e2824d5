/**
 * What peers of a private network show each other, and what has to be so whatever the bytes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { PyrsiaError } from '../../src/errors.ts';
import { formatJoinToken, parseJoinToken } from '../../src/p2p/members/join-token.ts';
import {
  readCard,
  readRevocations,
  signMembership,
  signRevocation,
} from '../../src/p2p/members/membership.ts';
import { peerOfKey } from '../../src/p2p/peer-name.ts';
import type { Target } from './target.ts';

/** The same key each time. */
function keyOf(seed: number): {
  readonly key: ReturnType<typeof createPrivateKey>;
  readonly raw: Uint8Array;
} {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex');
  const key = createPrivateKey({
    key: Buffer.concat([head, Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  });
  const { x = '' } = key.export({ format: 'jwk' });
  return { key, raw: Buffer.from(x, 'base64url') };
}

const [network, admitter, member] = [keyOf(1), keyOf(2), keyOf(3)];
const [admits, peer] = [peerOfKey(admitter.raw), peerOfKey(member.raw)];
const now = 1_800_000_000;
const own = { peer, from: now - 10, until: now + 10, admits: false };
const cards = [
  signMembership(network.raw, own, network.key),
  signMembership(network.raw, own, admitter.key) +
    signMembership(network.raw, { ...own, peer: admits, admits: true }, network.key),
];
const revocations = [peer, admits].map((each) =>
  signRevocation(network.raw, { peer: each, at: now }, network.key),
);
const token = {
  network: network.raw,
  peer,
  addresses: ['/ip4/192.168.1.5/tcp/4001', '/dns4/peer.example/tcp/1'],
  secret: Buffer.alloc(32, 9),
  until: now,
};

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const refused = (reason: string): PyrsiaError => new PyrsiaError('NOT_PROVEN', { what: 'it', reason });

/** Readers of what members show. */
export const memberTargets: readonly Target[] = [
  {
    name: 'membership',
    seeds: cards.map((each) => Buffer.from(each)),
    read(bytes) {
      const read = readCard(text(bytes), { network: network.raw, peer, now, isRevoked: () => false });
      if (typeof read === 'string') throw refused(read);
      // Nobody has signed anything else.
      assert.ok(cards.includes(text(bytes)));
      assert.deepEqual([read.peer, read.ends], [peer, now + 10]);
    },
  },
  {
    name: 'revocations',
    seeds: [revocations.join(''), ...revocations].map((each) => Buffer.from(each)),
    read(bytes) {
      const read = readRevocations(text(bytes), network.raw);
      if (!read) throw refused('another has signed them');
      assert.equal(read.map((each) => each.text).join(''), text(bytes));
      for (const each of read) assert.ok(revocations.includes(each.text));
    },
  },
  {
    name: 'join-token',
    seeds: [token, { ...token, addresses: [] }].map((each) => Buffer.from(formatJoinToken(each))),
    read(bytes) {
      const read = parseJoinToken(text(bytes));
      assert.deepEqual(parseJoinToken(formatJoinToken(read)), read);
    },
  },
];
