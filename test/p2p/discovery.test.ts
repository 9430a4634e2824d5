import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { digestOf, type Digest } from '../../src/content/digest.ts';
import { HAS_MS, LACKS_MS } from '../../src/p2p/find/answers.ts';
import type { Wanted } from '../../src/content/descriptor.ts';
import {
  type Contact,
  type Discovery,
  type Neighbourhood,
  openDiscovery,
  PREPARED,
} from '../../src/p2p/find/discovery.ts';
import { PATIENCE_MS } from '../../src/p2p/find/promptness.ts';
import { DIGESTS_LIMIT, type HaveAnswer } from '../../src/p2p/wire/wire.ts';

const digestOfText = (text: string): Digest => digestOf(Buffer.from(text), 'sha256');
const many = (count: number): Digest[] => Array.from({ length: count }, (_, at) => digestOfText(`${at}`));
const wantedOf = (digest: Digest, size?: number): Wanted => ({
  digests: [digest],
  ...(size !== undefined && { size }),
});

/** What one peer does when it is asked. */
type Conduct = (
  digests: readonly Digest[],
  delegate: boolean,
  signal: AbortSignal,
) => Promise<Pick<HaveAnswer, 'holdings' | 'hints'>>;

const holds =
  (has: readonly Digest[], { afterMs = 0, size = 10 } = {}): Conduct =>
  async (digests) => {
    if (afterMs > 0 && digests.length > 0) await delay(afterMs);
    return {
      holdings: digests.map((digest) => (has.includes(digest) ? { size, available: size } : undefined)),
      hints: [],
    };
  };
const hangs = (): Conduct => async () => new Promise(() => undefined);
const refuses = (): Conduct => async () => Promise.reject(new Error('no'));
const names =
  (...peers: readonly string[]): Conduct =>
  async (digests, delegate) => ({
    holdings: digests.map(() => undefined),
    hints: delegate ? peers.map((peer) => ({ peer, addresses: [], which: [0] })) : [],
  });

/** Walks through the hash table. */
async function* namesNobody(): AsyncGenerator<Contact> {
  await setImmediate();
  yield* [];
}
async function* namesThree(): AsyncGenerator<Contact> {
  await setImmediate();
  for (const peer of ['stale', 'gone', 'eve']) yield { peer, addresses: [] };
}
async function* goesOn(_: Digest, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<Contact> {
  while (true) {
    await delay(60_000, undefined, { signal });
    yield { peer: 'late', addresses: [] };
  }
}

let opened: Discovery[] = [];
afterEach(() => {
  for (const each of opened) each.close();
  opened = [];
});

/** A node among these peers, all of them connected but those in `away`, with a record of what they were asked. */
function among(
  peers: Readonly<Record<string, Conduct>>,
  {
    away = [],
    seeds = [],
    walk = namesNobody,
  }: {
    readonly away?: readonly string[];
    readonly seeds?: readonly string[];
    readonly walk?: Neighbourhood['walk'];
  } = {},
) {
  const asked: { peer: string; digests: readonly Digest[]; delegate: boolean }[] = [];
  /** Stands still: what takes long here only looks so. */
  const clock = { ms: 1_000_000 };
  const connected = new Set(Object.keys(peers).filter((peer) => !away.includes(peer)));
  const reached: string[] = [];
  const discovery = openDiscovery({
    ask: async (peer, digests, { delegate, signal }) => {
      asked.push({ peer, digests, delegate });
      return peers[peer]!(digests, delegate, signal);
    },
    connected: () => [...connected],
    admits: () => true,
    seeds: () => seeds,
    walk,
    reach: async ({ peer }) => {
      reached.push(peer);
      if (peer in peers) connected.add(peer);
      return peer in peers;
    },
    now: () => clock.ms,
  });
  opened.push(discovery);
  const meet = async (): Promise<void> => {
    for (const peer of connected) discovery.met(peer);
    await setImmediate();
    asked.length = 0;
  };
  return { discovery, asked, reached, clock, meet, connected };
}

/** How long a call takes in milliseconds. */
async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const since = performance.now();
  const value = await work();
  return { value, ms: performance.now() - since };
}

/** How long the quickest of these misses takes in milliseconds: this machine may be busy with something else. */
async function quickest(discovery: Discovery, digests: readonly Digest[]): Promise<number> {
  const times: number[] = [];
  for (const digest of digests) times.push((await timed(() => discovery.near(wantedOf(digest)))).ms);
  return Math.min(...times);
}

const left = digestOfText('left');

