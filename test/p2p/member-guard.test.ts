import { once } from 'node:events';
import type { Connection, Stream } from '@libp2p/interface';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Host, openHost } from '../../src/p2p/host/host.ts';
import { joinBy } from '../../src/p2p/members/join.ts';
import type { JoinToken } from '../../src/p2p/members/join-token.ts';
import { MEMBER } from '../../src/p2p/members/member-talk.ts';
import type { Members } from '../../src/p2p/members/members.ts';
import { networkOfMembers, type NetworkOfMembers, newKey, type Peer } from './network-of-members.ts';

const SECRET = '/pyrsia/secret/1';
const TIME = { deadlineMs: 20_000 };
/** As it is told to whom nothing else is told. */
const CUT = /no member|closed|no connection/i;
const day = 86_400;
const file = Buffer.from('the network’s file');

let network: NetworkOfMembers;
let hosts: Host[];
let refusals: string[];
beforeEach(() => {
  network = networkOfMembers();
  hosts = [];
  refusals = [];
});
afterEach(async () => {
  await Promise.all(hosts.map(async (each) => each[Symbol.asyncDispose]()));
  network[Symbol.dispose]();
});

/** A host that answers at {@link SECRET}, and counts how often it was asked. */
interface Answering extends Host {
  asked: number;
}

/** Opens one, guarded as a member of the network unless it is nobody's. */
async function open(
  { identity, members }: { identity: Peer['identity']; members?: Members },
  patienceMs?: number,
): Promise<Answering> {
  const guard = members && {
    members,
    file,
    refused: (text: string) => void refusals.push(text),
    ...(patienceMs !== undefined && { patienceMs }),
  };
  const host = await openHost({ identity, listen: ['/ip4/127.0.0.1/tcp/0'], ...(guard && { guard }) });
  const answering: Answering = Object.assign(host, { asked: 0 });
  await host.libp2p.handle(SECRET, (stream: Stream) => {
    answering.asked++;
    stream.send(Buffer.from('told'));
    void stream.close();
  });
  hosts.push(host);
  return answering;
}

/** What one tells another over the secret protocol. */
async function ask(from: Host, to: Host): Promise<string> {
  const connection = await from.dial(to.name, to.addresses(), TIME);
  if (!connection) throw new Error('There is no connection');
  return askOver(connection);
}
async function askOver(connection: Connection): Promise<string> {
  const stream = await connection.newStream(SECRET, { signal: AbortSignal.timeout(10_000) });
  const [event] = (await Promise.race([
    once(stream, 'message'),
    once(stream, 'close').then(() => Promise.reject(new Error('It was closed'))),
  ])) as [{ data: { subarray(): Uint8Array } }];
  return Buffer.from(event.data.subarray()).toString();
}
/** A token of one who answers there. */
const tokenOf = (inviter: Peer, host: Host): JoinToken => ({
  network: network.raw,
  peer: host.name,
  addresses: host.addresses().map((address) => address.replace(/\/p2p\/.*/, '')),
  ...inviter.members.invite()!,
});
const now = () => network.now * 1000;
const areApart = async (one: Host, timeout = TIME.deadlineMs) =>
  vi.waitFor(() => expect(one.libp2p.getConnections()).toEqual([]), { timeout });

