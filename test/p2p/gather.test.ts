import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { gather } from '../../src/p2p/fetch/gather.ts';
import { bytesOf } from '../support/streams.ts';
import { fetching, notes, vouch } from './gathering.ts';
import { type Actor, changed, contentOf, giver, type Manner, nameOf, newKey, registry } from './givers.ts';
import { virtualClock, type VirtualClock } from './virtual-clock.ts';

const MiB = 2 ** 20;
const content = contentOf(7 * MiB + 345);
const LAST = content.byteLength - 1;
const vouched = vouch(content);

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
/** Two honest peers, of 1 MB/s each. */
function honest(clock: VirtualClock, bytes = content): [Actor, Actor] {
  return [giver(clock, bytes, { speed: 1000 }), giver(clock, bytes, { speed: 1000 })];
}

describe('Content from peers', () => {
  it('comes from several at once, each of which is named with what it gave', async () => {
    const clock = virtualClock();
    const givers = [...honest(clock), giver(clock, content, { speed: 1000 })];
    const { fetch, book } = fetching(clock, content, givers, { vouched });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(clock.now()).toBeLessThan(content.byteLength / 1000 / 2);
    expect(new Set(fetch.given().map(({ peer }) => peer))).toEqual(new Set(givers.map(({ peer }) => peer)));
    const sum = (of: 'bytes' | 'chunks'): number => fetch.given().reduce((all, each) => all + each[of], 0);
    expect([sum('bytes'), sum('chunks')]).toEqual([content.byteLength, 8]);
    expect(book).toMatchObject({ strikes: [], failures: [] });
  });

  it('is asked of a slow peer in less than a tenth of its ranges', async () => {
    const clock = virtualClock();
    const layer = contentOf(40 * MiB);
    const slow = giver(clock, layer, { speed: 100 });
    const fast = giver(clock, layer, { speed: 10_000 });
    const { fetch } = fetching(clock, layer, [slow, fast], { vouched: vouch(layer) });
    await bytesOf(fetch.chunks);
    expect(slow.asked.length / (slow.asked.length + fast.asked.length)).toBeLessThan(1 / 10);
  });

  it('goes on from the others when one falls silent, and is hardly later', async () => {
    const clock = virtualClock();
    const silent = giver(clock, content, {
      speed: 1000,
      at: (offset) => (offset > 2 * MiB ? 'hang' : undefined),
    });
    const { fetch } = fetching(clock, content, [silent, ...honest(clock)], { vouched });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(clock.now()).toBeLessThan((1.5 * content.byteLength) / 2000 + 1000);
  });

  it.each(['cut', 'slow', 'malformed', 'lied'] as const)(
    'goes on from another when one is %s',
    async (fault) => {
      const clock = virtualClock();
      const faulty = giver(clock, content, {
        speed: 5000,
        at: (offset) => (offset > 2 * MiB ? fault : undefined),
      });
      const { fetch, book } = fetching(clock, content, [faulty, honest(clock)[0]], { vouched });
      expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
      const isLie = fault === 'lied' || fault === 'malformed';
      expect(book.failures).toEqual(isLie ? [] : [`${faulty.peer} ${fault}`]);
      expect(book.strikes).toMatchObject(isLie ? [{ peer: faulty.peer, reason: 'lied' }] : []);
    },
  );

  it('is not asked any more of somebody who was busy too often, and not at once of whoever is', async () => {
    const clock = virtualClock();
    const often = giver(clock, content, { at: () => 'busy' });
    let times = 0;
    const once = giver(clock, content, { speed: 1000, at: () => (times++ === 0 ? 'busy' : undefined) });
    const { fetch, book } = fetching(clock, content, [often, once], { vouched });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(often.asked.length).toBeLessThan(20);
    expect(book).toMatchObject({ strikes: [], failures: [] });
  });

  it('comes as far as a partial holder has it, and from others beyond', async () => {
    const clock = virtualClock();
    const partial = giver(clock, content, { available: 3 * MiB + 5, speed: 2000 });
    const claims = giver(clock, content, { at: (offset) => (offset >= 2 * MiB ? 'none' : undefined) });
    const { fetch, book } = fetching(clock, content, [partial, claims, honest(clock)[0]], { vouched });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(Math.max(...partial.asked)).toBeLessThanOrEqual(2 * MiB);
    expect(book).toMatchObject({ strikes: [], failures: [] });
  });

  it('comes from one to whom it is still arriving, who is asked for no more than has come there', async () => {
    const clock = virtualClock();
    const tooFar: number[] = [];
    const arriving: Actor = giver(clock, content, {
      speed: 10_000,
      available: 2 * MiB,
      at(offset, length) {
        if (length > 1 && offset + length > arriving.available) tooFar.push(offset);
        return undefined;
      },
    });
    const { fetch, book } = fetching(clock, content, [arriving], { vouched });
    void (async () => {
      for (; arriving.available < content.byteLength; await clock.sleep(1000))
        arriving.available = Math.min(content.byteLength, arriving.available + 0.7 * MiB);
    })();
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(tooFar).toEqual([]);
    expect(clock.now()).toBeLessThan(9000);
    expect(book).toMatchObject({ strikes: [], failures: [] });
  });

  it.each<[string, Partial<Manner>]>([
    ['stands still', {}],
    ['has not what it says', { at: () => 'none' }],
    ['hangs', { at: () => 'hang' }],
  ])('is not waited for for long where it arrives elsewhere, and %s', async (_, manner) => {
    const clock = virtualClock();
    const standing = giver(clock, content, { available: 2 * MiB, ...manner });
    const { fetch } = fetching(clock, content, [standing], { vouched });
    await expect(bytesOf(fetch.chunks)).rejects.toThrow('No peer delivered it');
    expect(clock.now()).toBeLessThan(30_000);
    const { fetch: another } = fetching(
      clock,
      content,
      [giver(clock, content, { available: MiB, ...manner })],
      {
        vouched,
        upstream: registry(clock, content),
      },
    );
    expect(same(await bytesOf(another.chunks), content)).toBe(true);
  });

  it('fails with who failed how when nobody is left', async () => {
    const clock = virtualClock();
    const key = newKey();
    const liar = giver(clock, changed(content, 5), { key, signs: content }, content);
    const givers = [
      liar,
      giver(clock, content, { at: () => 'cut', signs: 'nothing' }),
      giver(clock, content, { opens: 'fails' }),
    ];
    const { fetch, book } = fetching(clock, content, givers, { vouched });
    await expect(bytesOf(fetch.chunks)).rejects.toThrow(/No peer delivered it .*it sent a wrong chunk/);
    expect(book.failures.toSorted()).toEqual(
      givers
        .slice(1)
        .map(({ peer }) => `${peer} cut`)
        .toSorted(),
    );
    expect(book.strikes).toMatchObject([{ peer: liar.peer, reason: 'wrong-chunk' }]);
  });

  it('fails when all hang and there is no upstream', async () => {
    const clock = virtualClock();
    const givers = [giver(clock, content, { at: () => 'hang' }), giver(clock, content, { at: () => 'hang' })];
    const { fetch, book } = fetching(clock, content, givers, { vouched });
    await expect(bytesOf(fetch.chunks)).rejects.toThrow('not answered in time');
    expect(book.failures).toHaveLength(2);
  });

  it('ends as soon as the signal aborts, and when its reader leaves', async () => {
    const clock = virtualClock();
    const abort = new AbortController();
    const givers = [giver(clock, content, { at: (offset) => (offset > 0 ? 'hang' : undefined) })];
    const { fetch } = fetching(clock, content, givers, { vouched, signal: abort.signal });
    const stream = fetch.chunks[Symbol.asyncIterator]();
    await stream.next();
    const next = stream.next();
    abort.abort(new Error('nobody wants it'));
    await expect(next).rejects.toThrow('nobody wants it');

    const left = giver(clock, content, { speed: 1000 });
    for await (const _ of fetching(clock, content, [left], { vouched }).fetch.chunks) break;
    const { length } = left.asked;
    await clock.sleep(60_000);
    expect(left.asked).toHaveLength(length);
  });

  it('is asked of nobody before it is read, and of nobody at all where nothing is left of it', async () => {
    const clock = virtualClock();
    const peer = giver(clock, content);
    const { fetch } = fetching(clock, content, [peer], { vouched, offset: content.byteLength });
    expect(await bytesOf(fetch.chunks)).toHaveLength(0);
    fetching(clock, content, [peer], { vouched });
    await clock.sleep(1000);
    expect(peer.asked).toEqual([]);
  });

  it('comes all the same when the clock jumps', async () => {
    const clock = virtualClock();
    const jumping = (offset: number): undefined => {
      if (offset === 3 * MiB) clock.jump(60 * 60 * 1000);
    };
    const givers = [giver(clock, content, { speed: 1000, at: jumping }), honest(clock)[0]];
    const { fetch, book } = fetching(clock, content, givers, { vouched });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(book.strikes).toEqual([]);
  });

  it('waits in memory for its reader, and in no more than 32 MiB of it', async () => {
    const clock = virtualClock();
    const layer = new Uint8Array(48 * MiB);
    const givers = [1, 2, 3].map(() => giver(clock, layer, { speed: 50_000 }));
    const { fetch } = fetching(clock, layer, givers, { vouched: vouch(layer) });
    let read = 0;
    let most = 0;
    for await (const { byteLength } of fetch.chunks) {
      await clock.sleep(200);
      const asked = givers.reduce((sum, each) => sum + each.asked.length, 0) * MiB;
      most = Math.max(most, asked - read);
      read += byteLength;
    }
    expect(read).toBe(layer.byteLength);
    expect(most).toBeGreaterThan(16 * MiB);
    expect(most).toBeLessThanOrEqual(32 * MiB);
  });
});

