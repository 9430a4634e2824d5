import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createSecureContext, connect as tlsConnect, TLSSocket } from 'node:tls';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { tls as stockTls } from '@libp2p/tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nativeTls } from '../../src/p2p/host/native-tls.ts';
import { makePeerCertificate } from '../../src/p2p/host/peer-certificate.ts';
import { selfSigned } from '../fixtures/registry/certificate.ts';
import {
  componentsOf,
  cutting,
  type Ends,
  openWires,
  received,
  sent,
  shakeHands,
  socketOf,
  type Wires,
} from './connections.ts';

const [clientKey, serverKey, otherKey] = await Promise.all([
  generateKeyPair('Ed25519'),
  generateKeyPair('Ed25519'),
  generateKeyPair('Ed25519'),
]);
const [clientName, serverName, otherName] = [clientKey, serverKey, otherKey].map(peerIdFromPrivateKey);
const native = nativeTls();
const client = native(componentsOf(clientKey));
const server = native(componentsOf(serverKey));

describe('TLS done in the socket', () => {
  let wires: Wires;
  const unhandled: unknown[] = [];
  const note = (error: unknown): unknown => unhandled.push(error);
  beforeEach(async () => {
    unhandled.length = 0;
    process.on('unhandledRejection', note).on('uncaughtException', note);
    wires = await openWires();
  });
  afterEach(async () => {
    await wires[Symbol.asyncDispose]();
    process.off('unhandledRejection', note).off('uncaughtException', note);
    expect(unhandled).toEqual([]);
  });

  describe.each<[string, ConnectionEncrypter, ConnectionEncrypter]>([
    ['itself', client, server],
    ['a server with libp2p’s own', client, stockTls()(componentsOf(serverKey))],
    ['a client with libp2p’s own', stockTls()(componentsOf(clientKey)), server],
  ])('with %s', (_, one, other) => {
    it('knows who is there, and which multiplexer both have', async () => {
      const ends = await wires.connect();
      const both = await shakeHands(ends, one, other);
      expect(both.client.remotePeer.equals(serverName)).toBe(true);
      expect(both.server.remotePeer.equals(clientName)).toBe(true);
      expect(both.client.streamMuxer?.protocol).toBe('/yamux/1.0.0');
      expect(both.server.streamMuxer?.protocol).toBe('/yamux/1.0.0');
    });

    it('brings bytes both ways unchanged', async () => {
      const both = await shakeHands(await wires.connect(), one, other);
      const [up, down] = [randomBytes(3_000_001), randomBytes(2_000_003)];
      const arrived = [
        received(both.server.connection, up.length),
        received(both.client.connection, down.length),
      ];
      await Promise.all([sent(both.client.connection, parts(up)), sent(both.server.connection, parts(down))]);
      expect((await Promise.all(arrived)).map(hash)).toEqual([up, down].map(hash));
    });

    it('ends at the other end, too, once everything has arrived', async () => {
      const { client: dialling, server: dialled } = await shakeHands(await wires.connect(), one, other);
      const [leaving, left] = one === client ? [dialling, dialled] : [dialled, dialling];
      const last = randomBytes(500_000);
      const arrived = received(left.connection, Infinity);
      leaving.connection.send(last);
      await leaving.connection.close();
      expect(hash(await arrived)).toBe(hash(last));
      await ended(left.connection);
    });
  });

  it('lets the multiplexer be chosen later where both have none in common', async () => {
    const other = native(componentsOf(serverKey, ['/mplex/6.7.0']));
    const both = await shakeHands(await wires.connect(), client, other);
    expect([both.client.streamMuxer, both.server.streamMuxer]).toEqual([undefined, undefined]);
  });

  it('takes what came before it had the socket', async () => {
    const ends = await wires.connect();
    const outbound = client.secureOutbound(ends.client);
    // libp2p reads until it hands the connection over.
    await vi.waitFor(() => expect(socketOf(ends.server).bytesRead).toBeGreaterThan(200));
    const inbound = await server.secureInbound(ends.server);
    expect(inbound.remotePeer.equals(clientName)).toBe(true);
    expect((await outbound).remotePeer.equals(serverName)).toBe(true);
  });

  it('refuses whoever is not the one whom it looks for', async () => {
    const ends = await wires.connect();
    const [outbound] = await Promise.allSettled([
      client.secureOutbound(ends.client, { remotePeer: otherName! }),
      server.secureInbound(ends.server),
    ]);
    expect(outbound).toMatchObject({ status: 'rejected', reason: { name: 'UnexpectedPeerError' } });
    await gone(ends);
  });

  it('refuses an inbound one who is not the one whom it looks for', async () => {
    const ends = await wires.connect();
    const [inbound, outbound] = await Promise.allSettled([
      server.secureInbound(ends.server, { remotePeer: otherName! }),
      client.secureOutbound(ends.client),
    ]);
    expect(inbound).toMatchObject({ status: 'rejected', reason: { name: 'UnexpectedPeerError' } });
    if (outbound.status === 'fulfilled') await ended(outbound.value.connection);
    await gone(ends);
  });

  describe('when the other end shows', () => {
    it.each([
      ['no certificate', async () => ({})],
      ['a certificate that no peer has signed', async () => selfSigned()],
    ])('%s, it is refused as a client', async (_, shown) => {
      const ends = await wires.connect();
      const secureContext = createSecureContext(await shown());
      const options = { secureContext, rejectUnauthorized: false, ALPNProtocols: ['libp2p'] };
      tlsConnect({ socket: socketOf(ends.client), ...options }).on('error', () => {});
      await expect(server.secureInbound(ends.server)).rejects.toThrow(/certificate/);
      await gone(ends);
    });

    it('a certificate that no peer has signed, it is refused as a server', async () => {
      const ends = await wires.connect();
      const secureContext = createSecureContext(selfSigned());
      const options = { secureContext, isServer: true, requestCert: true, rejectUnauthorized: false };
      new TLSSocket(socketOf(ends.server), { ...options, ALPNProtocols: ['libp2p'] }).on('error', () => {});
      await expect(client.secureOutbound(ends.client)).rejects.toThrow(/certificate/);
      await gone(ends);
    });

    it('TLS 1.2, it is refused', async () => {
      const ends = await wires.connect();
      const own = await makePeerCertificate(clientKey!);
      const secureContext = createSecureContext({ ...own, maxVersion: 'TLSv1.2' });
      const options = { secureContext, rejectUnauthorized: false, ALPNProtocols: ['libp2p'] };
      tlsConnect({ socket: socketOf(ends.client), ...options }).on('error', () => {});
      await expect(server.secureInbound(ends.server)).rejects.toThrow(/protocol/i);
      await gone(ends);
    });
  });

  it('begins anew with whoever would go on with an earlier session, in which nobody shows a certificate', async () => {
    const own = await makePeerCertificate(clientKey!);
    const secureContext = createSecureContext(own);
    const sessions: Buffer[] = [];
    const visit = async (session?: Buffer): Promise<boolean> => {
      const ends = await wires.connect();
      const options = { secureContext, rejectUnauthorized: false, ALPNProtocols: ['libp2p'] };
      const visitor = tlsConnect({ socket: socketOf(ends.client), ...options, ...(session && { session }) });
      visitor.on('error', () => {}).on('session', (each) => sessions.push(each));
      const { connection } = await server.secureInbound(ends.server);
      const arrived = once(visitor, 'data');
      connection.send(Buffer.from('something after the tickets'));
      await arrived;
      return visitor.isSessionReused();
    };
    await visit();
    await vi.waitFor(() => expect(sessions.length).toBeGreaterThan(0), 10_000);
    for (const session of sessions.slice(0, 2)) expect(await visit(session)).toBe(false);
  });

  const FATES: [string, (from: Socket, to: Socket) => void][] = [
    ['is closed', (from, to) => void (to.destroy(), from.destroy())],
    ['is half-closed', (_, to) => void to.end()],
    ['is reset', (from, to) => void (to.resetAndDestroy(), from.resetAndDestroy())],
    ['falls silent', () => {}],
    ['brings rubbish', (_, to) => void to.write(randomBytes(100_000))],
    ['brings rubbish and is half-closed', (_, to) => void to.end(randomBytes(1000))],
  ];
  // It gives up after a second, so that what the other end does in ten is not the time-out's doing.
  const impatient = nativeTls({ handshakeMs: 1000 })(componentsOf(otherKey));
  // Of some 300 bytes of a client's first flight and some 900 of either's last.
  const PLACES = [0, 1, 4, 100, 250, 400, 600, 800];

  describe.each(['client', 'server'] as const)('as a %s whose connection', (role) => {
    const from = role === 'client' ? 'server' : 'client';

    it.each(FATES)(
      '%s in any state of the handshake, it ends in time, and leaves nothing',
      async (_, fate) => {
        const outcomes = await Promise.all(
          PLACES.map(async (after) => {
            const ends = await wires.connect(cutting({ from, after, fate }));
            const over = new AbortController();
            const { signal } = over;
            const [outbound, inbound] =
              role === 'client'
                ? [impatient.secureOutbound(ends.client), server.secureInbound(ends.server, { signal })]
                : [client.secureOutbound(ends.client, { signal }), impatient.secureInbound(ends.server)];
            const [mine, theirs] = role === 'client' ? [outbound, inbound] : [inbound, outbound];
            const others = theirs.then(({ connection }) => ended(connection, true)).catch(() => {});
            const [outcome] = await Promise.allSettled([mine]);
            over.abort();
            await others;
            await gone(ends);
            return { after, status: outcome.status };
          }),
        );
        expect(outcomes).toEqual(PLACES.map((after) => ({ after, status: 'rejected' })));
      },
      20_000,
    );

    it.each(FATES.filter(([name]) => name !== 'falls silent'))(
      '%s after the handshake, it hears of it',
      async (_, fate) => {
        const cut = Promise.withResolvers<() => void>();
        const ends = await wires.connect((one, other) => {
          one.pipe(other, { end: false });
          other.pipe(one, { end: false });
          const [source, target] = from === 'client' ? [one, other] : [other, one];
          cut.resolve(() => {
            source.unpipe(target);
            fate(source, target);
          });
        });
        const both = await shakeHands(ends, client, server);
        const mine = both[role].connection;
        mine.addEventListener('message', () => {});
        (await cut.promise)();
        await ended(mine);
        await vi.waitFor(() => expect(ends.sockets[role].destroyed).toBe(true), 10_000);
        await ended(both[from].connection, true);
      },
    );
  });

  it('gives up when it is told to, in the middle of a handshake', async () => {
    const ends = await wires.connect(cutting({ from: 'server', after: 50, fate: () => {} }));
    const told = new AbortController();
    const both = [
      client.secureOutbound(ends.client, { signal: told.signal }),
      server.secureInbound(ends.server, { signal: told.signal }),
    ];
    await vi.waitFor(() => expect(ends.sockets.client.bytesRead).toBe(50));
    told.abort(new Error('enough'));
    for (const each of await Promise.allSettled(both))
      expect(each).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    await gone(ends);
  });

  it('refuses a connection that has ended before', async () => {
    const ends = await wires.connect();
    ends.client.abort(new Error('gone'));
    await expect(client.secureOutbound(ends.client)).rejects.toThrow(/ended/);
    ends.server.abort(new Error('gone'));
    await expect(server.secureInbound(ends.server)).rejects.toThrow(/ended/);
  });

  it('resets the other end when it is aborted', async () => {
    const ends = await wires.connect();
    const both = await shakeHands(ends, client, server);
    both.client.connection.abort(new Error('no more'));
    await ended(both.server.connection);
    await gone(ends);
    expect(both.server.connection.status).toMatch(/reset|aborted/);
  });

  it('closes in time though the other end does not read', async () => {
    const ends = await wires.connect();
    const both = await shakeHands(ends, client, server);
    both.server.connection.pause();
    for (let i = 0; i < 64; i++) both.client.connection.send(randomBytes(2 ** 20));
    const closing = both.client.connection.close({ signal: AbortSignal.timeout(200) });
    await expect(closing).rejects.toThrow(/abort/);
    await vi.waitFor(() => expect(ends.sockets.client.destroyed).toBe(true));
    both.server.connection.abort(new Error('enough'));
    await gone(ends);
  });

  it('is not idle while encrypted bytes pass', async () => {
    await using busy = await openWires(400);
    const ends = await busy.connect();
    const both = await shakeHands(ends, client, server);
    both.server.connection.addEventListener('message', () => {});
    const started = performance.now();
    while (performance.now() - started < 1200) {
      both.client.connection.send(Buffer.from('still here'));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect([both.client.connection.status, both.server.connection.status]).toEqual(['open', 'open']);
    // And then it is.
    await Promise.all([ended(both.client.connection), ended(both.server.connection)]);
    await gone(ends);
  });

  it('passes 64 MiB on unchanged, and holds little of it while nobody reads', async () => {
    const ends = await wires.connect();
    const both = await shakeHands(ends, client, server);
    const [source, target] = [both.client.connection, both.server.connection];
    const part = randomBytes(2 ** 20);
    const expected = createHash('sha256');
    for (let i = 0; i < 64; i++) expected.update(part);
    const actual = createHash('sha256');
    let count = 0;
    target.addEventListener('message', ({ data }) => {
      for (const each of data instanceof Uint8Array ? [data] : data) actual.update(each);
      count += data.byteLength;
    });
    target.pause();
    let isSent = false;
    const sending = sent(
      source,
      Array.from({ length: 64 }, () => part),
    ).then(() => (isSent = true));
    await vi.waitFor(() => expect(source.writableNeedsDrain).toBe(true));
    const settled = await steady(() => socketOf(ends.server).bytesRead);
    expect(settled).toBeLessThan(8 * 2 ** 20);
    expect([isSent, count]).toEqual([false, 0]);
    target.resume();
    await sending;
    await vi.waitFor(() => expect(count).toBe(64 * 2 ** 20), 60_000);
    expect(actual.digest('hex')).toBe(expected.digest('hex'));
  });
});

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function* parts(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

/** Waits until a stream has ended; of one whose other end knows nothing of that, ends it. */
async function ended(stream: MessageStream, isLeft = false): Promise<void> {
  if (isLeft && stream.status === 'open') stream.abort(new Error('left alone'));
  await vi.waitFor(() => expect(stream.status).not.toMatch(/open|closing/), 10_000);
}

/** Waits until no socket is left. */
async function gone({ sockets }: Ends): Promise<void> {
  await vi.waitFor(
    () => expect([sockets.client.destroyed, sockets.server.destroyed]).toEqual([true, true]),
    10_000,
  );
}

/** The value at which a count stays. */
async function steady(count: () => number): Promise<number> {
  for (let last = -1; ;) {
    const now = count();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
