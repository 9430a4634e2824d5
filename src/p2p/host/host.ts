/**
 * This machine among its peers: the one place where libp2p is put together.
 *
 * Loading it takes four times as long as Node itself needs to start, so only `peers.ts` imports it.
 *
 * @module
 */
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { type Identify, identify } from '@libp2p/identify';
import {
  type Connection,
  type ConnectionGater,
  FaultTolerance,
  type Libp2p,
  type MultiaddrConnection,
  type PeerId,
} from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import { boundedYamux } from './bounded-yamux.ts';
import type { PeerName } from '../contract.ts';
import type { Identity } from '../identity.ts';
import { type Inside, inside, openDoors, openNeighbourhood } from './inside.ts';
import { type GuardOptions, type MemberGuard, memberGuard } from '../members/member-guard.ts';
import { nativeTls } from './native-tls.ts';
import { noiseCrypto } from './noise-crypto.ts';
import { pruned } from './prune.ts';
import { type Table, table } from '../table/table.ts';

/** What of libp2p a host runs besides connections. */
export type HostServices = {
  members?: MemberGuard;
  identify: Identify;
  ping: Ping;
  dht: Table;
  inside: Inside;
};

/** Who asked for a connection: the other one, or we. */
export type Direction = 'inbound' | 'outbound';

/** Whom this machine deals with: what is absent lets everybody through. Asked for each connection. */
export interface Gate {
  /**
   * Whether anything at this address may be dealt with: an IP address, or the name of one that is dialled; `peer` is whom
   * we look for there.
   */
  readonly address?: (address: string, direction: Direction, peer?: PeerName) => boolean;
  /** Whether this peer may be; of an inbound one, once it has proven who it is. */
  readonly peer?: (peer: PeerName, direction: Direction) => boolean;
}

/** What a host tells of its peers. */
export interface HostEvents {
  /** A neighbour is there, at these addresses. */
  readonly found?: (peer: PeerName, addresses: readonly string[]) => void;
  /** There is a connection with this peer now. */
  readonly connected?: (peer: PeerName) => void;
  /** The last connection with this peer has ended. */
  readonly left?: (peer: PeerName) => void;
  /** Something does not work; everything else does. One line. */
  readonly trouble?: (text: string) => void;
}

/** How a host is to be. */
export interface HostOptions {
  readonly identity: Identity;
  /** Where it accepts connections, as multiaddresses; nowhere by default. */
  readonly listen?: readonly string[];
  /** Whether it answers others' questions to the distributed hash table; by default it only asks. */
  readonly resident?: boolean;
  /** Whether it looks for neighbours by mDNS, and is found by them: this shows them that Pyrsia runs here. */
  readonly neighbours?: boolean;
  /** Keeps peers' addresses and the routing table; in memory by default. */
  readonly datastore?: NonNullable<Libp2pOptions['datastore']>;
  readonly gate?: Gate;
  readonly events?: HostEvents;
  /** Of a private network: nobody else is spoken with. */
  readonly guard?: GuardOptions;
}