describe('A wrong chunk', () => {
  it.each([0, 3 * MiB, LAST])(
    'at byte %d costs whoever sends it a strike, and nobody else anything',
    async (at) => {
      const clock = virtualClock();
      const liar = giver(
        clock,
        changed(content, at),
        { address: '203.0.113.9', speed: 9000, signs: content },
        content,
      );
      const { fetch, book } = fetching(clock, content, [liar, ...honest(clock)], { vouched });
      expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
      for (const strike of book.strikes)
        expect(strike).toEqual({ peer: liar.peer, reason: 'wrong-chunk', address: '203.0.113.9' });
      if (liar.asked.includes(Math.floor(at / MiB) * MiB)) expect(book.strikes).toHaveLength(1);
    },
  );

  it('never gets through though all of them lie', async () => {
    const clock = virtualClock();
    const liars = [1, 2, 3].map((n) => giver(clock, changed(content, n * MiB), { signs: content }, content));
    const { fetch } = fetching(clock, content, liars, { vouched });
    const passed: Uint8Array[] = [];
    await expect(
      (async () => {
        for await (const chunk of fetch.chunks) passed.push(chunk);
      })(),
    ).rejects.toThrow('it sent a wrong chunk');
    const whole = Buffer.concat(passed);
    expect(same(whole, content.subarray(0, whole.byteLength))).toBe(true);
  });

  it('that somebody has just got from another is not held against whoever passed it on', async () => {
    const clock = virtualClock();
    const wrong = (offset: number, length: number): Uint8Array =>
      changed(content.slice(offset, offset + length), 0);
    const passer = giver(clock, content, { speed: 10_000, available: 6 * MiB, at: wrong });
    const { fetch, book } = fetching(clock, content, [passer, honest(clock)[0]], { vouched });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    fetch.right?.();
    expect(book.strikes).toEqual([]);
    expect(book.failures).toContain(`${passer.peer} cut`);
    const plain = fetching(clock, content, [
      giver(clock, content, { ...passer, at: wrong, signs: 'nothing' }),
    ]);
    await bytesOf(plain.fetch.chunks).catch(() => undefined);
    plain.fetch.wrong();
    expect(plain.book.strikes).toEqual([]);
  });

  it('of another length is a lie', async () => {
    const clock = virtualClock();
    const more = giver(clock, content, {
      speed: 9000,
      at: (offset, length) => content.slice(offset, offset + length + 1),
    });
    const { fetch, book } = fetching(clock, content, [more, honest(clock)[0]], { vouched });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(book.strikes).toMatchObject([{ peer: more.peer, reason: 'lied' }]);
  });

  it('by the list of another peer is only a suspicion until the whole is known', async () => {
    const clock = virtualClock();
    const liar = giver(clock, changed(content, 0), { signs: 'nothing', speed: 9000 });
    const { fetch, book } = fetching(clock, content, [liar, ...honest(clock)]);
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(liar.asked).toContain(0);
    expect(book.strikes).toEqual([]);
    fetch.right?.();
    expect(book.strikes).toMatchObject([{ peer: liar.peer, reason: 'wrong-chunk' }]);
  });
});