describe('who is near', () => {
  it('says who has it, and how much there is', async () => {
    const { discovery } = among({ ada: holds([left], { size: 30 }), bob: holds([]) });
    discovery.met('ada');
    await setImmediate();
    const found = await discovery.near(wantedOf(left));
    expect(found).toEqual({ size: 30, holders: [{ peer: 'ada', size: 30, available: 30 }] });
  });

  it('finds nobody where nobody is, at once', async () => {
    const { discovery, asked } = among({});
    expect(await discovery.near(wantedOf(left))).toBeUndefined();
    expect(asked).toEqual([]);
    expect(await quickest(discovery, many(5))).toBeLessThan(PATIENCE_MS / 2);
  });

  it('asks for what is wanted at the same moment in one message', async () => {
    const { discovery, asked, meet } = among({ ada: holds([]) });
    await meet();
    await Promise.all(many(20).map((digest) => discovery.near(wantedOf(digest))));
    expect(asked.map(({ digests }) => digests.length)).toEqual([20]);
  });

  it('asks a question that is under way only once', async () => {
    const { discovery, asked, meet } = among({ ada: holds([left], { afterMs: 50 }) });
    await meet();
    const first = discovery.near(wantedOf(left));
    await vi.waitUntil(() => asked.length > 0);
    await Promise.all([first, discovery.near(wantedOf(left)), discovery.prepare([left])]);
    await expect.poll(() => discovery.found(wantedOf(left))).toBeDefined();
    expect(asked).toHaveLength(1);
  });

  it('does not ask again who has answered, until that is old', async () => {
    const right = digestOfText('right');
    const { discovery, asked, clock, meet } = among({ ada: holds([left]) });
    await meet();
    for (let again = 0; again < 3; again++)
      for (const digest of [left, right]) await discovery.near(wantedOf(digest));
    expect(asked.map(({ digests }) => digests)).toEqual([[left], [right]]);
    clock.ms += LACKS_MS + 1;
    await discovery.near(wantedOf(right));
    await discovery.near(wantedOf(left));
    expect(asked.slice(2).map(({ digests }) => digests)).toEqual([[right]]);
    clock.ms += HAS_MS;
    expect(await discovery.near(wantedOf(left))).toMatchObject({ size: 10 });
    expect(asked.slice(3).map(({ digests }) => digests)).toEqual([[left]]);
  });

  it('asks by sha256 where it is known, by sha512 else, and never by sha1', async () => {
    const { discovery, asked, meet } = among({ ada: holds([]) });
    await meet();
    const [sha1, sha512] = [digestOf(Buffer.from('left'), 'sha1'), digestOf(Buffer.from('left'), 'sha512')];
    await discovery.near({ digests: [sha512, left] });
    await discovery.near({ digests: [sha512, sha1] });
    await discovery.near({ digests: [sha1] });
    await discovery.far({ digests: [sha1] });
    await discovery.prepare([sha1]);
    expect(asked.map(({ digests }) => digests)).toEqual([[left], [sha512]]);
  });

  it('does not ask whoever comes near for what another peer wanted', async () => {
    const { discovery, asked, meet } = among({ ada: holds([]) });
    await meet();
    await discovery.inquire([left]);
    discovery.met('ada');
    await setImmediate();
    expect(asked.map(({ digests }) => digests)).toEqual([[left], []]);
  });

  it('leaves out who says another length than is wanted, or than most say', async () => {
    const { discovery, meet } = among({
      ada: holds([left]),
      bob: holds([left]),
      liar: holds([left], { size: 99 }),
    });
    await meet();
    await discovery.prepare([left]);
    const peersOf = (size?: number) =>
      discovery
        .found(wantedOf(left, size))
        ?.holders.map(({ peer }) => peer)
        .toSorted();
    expect([peersOf(), peersOf(10), peersOf(99), peersOf(7)]).toEqual([
      ['ada', 'bob'],
      ['ada', 'bob'],
      ['liar'],
      undefined,
    ]);
  });

  it('forgets whom it is told to forget', async () => {
    const { discovery, meet } = among({ ada: holds([left]) });
    await meet();
    await discovery.near(wantedOf(left));
    discovery.forget('ada');
    expect(discovery.found(wantedOf(left))).toBeUndefined();
  });
});

