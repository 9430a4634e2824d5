import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { digestOf, type Digest } from '../../src/content/digest.ts';
import { keyOf } from '../../src/p2p/table/dht-keys.ts';
import { type Host, type HostOptions, openHost } from '../../src/p2p/host/host.ts';
import { identityOf } from '../../src/p2p/identity.ts';
import { addProvider, PING_MESSAGE } from '../../src/p2p/table/kad-messages.ts';
import { publishingOf, walkOf } from '../../src/p2p/table/publishing.ts';
import { TABLE_PROTOCOL } from '../../src/p2p/table/table.ts';

const TIME = { deadlineMs: 20_000 };
const LISTEN = ['/ip4/127.0.0.1/tcp/0'];
const PATIENT = { timeout: 20_000 };
const digest = digestOf(Buffer.from('a set'), 'sha256');
const nothing = { async *sets() {} };

function someone() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  return identityOf(Buffer.concat([seed, publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)]));
}

const tell = async (from: Host, to: Host, digests: readonly Digest[]): Promise<void> =>
  publishingOf(from, nothing, () => true).tell(
    to.name,
    digests.map((each) => keyOf(each)!),
    { signal: AbortSignal.timeout(20_000) },
  );
const providersOf = async (from: Host, of: Digest = digest): Promise<string[]> => {
  const walk = walkOf(from, of, { signal: AbortSignal.timeout(20_000) });
  return (await Array.fromAsync(walk)).map(({ peer }) => peer);
};
/** Sends a message as it stands, and waits until it was read. */
const send = async (from: Host, to: Host, message: Uint8Array): Promise<void> => {
  const stream = await from.libp2p.dialProtocol(to.libp2p.peerId, TABLE_PROTOCOL);
  const messages = lpStream(stream);
  await messages.writeV([message, PING_MESSAGE]);
  await messages.read();
  await stream.close();
};

describe('a node of the hash table', () => {
  const hosts: Host[] = [];
  const host = async (options: Partial<HostOptions> = {}): Promise<Host> => {
    const opened = await openHost({ identity: someone(), listen: LISTEN, ...options });
    hosts.push(opened);
    return opened;
  };
  afterEach(async () => {
    vi.useRealTimers();
    for (const each of hosts.splice(0)) await each[Symbol.asyncDispose]();
  });

  /** A node that keeps records, and one that is connected with it. */
  async function pair(): Promise<{ keeper: Host; other: Host }> {
    const keeper = await host({ resident: true });
    const other = await host();
    await other.dial(keeper.name, keeper.addresses(), TIME);
    await expect.poll(() => other.libp2p.services.dht.size(), PATIENT).toBe(1);
    return { keeper, other };
  }
  it('is told many records on one stream, and names who provides them, by sha512 as well', async () => {
    const { keeper, other } = await pair();
    const sets = Array.from({ length: 200 }, (_, at) =>
      digestOf(Buffer.from(`${at}`), at % 2 === 0 ? 'sha256' : 'sha512'),
    );
    await tell(other, keeper, sets);
    expect(keeper.libp2p.services.dht.records.size).toBe(200);
    const asking = await host();
    await asking.dial(keeper.name, keeper.addresses(), TIME);
    for (const each of sets.slice(100, 102)) expect(await providersOf(asking, each)).toEqual([other.name]);
    expect(await providersOf(asking)).toEqual([]);
  });

  it('goes on naming the others when it knows no address of one', async () => {
    const { keeper, other } = await pair();
    const gone = await host();
    await gone.dial(keeper.name, keeper.addresses(), TIME);
    await tell(other, keeper, [digest]);
    await tell(gone, keeper, [digest]);
    await gone[Symbol.asyncDispose]();
    await expect.poll(() => keeper.libp2p.getConnections(gone.libp2p.peerId), PATIENT).toEqual([]);
    await keeper.libp2p.peerStore.delete(gone.libp2p.peerId);
    const asking = await host();
    await asking.dial(keeper.name, keeper.addresses(), TIME);
    expect(await providersOf(asking)).toEqual([other.name]);
  });

  it('believes of a provider the addresses that it says last, and eight of them', async () => {
    const { keeper, other } = await pair();
    const self = other.libp2p.peerId.toMultihash().bytes;
    const addresses = Array.from({ length: 300 }, (_, at) => multiaddr(`/ip4/192.0.2.7/tcp/${at + 1}`));
    for (let from = 0; from < 300; from += 100) {
      const some = addresses.slice(from, from + 100).map(({ bytes }) => bytes);
      await send(other, keeper, addProvider(keyOf(digest)!, self, some));
    }
    const known = await keeper.libp2p.peerStore.get(other.libp2p.peerId);
    expect(known.addresses.map(({ multiaddr: each }) => each.toString()).toSorted()).toEqual(
      addresses.slice(200, 208).map(String).toSorted(),
    );
  });

  it('takes no record that one peer makes for another', async () => {
    const { keeper, other } = await pair();
    const victim = await host();
    const addresses = [multiaddr('/ip4/192.0.2.7/tcp/1').bytes];
    const forged = addProvider(keyOf(digest)!, victim.libp2p.peerId.toMultihash().bytes, addresses);
    await send(other, keeper, forged);
    expect(keeper.libp2p.services.dht.records.size).toBe(0);
  });

  it('knows where a provider is whatever the clock says', async () => {
    const { keeper, other } = await pair();
    await tell(other, keeper, [digest]);
    const asking = await host();
    await asking.dial(keeper.name, keeper.addresses(), TIME);
    await expect.poll(() => asking.libp2p.services.dht.size(), PATIENT).toBe(1);
    const day = 24 * 60 * 60_000;
    for (const away of [3 * day, -3 * day]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + away });
      expect(await providersOf(asking)).toEqual([other.name]);
      await tell(other, keeper, [digest]);
      vi.useRealTimers();
    }
  });

  it('keeps no values', async () => {
    const { keeper, other } = await pair();
    const key = Buffer.concat([Buffer.from('/pk/'), createHash('sha256').update('x').digest()]);
    const put = other.libp2p.contentRouting.put(key, Buffer.from('x'), { signal: AbortSignal.timeout(5000) });
    await put.catch(() => undefined);
    const { records } = keeper.libp2p.services.dht;
    expect([records.size, await Array.fromAsync(records.query({}))]).toEqual([0, []]);
  });
});
