/**
 * Connections of libp2p's over TCP that are not yet encrypted, and one in the middle who does something to them.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type {
  ComponentLogger,
  ConnectionEncrypter,
  Logger,
  MessageStream,
  MultiaddrConnection,
  PrivateKey,
  StreamMuxerFactory,
  Transport,
  Upgrader,
} from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';

const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent,
});
const logger: ComponentLogger = { forComponent: () => silent };

/** What an encrypter needs of libp2p. */
export function componentsOf(privateKey: PrivateKey, muxers: readonly string[] = ['/yamux/1.0.0']) {
  const factories = new Map(
    muxers.map((protocol): [string, StreamMuxerFactory] => [
      protocol,
      { protocol, createStreamMuxer: () => never() },
    ]),
  );
  const upgrader = { getStreamMuxers: () => factories } as Partial<Upgrader> as Upgrader;
  return { privateKey, logger, upgrader };
}

/** Both ends of one connection, which passes through `middle`, and what closes everything. */
export interface Ends {
  readonly client: MultiaddrConnection;
  readonly server: MultiaddrConnection;
  /** The sockets below. */
  readonly sockets: { readonly client: Socket; readonly server: Socket };
}

/** Connections on this machine, and what they leave. */
export interface Wires extends AsyncDisposable {
  /** A new connection, whose bytes `middle` passes on; by itself everything that comes. */
  connect(middle?: Middle): Promise<Ends>;
}

/** Gets both ends of a connection that has to pass it. */
export type Middle = (client: Socket, server: Socket) => void;

const honest: Middle = (client, server) => {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.resetAndDestroy());
  }
};

/** What is to happen with a connection once one side has sent so many bytes. */
export interface Cut {
  readonly from: 'client' | 'server';
  /** Bytes. */
  readonly after: number;
  readonly fate: (from: Socket, to: Socket) => void;
}

/** Passes everything on until the cut, and nothing that comes then from that side. */
export function cutting({ from, after, fate }: Cut): Middle {
  return (client, server) => {
    const [source, target] = from === 'client' ? [client, server] : [server, client];
    target.pipe(source, { end: false });
    target.on('error', () => source.resetAndDestroy());
    let passed = 0;
    let isCut = false;
    const onData = (bytes: Buffer): void => {
      if (isCut) return;
      const part = bytes.subarray(0, after - passed);
      passed += part.length;
      target.write(part);
      if (passed < after) return;
      isCut = true;
      fate(source, target);
    };
    source.on('data', onData).resume();
    if (after === 0) onData(Buffer.alloc(0));
  };
}

/** Opens a server, with the inactivity after which libp2p gives a socket up. */
export async function openWires(inactivityMs = 60_000): Promise<Wires> {
  const transport: Transport = tcp({
    inboundSocketInactivityTimeout: inactivityMs,
    outboundSocketInactivityTimeout: inactivityMs,
  })({ logger });
  const accepted: ((connection: MultiaddrConnection) => void)[] = [];
  const listener = transport.createListener({
    upgrader: {
      upgradeInbound: async (connection: MultiaddrConnection) => accepted.shift()?.(connection),
    } as Partial<Upgrader> as Upgrader,
  });
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'));
  const target = Number(listener.getAddrs()[0]!.toString().split('/').at(-1));
  const closing: (() => void)[] = [() => void listener.close()];
  const relayed: ((client: Socket, server: Socket) => void)[] = [];
  const relay = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [client, server]) {
      socket.on('error', () => {});
      closing.push(() => void socket.destroy());
    }
    server.once('connect', () => relayed.shift()?.(client, server));
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  closing.push(() => void relay.close());
  const at = multiaddr(`/ip4/127.0.0.1/tcp/${(relay.address() as AddressInfo).port}`);
  let turn: Promise<unknown> = Promise.resolve();
  const one = async (middle: Middle): Promise<Ends> => {
    const inbound = Promise.withResolvers<MultiaddrConnection>();
    const between = Promise.withResolvers<[Socket, Socket]>();
    accepted.push(inbound.resolve);
    relayed.push((...both) => between.resolve(both));
    let client: MultiaddrConnection | undefined;
    const upgrader: unknown = {
      upgradeOutbound: async (connection: MultiaddrConnection) => (client = connection),
    };
    await transport.dial(at, { upgrader: upgrader as Upgrader, signal: AbortSignal.timeout(10_000) });
    const server = await inbound.promise;
    middle(...(await between.promise));
    return { client: client!, server, sockets: { client: socketOf(client!), server: socketOf(server) } };
  };
  return {
    // One after the other, so that it is known which end belongs to which.
    connect: async (middle = honest) => (turn = turn.then(() => one(middle))) as Promise<Ends>,
    [Symbol.asyncDispose]: async () => {
      for (const close of closing) close();
    },
  };
}

/** The socket of a connection that libp2p has made. */
export function socketOf(connection: MultiaddrConnection): Socket {
  return (connection as MultiaddrConnection & { socket: Socket }).socket;
}

/** Both sides shake hands; the encrypted streams. */
export async function shakeHands(ends: Ends, client: ConnectionEncrypter, server: ConnectionEncrypter) {
  const [one, other] = await Promise.all([
    client.secureOutbound(ends.client),
    server.secureInbound(ends.server),
  ]);
  return { client: one, server: other };
}

/** Collects `length` bytes that come. */
export async function received(stream: MessageStream, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  const all = Promise.withResolvers<Buffer>();
  let count = 0;
  stream.addEventListener('message', ({ data }) => {
    const part = Buffer.from(data.subarray());
    parts.push(part);
    count += part.length;
    if (count >= length) all.resolve(Buffer.concat(parts));
  });
  stream.addEventListener('close', () => all.resolve(Buffer.concat(parts)));
  return all.promise;
}

/** Sends all of it as fast as the stream takes it. */
export async function sent(stream: MessageStream, parts: Iterable<Uint8Array>): Promise<void> {
  for (const part of parts) if (!stream.send(part)) await once(stream, 'drain');
}

function never(): never {
  throw new Error('Nothing is multiplexed here');
}
