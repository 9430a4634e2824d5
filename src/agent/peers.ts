/**
 * The peers of this agent. They are loaded when something is first missing, so whoever has everything pays nothing for them; an
 * agent that is to stay loads them at once, since others may ask it.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cache } from '../cache/cache.ts';
import type { Config } from '../config/settings.ts';
import { peersKnown } from '../control/peer-known.ts';
import type { PeersStatus } from '../control/protocol.ts';
import { PyrsiaError } from '../errors.ts';
import type { Peers, Share } from '../p2p/contract.ts';
import type { OpenPeers, PeersOptions } from '../p2p/open-peers.ts';
import { parsePeerAddress } from '../p2p/peer-name.ts';
import { readSaid } from '../p2p/said-of-peers.ts';
import type { Paths } from '../paths.ts';
import { isResident } from '../shims/resident.ts';
import type { PeerDesk } from './peer-requests.ts';
import { peerSetup } from './peer-setup.ts';
import { watchShare } from './sharing-hours.ts';

/** How long somebody who looks far away waits for peers to be loaded, in milliseconds. */
const LOADED_WITHIN_MS = 2000;

/** How long nobody tries again after they could not be loaded, in milliseconds. */
const AGAIN_AFTER_MS = 60_000;

/** How long neighbours may take to be found once they are, in milliseconds, and where nobody else can be asked. */
const MET_WITHIN_MS = 300;
const ALONE_WITHIN_MS = 3000;

/** The peers of an agent. */
export interface AgentPeers extends AsyncDisposable {
  /** Asks them; the first who does has them loaded. */
  readonly asked: Pick<Peers, 'prepare' | 'knows' | 'near' | 'far' | 'copies'>;
  readonly desk: PeerDesk;
  /** Loads them where this agent is to stay. */
  settle(this: void): void;
}

/** What peers are opened with. */
export interface AgentPeersParts {
  readonly paths: Paths;
  readonly cache: Pick<Cache, 'offered' | 'offeredSets' | 'offeredDocuments'>;
  readonly log: (text: string) => void;
  /** Why this agent is to have none; undefined where it may. */
  readonly without?: string | undefined;
}

