import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf, type Digest } from '../../src/content/digest.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import type { Holder } from '../../src/p2p/find/answers.ts';
import { hintsFrom } from '../../src/p2p/serve/hints.ts';
import { type Host, openHost } from '../../src/p2p/host/host.ts';
import { someone } from '../support/peer-hosts.ts';

const digests = ['a', 'b', 'c'].map((text): Digest => digestOf(Buffer.from(text), 'sha256'));

describe('whoever asks who else has something', () => {
  let host: Host | undefined;
  afterEach(async () => host?.[Symbol.asyncDispose]());

  /** A node that knows where one peer is, who has the first and the last of the digests. */
  async function knowing() {
    host = await openHost({ identity: someone() });
    const holder = someone().name;
    const addresses = ['/ip4/192.168.1.7/tcp/1', '/ip4/203.0.113.7/tcp/1'].map((text) => multiaddr(text));
    await host.libp2p.peerStore.save(peerIdFromString(holder), { multiaddrs: addresses });
    const asked: Digest[][] = [];
    const holders: Holder[] = [{ peer: holder, size: 1, available: 1 }];
    const hints = hintsFrom(
      {
        found: ({ digests: [digest] }) => (digest === digests[1] ? undefined : { size: 1, holders }),
        inquire: async (unknown) => void asked.push([...unknown]),
      },
      host,
      monotonicClock,
    );
    return { hints, holder, asked };
  }

  it('is told who has which of it, and where that one is', async () => {
    const { hints, holder, asked } = await knowing();
    const [hint, ...others] = await hints(digests, { peer: 'asker', isNear: true });
    expect(others).toEqual([]);
    expect(hint).toMatchObject({ peer: holder, which: [0, 2] });
    expect(hint?.addresses.toSorted()).toEqual(['/ip4/192.168.1.7/tcp/1', '/ip4/203.0.113.7/tcp/1']);
    expect(asked).toEqual([[digests[1]]]);
  });

  it('is not told of addresses in a private network, unless its own is one', async () => {
    const { hints } = await knowing();
    const [hint] = await hints(digests, { peer: 'asker', isNear: false });
    expect(hint?.addresses).toEqual(['/ip4/203.0.113.7/tcp/1']);
  });

  it('is not told of itself', async () => {
    const { hints, holder } = await knowing();
    expect(await hints(digests, { peer: holder, isNear: true })).toEqual([]);
  });

  it('does not have others asked more often than five times a second', async () => {
    const { hints, asked } = await knowing();
    for (let at = 0; at < 30; at++) await hints(digests, { peer: 'asker', isNear: true });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThan(20);
  });
});