describe('a miss', () => {
  it('does not wait for peers that have never answered', async () => {
    const first: number[] = [];
    for (let nodes = 0; nodes < 5; nodes++) {
      const { discovery, asked } = among({ ada: hangs(), bob: hangs() });
      first.push((await timed(() => discovery.near(wantedOf(left)))).ms);
      expect(asked.map(({ peer }) => peer)).toEqual(['ada', 'bob']);
    }
    expect(Math.min(...first)).toBeLessThan(PATIENCE_MS / 2);
  });

  it('waits once for a peer that was prompt and hangs now, and never again', async () => {
    let hanging = false;
    const ada: Conduct = async (...asked) => (hanging ? hangs() : holds([]))(...asked);
    const { discovery, meet, asked } = among({ ada });
    await meet();
    hanging = true;
    const first = await timed(() => discovery.near(wantedOf(digestOfText('first'))));
    expect(first.ms).toBeGreaterThan(PATIENCE_MS - 2);
    expect(await quickest(discovery, many(5))).toBeLessThan(PATIENCE_MS / 2);
    hanging = false;
    await vi.waitUntil(async () => {
      asked.length = 0;
      await discovery.near(wantedOf(digestOfText(`${performance.now()}`)));
      return asked.length === 1;
    });
  });

  it('asks a peer that gave no answer less and less', async () => {
    const { discovery, asked, clock } = among({ ada: refuses() });
    for (const digest of many(50)) {
      await discovery.near(wantedOf(digest));
      clock.ms += 500;
    }
    // After 1, 2, 4, 8 seconds and so on.
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(8);
  });

  it('does not end when a peer refuses while another still looks', async () => {
    const { discovery, meet } = among({ ada: refuses(), bob: holds([left], { afterMs: 1 }) });
    await meet();
    await discovery.near(wantedOf(left));
    await expect.poll(() => discovery.found(wantedOf(left))?.holders[0]?.peer).toBe('bob');
  });

  it('knows later what came too late for it', async () => {
    const { discovery } = among({ ada: holds([left], { afterMs: 60 }) });
    expect(await discovery.near(wantedOf(left))).toBeUndefined();
    await expect.poll(() => discovery.found(wantedOf(left))).toBeDefined();
  });

  it('asks no more than 16 of those who are near, others the next time', async () => {
    const peers = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`p${at}`, holds([])]));
    const { discovery, asked, meet } = among(peers);
    await meet();
    for (const digest of many(12)) await discovery.near(wantedOf(digest));
    expect(asked.length).toBeLessThanOrEqual(12 * 16);
    expect(new Set(asked.map(({ peer }) => peer)).size).toBeGreaterThan(40);
  });

  it('asks one peer no more often than peers allow', async () => {
    const { discovery, asked, meet } = among({ ada: holds([]) });
    await meet();
    for (const digest of many(100)) await discovery.near(wantedOf(digest));
    expect(asked.length).toBeLessThan(30);
  });

  it('ends when it is not wanted any more', async () => {
    const { discovery, meet } = among({ ada: holds([left], { afterMs: 10 }) });
    await meet();
    expect(await discovery.near(wantedOf(left), { signal: AbortSignal.abort() })).toBeUndefined();
  });
});

describe('what will be wanted', () => {
  it(`is asked for in messages of ${DIGESTS_LIMIT}, and then known`, async () => {
    const digests = many(600);
    const { discovery, asked, meet } = among({ ada: holds(digests.slice(0, 300)), bob: holds([]) });
    await meet();
    await discovery.prepare(digests);
    expect(asked.map((each) => `${each.peer} ${each.digests.length}`).toSorted()).toEqual([
      'ada 256',
      'ada 256',
      'ada 88',
      'bob 256',
      'bob 256',
      'bob 88',
    ]);
    const found = await Promise.all(digests.map((digest) => discovery.near(wantedOf(digest))));
    expect(found.filter((one) => one !== undefined)).toHaveLength(300);
    expect(asked).toHaveLength(6);
  });

  it('waits for no peer that hangs', async () => {
    const { discovery, meet } = among({ ada: hangs(), bob: holds([left]) });
    await meet();
    const { ms } = await timed(() => discovery.prepare([left]));
    expect(ms).toBeLessThan(900);
    expect(discovery.found(wantedOf(left))).toBeDefined();
  });

  it(`is at most ${PREPARED} digests`, async () => {
    const { discovery, asked, meet } = among({ ada: holds([]) });
    await meet();
    await discovery.prepare(many(PREPARED + 500));
    expect(asked.flatMap(({ digests }) => digests)).toHaveLength(PREPARED);
  });
});

describe('who is far', () => {
  it('is found by whom a seed names', async () => {
    const { discovery, reached } = among(
      {
        seed: names('eve'),
        eve: holds([left]),
      },
      { away: ['eve'], seeds: ['seed'] },
    );
    expect((await discovery.far(wantedOf(left)))?.holders.map(({ peer }) => peer)).toEqual(['eve']);
    expect(reached).toEqual(['eve']);
  });

  it('is found by whom the hash table names, and believed only when it says so itself', async () => {
    const { discovery } = among(
      { eve: holds([left], { afterMs: 10 }), stale: holds([]) },
      { away: ['eve', 'stale'], walk: namesThree },
    );
    expect((await discovery.far(wantedOf(left)))?.holders.map(({ peer }) => peer)).toEqual(['eve']);
  });

  it('is given up after half a second, whatever hangs', async () => {
    const { discovery } = among({ ada: hangs(), seed: hangs() }, { seeds: ['seed'], walk: goesOn });
    const { value, ms } = await timed(() => discovery.far(wantedOf(left)));
    expect(value).toBeUndefined();
    expect(ms).toBeGreaterThan(290);
    expect(ms).toBeLessThan(1500);
  });

  it('is looked for once at a time, and not again at once', async () => {
    let walks = 0;
    const walk = (): AsyncIterable<Contact> => {
      walks++;
      return namesNobody();
    };
    const { discovery, clock } = among({}, { walk });
    await Promise.all([discovery.far(wantedOf(left)), discovery.far(wantedOf(left))]);
    await discovery.far(wantedOf(left));
    expect(walks).toBe(1);
    clock.ms += 31_000;
    await discovery.far(wantedOf(left));
    expect(walks).toBe(2);
  });

  it('is connected to at most eight that one seed names', async () => {
    const { discovery, reached } = among(
      {
        seed: names(...Array.from({ length: 16 }, (_, at) => `x${at}`)),
      },
      { seeds: ['seed'] },
    );
    await discovery.far(wantedOf(left));
    expect(reached).toHaveLength(8);
  });
});