/** How long an attempt to connect may take. */
export interface DialOptions {
  /** Milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** This machine among its peers. Disposing of it ends every connection. */
export interface Host extends AsyncDisposable {
  readonly name: PeerName;
  readonly libp2p: Libp2p<HostServices>;
  /** Where it can be reached, with its name: multiaddresses. */
  addresses(this: void): string[];
  /** Accepts connections there, and nowhere else, from now on. What cannot be listened on is left out. */
  listen(this: void, addresses: readonly string[]): Promise<void>;
  /** Whether to look for neighbours, and be found by them, from now on. */
  seek(this: void, neighbours: boolean): Promise<void>;
  /** A connection with this peer, at these addresses or where it was last; undefined when there is none in time. */
  dial(
    this: void,
    peer: PeerName,
    addresses: readonly string[],
    options: DialOptions,
  ): Promise<Connection | undefined>;
}

/** The most connections at a time, of all transports. */
const CONNECTION_LIMIT = 300;
/** The most connections that one address may open in a second, unless it is private. */
const CONNECTIONS_A_SECOND = 50;
/** The most connections that have not yet said who they are, those from private addresses aside. */
const PENDING_LIMIT = 50;

/** How long libp2p remembers a peer of which it knows no address, in milliseconds. */
const PEER_MS = 6 * 60 * 60_000;

/** Private networks: a whole office may be behind one address, and starts its builds at once. */
const PRIVATE = [
  '/ip4/10.0.0.0/ipcidr/8',
  '/ip4/127.0.0.0/ipcidr/8',
  '/ip4/169.254.0.0/ipcidr/16',
  '/ip4/172.16.0.0/ipcidr/12',
  '/ip4/192.168.0.0/ipcidr/16',
  '/ip6/::1/ipcidr/128',
  '/ip6/fc00::/ipcidr/7',
  '/ip6/fe80::/ipcidr/10',
];

/**
 * Starts a host. Where it cannot listen it goes on without, and says so. Rejects with libp2p's error when that cannot be
 * started at all.
 */
export async function openHost(options: HostOptions): Promise<Host> {
  const { identity, listen = [], neighbours = false, events = {} } = options;
  const libp2p = await createLibp2p<HostServices>({ ...setUp(options), start: false });
  // In a private network a peer is there once it has proven to be a member.
  report(libp2p, options.guard ? { ...events, connected: undefined } : events);
  pruned(libp2p, ({ id }) => libp2p.services.dht.records.isProvider(id.toString()));
  await libp2p.start();
  const relisten = openDoors(libp2p.services.inside);
  const seek = openNeighbourhood(libp2p.services.inside, (...found) => events.found?.(...found));
  await relisten(listen);
  await seek(neighbours);
  const addresses = (): string[] => libp2p.getMultiaddrs().map(String);
  if (listen.length > 0 && addresses().length === 0)
    events.trouble?.(`Peers cannot reach this machine: it cannot listen on ${listen.join(', ')}`);
  return {
    name: identity.name,
    libp2p,
    addresses,
    listen: relisten,
    seek,
    dial: (peer, known, { deadlineMs, signal }) => {
      const deadline = AbortSignal.timeout(deadlineMs);
      const within = signal ? AbortSignal.any([signal, deadline]) : deadline;
      return dial(libp2p, peer, known, within);
    },
    async [Symbol.asyncDispose]() {
      await seek(false);
      await libp2p.stop();
    },
  };
}

function setUp({ identity, resident = false, datastore, gate = {}, guard, events = {} }: HostOptions) {
  return {
    privateKey: privateKeyFromRaw(identity.secret),
    // Nothing that tells strangers which version has which hole.
    nodeInfo: { name: 'pyrsia', version: '1', userAgent: 'pyrsia' },
    addresses: { announceFilter: withoutLoopback },
    transports: [tcp({ maxConnections: CONNECTION_LIMIT })],
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    connectionEncrypters: [nativeTls(), noise({ crypto: noiseCrypto })],
    streamMuxers: [boundedYamux()],
    connectionManager: {
      maxConnections: CONNECTION_LIMIT,
      inboundConnectionThreshold: CONNECTIONS_A_SECOND,
      maxIncomingPendingConnections: PENDING_LIMIT,
      allow: PRIVATE,
    },
    connectionGater: gater(gate),
    // It would count from when an address was said first, however often it is said again: see `prune.ts`.
    peerStore: { maxAddressAge: Infinity, maxPeerAge: PEER_MS },
    ...(datastore && { datastore }),
    services: {
      // First, since the others speak as soon as there is a connection.
      ...(guard && { members: memberGuard({ admitted: events.connected, ...guard }) }),
      identify: identify(),
      ping: ping(),
      inside,
      dht: table({ resident }),
    },
  };
}

/** Of no use to anybody on another machine; where there is nothing else, whoever asks is on this one. */
function withoutLoopback(addresses: Multiaddr[]): Multiaddr[] {
  const others = addresses.filter((address) => !/^(127\.|::1$)/.test(placeOf(address)));
  return others.length > 0 ? others : addresses;
}

/** A gate as libp2p asks it, which wants to hear whom to turn away. */
function gater({ address, peer }: Gate): ConnectionGater {
  const isPlaceShut = (place: Multiaddr, direction: Direction): boolean =>
    address !== undefined && !address(placeOf(place), direction, nameIn(place));
  const isPeerShut = (id: PeerId, direction: Direction): boolean =>
    peer !== undefined && !peer(id.toString(), direction);
  return {
    denyDialPeer: (id) => isPeerShut(id, 'outbound'),
    denyDialMultiaddr: (place) => isPlaceShut(place, 'outbound'),
    denyInboundConnection: ({ remoteAddr }: MultiaddrConnection) => isPlaceShut(remoteAddr, 'inbound'),
    denyInboundEncryptedConnection: (id) => isPeerShut(id, 'inbound'),
    denyOutboundEncryptedConnection: (id) => isPeerShut(id, 'outbound'),
  };
}

/** The IP address or name that a multiaddress begins with. */
function placeOf(address: Multiaddr): string {
  const [first] = address.getComponents();
  return first?.value ?? '';
}

/** The name of the peer that a multiaddress ends with. */
function nameIn(address: Multiaddr): PeerName | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value;
}

function report(
  libp2p: Libp2p<HostServices>,
  {
    connected,
    left,
  }: Pick<HostEvents, 'left'> & { readonly connected?: HostEvents['connected'] | undefined },
): void {
  libp2p.addEventListener('peer:connect', ({ detail }) => connected?.(detail.toString()));
  libp2p.addEventListener('peer:disconnect', ({ detail }) => left?.(detail.toString()));
}

async function dial(
  libp2p: Libp2p<HostServices>,
  peer: PeerName,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Connection | undefined> {
  try {
    const id = peerIdFromString(peer);
    const open = libp2p.getConnections(id).find(({ status }) => status === 'open');
    if (open) return open;
    const places = addresses.flatMap((text) => placesOf(multiaddr(text), peer));
    if (addresses.length > 0 && places.length === 0) return undefined;
    return await libp2p.dial(places.length > 0 ? places : id, { signal });
  } catch {
    return undefined;
  }
}

/** The address with this peer's name, so that whoever else answers there is refused; none if it has another's. */
function placesOf(address: Multiaddr, peer: PeerName): Multiaddr[] {
  const names = address.getComponents().filter(({ name }) => name === 'p2p');
  if (names.length === 0) return [address.encapsulate(`/p2p/${peer}`)];
  return names.every(({ value }) => value === peer) ? [address] : [];
}