describe('Content of one chunk', () => {
  const small = contentOf(20_000);

  it.each(['sha256', 'sha512'] as const)(
    'is held against its own %s before a byte is passed on',
    async (algorithm) => {
      const clock = virtualClock();
      const liar = giver(clock, changed(small, 19_999), { signs: 'nothing' });
      const right = giver(clock, small, { latencyMs: 50 });
      const book = notes(new Map([[liar.peer, 1e9]]));
      const held = { size: small.byteLength, givers: [right, liar] };
      const fetch = gather({ digests: [digestOf(small, algorithm)] }, held, { book, clock });
      expect(same(await bytesOf(fetch.chunks), small)).toBe(true);
      expect(book.strikes).toMatchObject([{ peer: liar.peer, reason: 'wrong-chunk' }]);
    },
  );

  it('is not passed on where only a weaker digest fits', async () => {
    const clock = virtualClock();
    const book = notes();
    const wanted = { digests: [digestOf(small, 'sha256'), digestOf(changed(small, 1), 'sha512')] };
    const fetch = gather(wanted, { size: small.byteLength, givers: [giver(clock, small)] }, { book, clock });
    await expect(bytesOf(fetch.chunks)).rejects.toThrow('it sent a wrong chunk');
  });

  it('comes from upstream soon where the peer that has it hangs', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, small);
    const { fetch } = fetching(clock, small, [giver(clock, small, { opens: 'never' })], { upstream });
    expect(same(await bytesOf(fetch.chunks), small)).toBe(true);
    expect(clock.now()).toBeLessThan(30);
  });

  it('is not asked of upstream where a peer has it', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, small);
    const { fetch } = fetching(clock, small, [giver(clock, small)], { upstream });
    expect(same(await bytesOf(fetch.chunks), small)).toBe(true);
    expect(upstream.asked).toEqual([]);
  });

  it('is not looked for by a digest that can be collided to order', () => {
    const held = { size: small.byteLength, givers: [] };
    expect(() => gather({ digests: [digestOf(small, 'sha1')] }, held, { book: notes() })).toThrow('sha256');
  });
});

