import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Connections, openConnections, type Spare } from '../../src/proxy/connections.ts';

const over = new AbortController();
let now: number;
let connections: Connections;
beforeEach(() => {
  now = 1_000_000;
  connections = openConnections(() => now);
});

let held: Spare[] = [];
afterEach(() => {
  for (const each of held) each.free();
  held = [];
});

/** As many connections as are to be had at once. */
async function takeAll({ most = Infinity, way = 'way' } = {}): Promise<readonly Spare[]> {
  const taken: Spare[] = [];
  for (;;) {
    const enough = new AbortController();
    const waiting = connections.spare(way, { most, signal: enough.signal });
    const spare = await Promise.race([
      waiting,
      new Promise<undefined>((resolve) => setImmediate(resolve, undefined)),
    ]);
    if (!spare) enough.abort();
    if (!spare) break;
    taken.push(spare);
  }
  held.push(...taken);
  return taken;
}

/** Learns that upstream is quick. */
async function learn(times = 20, way = 'way'): Promise<void> {
  for (let i = 0; i < times; i++) {
    const spare = await connections.spare(way, { most: Infinity, signal: over.signal });
    spare?.free(1000);
  }
}

describe('Connections to fetch ahead with', () => {
  it('are few at first, one more for each that was quick, and sixteen at most', async () => {
    expect(await takeAll()).toHaveLength(4);
    held.splice(0).forEach((each) => each.free());
    await learn(3);
    expect(await takeAll()).toHaveLength(7);
    held.splice(0).forEach((each) => each.free());
    await learn();
    expect(await takeAll()).toHaveLength(16);
  });

  it('are few for each upstream of which nothing is known', async () => {
    await learn();
    expect(await takeAll({ way: 'another' })).toHaveLength(4);
  });

  it('teach nothing where nothing came', async () => {
    for (let i = 0; i < 5; i++)
      (await connections.spare('way', { most: Infinity, signal: over.signal }))?.free();
    expect(await takeAll()).toHaveLength(4);
  });

  it('are those that somebody who waits leaves over', async () => {
    await learn();
    const ends = Array.from({ length: 15 }, () => connections.use('way'));
    expect(await takeAll()).toHaveLength(1);
    ends.slice(0, 5).forEach((end) => end());
    ends[0]!(); // Said twice.
    expect(await takeAll()).toHaveLength(5);
  });

  it('are no more than the user allows, with those that somebody waits for', async () => {
    await learn();
    connections.use('way');
    expect(await takeAll({ most: 3 })).toHaveLength(2);
  });

  it('are given to whoever waits, in their order, when one is given back', async () => {
    const [first] = await takeAll();
    const order: string[] = [];
    const waiting = ['a', 'b'].map(async (name) => {
      const spare = await connections.spare('way', { most: Infinity, signal: over.signal });
      order.push(name);
      return spare;
    });
    first!.free();
    (await waiting[0])!.free();
    held.push((await waiting[1])!);
    expect(order).toEqual(['a', 'b']);
  });

  it('are waited for no longer than somebody wants one', async () => {
    await takeAll();
    const gone = new AbortController();
    const waiting = connections.spare('way', { most: Infinity, signal: gone.signal });
    gone.abort();
    expect(await waiting).toBeUndefined();
    expect(await connections.spare('way', { most: Infinity, signal: gone.signal })).toBeUndefined();
  });

  it('are given up by whoever does not want any more', async () => {
    const gone = new AbortController();
    const spare = await connections.spare('way', { most: Infinity, signal: gone.signal });
    const [others] = await takeAll();
    gone.abort(new Error('the launch is over'));
    expect(spare?.signal.reason).toEqual(new Error('the launch is over'));
    expect(others?.signal.aborted).toBe(false);
    spare?.free();
  });

  it('are all given up when somebody waits for one, and are few from then on', async () => {
    await learn();
    const taken = await takeAll();
    expect(taken).toHaveLength(16);
    const end = connections.use('way');
    await expect.poll(() => taken.every(({ signal }) => signal.aborted), { timeout: 10_000 }).toBe(true);
    held.splice(0).forEach((each) => each.free(1000));
    end();
    expect(await takeAll()).toHaveLength(4);
  });

  it('are kept while there is one for everybody', async () => {
    const taken = await takeAll();
    connections.use('way');
    await learn(20, 'another');
    const [another] = await takeAll({ way: 'another' });
    connections.use('another');
    await expect.poll(() => another!.signal.aborted, { timeout: 10_000 }).toBe(true);
    expect(taken.some(({ signal }) => signal.aborted)).toBe(false);
  });

  it('are none while upstream wants to be asked less; those in use are not given up', async () => {
    const taken = await takeAll();
    const waiting = connections.spare('way', { most: Infinity, signal: over.signal });
    connections.tooMuch('way', 5000);
    expect(taken.some(({ signal }) => signal.aborted)).toBe(false);
    expect(await waiting).toBeUndefined();
    held.splice(0).forEach((each) => each.free());
    now += 4999;
    expect(await connections.spare('way', { most: Infinity, signal: over.signal })).toBeUndefined();
    expect(await takeAll({ way: 'another' })).toHaveLength(4);
    now += 2;
    expect(await takeAll()).toHaveLength(4);
  });
});
