import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { openIdentity } from '../../src/p2p/identity.ts';
import { memberFiles } from '../../src/p2p/members/member-files.ts';
import { MEMBER_S } from '../../src/p2p/members/membership.ts';
import type { PeersOptions } from '../../src/p2p/open-peers.ts';
import { fetched, type PeerNode, peerNode } from '../support/peer-nodes.ts';
import { networkOfMembers } from './network-of-members.ts';

const PATIENT = { timeout: 20_000 };

const seen = async (one: PeerNode, other: PeerNode): Promise<void> => {
  await expect.poll(() => one.peers.status().connected, PATIENT).toContain(other.peers.name);
};

describe('peers of an agent', () => {
  const nodes: PeerNode[] = [];
  const node = async (options: Partial<PeersOptions> = {}): Promise<PeerNode> => {
    const opened = await peerNode(options);
    nodes.push(opened);
    return opened;
  };
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(async (each) => each[Symbol.asyncDispose]()));
  });

  it('are asked, and give what they have', async () => {
    const giver = await node();
    const [bytes, large] = [randomBytes(20_000), randomBytes(3 * 2 ** 20)];
    const taker = await node({ bootstrap: [giver.address] });
    await seen(taker, giver);
    for (const content of [bytes, large]) {
      const digest = await giver.offer(content);
      const wanted = { digests: [digest] };
      await expect.poll(() => taker.peers.near(wanted), PATIENT).toBeDefined();
      const held = await taker.peers.near(wanted);
      expect(held).toMatchObject({ size: content.byteLength, peers: [giver.peers.name] });
      expect((await fetched(held!)).equals(content)).toBe(true);
    }
    expect(taker.peers.status().taken).toBe(bytes.byteLength + large.byteLength);
    // A list of the chunks is given, too.
    const besides = () => giver.peers.status().given - bytes.byteLength - large.byteLength;
    await expect.poll(besides, PATIENT).toBeGreaterThan(0);
    expect(besides()).toBeLessThan(2000);
  });

  it('are asked by sha512, and for many things at once', async () => {
    const giver = await node();
    const taker = await node({ bootstrap: [giver.address] });
    await seen(taker, giver);
    const contents = Array.from({ length: 300 }, (_, at) => Buffer.from(`content ${at}`));
    for (const content of contents.slice(0, 100)) await giver.offer(content);
    const digests = contents.map((content) => digestOf(content, 'sha512'));
    await taker.peers.prepare(digests);
    const held = await Promise.all(digests.map((digest) => taker.peers.near({ digests: [digest] })));
    expect(held.filter((one) => one !== undefined)).toHaveLength(100);
  });

  it('name each other to whom asks them for others', { timeout: 120_000 }, async () => {
    const seed = await node();
    const giver = await node({ bootstrap: [seed.address] });
    const digest = await giver.offer(randomBytes(5000));
    const taker = await node({ bootstrap: [seed.address] });
    await Promise.all([seen(taker, seed), seen(giver, seed)]);
    const wanted = { digests: [digest] };
    expect(await taker.peers.near(wanted)).toBeUndefined();
    // What half a second was too little for, on a busy machine, is looked for again after half a minute.
    const later = { timeout: 80_000 };
    await expect.poll(() => taker.peers.far(wanted), later).toMatchObject({ peers: [giver.peers.name] });
    expect(taker.peers.status().connected).toContain(giver.peers.name);
    // Whoever has no such address on a link is not led to his own loopback.
    const wary = await node({ bootstrap: [seed.address], links: () => [] });
    await seen(wary, seed);
    expect(await wary.peers.far(wanted)).toBeUndefined();
    expect(wary.peers.status().connected).toEqual([seed.peers.name]);
  });

  it('give nothing to anybody, and listen nowhere, where nothing is shared', async () => {
    const giver = await node({ share: 'off' });
    expect(giver.peers.status().listening).toEqual([]);
    const digest = await giver.offer(randomBytes(5000));
    const asking = await node();
    await giver.peers.connect(
      { peer: asking.peers.name, addresses: [asking.address] },
      { signal: AbortSignal.timeout(20_000) },
    );
    await seen(asking, giver);
    expect(await asking.peers.far({ digests: [digest] })).toBeUndefined();
    // The same the other way round: whoever gives nothing may ask.
    const other = await asking.offer(randomBytes(5000));
    await expect.poll(() => giver.peers.near({ digests: [other] }), PATIENT).toBeDefined();
  });

  it('listen and give no more once the user has said so', async () => {
    const giver = await node();
    const digest = await giver.offer(randomBytes(5000));
    const taker = await node({ bootstrap: [giver.address] });
    await seen(taker, giver);
    await expect.poll(() => taker.peers.near({ digests: [digest] }), PATIENT).toBeDefined();
    await giver.peers.renew({ share: 'off' });
    expect(giver.peers.status().listening).toEqual([]);
    await expect.poll(() => taker.peers.near({ digests: [digest] }), PATIENT).toBeUndefined();
    expect(await taker.peers.far({ digests: [digest] })).toBeUndefined();
  });

  it('make up for one of three that lies, who is remembered for it', async () => {
    const seeds = await Promise.all([node(), node(), node()]);
    // All are at one address, which is banned with the liar but for those whom the user has added.
    const added = seeds.map(
      ({ peers, address }) => [peers.name, { addresses: [address], banned: false, trusted: false }] as const,
    );
    const taker = await node({ said: new Map(added) });
    for (const seed of seeds) await seen(taker, seed);
    const liar = seeds[1]!;
    const contents = Array.from({ length: 12 }, () => randomBytes(40_000));
    for (const [i, content] of contents.entries()) {
      const lie = Buffer.from(content);
      lie[39_999]! ^= 1;
      // The first one has nobody but the liar.
      for (const seed of i === 0 ? [liar] : seeds) await seed.offer(content, seed === liar ? lie : content);
    }
    const first = { digests: [digestOf(contents[0]!, 'sha256')] };
    await expect.poll(() => taker.peers.near(first), PATIENT).toBeDefined();
    await expect(fetched((await taker.peers.near(first))!)).rejects.toThrow(liar.peers.name);
    for (const content of contents.slice(1)) {
      const wanted = { digests: [digestOf(content, 'sha512')] };
      const holders = async () => (await taker.peers.near(wanted))?.peers.length;
      await expect.poll(holders, PATIENT).toBeGreaterThan(1);
      const held = await taker.peers.near(wanted);
      expect((await fetched(held!)).equals(content)).toBe(true);
    }
    const blamed = taker.peers.known().filter(({ strikes, ban }) => strikes.length > 0 || ban);
    expect(blamed.map(({ peer }) => peer)).toEqual([liar.peers.name]);
  });

  it('hang up on whom they have caught lying three times, and ask it no more', async () => {
    const liar = await node();
    const taker = await node({ bootstrap: [liar.address] });
    await seen(taker, liar);
    for (let i = 0; i < 3; i++) {
      const wanted = { digests: [await liar.offer(randomBytes(4000), randomBytes(4000))] };
      await expect.poll(() => taker.peers.near(wanted), PATIENT).toBeDefined();
      await expect(fetched((await taker.peers.near(wanted))!)).rejects.toThrow(liar.peers.name);
    }
    await expect.poll(() => taker.peers.status().connected, PATIENT).toEqual([]);
    const wanted = { digests: [await liar.offer(randomBytes(4000))] };
    expect(await taker.peers.far(wanted)).toBeUndefined();
  });

  it('believe who claims to have everything three times at most', async () => {
    const claimant = await node();
    const made = await claimant.offer(randomBytes(4321));
    const giver = await node();
    const offers = {
      find: () => ({ sha256: made, size: 4321, available: 4321, path: join(claimant.state, made.slice(7)) }),
      async *sets() {},
    };
    const everything = await node({ offers });
    const added = [everything, giver].map(
      ({ peers, address }) => [peers.name, { addresses: [address], banned: false, trusted: false }] as const,
    );
    const taker = await node({ said: new Map(added) });
    for (const each of [everything, giver]) await seen(taker, each);
    let failed = 0;
    for (let i = 0; i < 12; i++) {
      const content = randomBytes(20_000);
      const wanted = { digests: [await giver.offer(content)] };
      await expect.poll(() => taker.peers.near(wanted), PATIENT).toBeDefined();
      const got = await fetched((await taker.peers.near(wanted))!).catch(() => undefined);
      if (got) expect(got.equals(content)).toBe(true);
      else failed++;
    }
    expect(failed).toBeLessThanOrEqual(3);
    expect(
      taker.peers
        .known()
        .filter(({ strikes, ban }) => strikes.length > 0 || ban)
        .map(({ peer }) => peer),
    ).toEqual([everything.peers.name]);
  });

  it('do not deal with whom the user has banned', async () => {
    const one = await node();
    const other = await node({ bootstrap: [one.address] });
    await seen(other, one);
    const said = new Map([[other.peers.name, { addresses: [], banned: true, trusted: false }]]);
    await one.peers.renew({ share: 'lan', said });
    await expect.poll(() => one.peers.status().connected, PATIENT).toEqual([]);
    const contact = { peer: one.peers.name, addresses: [one.address] };
    expect(await other.peers.connect(contact, { signal: AbortSignal.timeout(20_000) })).toBeUndefined();
    expect(one.peers.status().connected).toEqual([]);
  });

  it('of a private network give to its members, and to nobody else', async () => {
    using network = networkOfMembers();
    const its = { key: network.raw, file: Buffer.from('its file') };
    const member = async (options: Partial<PeersOptions> = {}): Promise<PeerNode> => {
      const { state } = network.peer({ member: false });
      const { name } = await openIdentity(state);
      memberFiles(state, network.raw).keepCard(network.card(name));
      states.push(state);
      return node({ ...options, state, network: its });
    };
    const states: string[] = [];
    const giver = await member();
    expect(giver.peers.status().memberUntil).toBe((network.now + MEMBER_S) * 1000);
    const digest = await giver.offer(randomBytes(5000));
    const bootstrap = [giver.address];
    const strangers = [await node({ bootstrap }), await node({ bootstrap, network: its })];
    const taker = await member({ bootstrap });
    await expect.poll(() => taker.peers.near({ digests: [digest] }), PATIENT).toMatchObject({ size: 5000 });
    for (const each of strangers) expect(await each.peers.far({ digests: [digest] })).toBeUndefined();
    await giver.peers.renew({ share: 'lan' });
    expect(giver.peers.status().connected).toEqual([taker.peers.name]);

    memberFiles(states[0]!, network.raw).keepRevocations([
      { peer: taker.peers.name, at: network.now, text: network.revocation(taker.peers.name) },
    ]);
    await giver.peers.renew({ share: 'lan' });
    await expect.poll(() => giver.peers.status().connected, PATIENT).toEqual([]);
  });

  it('are connected to and remembered where one is added', async () => {
    const one = await node();
    const other = await node();
    const contact = { peer: one.peers.name, addresses: [one.address] };
    const reached = await other.peers.connect(contact, { signal: AbortSignal.timeout(20_000) });
    expect(reached).toContain('/ip4/127.0.0.1/tcp/');
    expect(
      await other.peers.ping(one.peers.name, { signal: AbortSignal.timeout(20_000) }),
    ).toBeGreaterThanOrEqual(0);
    expect(other.peers.known().map(({ peer }) => peer)).toEqual([one.peers.name]);
  });
});