describe('In a private network', () => {
  it('members speak with each other, whoever has connected', async () => {
    const [a, b] = [await open(network.peer()), await open(network.peer())];
    expect(await ask(a, b)).toBe('told');
    expect(await ask(b, a)).toBe('told');
    expect(await Promise.all(Array.from({ length: 20 }, async () => ask(a, b)))).toHaveLength(20);
    expect([a.asked, b.asked]).toEqual([1, 21]);
    await expect(a.libp2p.services.ping.ping(b.libp2p.peerId)).resolves.toBeGreaterThanOrEqual(0);
    expect(refusals).toEqual([]);
  });

  it('a stranger that connects is told nothing by any protocol, and cut off', async () => {
    const [a, stranger] = [await open(network.peer(), 500), await open(newKey())];
    for (const protocol of [SECRET, '/ipfs/ping/1.0.0', '/ipfs/id/1.0.0', '/pyrsia/kad/1.0.0']) {
      const connection = await stranger.dial(a.name, a.addresses(), TIME);
      const told: unknown[] = [];
      const stream = await connection?.newStream(protocol).catch(() => undefined);
      stream?.addEventListener('message', ({ data }) => void told.push(data));
      if (stream?.status === 'open') stream.send(new Uint8Array(32));
      await areApart(stranger);
      expect([protocol, told]).toEqual([protocol, []]);
      // Not by libp2p, which ends a connection that answers no ping.
      expect(refusals.splice(0)).toEqual([expect.stringContaining(stranger.name)]);
    }
    expect(a.asked).toBe(0);
  });

  it('a stranger whom a member meets is asked nothing', async () => {
    const [a, stranger] = [await open(network.peer()), await open(newKey())];
    await expect(ask(a, stranger)).rejects.toThrow('could not negotiate /pyrsia/member/1');
    await areApart(stranger);
    expect(stranger.asked).toBe(0);
  });

  it('members of another network are strangers', async () => {
    using other = networkOfMembers();
    const [a, b] = [await open(network.peer()), await open(other.peer())];
    await expect(ask(b, a)).rejects.toThrow(CUT);
    await expect(ask(a, b)).rejects.toThrow(CUT);
    expect([a.asked, b.asked]).toEqual([0, 0]);
  });

  it('who shows the card of somebody else is cut off', async () => {
    const [a, b, thief] = [await open(network.peer()), network.peer(), newKey()];
    const own = network.peer();
    const stolen = { ...own.members, self: thief.identity.name, card: () => b.members.card() };
    await expect(ask(await open({ identity: thief.identity, members: stolen }), a)).rejects.toThrow(
      'other-peer',
    );
    expect(a.asked).toBe(0);
  });

  it('who was a member is told why it is none', async () => {
    const [a, old, bad] = [network.peer(), network.peer(), network.peer()];
    const host = await open(a);
    a.members.hear(network.revocation(bad.identity.name));
    await expect(ask(await open(bad), host)).rejects.toThrow('revoked');
    const card = old.members.card();
    network.now += 91 * day;
    const present = await open({ ...network.peer() });
    const late = { ...old.members, card: () => card };
    await expect(ask(await open({ ...old, members: late }), present)).rejects.toThrow('expired');
    expect([host.asked, present.asked]).toEqual([0, 0]);
  });

  it('a revocation travels from member to member, and cuts off whom it is of', async () => {
    const peers = [network.peer(), network.peer(), network.peer()] as const;
    const [a, b, bad] = [await open(peers[0]), await open(peers[1]), await open(peers[2])];
    expect([await ask(b, bad), await ask(a, b)]).toEqual(['told', 'told']);
    peers[0].members.hear(network.revocation(bad.name));
    a.libp2p.services.members?.look();
    // Sooner than at the next ping of libp2p's, after 10 s, which would find out as well.
    await areApart(bad, 5000);
    expect(refusals).toContainEqual(expect.stringContaining(bad.name));
    expect(b.libp2p.getConnections().map(({ remotePeer }) => remotePeer.toString())).toEqual([a.name]);
    await expect(ask(bad, b)).rejects.toThrow(CUT);
    expect(peers[1].members.revoked()).toEqual(peers[0].members.revoked());
  });

  it('a membership whose time is over in the middle of a connection ends it', async () => {
    const [a, b] = [await open(network.peer()), await open(network.peer())];
    expect(await ask(a, b)).toBe('told');
    const [connection] = a.libp2p.getConnections();
    network.now += 91 * day;
    await expect(askOver(connection!)).rejects.toThrow(CUT);
    await areApart(b);
    expect(b.asked).toBe(1);
  });

  it('a membership is made anew by who may, while both are connected', async () => {
    const [inviter, member] = [network.peer({ admits: true }), network.peer()];
    network.now += 31 * day;
    await ask(await open(member), await open(inviter));
    await expect.poll(() => member.members.standing()).toMatchObject({ ends: network.now + 90 * day });
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['too much', Buffer.concat([Buffer.from([0, 255, 255, 255, 1]), new Uint8Array(1 << 20)])],
    ['what is none of its words', Buffer.from([0, 0, 0, 3, 9, 1, 2])],
    ['a card without a greeting', Buffer.from([0, 0, 0, 3, 2, 0x7b, 0x7d])],
  ])('who says %s is cut off', async (_, bytes) => {
    const [a, stranger] = [await open(network.peer(), 1000), await open(newKey())];
    const connection = await stranger.dial(a.name, a.addresses(), TIME);
    const told: unknown[] = [];
    const stream = await connection!.newStream(MEMBER);
    stream.addEventListener('message', ({ data }) => void told.push(data));
    if (bytes.byteLength > 0) stream.send(bytes);
    await areApart(stranger);
    expect(told).toEqual([]);
  });
});

describe('By a token', () => {
  it('a stranger becomes a member, once', async () => {
    const [inviter, joiner, second] = [
      network.peer({ admits: true }),
      network.peer({ member: false }),
      network.peer({ member: false }),
    ];
    const host = await open(inviter);
    const token = tokenOf(inviter, host);
    const plain = await open({ identity: joiner.identity });
    expect(await joinBy({ ...joiner, host: plain, now }, token)).toEqual({
      file,
      until: (network.now + 90 * day) * 1000,
    });
    await plain[Symbol.asyncDispose]();
    expect(await ask(await open(joiner), host)).toBe('told');

    const other = await open({ identity: second.identity });
    expect(await joinBy({ ...second, host: other, now }, token)).toEqual({ refused: 'refused' });
    expect(second.members.standing()).toBe('none');
    expect(
      await joinBy(
        { ...second, host: other, now },
        { ...tokenOf(inviter, host), secret: new Uint8Array(32) },
      ),
    ).toEqual({ refused: 'refused' });
  });

  it('nobody is let in by whoever has taken the inviter’s address', async () => {
    const [inviter, joiner] = [network.peer({ admits: true }), network.peer({ member: false })];
    const impostor = await open(network.peer({ admits: true }));
    const token = { ...tokenOf(inviter, impostor), peer: inviter.identity.name };
    const host = await open({ identity: joiner.identity });
    expect(await joinBy({ ...joiner, host, now }, token)).toEqual({ refused: 'unreachable' });
  });

  it('nobody is let in by a member that may not', async () => {
    const [inviter, joiner] = [network.peer({ admits: true }), network.peer({ member: false })];
    const { secret, until } = inviter.members.invite()!;
    const plain = network.peer();
    const lying = { ...plain.members, letIn: () => plain.members.card() };
    const host = await open({ ...plain, members: lying });
    const token = { ...tokenOf(inviter, host), secret, until };
    const own = await open({ identity: joiner.identity });
    expect(await joinBy({ ...joiner, host: own, now }, token)).toEqual({ refused: 'forged' });
  });
});