describe('Upstream', () => {
  it('is left alone while peers are quick', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, content);
    const givers = [1, 2].map(() => giver(clock, content, { speed: 50_000 }));
    await bytesOf(fetching(clock, content, givers, { vouched, upstream }).fetch.chunks);
    expect(upstream.asked).toEqual([]);
  });

  it('gives most where peers are slow', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, content, { speed: 20_000 });
    const { fetch } = fetching(clock, content, [giver(clock, content, { speed: 200 })], {
      vouched,
      upstream,
    });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(clock.now()).toBeLessThan(content.byteLength / 20_000 + 500);
    expect(fetch.given().find(({ peer }) => peer === undefined)!.bytes).toBeGreaterThan(
      content.byteLength / 2,
    );
  });

  it('does not slow peers down where it is slow itself', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, content, { speed: 20, latencyMs: 2000 });
    const { fetch } = fetching(clock, content, honest(clock), { vouched, upstream });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(clock.now()).toBeLessThan((1.5 * content.byteLength) / 2000);
  });

  it('gives all of it where all peers hang, and is hardly later', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, content);
    const givers = [1, 2, 3].map(() => giver(clock, content, { at: () => 'hang' }));
    const { fetch } = fetching(clock, content, givers, { vouched, upstream });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(clock.now()).toBeLessThan(content.byteLength / 100_000 + 400);
  });

  it('gives in one request what is left when no peer is', async () => {
    const clock = virtualClock();
    const layer = contentOf(40 * MiB);
    const upstream = registry(clock, layer);
    const { fetch } = fetching(clock, layer, [giver(clock, layer, { opens: 'fails' })], {
      vouched: vouch(layer),
      upstream,
    });
    expect(same(await bytesOf(fetch.chunks), layer)).toBe(true);
    const last = upstream.asked.at(-1)!;
    expect(upstream.asked.length).toBeLessThan(3);
    expect(last.offset + last.length).toBe(layer.byteLength);
  });

  it('gives what one peer is too busy for and another does not have', async () => {
    const clock = virtualClock();
    const givers = [
      giver(clock, content, { at: () => 'busy' }),
      giver(clock, content, { available: 2 * MiB }),
    ];
    const { fetch } = fetching(clock, content, givers, { vouched, upstream: registry(clock, content) });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(clock.now()).toBeLessThan(2000);
  });

  it('fails with its own error where it was the last', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, content, { fails: true });
    const { fetch } = fetching(clock, content, [giver(clock, content, { at: () => 'cut' })], {
      vouched,
      upstream,
    });
    await expect(bytesOf(fetch.chunks)).rejects.toThrow('upstream is down');
  });

  it('is not believed where the log says otherwise', async () => {
    const clock = virtualClock();
    const upstream = registry(clock, changed(content, 0));
    const slow = giver(clock, content, { speed: 100 });
    const { fetch, book } = fetching(clock, content, [slow], { vouched, upstream });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(book.strikes).toEqual([]);
  });

  it('is believed where nobody but a stranger has signed otherwise', async () => {
    const clock = virtualClock();
    const wrong = changed(content, MiB);
    const liar = giver(clock, wrong, { speed: 100 }, content);
    const { fetch } = fetching(clock, content, [liar], { upstream: registry(clock, content) });
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
  });
});