/** Nobody is asked or answered yet. */
export function openAgentPeers({ paths, cache, log, without }: AgentPeersParts): AgentPeers {
  let loading: Promise<OpenPeers | undefined> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let opened: OpenPeers | undefined;
  let failedAt: number | undefined;
  let openedWith: string | undefined;
  let failed: string | undefined;
  let isOver = false;
  const setup = peerSetup(paths, { cache, log });
  const { settings, shareNow, rulesNow, optionsNow, fromTheStart } = setup;

  /** What opens and closes them comes one after the other: two at once would be the same peer. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  }

  async function open(): Promise<OpenPeers | undefined> {
    if (opened) return opened;
    if (isOver || settings().peers === 'off') return undefined;
    try {
      const { openPeers } = await import('../p2p/peers.ts');
      openedWith = fromTheStart();
      const options = optionsNow();
      let peers = await openPeers(options);
      // Where others remember it, somebody else may listen meanwhile.
      if (options.port !== 0 && settings()['peers.port'] === 'auto' && isDeaf(peers, options)) {
        await peers[Symbol.asyncDispose]();
        peers = await openPeers({ ...options, port: 0 });
      }
      setup.keepPort(peers);
      failed = undefined;
      opened = peers;
      return peers;
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
      failedAt = performance.now();
      log(`There are no peers: ${failed}`);
      return undefined;
    }
  }

  /** The peers, loaded now where they are not yet; undefined where there are none. Never rejects. */
  async function load(): Promise<OpenPeers | undefined> {
    if (opened || without !== undefined || isOver) return opened;
    if (failedAt !== undefined && performance.now() < failedAt + AGAIN_AFTER_MS) return undefined;
    loading ??= inTurn(open).finally(() => (loading = undefined));
    return loading;
  }

  async function closeAll(): Promise<void> {
    await inTurn(async () => {
      const peers = opened;
      opened = undefined;
      await peers?.[Symbol.asyncDispose]();
    });
  }

  const unwatch = watchShare(shareNow, () => {
    const renewed = Promise.resolve(loading).then(async () => opened?.renew(rulesNow()));
    renewed.catch((error: unknown) => log(`Peers: ${String(error)}`));
  });

  return {
    asked: {
      async prepare(digests, options) {
        await (await load())?.prepare(digests, options);
      },
      knows: (wanted) => opened?.knows(wanted) ?? false,
      // Nobody who could ask upstream waits for them.
      async near(wanted, options) {
        if (!opened) void load();
        return opened?.near(wanted, options);
      },
      async far(wanted, options) {
        const isNew = !opened;
        const peers = await within(LOADED_WITHIN_MS, load());
        if (!peers) return undefined;
        // Who has just come has met nobody yet.
        if (isNew) await met(peers, MET_WITHIN_MS);
        return peers.far(wanted, options);
      },
      async copies(place, options) {
        const isNew = !opened;
        const peers = await within(LOADED_WITHIN_MS, load());
        if (!peers) return [];
        if (isNew) await met(peers, ALONE_WITHIN_MS);
        return peers.copies(place, options);
      },
    },
    settle() {
      if (isResident(paths.state)) void load();
    },
    desk: {
      status: () => statusOf(settings(), setup.isQuietHere() ? 'off' : shareNow(), opened, without ?? failed),
      known() {
        const connected = new Set(opened?.status().connected);
        const isConnected = (peer: string): boolean => connected.has(peer);
        return peersKnown(opened?.known() ?? [], readSaid(paths.state), { now: Date.now(), isConnected });
      },
      async ping(peer, { count, signal, onAnswer }) {
        const peers = await load();
        if (!peers) throw new PyrsiaError('AGENT_REFUSED', { reason: without ?? failed ?? 'peers are off' });
        const contact = contactOf(peer);
        const address = await peers.connect(contact, { signal });
        if (address === undefined) {
          const at = contact.addresses.join(', ') || 'any address that is known';
          throw new PyrsiaError('PEER_SILENT', { peer: contact.peer, at });
        }
        const ms: number[] = [];
        for (let i = 0; i < count; i++) {
          const took = await peers.ping(contact.peer, { signal });
          ms.push(took);
          onAnswer(took);
        }
        return { peer: contact.peer, address, ms };
      },
      async renew(forgive) {
        failedAt = undefined;
        if (forgive !== undefined) (await load())?.forgive(forgive);
        const wasOpen = opened !== undefined || loading !== undefined;
        await loading;
        // What holds from the start on only takes a new start.
        if (settings().peers === 'off' || openedWith !== fromTheStart()) await closeAll();
        await opened?.renew(rulesNow());
        // Members let others in.
        if (wasOpen || isResident(paths.state) || setup.isPrivate()) await load();
      },
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      unwatch();
      await closeAll();
    },
  };
}

function statusOf(
  settings: Config,
  share: Share,
  opened: OpenPeers | undefined,
  why: string | undefined,
): PeersStatus {
  const { peers, 'share.up': up, 'share.down': down } = settings;
  const limits = { ...(up !== 'unlimited' && { up }), ...(down !== 'unlimited' && { down }) };
  const off = peers === 'off' ? 'peers are off' : undefined;
  if (!opened) {
    const reason = why ?? off ?? 'nothing has been missing yet';
    return { running: false, why: reason, share, listening: [], connected: 0, given: 0, taken: 0, ...limits };
  }
  const { listening, connected, given, taken, memberUntil } = opened.status();
  return {
    running: true,
    peer: opened.name,
    share,
    listening,
    ...(share !== 'off' &&
      listening.length === 0 && { deaf: 'no address of this machine can be listened on for that' }),
    connected: connected.length,
    given,
    taken,
    ...(memberUntil !== undefined && { memberUntil }),
    ...limits,
  };
}

/** Who is meant by a peer's name, or by an address with its name. */
function contactOf(text: string): { readonly peer: string; readonly addresses: readonly string[] } {
  if (!text.startsWith('/')) return { peer: text, addresses: [] };
  const { peer, address } = parsePeerAddress(text);
  return { peer, addresses: [address] };
}

/** Whether nobody can connect though somebody should. */
function isDeaf(opened: OpenPeers, { share }: PeersOptions): boolean {
  return share !== 'off' && opened.status().listening.length === 0;
}

/** Resolves when somebody is connected, or after that long. */
async function met(peers: OpenPeers, ms: number): Promise<void> {
  for (const until = performance.now() + ms; performance.now() < until; await delay(10))
    if (peers.status().connected.length > 0) return;
}

/** Waits no longer than that. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work, delay(ms, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
