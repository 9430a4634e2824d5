/**
 * The peers of one agent. A bundle of its own: the agent imports it when it first looks for something that it lacks.
 *
 * @module
 */
import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { CODE_P2P } from '@multiformats/multiaddr';
import { type Acquaintances, openAcquaintances } from './acquaintances.ts';
import { openAllowance } from './allowance.ts';
import { openHaveAsker } from './ask-have.ts';
import { openLane } from './ask-lane.ts';
import { openBucket } from './bucket.ts';
import { monotonicClock } from './clock.ts';
import type { PeerName } from './contract.ts';
import { type Contact, openDiscovery } from './discovery.ts';
import { PeerFault } from './fault.ts';
import { openHeld } from './held.ts';
import { type Gate, type Host, openHost } from './host.ts';
import { type FindHints, hintsFrom } from './hints.ts';
import { type Identity, openIdentity } from './identity.ts';
import { isPrivate, listenAddresses, readLinks, watchLinks } from './lan.ts';
import { openLanes } from './lanes.ts';
import { memberFiles } from './member-files.ts';
import { type Members, openMembers } from './members.ts';
import { openOfferedLists } from './offered-lists.ts';
import type { OpenPeers, PeersOptions, PeersRules, PeersView } from './open-peers.ts';
import { openPeerBook, type PeerBook } from './peer-book.ts';
import { parsePeerAddress } from './peer-name.ts';
import { openRules, type Rules } from './rules.ts';
import type { SaidOfPeers } from './said-of-peers.ts';
import { serve } from './serve.ts';
import type { Serving } from './serving.ts';

export { joinNetwork } from './join.ts';

/** What goes at once after a rest, in milliseconds of the download limit. */
const BURST_MS = 100;

/** How long a connection may take that a fetch needs, in milliseconds. */
const DIAL_MS = 2000;

/** How many of the peers that were known before are connected to at the start. */
const REMEMBERED = 16;

const NOTHING_SAID: SaidOfPeers = new Map();

/** Content that has gone to others and come from them, in bytes. */
interface Moved {
  given: number;
  taken: number;
}

/** Starts this machine among its peers. Rejects when it has no identity, or libp2p cannot be started. */
export async function openPeers(options: PeersOptions): Promise<OpenPeers> {
  const { state, port = 0, neighbours = true, links = readLinks, log, now = Date.now } = options;
  const identity = await openIdentity(state);
  let { said = NOTHING_SAID } = options;
  const book = openPeerBook(state, { now, log, said: () => said });
  const rules = openRules({ rules: options, links: links() }, identity.name, book);
  const bootstrap = (options.bootstrap ?? []).map(parsePeerAddress);
  const members =
    options.network &&
    openMembers({
      network: options.network.key,
      identity,
      files: memberFiles(state, options.network.key),
      now,
    });
  const moved: Moved = { given: 0, taken: 0 };
  const connected = new Set<PeerName>();

  const asker = openHaveAsker(monotonicClock);
  const acquaintances = openAcquaintances({
    dial: async ({ peer, addresses }, how) =>
      (await (await opening).dial(peer, addresses, how)) !== undefined,
    isConnected: (peer) => connected.has(peer),
    isAllowed: (peer) => rules.admits(peer),
  });
  const discovery = openDiscovery({
    ask: async (peer, digests, how) => asker.ask(connectionTo(await opening, peer), digests, how),
    connected: () => [...connected].filter((peer) => rules.admits(peer)),
    seeds: () => bootstrap.map(({ peer }) => peer).filter((peer) => connected.has(peer)),
    walk: namesNobody,
    reach: acquaintances.reach,
    now: monotonicClock.now,
  });
  const opening = openHost({
    identity,
    listen: listenAddresses(rules.sharing(), port),
    ...(options.resident && { resident: true }),
    neighbours: neighbours && rules.isSeen(),
    gate: gateOf(rules),
    ...(members && { guard: { members, file: options.network.file, refused: log } }),
    events: {
      found: (peer, addresses) => acquaintances.meet({ peer, addresses }),
      connected(peer) {
        connected.add(peer);
        discovery.met(peer);
        void opening.then((host) => remember(host, peer, book));
      },
      left(peer) {
        connected.delete(peer);
        discovery.forget(peer);
        acquaintances.lost(peer);
      },
      trouble: log,
    },
  });
  const host = await opening;
  const hints = hintsFrom(discovery, host, monotonicClock);
  await serve(host.libp2p, servingOf(options, { identity, rules, book, moved, hints }));

  const download = openBucket(options.download, BURST_MS, monotonicClock);
  const lanes = openLanes(async (peer) => {
    const connection = await host.dial(peer, [], { deadlineMs: DIAL_MS });
    if (!connection) throw new PeerFault('cut', peer, 'it cannot be reached');
    return openLane(connection, { clock: monotonicClock, download });
  });
  const held = openHeld({
    discovery,
    lanes,
    book: tallied(book, moved),
    addressOf: (peer) => addressOf(host, peer),
  });

  const adjust = async (): Promise<void> => {
    await host.listen(listenAddresses(rules.sharing(), port));
    await host.seek(neighbours && rules.isSeen());
    for (const connection of host.libp2p.getConnections())
      if (!rules.admits(connection.remotePeer.toString(), ipOf(connection))) void connection.close();
  };
  const unwatch = watchLinks(links, (seen) => {
    rules.renew({ links: seen });
    void adjust();
  });
  for (const { peer, address } of bootstrap)
    acquaintances.meet({ peer, addresses: [address] }, { lasting: true });
  meetKnown(book, options, acquaintances.meet);

  return {
    name: identity.name,
    prepare: discovery.prepare,
    near: async (wanted, how) => held(wanted, await discovery.near(wanted, how)),
    far: async (wanted, how) => held(wanted, await discovery.far(wanted, how)),
    status: () => ({
      listening: host.addresses(),
      connected: [...connected],
      ...moved,
      ...memberUntil(members),
    }),
    known: book.all,
    async connect(contact, { signal }) {
      acquaintances.meet(contact, { lasting: true });
      await acquaintances.reach(contact, { signal });
      return host.libp2p.getConnections(peerIdFromString(contact.peer))[0]?.remoteAddr.toString();
    },
    ping: async (peer, how) => host.libp2p.services.ping.ping(peerIdFromString(peer), how),
    async renew(changed) {
      ({ said = NOTHING_SAID } = changed);
      rules.renew({ rules: changed });
      meetKnown(book, changed, acquaintances.meet);
      await adjust();
      host.libp2p.services.members?.look();
    },
    forgive: book.forgive,
    async [Symbol.asyncDispose]() {
      unwatch();
      acquaintances.close();
      discovery.close();
      lanes.close();
      await host[Symbol.asyncDispose]();
      await book[Symbol.asyncDispose]();
    },
  };
}

