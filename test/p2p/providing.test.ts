import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { digestOf, type Digest } from '../../src/content/digest.ts';
import { keyOf, placeOf } from '../../src/p2p/table/dht-keys.ts';
import { type Providing, REPLICAS, startProviding, type TablePeer } from '../../src/p2p/table/providing.ts';

const MINUTE = 60_000;
const digests = (count: number): Digest[] =>
  Array.from({ length: count }, (_, at) => digestOf(Buffer.from(`set ${at}`), 'sha256'));
const peersOf = (count: number): TablePeer[] =>
  Array.from({ length: count }, (_, at) => ({ peer: `p${at}`, id: Buffer.from(`peer ${at}`) }));

describe('providing', () => {
  let providing: Providing | undefined;
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
  afterEach(() => {
    providing?.close();
    vi.useRealTimers();
  });

  /** A node that provides in a table of so many peers. */
  function provides(
    sets: () => readonly Digest[],
    size: number,
    takes: (peer: string) => boolean = () => true,
  ) {
    const network = peersOf(size);
    const told: { peer: string; keys: readonly Uint8Array[] }[] = [];
    const walks: Uint8Array[] = [];
    let kept: readonly Uint8Array[] = [];
    const places = network.map((each) => ({ ...each, place: placeOf(each.id) }));
    const nearestTo = (key: Uint8Array): TablePeer[] => {
      const to = placeOf(key);
      const away = places.map((each) => ({
        ...each,
        far: Buffer.from(to.map((byte, at) => byte ^ each.place[at]!)),
      }));
      return away.toSorted((a, b) => Buffer.compare(a.far, b.far)).slice(0, REPLICAS);
    };
    providing = startProviding({
      now: () => performance.now(),
      peers: () => network.length,
      keep: (keys) => (kept = keys),
      nearest: async (key) => {
        walks.push(key);
        return nearestTo(key);
      },
      tell: async (peer, keys) => {
        if (!takes(peer)) throw new Error('no');
        told.push({ peer, keys });
      },
      offers: {
        async *sets() {
          yield* sets();
        },
      },
    });
    return {
      told,
      walks,
      kept: () => kept,
      nearestTo,
      pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
    };
  }

  it('takes one walk where all peers are known, and tells each of them everything at once', async () => {
    const sets = digests(500);
    const { told, walks, kept, pass } = provides(() => sets, 12);
    await pass(0);
    expect(walks).toHaveLength(1);
    expect(told.map(({ peer, keys }) => `${peer} ${keys.length}`).toSorted()).toEqual(
      peersOf(12)
        .map(({ peer }) => `${peer} 500`)
        .toSorted(),
    );
    expect(kept()).toHaveLength(500);
    expect(providing?.view()).toEqual({ sets: 500, walks: 1, records: 6000 });
  });

  it('takes a walk for each region of a large table, and each record comes to peers that are near', async () => {
    const sets = digests(300);
    const { told, walks, nearestTo, pass } = provides(() => sets, 300);
    await pass(0);
    expect(walks.length).toBeGreaterThan(2);
    expect(walks.length).toBeLessThan(100);
    const toldOf = new Map<string, string[]>();
    for (const { peer, keys } of told)
      for (const key of keys.map((each) => Buffer.from(each).toString('hex')))
        toldOf.set(key, [...(toldOf.get(key) ?? []), peer]);
    for (const digest of sets) {
      const key = keyOf(digest)!;
      const at = toldOf.get(Buffer.from(key).toString('hex')) ?? [];
      expect(at).toHaveLength(REPLICAS);
      const nearest = new Set(nearestTo(key).map(({ peer }) => peer));
      expect(at.filter((peer) => nearest.has(peer)).length).toBeGreaterThanOrEqual(REPLICAS / 4);
      expect(at).toContain(nearestTo(key)[0]!.peer);
    }
  });

  it('says it again every 20 minutes, and what is new within a minute', async () => {
    let sets = digests(3);
    const { told, pass } = provides(() => sets, 1);
    await pass(0);
    await pass(10 * MINUTE);
    expect(told.map(({ keys }) => keys.length)).toEqual([3]);
    sets = digests(5);
    await pass(MINUTE);
    expect(told.map(({ keys }) => keys.length)).toEqual([3, 2]);
    await pass(10 * MINUTE);
    expect(told.map(({ keys }) => keys.length)).toEqual([3, 2, 3]);
  });

  it('says nothing more of what has gone', async () => {
    let sets = digests(3);
    const { told, kept, pass } = provides(() => sets, 1);
    await pass(0);
    sets = sets.slice(1);
    await pass(MINUTE);
    expect(kept()).toHaveLength(2);
    await pass(25 * MINUTE);
    expect(told.map(({ keys }) => keys.length)).toEqual([3, 2]);
  });

  it('tries again where nobody has taken it', async () => {
    let isWilling = false;
    const { told, pass } = provides(
      () => digests(2),
      1,
      () => isWilling,
    );
    await pass(0);
    expect(told).toEqual([]);
    isWilling = true;
    await pass(MINUTE);
    expect(told.map(({ keys }) => keys.length)).toEqual([2]);
  });

  it('waits until there is somebody to tell', async () => {
    const { told, walks, pass } = provides(() => digests(2), 0);
    await pass(10_000);
    expect(walks.length).toBeGreaterThan(1);
    expect(told).toEqual([]);
  });

  it('has for what is known by sha512 the key that others look it up by', () => {
    const sha512 = digestOf(Buffer.from('x'), 'sha512');
    const multihash = Buffer.concat([Uint8Array.of(0x13, 64), Buffer.from(sha512.slice(7), 'hex')]);
    const expected = createHash('sha256').update(multihash).digest('hex');
    expect(Buffer.from(keyOf(sha512)!).toString('hex')).toBe(`1220${expected}`);
    const sha256 = digestOf(Buffer.from('x'), 'sha256');
    expect(Buffer.from(keyOf(sha256)!).toString('hex')).toBe(`1220${sha256.slice(7)}`);
    expect(keyOf(digestOf(Buffer.from('x'), 'sha1'))).toBeUndefined();
  });
});
