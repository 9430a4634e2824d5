/**
 * The peers of one agent. A bundle of its own: the agent imports it when it first looks for something that it lacks.
 *
 * @module
 */
import { peerIdFromString } from '@libp2p/peer-id';
import { type Acquaintances, KEPT_UP, openAcquaintances } from './acquaintances.ts';
import { openHaveAsker } from './find/ask-have.ts';
import { openSaidAsker } from './find/ask-said.ts';
import { openCopies } from './find/copies.ts';
import { openLane } from './fetch/ask-lane.ts';
import { openBucket } from './wire/bucket.ts';
import { monotonicClock } from './clock.ts';
import { addressOf, connectionTo, hangUp, ipOf, reachedAt } from './host/connections.ts';
import type { PeerName } from './contract.ts';
import { openDiscovery } from './find/discovery.ts';
import { PeerFault } from './fault.ts';
import { tableFiller } from './table/fill-table.ts';
import { tableKeeper } from './table/keep-table.ts';
import { openHeld } from './fetch/held.ts';
import { type Gate, openHost } from './host/host.ts';
import { hintsFrom } from './serve/hints.ts';
import { openIdentity } from './identity.ts';
import { listenAddresses, readLinks, watchLinks } from './lan.ts';
import { openLanes } from './fetch/lanes.ts';
import { memberFiles } from './members/member-files.ts';
import { type Members, openMembers } from './members/members.ts';
import type { OpenPeers, PeersOptions, PeersRules, PeersView } from './open-peers.ts';
import { openPeerBook, type PeerBook } from './book/peer-book.ts';
import { parsePeerAddress } from './peer-name.ts';
import { startProviding } from './table/providing.ts';
import { publishingOf, walkOf } from './table/publishing.ts';
import { openRules, type Rules } from './rules.ts';
import type { SaidOfPeers } from './said-of-peers.ts';
import { serve } from './serve/serve.ts';
import { type Moved, servingOf } from './serve/serving-of.ts';

export { joinNetwork } from './members/join.ts';

/** What goes at once after a rest, in milliseconds of the download limit. */
const BURST_MS = 100;

/** How long a connection may take that a fetch needs, in milliseconds. */
const DIAL_MS = 2000;

/** How many of the peers that were known before are connected to at the start, by one who does not stay. */
const REMEMBERED = 16;

const NOTHING_SAID: SaidOfPeers = new Map();

