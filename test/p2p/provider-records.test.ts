import { Key } from 'interface-datastore';
import { describe, expect, it } from 'vitest';
import {
  ProviderRecords,
  RECORD_MS,
  RECORDS_PER_KEY,
  RECORDS_PER_PEER,
} from '../../src/p2p/table/provider-records.ts';

const SELF = 'self';
const VALUE = Uint8Array.of(1);

function records(isKnown: (peer: string) => boolean = () => true) {
  const clock = { ms: 0 };
  const kept = new ProviderRecords(
    SELF,
    async (peer) => isKnown(peer),
    () => clock.ms,
  );
  return {
    kept,
    clock,
    add: (key: string, peer: string) => kept.put(new Key(`/dht/provider/${key}/${peer}`), VALUE),
    of: async (key: string) =>
      (await Array.fromAsync(kept.query({ prefix: `/dht/provider/${key}` }))).map((each) =>
        each.key.toString().split('/').at(-1),
      ),
  };
}

describe('records of providers', () => {
  it('are found by key', async () => {
    const { add, of, kept } = records();
    add('a', 'ada');
    add('a', 'bob');
    add('b', 'bob');
    expect([await of('a'), await of('b'), await of('c')]).toEqual([['ada', 'bob'], ['bob'], []]);
    expect([kept.size, kept.isProvider('bob'), kept.isProvider('eve')]).toEqual([3, true, false]);
  });

  it(`are at most ${RECORDS_PER_KEY} for a key: who comes later has to wait until one has ended`, async () => {
    const { add, of, clock } = records();
    for (let at = 0; at < RECORDS_PER_KEY + 10; at++) add('a', `p${at}`);
    expect(await of('a')).toHaveLength(RECORDS_PER_KEY);
    add('a', 'p0');
    expect(await of('a')).toHaveLength(RECORDS_PER_KEY);
    clock.ms += RECORD_MS;
    add('a', 'late');
    expect(await of('a')).toEqual(['late']);
  });

  it(`are at most ${RECORDS_PER_PEER} of a peer, whatever the others have`, async () => {
    const { add, of, kept, clock } = records();
    for (let at = 0; at < RECORDS_PER_PEER + 10; at++) add(`k${at}`, 'flood');
    expect(kept.size).toBe(RECORDS_PER_PEER);
    add('other', 'ada');
    expect(await of('other')).toEqual(['ada']);
    clock.ms += RECORD_MS;
    add('again', 'flood');
    expect(await of('again')).toEqual(['flood']);
    expect(kept.size).toBe(1);
  });

  it('end after an hour, unless they are written again', async () => {
    const { add, of, clock, kept } = records();
    add('a', 'ada');
    add('a', 'bob');
    clock.ms += RECORD_MS - 1;
    add('a', 'bob');
    expect(await of('a')).toEqual(['ada', 'bob']);
    clock.ms += 1;
    expect(await of('a')).toEqual(['bob']);
    expect(kept.isProvider('ada')).toBe(false);
  });

  it('are left out while nobody knows where the peer is', async () => {
    const { add, of } = records((peer) => peer !== 'gone');
    add('a', 'gone');
    add('a', 'ada');
    expect(await of('a')).toEqual(['ada']);
  });

  it('tell of this node itself what it keeps, and nothing else', async () => {
    const { kept, of } = records();
    kept.keep([Buffer.from('fo')]);
    expect(await of('mzxq')).toEqual([SELF]);
    kept.keep([]);
    expect(await of('mzxq')).toEqual([]);
  });

  it('are not shown all at once, and nothing else is kept among them', async () => {
    const { kept, add } = records();
    add('a', 'ada');
    expect(await Array.fromAsync(kept.query({ prefix: '/dht/provider' }))).toEqual([]);
    expect(await Array.fromAsync(kept.query({}))).toEqual([]);
    kept.put(new Key('/dht/record/a'), VALUE);
    kept.put(new Key('/dht/provider/a/b/c'), VALUE);
    kept.put(new Key('/dht/provider/a'), VALUE);
    expect(kept.size).toBe(1);
    expect(() => kept.get(new Key('/dht/record/a'))).toThrow(
      expect.objectContaining({ name: 'NotFoundError' }),
    );
    expect(kept.get(new Key('/dht/provider/a/ada'))).toEqual(VALUE);
    kept.delete(new Key('/dht/provider/a/ada'));
    expect([kept.size, kept.has(new Key('/dht/provider/a/ada'))]).toEqual([0, false]);
  });
});
