import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Host, type HostOptions, openHost } from '../../src/p2p/host/host.ts';
import { someone } from '../support/peer-hosts.ts';

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0'];
const TIME = { deadlineMs: 20_000 };

describe('a host', () => {
  const hosts: Host[] = [];
  const host = async (options: Partial<HostOptions> = {}): Promise<Host> => {
    const opened = await openHost({ identity: someone(), ...options });
    hosts.push(opened);
    return opened;
  };
  afterEach(async () => {
    for (const each of hosts.splice(0)) await each[Symbol.asyncDispose]();
  });

  it('is found under its identity', async () => {
    const [one, other] = [await host({ listen: LOOPBACK }), await host()];
    const connection = await other.dial(one.name, one.addresses(), TIME);
    expect(connection).toMatchObject({ encryption: '/tls/1.0.0', multiplexer: '/yamux/1.0.0' });
    expect(String(connection!.remotePeer)).toBe(one.name);
    await expect(other.libp2p.services.ping.ping(connection!.remotePeer)).resolves.toBeGreaterThanOrEqual(0);
  });

  it('does not take somebody else for the one whom it looks for', async () => {
    const [one, other] = [await host({ listen: LOOPBACK }), await host()];
    const bare = one.addresses().map((address) => address.replace(/\/p2p\/.*/, ''));
    expect(await other.dial(someone().name, bare, TIME)).toBeUndefined();
    expect(await other.dial(someone().name, one.addresses(), TIME)).toBeUndefined();
    expect(other.libp2p.getConnections()).toEqual([]);
  });

  it('tells who comes and who leaves', async () => {
    const told: string[] = [];
    const left = Promise.withResolvers<void>();
    const one = await host({
      listen: LOOPBACK,
      events: {
        connected: (peer) => told.push(`connected ${peer}`),
        left: (peer) => {
          told.push(`left ${peer}`);
          left.resolve();
        },
      },
    });
    const other = await openHost({ identity: someone() });
    await other.dial(one.name, one.addresses(), TIME);
    await other.libp2p.services.ping.ping(one.libp2p.peerId);
    await other[Symbol.asyncDispose]();
    await left.promise;
    expect(told).toEqual([`connected ${other.name}`, `left ${other.name}`]);
  });

  it('lets only in whom its gate lets in', async () => {
    const welcome = someone();
    const one = await host({ listen: LOOPBACK, gate: { peer: (peer) => peer === welcome.name } });
    const stranger = await host();
    await stranger.dial(one.name, one.addresses(), TIME);
    await vi.waitFor(() => expect(stranger.libp2p.getConnections()).toEqual([]), TIME.deadlineMs);
    expect(await (await host({ identity: welcome })).dial(one.name, one.addresses(), TIME)).toBeDefined();
  });

  it('neither dials nor accepts what its gate says of an address', async () => {
    const shut = { address: (place: string) => place !== '127.0.0.1' };
    const [open, closed] = [await host({ listen: LOOPBACK }), await host({ listen: LOOPBACK, gate: shut })];
    expect(await closed.dial(open.name, open.addresses(), TIME)).toBeUndefined();
    expect(await open.dial(closed.name, closed.addresses(), TIME)).toBeUndefined();
  });

  it('goes on without being reachable where it cannot listen', async () => {
    const one = await host({ listen: LOOPBACK });
    const taken = one.addresses()[0]!.replace(/\/p2p\/.*/, '');
    const troubles: string[] = [];
    const other = await host({ listen: [taken], events: { trouble: (text) => troubles.push(text) } });
    expect(troubles).toEqual([`Peers cannot reach this machine: it cannot listen on ${taken}`]);
    expect(await other.dial(one.name, one.addresses(), TIME)).toBeDefined();
  });

  it('listens where it could not, once it can and is asked again', async () => {
    const one = await openHost({ identity: someone(), listen: LOOPBACK });
    const taken = one.addresses()[0]!.replace(/\/p2p\/.*/, '');
    const other = await host({ listen: [taken] });
    await one[Symbol.asyncDispose]();
    await other.listen(['nowhere', taken]);
    expect(other.addresses()).toEqual([`${taken}/p2p/${other.name}`]);
  });

  it('gives up in time on one who does not answer', async () => {
    const one = await host();
    const started = Date.now();
    // TEST-NET-1 (RFC 5737): nobody is there.
    expect(await one.dial(someone().name, ['/ip4/192.0.2.1/tcp/1'], { deadlineMs: 100 })).toBeUndefined();
    expect(Date.now() - started).toBeLessThan(5000);
  });
});
