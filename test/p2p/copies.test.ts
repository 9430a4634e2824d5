import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import type { DocumentPlace, OfferedDocument, PeerName } from '../../src/p2p/contract.ts';
import { type CopiesParts, openCopies } from '../../src/p2p/find/copies.ts';
import { openSaidAsker } from '../../src/p2p/find/ask-said.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import { keyBetween, markOf, nameUnder, type SaidCopy } from '../../src/p2p/wire/said.ts';
import { fetched, peerNode } from '../support/peer-nodes.ts';
import { giver } from '../support/peer-hosts.ts';

const NOW = Date.UTC(2026, 0, 1);
const LEFT: DocumentPlace = { upstream: 'https://registry.example/', path: '/left' };
const bytes = Buffer.from('{"name":"left"}');
const sha256 = digestOf(bytes, 'sha256');

/** What is said of some body, seen so long ago in milliseconds. */
const said = (ago: number, more: Partial<SaidCopy> = {}): SaidCopy => ({
  encoding: 'identity',
  mark: markOf('*/*'),
  sha256: digestOf(Buffer.from(`${ago}`), 'sha256'),
  size: 10,
  seenAt: NOW - ago,
  ...more,
});

/** Asks neighbours of which each says the same whatever it is asked. */
function asking(
  neighbours: Readonly<Record<PeerName, readonly SaidCopy[] | 'hangs'>>,
  more: Partial<CopiesParts> = {},
) {
  const asked: PeerName[] = [];
  const copies = openCopies({
    self: 'me',
    neighbours: () => Object.keys(neighbours),
    isTrusted: () => false,
    async ask(peer, names, { signal }) {
      asked.push(peer);
      const answer = neighbours[peer]!;
      if (answer === 'hangs')
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('late'))));
      return { said: names.map(() => answer) };
    },
    learn: () => undefined,
    now: () => NOW,
    ...more,
  });
  return { asked, of: async (options = {}) => copies.of(LEFT, options) };
}

describe('what neighbours say of a registry’s answer', () => {
  it('is believed of whoever saw it last, and of whom the user trusts before others', async () => {
    const all = { a: [said(5000)], b: [said(1000)], c: [said(9000)] };
    expect((await asking(all).of()).map(({ peer }) => peer)).toEqual(['b', 'a', 'c']);
    const trusting = asking(all, { isTrusted: (peer) => peer === 'c' });
    expect((await trusting.of()).map(({ peer }) => peer)).toEqual(['c', 'b', 'a']);
  });

  it('is not believed of a time that has not come, unless a clock may be ahead', async () => {
    const minute = 60_000;
    const { of } = asking({ liar: [said(-60 * minute)], fast: [said(-minute)], old: [said(minute)] });
    expect((await of()).map(({ peer, seenAt }) => [peer, seenAt])).toEqual([
      ['fast', NOW],
      ['old', NOW - minute],
    ]);
  });

  it('is only an answer to the same question, where that is wanted', async () => {
    const { of } = asking({ a: [said(1, { mark: markOf('text/plain') }), said(2)] });
    expect(await of({ accept: '*/*' })).toHaveLength(1);
    expect(await of()).toHaveLength(2);
  });

  it('is asked of nobody but those whom the user trusts, where only they are believed', async () => {
    const { asked, of } = asking({ a: [said(1)], b: [said(2)] }, { isTrusted: (peer) => peer === 'b' });
    expect((await of({ onlyTrusted: true })).map(({ peer }) => peer)).toEqual(['b']);
    expect(asked).toEqual(['b']);
  });

  it('is asked in one message for all that is missing at the moment', async () => {
    const { asked, of } = asking({ a: [said(1)] });
    await Promise.all([of(), of(), of()]);
    expect(asked).toEqual(['a']);
  });

  it('is not waited for again of one that hangs', async () => {
    const { asked, of } = asking({ slow: 'hangs', a: [said(1)] });
    expect(await of()).toHaveLength(1);
    expect(await of()).toHaveLength(1);
    expect(asked).toEqual(['slow', 'a', 'a']);
  });
});

describe('a neighbour that is asked by name', () => {
  const document: OfferedDocument = {
    accept: '*/*',
    encoding: 'identity',
    sha256,
    size: bytes.byteLength,
    seenAt: NOW,
  };
  const documents = {
    *places() {
      yield { ...LEFT, key: 'k' };
    },
    find: (key: string) => (key === 'k' ? document : undefined),
  };

  it('says what it has by that name, gives it, and says nothing of another', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pyrsia-copies-'));
    const path = join(directory, 'body');
    await writeFile(path, bytes);
    const offer = { sha256, size: bytes.byteLength, available: bytes.byteLength, path };
    const find = (digest: Digest) => (digest === sha256 ? offer : undefined);
    await using one = await peerNode({ offers: { find, async *sets() {}, documents } });
    await using other = await peerNode();
    const { signal } = new AbortController();
    const contact = { peer: one.peers.name, addresses: [one.address] };
    expect(await other.peers.connect(contact, { signal })).toBeDefined();
    const copies = await other.peers.copies(LEFT);
    expect(copies).toEqual([
      { peer: one.peers.name, encoding: 'identity', sha256, size: bytes.byteLength, seenAt: NOW },
    ]);
    expect(await other.peers.copies({ ...LEFT, path: '/right' })).toEqual([]);
    expect(await other.peers.copies({ ...LEFT, upstream: 'https://other.example/' })).toEqual([]);
    const held = await other.peers.near({ digests: [sha256], size: bytes.byteLength });
    expect(await fetched(held!)).toEqual(bytes);
    await rm(directory, { recursive: true });
  });

  it('says nothing where it gives nothing, nor to one who is not near', async () => {
    let tells = true;
    const offers = { find: () => undefined, async *sets() {}, documents };
    await using one = await giver({ offers, tells: () => tells });
    const connection = await one.connect();
    const ask = openSaidAsker(monotonicClock);
    const self = connection.remotePeer.toString();
    await expect.poll(() => one.host.libp2p.getPeers(), { timeout: 20_000 }).toHaveLength(1);
    const taker = one.host.libp2p.getPeers()[0]!.toString();
    const name = nameUnder(keyBetween(taker, self), LEFT);
    expect((await ask(connection, [name])).said).toEqual([[expect.objectContaining({ sha256 })]]);
    tells = false;
    expect((await ask(connection, [name])).said).toEqual([[]]);
  });

  it('is told names that mean nothing to anybody else', () => {
    const toOne = nameUnder(keyBetween('me', 'one'), LEFT);
    expect(Buffer.from(toOne)).not.toEqual(Buffer.from(nameUnder(keyBetween('me', 'two'), LEFT)));
    expect(Buffer.from(toOne)).not.toEqual(Buffer.from(nameUnder(keyBetween('you', 'one'), LEFT)));
  });
});
