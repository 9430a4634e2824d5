import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeersOptions } from '../../src/p2p/open-peers.ts';
import { fetched, type PeerNode, peerNode, PUBLIC_HERE } from '../support/peer-nodes.ts';

const PATIENT = { timeout: 30_000 };

describe('the distributed hash table', () => {
  const nodes: PeerNode[] = [];
  const node = async (options: Partial<PeersOptions> = {}): Promise<PeerNode> => {
    const opened = await peerNode(options);
    nodes.push(opened);
    return opened;
  };
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(async (each) => each[Symbol.asyncDispose]()));
  });

  it('leads along a line of nodes to who has it', { timeout: 120_000 }, async () => {
    let last = await node({ ...PUBLIC_HERE, resident: true });
    const first = last;
    const digest = await first.offer(randomBytes(50_000));
    for (let length = 1; length < 4; length++) {
      const next = await node({ ...PUBLIC_HERE, resident: true, bootstrap: [last.address] });
      await expect.poll(() => next.peers.status().connected, PATIENT).toContain(last.peers.name);
      last = next;
    }
    await expect.poll(() => first.peers.status().provides?.records, PATIENT).toBeGreaterThan(0);
    // It asks no seed for others: it was not told to begin with one.
    const taker = await node();
    const contact = { peer: last.peers.name, addresses: [last.address] };
    await taker.peers.connect(contact, { signal: AbortSignal.timeout(20_000) });
    const wanted = { digests: [digest] };
    // Half a second may be too little for a machine that does something else.
    await expect.poll(() => taker.peers.far(wanted), { timeout: 60_000 }).toBeDefined();
    const held = await taker.peers.far(wanted);
    expect(held?.peers).toEqual([first.peers.name]);
    expect(await fetched(held!)).toHaveLength(50_000);
  });

  it('is found again after a restart by one to whom all others came, though it is told of nobody', async () => {
    const state = await mkdtemp(join(tmpdir(), 'pyrsia-seed-'));
    const seed = await peerNode({ ...PUBLIC_HERE, resident: true, state });
    const other = await node({ ...PUBLIC_HERE, resident: true, bootstrap: [seed.address] });
    const reachedOf = (each: PeerNode) =>
      each.peers.known().find(({ peer }) => peer === other.peers.name)?.addresses ?? [];
    await expect.poll(() => reachedOf(seed), PATIENT).toHaveLength(1);
    // Where it was reached is where it listens, not where it came from.
    expect(other.address.startsWith(`${reachedOf(seed)[0]}/`)).toBe(true);
    await seed[Symbol.asyncDispose]();
    const again = await node({ ...PUBLIC_HERE, resident: true, state });
    expect(again.peers.name).toBe(seed.peers.name);
    await expect.poll(() => again.peers.status().connected, PATIENT).toContain(other.peers.name);
  });

  it('is told of what is here only while that is shared with everybody', async () => {
    const keeper = await node({ ...PUBLIC_HERE, resident: true });
    const bootstrap = [keeper.address];
    const near = await node({ resident: true, bootstrap });
    const open = await node({ ...PUBLIC_HERE, resident: true, bootstrap });
    for (const each of [near, open]) await each.offer(randomBytes(1000));
    await expect.poll(() => open.peers.status().provides, PATIENT).toMatchObject({ sets: 1 });
    await expect.poll(() => open.peers.status().provides?.records, PATIENT).toBeGreaterThan(0);
    expect(near.peers.status().provides).toEqual({ sets: 0, walks: 0, records: 0 });
  });

  it('costs half a second where it names who has something no more, or is gone', async () => {
    const keeper = await node({ ...PUBLIC_HERE, resident: true });
    const bootstrap = [keeper.address];
    const providers = await Promise.all(
      ['forgets', 'goes'].map(async () => node({ ...PUBLIC_HERE, resident: true, bootstrap })),
    );
    const digests = await Promise.all(providers.map(async (each) => each.offer(randomBytes(1000))));
    for (const each of providers)
      await expect.poll(() => each.peers.status().provides?.records, PATIENT).toBeGreaterThan(0);
    const [forgets, goes] = providers as [PeerNode, PeerNode];
    forgets.withdraw(digests[0]!);
    await goes[Symbol.asyncDispose]();
    nodes.splice(nodes.indexOf(goes), 1);
    const taker = await node({ ...PUBLIC_HERE });
    const contact = { peer: keeper.peers.name, addresses: bootstrap };
    await taker.peers.connect(contact, { signal: AbortSignal.timeout(20_000) });
    const begun = performance.now();
    const found = await Promise.all(digests.map(async (digest) => taker.peers.far({ digests: [digest] })));
    expect(found).toEqual([undefined, undefined]);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
