import { fc, test } from '@fast-check/vitest';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rangeOf } from '../../src/p2p/address-range.ts';
import { openPeerBook, type PeerBook, PEERS_LIMIT } from '../../src/p2p/book/peer-book.ts';
import { peerOfKey } from '../../src/p2p/peer-name.ts';
import {
  afterFailure,
  afterGift,
  afterStrike,
  BAN_AT,
  banOf,
  FIRST_BAN,
  LONGEST_BAN,
  newPeer,
  scoreOf,
} from '../../src/p2p/book/peer-score.ts';
import type { Said } from '../../src/p2p/said-of-peers.ts';

const NOW = Date.parse('2027-01-15T12:00:00Z');
const peer = (n: number): string => peerOfKey(Buffer.alloc(32, `peer ${n}`));
const [one, two, three] = [peer(1), peer(2), peer(3)];

let directory: string;
let now: number;
let lines: string[];
let said: Map<string, Said>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-book-'));
  [now, lines, said] = [NOW, [], new Map()];
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(): PeerBook {
  return openPeerBook(directory, { now: () => now, log: (line) => void lines.push(line), said: () => said });
}
const file = (): string => join(directory, 'peer', 'book.json');
const strike = (book: PeerBook, address?: string): void =>
  book.strike(one, { reason: 'wrong-chunk', ...(address === undefined ? {} : { address }) });

describe('The book of peers', () => {
  it('is the same after a restart', async () => {
    const before = open();
    before.saw(one, ['/ip4/203.0.113.5/tcp/4001']);
    before.gave(one, 5_000_000, 1000);
    before.failed(two, 'slow');
    before.strike(three, {
      reason: 'fraud',
      address: '203.0.113.5',
      fraud: { kind: 'two-lists', head: 'a', other: 'b' },
    });
    await before.settled();
    const after = open();
    expect(after.all()).toEqual(before.all());
    expect(after.find(one)).toMatchObject({ addresses: ['/ip4/203.0.113.5/tcp/4001'], speed: 5_000_000 });
    expect(lines).toEqual([]);
  });

  it('is written by replacing it, some time after a change or at the end', async () => {
    {
      await using book = open();
      book.saw(one);
      expect(readdirSync(directory)).toEqual([]);
    }
    expect(readdirSync(join(directory, 'peer')).filter((name) => name.includes('book'))).toEqual([
      'book.json',
    ]);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ peers: [{ peer: one }] });
  });

  it.each(['', '{', '[]', '{"version":2,"peers":[]}', '{"version":1,"peers":{}}'])(
    'begins anew where its file is %o, and says so',
    async (text) => {
      mkdirSync(join(directory, 'peer'));
      writeFileSync(file(), text);
      const book = open();
      expect(book.all()).toEqual([]);
      expect(lines).toEqual([expect.stringContaining('beginning anew')]);
      book.saw(one);
      await book.settled();
      expect(open().all()).toHaveLength(1);
    },
  );

  it('leaves out what is no peer, and keeps the rest', () => {
    mkdirSync(join(directory, 'peer'));
    const peers = [{ peer: one, seenAt: 9e15, addresses: [7, '/ip4/1.2.3.4/tcp/1'] }, { peer: 'x' }, null, 7];
    writeFileSync(file(), JSON.stringify({ version: 1, peers }));
    expect(open().all()).toMatchObject([{ peer: one, seenAt: NOW, addresses: ['/ip4/1.2.3.4/tcp/1'] }]);
  });

  it('goes on where it cannot be written, and says so once', async () => {
    writeFileSync(join(directory, 'peer'), 'no directory');
    const book = open();
    for (const each of [one, two]) {
      book.saw(each);
      await book.settled();
    }
    expect(book.all()).toHaveLength(2);
    expect(lines).toEqual([expect.stringContaining('Cannot remember peers')]);
  });

  it('forgets those of least use when there are too many, and never whom the user has named', () => {
    const book = open();
    said.set(peer(0), { addresses: ['/ip4/192.168.1.5/tcp/4001'], banned: false, trusted: false });
    book.saw(peer(0));
    book.gave(peer(1), 1e9, 1000);
    for (let i = 0; i < 3; i++) book.strike(peer(2), { reason: 'wrong-chunk' });
    for (let i = 3; i <= PEERS_LIMIT + 500; i++) {
      now++;
      book.saw(peer(i));
    }
    expect(book.all().length).toBeLessThanOrEqual(PEERS_LIMIT);
    for (const i of [0, 1, 2, PEERS_LIMIT + 500]) expect(book.find(peer(i))).toBeDefined();
    expect(book.find(peer(3))).toBeUndefined();
  });

  it('has those first whom the user has named, then the quickest, and last those who are banned', () => {
    const book = open();
    said.set(one, { addresses: [], banned: false, trusted: true });
    book.gave(one, 1000, 1000);
    book.gave(two, 90_000_000, 1000);
    for (let i = 0; i < 3; i++) book.strike(three, { reason: 'wrong-chunk' });
    book.saw(peer(4));
    expect(book.all().map((each) => each.peer)).toEqual([one, two, peer(4), three]);
  });
});