function gateOf(rules: Rules): Gate {
  return {
    // Whoever is not given anything may still be asked.
    address: (address, direction) =>
      direction === 'inbound' ? rules.gives(undefined, address) : rules.admits(undefined, address),
    peer: (peer) => rules.admits(peer),
  };
}

function servingOf(
  { offers, upload }: PeersOptions,
  {
    identity,
    rules,
    book,
    moved,
    hints,
  }: {
    readonly identity: Identity;
    readonly rules: Rules;
    readonly book: PeerBook;
    readonly moved: Moved;
    readonly hints: FindHints;
  },
): Serving {
  const allowance = openAllowance(monotonicClock, upload);
  return {
    offers,
    allowance: {
      ...allowance,
      begin(bytes) {
        const end = allowance.begin(bytes);
        return (
          end &&
          (() => {
            moved.given += bytes;
            end();
          })
        );
      },
    },
    clock: monotonicClock,
    gives: (connection) => rules.gives(connection.remotePeer.toString(), ipOf(connection)),
    lists: openOfferedLists(identity),
    hints: async ({ digests }, connection) =>
      hints(digests, { peer: connection.remotePeer.toString(), isNear: isPrivate(ipOf(connection)) }),
    fault: ({ peer, kind }) => book.failed(peer, kind),
  };
}

/** Counts what comes. */
function tallied(book: PeerBook, moved: Moved): PeerBook {
  return {
    ...book,
    gave(peer, bytes, ms) {
      moved.taken += bytes;
      book.gave(peer, bytes, ms);
    },
  };
}

/** Connects to those whom the user has added, and to the best of those who were known before. */
function meetKnown(book: PeerBook, { said }: PeersRules, meet: Acquaintances['meet']): void {
  for (const [peer, { addresses, banned }] of said ?? [])
    if (!banned && addresses.length > 0) meet({ peer, addresses }, { lasting: true });
  const remembered = book.all().filter(({ addresses }) => addresses.length > 0);
  for (const { peer, addresses } of remembered.slice(0, REMEMBERED)) meet({ peer, addresses });
}

function connectionTo({ libp2p }: Host, peer: PeerName): Connection {
  const open = libp2p.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open');
  if (!open) throw new PeerFault('cut', peer, 'it is not connected');
  return open;
}

/** Where we have reached somebody he can be reached again. */
function remember({ libp2p }: Host, peer: PeerName, book: PeerBook): void {
  const reached = libp2p
    .getConnections(peerIdFromString(peer))
    .find(({ direction }) => direction === 'outbound');
  if (reached) book.saw(peer, [reached.remoteAddr.decapsulateCode(CODE_P2P).toString()]);
}

/** The IP address at which a peer is connected. */
function addressOf({ libp2p }: Host, peer: PeerName): string | undefined {
  const [connection] = libp2p.getConnections(peerIdFromString(peer));
  return connection && ipOf(connection);
}

function ipOf({ remoteAddr }: Connection): string {
  return remoteAddr.getComponents()[0]?.value ?? '';
}

function memberUntil(members: Members | undefined): Pick<PeersView, 'memberUntil'> {
  const standing = members?.standing();
  return typeof standing === 'object' ? { memberUntil: standing.ends * 1000 } : {};
}

async function* namesNobody(): AsyncGenerator<Contact> {}
