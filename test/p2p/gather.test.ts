import { describe, expect, it } from 'vitest';
import { rootOfChunks } from '../../src/content/chunks.ts';
import type { Vouched } from '../../src/p2p/contract.ts';
import { gather, type GatherOptions } from '../../src/p2p/gather.ts';
import type { Giver } from '../../src/p2p/hand.ts';
import type { Offence } from '../../src/p2p/peer-book.ts';
import { bytesOf } from '../support/streams.ts';
import { changed, contentOf, giver, listOf, nameOf, newKey, registry } from './givers.ts';
import { virtualClock, type VirtualClock } from './virtual-clock.ts';

const MiB = 2 ** 20;

/** A book that writes down what it is told. */
function notes(): GatherOptions['book'] & {
  readonly strikes: (Offence & { readonly peer: string })[];
  readonly failures: string[];
} {
  const strikes: (Offence & { peer: string })[] = [];
  const failures: string[] = [];
  return {
    strikes,
    failures,
    find: () => undefined,
    gave: () => undefined,
    failed: (peer, failure) => void failures.push(`${peer} ${failure}`),
    strike: (peer, offence) => void strikes.push({ peer, ...offence }),
  };
}

function vouch(bytes: Uint8Array): Vouched {
  const list = listOf(bytes);
  return { ...list, root: rootOfChunks(list) };
}

function fetching(
  clock: VirtualClock,
  bytes: Uint8Array,
  givers: readonly Giver[],
  options: Partial<GatherOptions> = {},
) {
  const book = notes();
  const fetch = gather(
    { digests: [nameOf(bytes)] },
    { size: bytes.byteLength, givers },
    { book, clock, ...options },
  );
  return { fetch, book };
}

const big = contentOf(20 * MiB + 12_345);

describe('Content from peers', () => {
  it('comes from several at once', async () => {
    const clock = virtualClock();
    const givers = [1, 2, 3].map(() => giver(clock, big, { speed: 1000 }));
    const { fetch, book } = fetching(clock, big, givers, { vouched: vouch(big) });
    expect(Buffer.compare(await bytesOf(fetch.chunks), big)).toBe(0);
    const alone = (20 * MiB) / 1000;
    expect(clock.now()).toBeLessThan(alone / 2);
    expect(fetch.given().map(({ peer }) => peer)).toEqual(
      expect.arrayContaining(givers.map(({ peer }) => peer)),
    );
    expect(book).toMatchObject({ strikes: [], failures: [] });
  });

  it.each([0, 5 * MiB, 20 * MiB + 12_344])('goes on when one of three lies at byte %d', async (at) => {
    const clock = virtualClock();
    const liar = giver(clock, changed(big, at), { signs: 'nothing', speed: 2000 }, big);
    const givers = [liar, ...[1, 2].map(() => giver(clock, big, { speed: 1000 }))];
    const { fetch, book } = fetching(clock, big, givers, { vouched: vouch(big) });
    expect(Buffer.compare(await bytesOf(fetch.chunks), big)).toBe(0);
    for (const { peer, reason } of book.strikes) expect([peer, reason]).toEqual([liar.peer, 'wrong-chunk']);
  });

  it('asks a slow peer for less than a tenth', async () => {
    const clock = virtualClock();
    const layer = contentOf(40 * MiB);
    const slow = giver(clock, layer, { speed: 100 });
    const { fetch } = fetching(clock, layer, [slow, giver(clock, layer, { speed: 10_000 })], {
      vouched: vouch(layer),
    });
    await bytesOf(fetch.chunks);
    expect(slow.asked.length).toBeLessThan(40 / 10);
  });

  it('comes from upstream when all hang', async () => {
    const clock = virtualClock();
    const givers = [1, 2, 3].map(() => giver(clock, big, { at: () => 'hang' }));
    const { fetch } = fetching(clock, big, givers, { vouched: vouch(big), upstream: registry(clock, big) });
    expect(Buffer.compare(await bytesOf(fetch.chunks), big)).toBe(0);
    expect(clock.now()).toBeLessThan(2000);
  });

  it('comes by a signed list', async () => {
    const clock = virtualClock();
    const key = newKey();
    const givers = [giver(clock, big, { key, address: '203.0.113.4' }), giver(clock, big)];
    const { fetch } = fetching(clock, big, givers);
    expect(Buffer.compare(await bytesOf(fetch.chunks), big)).toBe(0);
    expect(fetch.given()).toHaveLength(2);
  });

  it('fails with who failed how', async () => {
    const clock = virtualClock();
    const givers = [giver(clock, big, { at: () => 'cut' }), giver(clock, big, { opens: 'fails' })];
    const { fetch, book } = fetching(clock, big, givers, { vouched: vouch(big) });
    await expect(bytesOf(fetch.chunks)).rejects.toThrow(/it was cut.*connection refused/);
    expect(book.failures).toHaveLength(2);
  });
});