describe('A fetch that fails', () => {
  const asksUpstreamLater = (size: number) => {
    const clock = virtualClock();
    // It gives the first chunks, and then nothing.
    const giving = giver(clock, content, {
      speed: 100,
      at: (offset) => (offset >= 2 * MiB ? 'cut' : undefined),
    });
    return { clock, giving, upstream: registry(clock, contentOf(size, 2), { latencyMs: 60_000 }) };
  };

  it.each([content.byteLength, content.byteLength + 1])(
    'has what came thrown away where upstream, which has %d bytes, contradicts it',
    async (size) => {
      const { clock, giving, upstream } = asksUpstreamLater(size);
      const { fetch, book } = fetching(clock, content, [giving], { upstream });
      await expect(bytesOf(fetch.chunks)).rejects.toMatchObject({ wrong: true, final: true });
      fetch.wrong();
      expect(book.strikes).toMatchObject([{ peer: giving.peer, reason: 'wrong-whole' }]);
    },
  );

  it('has what came kept where the log vouches for it, or nothing contradicts it', async () => {
    const { clock, giving, upstream } = asksUpstreamLater(content.byteLength);
    const contradicted = fetching(clock, content, [giving], { vouched, upstream });
    const why = await bytesOf(contradicted.fetch.chunks).catch((error: unknown) => error);
    expect(why).toMatchObject({ final: true });
    expect(why).not.toHaveProperty('wrong');
    const left = fetching(clock, content, [giver(clock, content, { at: () => 'cut' })], { vouched });
    await expect(bytesOf(left.fetch.chunks)).rejects.toMatchObject({ final: true, code: 'NOBODY_LEFT' });
  });
});

describe('Content that the log does not have', () => {
  it('is verified by a list that a peer has signed', async () => {
    const clock = virtualClock();
    const liar = giver(clock, changed(content, 0), { signs: content, speed: 9000 }, content);
    const { fetch, book } = fetching(clock, content, [liar, ...honest(clock)]);
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    fetch.right?.();
    expect(book.strikes).toMatchObject([{ peer: liar.peer, reason: 'wrong-chunk' }]);
  });

  it('is a fraud of whoever signed the list where the whole is wrong', async () => {
    const clock = virtualClock();
    const wrong = changed(content, 2 * MiB);
    const liar = giver(clock, wrong, { address: '203.0.113.9' }, content);
    const { fetch, book } = fetching(clock, content, [liar]);
    expect(same(await bytesOf(fetch.chunks), wrong)).toBe(true);
    fetch.wrong();
    fetch.wrong();
    expect(book.strikes).toMatchObject([
      {
        peer: liar.peer,
        reason: 'fraud',
        address: '203.0.113.9',
        fraud: { kind: 'wrong-whole', digest: nameOf(content) },
      },
    ]);
  });

  it('is no fraud for sure where its beginning came from elsewhere', async () => {
    const clock = virtualClock();
    const { fetch, book } = fetching(clock, content, [giver(clock, content)], { offset: 3 * MiB });
    await bytesOf(fetch.chunks);
    fetch.wrong();
    expect(book.strikes).toMatchObject([{ reason: 'wrong-whole', weight: 1 / 2 }]);
  });

  it('is proof of a fraud against those who signed another list once the whole is right', async () => {
    const clock = virtualClock();
    const [one, two] = [
      giver(clock, content, { address: '203.0.113.9' }),
      giver(clock, content, { address: '198.51.100.7' }),
    ];
    const liar = giver(clock, changed(content, 5), { address: '192.0.2.1', latencyMs: 0.5 }, content);
    const { fetch, book } = fetching(clock, content, [liar, one, two]);
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    fetch.right?.();
    expect(book.strikes.filter(({ reason }) => reason === 'fraud')).toMatchObject([
      { peer: liar.peer, fraud: { kind: 'other-root' } },
    ]);
    expect(book.strikes.every(({ peer }) => peer === liar.peer)).toBe(true);
  });

  it('comes from one peer at a time without any list, and the next goes on where one breaks off', async () => {
    const clock = virtualClock();
    const first = giver(clock, content, {
      signs: 'nothing',
      at: (offset) => (offset >= 3 * MiB ? 'cut' : undefined),
    });
    const second = giver(clock, content, { signs: 'garbage' });
    const { fetch, book } = fetching(clock, content, [first, second]);
    expect(same(await bytesOf(fetch.chunks), content)).toBe(true);
    expect(Math.min(...second.asked)).toBe(3 * MiB);
    fetch.wrong();
    expect(book.strikes).toMatchObject([
      { peer: first.peer, reason: 'wrong-whole', weight: 1 / 2 },
      { peer: second.peer, reason: 'wrong-whole', weight: 1 / 2 },
    ]);
  });

  it('is not taken from peers above 64 MiB where none has a list that counts', async () => {
    const clock = virtualClock();
    const layer = new Uint8Array(64 * MiB + 1);
    const givers = [giver(clock, layer, { signs: 'nothing' }), giver(clock, layer, { signs: 'garbage' })];
    const alone = fetching(clock, layer, givers);
    await expect(bytesOf(alone.fetch.chunks)).rejects.toThrow('nobody vouches for a list of chunks');
    const { fetch } = fetching(clock, layer, givers, { upstream: registry(clock, layer) });
    let bytes = 0;
    for await (const chunk of fetch.chunks) bytes += chunk.byteLength;
    expect(bytes).toBe(layer.byteLength);
    expect(fetch.given().map(({ peer }) => peer)).toEqual([undefined]);
  });
});

