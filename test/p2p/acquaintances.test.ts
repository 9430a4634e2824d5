import { setImmediate as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Acquaintances, KEPT_UP, openAcquaintances } from '../../src/p2p/acquaintances.ts';

const MINUTE = 60_000;
const at = (peer: string) => ({ peer, addresses: [`/ip4/192.0.2.1/tcp/${peer.length}`] });

/** Lets everything happen that waits for nothing else. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await pause();
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

describe('acquaintances', () => {
  let opened: Acquaintances | undefined;
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => {
    opened?.close();
    vi.useRealTimers();
  });

  /** Somebody who connects to those who are there. */
  function among(there: Set<string>, banned: readonly string[] = []) {
    const connected = new Set<string>();
    const tried: string[] = [];
    const places: (readonly string[])[] = [];
    let hanging = 0;
    let most = 0;
    const acquaintances = openAcquaintances({
      dial: async ({ peer, addresses }, { signal }) => {
        tried.push(peer);
        places.push(addresses);
        hanging++;
        most = Math.max(most, hanging);
        await pause();
        hanging--;
        if (!there.has(peer) || signal?.aborted) return false;
        connected.add(peer);
        return true;
      },
      isConnected: (peer) => connected.has(peer),
      isAllowed: (peer) => !banned.includes(peer),
    });
    opened = acquaintances;
    return { acquaintances, connected, tried, places, most: () => most };
  }

  it('are connected as soon as they are met, eight at a time', async () => {
    const peers = Array.from({ length: 20 }, (_, index) => `p${index}`);
    const { acquaintances, connected, most } = among(new Set(peers));
    for (const peer of peers) acquaintances.meet(at(peer));
    await settle();
    expect([...connected].toSorted()).toEqual(peers.toSorted());
    expect(most()).toBe(8);
  });

  it('are tried again after longer and longer, and forgotten unless they last', async () => {
    const { acquaintances, tried } = among(new Set());
    acquaintances.meet(at('found'));
    acquaintances.meet(at('added'), { lasting: true });
    await settle();
    for (let minutes = 0; minutes < 60; minutes++) await pass(MINUTE);
    expect(tried.filter((peer) => peer === 'found')).toHaveLength(5);
    const lasting = tried.filter((peer) => peer === 'added').length;
    expect(lasting).toBeGreaterThan(7);
    expect(lasting).toBeLessThan(20);
  });

  it('are connected again when they come back', async () => {
    const there = new Set(['ada']);
    const { acquaintances, connected } = among(there);
    acquaintances.meet(at('ada'));
    await settle();
    there.clear();
    connected.clear();
    acquaintances.lost('ada');
    await pass(6000);
    expect(connected.size).toBe(0);
    there.add('ada');
    await pass(MINUTE);
    expect([...connected]).toEqual(['ada']);
  });

  it('are neither met nor reached where they are banned', async () => {
    const { acquaintances, tried } = among(new Set(['eve']), ['eve']);
    acquaintances.meet(at('eve'));
    await settle();
    expect(await acquaintances.reach(at('eve'), { signal: AbortSignal.timeout(MINUTE) })).toBe(false);
    expect(tried).toEqual([]);
  });

  it(`are at most ${KEPT_UP}, besides those that last`, async () => {
    const { acquaintances, tried } = among(new Set());
    for (let index = 0; index < KEPT_UP + 20; index++) acquaintances.meet(at(`p${index}`));
    acquaintances.meet(at('added'), { lasting: true });
    await settle();
    expect(new Set(tried).size).toBe(KEPT_UP + 1);
    expect(tried).toContain('added');
  });

  it('are tried at once where there is a new address, first at those that the user gave', async () => {
    const { acquaintances, places } = among(new Set());
    acquaintances.meet({ peer: 'ada', addresses: ['given'] }, { lasting: true });
    await settle();
    acquaintances.meet({ peer: 'ada', addresses: ['found'] });
    await settle();
    acquaintances.meet({ peer: 'ada', addresses: ['found'] });
    await settle();
    expect(places).toEqual([['given'], ['given', 'found']]);
    acquaintances.meet({ peer: 'ada', addresses: Array.from({ length: 50 }, (_, n) => `lie ${n}`) });
    await settle();
    expect(places.at(-1)).toHaveLength(9);
    expect(places.at(-1)![0]).toBe('given');
  });

  it('are left alone once it is over', async () => {
    const { acquaintances, tried } = among(new Set());
    acquaintances.meet(at('ada'));
    await settle();
    acquaintances.close();
    await pass(MINUTE);
    acquaintances.meet(at('bob'));
    await settle();
    expect(tried).toEqual(['ada']);
  });
});