describe('A ban', () => {
  it('follows three wrong chunks, for hours that double each time', () => {
    const book = open();
    for (const hours of [4, 8, 16]) {
      strike(book);
      strike(book);
      expect(book.banned(one)).toBeUndefined();
      strike(book);
      expect(book.banned(one)?.until).toBe(now + hours * 60 * 60 * 1000);
      now += hours * 60 * 60 * 1000;
      expect(book.banned(one)).toBeUndefined();
    }
  });

  it('follows one proof of fraud, which is kept', () => {
    const book = open();
    const fraud = { kind: 'two-lists', head: 'a', other: 'b' } as const;
    book.strike(one, { reason: 'fraud', fraud });
    expect(book.banned(one)).toEqual({ until: NOW + LONGEST_BAN, reason: 'fraud' });
    expect(book.find(one)?.frauds).toEqual([fraud]);
  });

  it('does not follow strikes that were long ago, or that others may have caused', () => {
    const book = open();
    strike(book);
    strike(book);
    now += 8 * 24 * 60 * 60 * 1000;
    strike(book);
    for (let i = 0; i < 5; i++) book.strike(two, { reason: 'wrong-whole', weight: 1 / 2 });
    expect([book.banned(one), book.banned(two)]).toEqual([undefined, undefined]);
    book.strike(two, { reason: 'wrong-whole', weight: 1 / 2 });
    expect(book.banned(two)).toBeDefined();
  });

  it('holds for others at the same address range, but not for those the user has named', () => {
    const book = open();
    for (let i = 0; i < 3; i++) strike(book, '203.0.113.5');
    expect(book.banned(two, '203.0.113.200')).toMatchObject({ range: '203.0.113.0/24' });
    expect(book.banned(two, '203.0.114.5')).toBeUndefined();
    expect(book.banned(two)).toBeUndefined();
    said.set(two, { addresses: [], banned: false, trusted: true });
    expect(book.banned(two, '203.0.113.200')).toBeUndefined();
  });

  it('in a private network holds for one machine alone', () => {
    const book = open();
    for (let i = 0; i < 3; i++) strike(book, '192.168.1.5');
    expect(book.banned(two, '192.168.1.6')).toBeUndefined();
    expect(book.banned(two, '192.168.1.5')).toBeDefined();
  });

  it('of the user has no end, and is the user’s to lift', () => {
    const book = open();
    said.set(one, { addresses: [], banned: true, trusted: false });
    expect(book.banned(one)).toEqual({ until: Infinity, reason: 'user' });
    said.clear();
    expect(book.banned(one)).toBeUndefined();
  });

  it('is forgiven with all that led to it', () => {
    const book = open();
    for (let i = 0; i < 3; i++) strike(book);
    book.failed(one, 'cut');
    book.forgive(one);
    expect(book.banned(one)).toBeUndefined();
    expect(book.find(one)).toMatchObject({ strikes: [], bans: 0, failures: 0, frauds: [] });
  });

  it('that another clock has made is none', () => {
    const struck = afterStrike(newPeer(one, NOW), { at: NOW * 2, reason: 'fraud', weight: 1 });
    expect(banOf(struck, NOW)).toBeUndefined();
  });

  test.prop([
    fc.array(fc.tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.nat(FIRST_BAN)), { maxLength: 20 }),
  ])('never comes before strikes weigh three', (strikes) => {
    let known = newPeer(one, 0);
    let [at, sum] = [0, 0];
    for (const [weight, pause] of strikes) {
      sum += weight;
      known = afterStrike(known, { at: (at += pause), reason: 'wrong-whole', weight });
      if (sum < BAN_AT - 0.01) expect(banOf(known, at)).toBeUndefined();
    }
  });
});

describe('A peer that does not deliver', () => {
  it('comes after those who do, the more often it did not, until it does or some hours have gone by', () => {
    const hour = 60 * 60 * 1000;
    const fresh = newPeer(one, NOW);
    const best = scoreOf(fresh, NOW);
    const failed = afterFailure(afterFailure(fresh, 'cut', NOW), 'slow', NOW);
    expect(scoreOf(failed, NOW)).toBe(best / 4);
    expect(scoreOf(failed, NOW + hour)).toBe(best / 2);
    expect(scoreOf(failed, NOW + 5 * hour)).toBe(best);
    expect(scoreOf(afterGift(failed, 1e9, 1000, NOW), NOW)).toBeGreaterThan(best);
  });

  it('is not blamed for being busy, or for having nothing', () => {
    const known = newPeer(one, NOW);
    for (const failure of ['busy', 'none'] as const) expect(afterFailure(known, failure, NOW)).toBe(known);
  });
});

describe('An address range', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['10.1.2.3', '10.1.2.3'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['example.org', 'example.org'],
  ])('of %s is %s', (address, range) => expect(rangeOf(address)).toBe(range));
});