describe('Whatever peers do, what comes is the content or an error', () => {
  const small = contentOf(3 * MiB + 77);
  const root = vouch(small);
  const deed = fc.constantFrom<Manner['at'] & {}>(
    () => undefined,
    () => 'hang',
    () => 'cut',
    () => 'busy',
    () => 'none',
    (offset) => (offset > MiB ? 'slow' : undefined),
    (offset, length) => changed(small.slice(offset, offset + length), length - 1),
    (offset, length) => small.slice(offset, offset + length - 1),
    () => new Uint8Array(),
  );
  const manner = fc.record({
    at: deed,
    speed: fc.constantFrom(100, 3000, 100_000),
    latencyMs: fc.constantFrom(0.1, 5, 200),
    available: fc.constantFrom(0, 1, MiB, 2 * MiB + 5, small.byteLength),
    signs: fc.constantFrom<keyof typeof lists>('right', 'wrong', 'nothing', 'garbage'),
  });
  const lists = { right: small, wrong: changed(small, 1), nothing: 'nothing', garbage: 'garbage' } as const;
  const offsets = fc.tuple(fc.nat(small.byteLength + 1), fc.nat(small.byteLength + 1));

  test.prop([fc.array(manner, { maxLength: 4 }), offsets, fc.boolean(), fc.boolean()], {
    numRuns: 60,
    timeout: 20_000,
  })('from any offset on', async (manners, [a, b], isVouched, hasUpstream) => {
    const clock = virtualClock();
    const [offset, length] = [Math.min(a, b), Math.abs(a - b)];
    const givers = manners.map((each) => giver(clock, small, { ...each, signs: lists[each.signs] }));
    const { fetch } = fetching(clock, small, givers, {
      offset,
      length,
      ...(isVouched ? { vouched: root } : {}),
      ...(hasUpstream ? { upstream: registry(clock, small) } : {}),
    });
    const expected = small.subarray(offset, offset + length);
    const parts: Uint8Array[] = [];
    let failure: unknown;
    try {
      for await (const part of fetch.chunks) parts.push(part);
    } catch (error) {
      failure = error;
    }
    const got = Buffer.concat(parts);
    const isThere = manners.some((each) => each.signs === 'right' && each.available === small.byteLength);
    if (hasUpstream) expect(failure).toBeUndefined();
    if (isVouched && isThere) expect(same(got, expected.subarray(0, got.byteLength))).toBe(true);
    if (failure === undefined) expect(got.byteLength).toBe(expected.byteLength);
    expect(fetch.given().reduce((sum, { bytes }) => sum + bytes, 0)).toBe(got.byteLength);
  });
});
