/**
 * Remembers whom a resident node has in its routing table, so that it finds the network again after a restart though none of the
 * nodes it began with is there any more.
 *
 * The book of peers keeps where we have reached whom. Whoever has come to us by itself we have never reached: it is tried where it says
 * that it is, on a connection of its own, and remembered there only if it answers.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { peerIdFromString } from '@libp2p/peer-id';
import { CODE_P2P } from '@multiformats/multiaddr';
import type { PeerName } from '../contract.ts';
import { hangUp } from '../host/connections.ts';
import type { Host } from '../host/host.ts';

/** How long after somebody has come it is tried, in milliseconds: it has said by then where it is. */
const AFTER_MS = 1000;

/** How many are tried at a time, and how long it takes until others are, in milliseconds. */
const TRIED = 8;
const PAUSE_MS = 60_000;

/** How long one may take, in milliseconds. */
const DIAL_MS = 5000;

/** How many of those that could not be reached are not tried again. */
const UNREACHED_KEPT = 1000;

/** What keeping needs besides the host. */
export interface TableMemory {
  /** Whether it is known where we have reached it. */
  readonly isKnown: (peer: PeerName) => boolean;
  /** It was reached at this multiaddress, without its name. */
  readonly reached: (peer: PeerName, address: string) => void;
}

/** Looks whom to try; call it when somebody was connected. Does nothing while it is at it. */
export function tableKeeper(
  { libp2p }: Pick<Host, 'libp2p'>,
  { isKnown, reached }: TableMemory,
  signal: AbortSignal,
): () => void {
  const unreached = new Set<PeerName>();
  let isKeeping = false;

  const open = (): PeerName[] =>
    libp2p
      .getPeers()
      .map(String)
      .filter((peer) => !isKnown(peer) && !unreached.has(peer));

  async function keep(): Promise<void> {
    await delay(AFTER_MS, undefined, { signal, ref: false });
    while (open().length > 0) {
      await Promise.all(open().slice(0, TRIED).map(tried));
      if (open().length > 0) await delay(PAUSE_MS, undefined, { signal, ref: false });
    }
  }

  async function tried(peer: PeerName): Promise<void> {
    unreached.add(peer);
    for (const oldest of unreached) {
      if (unreached.size <= UNREACHED_KEPT) break;
      unreached.delete(oldest);
    }
    const within = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
    try {
      const { addresses } = await libp2p.peerStore.get(peerIdFromString(peer));
      const places = addresses.map(({ multiaddr }) =>
        multiaddr.decapsulateCode(CODE_P2P).encapsulate(`/p2p/${peer}`),
      );
      if (places.length === 0) return;
      const connection = await libp2p.dial(places, { signal: within, force: true });
      unreached.delete(peer);
      reached(peer, connection.remoteAddr.decapsulateCode(CODE_P2P).toString());
      await hangUp(connection);
    } catch {
      // Nobody answers there, or somebody else.
    }
  }

  return () => {
    if (isKeeping || signal.aborted) return;
    isKeeping = true;
    void keep()
      .catch(() => undefined)
      .finally(() => (isKeeping = false));
  };
}