/** Starts this machine among its peers. Rejects when it has no identity, or libp2p cannot be started. */
export async function openPeers(options: PeersOptions): Promise<OpenPeers> {
  const { state, port = 0, neighbours = true, links = readLinks, log, now = Date.now, memory } = options;
  const identity = await openIdentity(state);
  let { said = NOTHING_SAID } = options;
  const book = openPeerBook(state, { now, log, said: () => said, onBan: (peer) => cutOff(peer) });
  const most = options.resident ? KEPT_UP : REMEMBERED;
  const bootstrap = (options.bootstrap ?? []).map(parsePeerAddress);
  const named = new Set(bootstrap.map(({ peer }) => peer));
  const isNamed = (peer: PeerName): boolean => named.has(peer) || (said.get(peer)?.addresses.length ?? 0) > 0;
  const rules = openRules(
    { rules: options, links: links(), isClosed: options.network !== undefined, isNamed },
    identity.name,
    book,
  );
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
    admits: (peer) => rules.admits(peer),
    seeds: () => bootstrap.map(({ peer }) => peer).filter((peer) => connected.has(peer)),
    walk: async function* (digest, how) {
      yield* walkOf(await opening, digest, how);
    },
    reach: acquaintances.reach,
    now: monotonicClock.now,
  });
  const isTrusted = (peer: PeerName): boolean => said.get(peer)?.trusted === true;
  const askSaid = openSaidAsker(monotonicClock);
  const copies = openCopies({
    self: identity.name,
    neighbours: () =>
      [...connected]
        .filter((peer) => rules.isNear(peer, addressOf(host, peer) ?? ''))
        .toSorted((a, b) => Number(isTrusted(b)) - Number(isTrusted(a))),
    isTrusted,
    ask: async (peer, names, how) => askSaid(connectionTo(host, peer), names, how),
    learn: discovery.told,
    now,
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
        opening.then(
          (host) => book.saw(peer, reachedAt(host, peer)),
          () => undefined,
        );
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
    return openLane(connection, { clock: monotonicClock, download, ...(memory && { memory }) });
  });
  const held = openHeld({
    discovery,
    lanes,
    book,
    taken: (bytes) => {
      moved.taken += bytes;
    },
    addressOf: (peer) => addressOf(host, peer),
  });

  function cutOff(banned: PeerName): void {
    discovery.forget(banned);
    for (const connection of host.libp2p.getConnections()) {
      const peer = connection.remotePeer.toString();
      if (rules.admits(peer, ipOf(connection))) continue;
      discovery.forget(peer);
      connection.abort(new PeerFault('lied', peer, 'it is banned'));
    }
  }
  const adjust = async (): Promise<void> => {
    if (!rules.isPublic()) host.libp2p.services.dht.records.keep([]);
    await host.listen(listenAddresses(rules.sharing(), port));
    await host.seek(neighbours && rules.isSeen());
    host.libp2p.services.members?.look();
    for (const connection of host.libp2p.getConnections()) {
      const [peer, address] = [connection.remotePeer.toString(), ipOf(connection)];
      const mayStay = connection.direction === 'inbound' ? rules.admits : rules.dials;
      if (!mayStay(peer, address)) void hangUp(connection);
    }
  };
  const unwatch = watchLinks(links, (seen) => {
    rules.renew({ links: seen });
    adjust().catch((error: unknown) => log(`Peers: ${String(error)}`));
  });
  const closing = new AbortController();
  const fill = tableFiller(host, closing.signal);
  host.libp2p.addEventListener('peer:connect', fill);
  fill();
  const keep = tableKeeper(
    host,
    {
      isKnown: (peer) => (book.find(peer)?.addresses.length ?? 0) > 0,
      reached: (peer, address) => book.saw(peer, [address]),
    },
    closing.signal,
  );
  if (options.resident) host.libp2p.addEventListener('peer:connect', keep);
  const providing = options.resident && startProviding(publishingOf(host, options.offers, rules.isPublic));
  for (const { peer, address } of bootstrap)
    acquaintances.meet({ peer, addresses: [address] }, { lasting: true });
  meetKnown(book, options, acquaintances.meet, most);

  return {
    name: identity.name,
    prepare: discovery.prepare,
    knows: (wanted) => discovery.found(wanted) !== undefined,
    near: async (wanted, how) => held(wanted, await discovery.near(wanted, how)),
    far: async (wanted, how) => held(wanted, await discovery.far(wanted, how)),
    copies: copies.of,
    status: () => ({
      listening: host.addresses(),
      connected: [...connected],
      ...moved,
      ...memberUntil(members),
      ...(providing && { provides: providing.view() }),
    }),
    known: book.all,
    async connect(contact, { signal }) {
      named.add(contact.peer);
      acquaintances.meet(contact, { lasting: true });
      if (!(await acquaintances.reach(contact, { signal }))) return undefined;
      const id = peerIdFromString(contact.peer);
      // Whoever does not want us hangs up only after we have connected.
      const answered = host.libp2p.services.ping.ping(id, { signal });
      if ((await answered.catch(() => undefined)) === undefined) return undefined;
      return host.libp2p.getConnections(id)[0]?.remoteAddr.toString();
    },
    ping: async (peer, how) => host.libp2p.services.ping.ping(peerIdFromString(peer), how),
    async renew(changed) {
      ({ said = NOTHING_SAID } = changed);
      rules.renew({ rules: changed });
      meetKnown(book, changed, acquaintances.meet, most);
      await adjust();
    },
    forgive: book.forgive,
    async [Symbol.asyncDispose]() {
      closing.abort();
      unwatch();
      if (providing) providing.close();
      acquaintances.close();
      copies.close();
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
    address: (address, direction, peer) =>
      direction === 'inbound' ? rules.gives(undefined, address) : rules.dials(peer, address),
    peer: (peer) => rules.admits(peer),
  };
}

/** Connects to those whom the user has added, and to the best of those who were known before. */
function meetKnown(book: PeerBook, { said }: PeersRules, meet: Acquaintances['meet'], most: number): void {
  for (const [peer, { addresses, banned }] of said ?? [])
    if (!banned && addresses.length > 0) meet({ peer, addresses }, { lasting: true });
  const remembered = book.all().filter(({ addresses }) => addresses.length > 0);
  for (const { peer, addresses } of remembered.slice(0, most)) meet({ peer, addresses });
}

function memberUntil(members: Members | undefined): Pick<PeersView, 'memberUntil'> {
  const standing = members?.standing();
  return typeof standing === 'object' ? { memberUntil: standing.ends * 1000 } : {};
}
