/**
 * What of libp2p's inside a host uses while it runs: its listeners, and what finds neighbours. libp2p itself begins with both
 * and ends with both.
 *
 * @module
 */
import type { ComponentLogger, Listener } from '@libp2p/interface';
import { mdns, type MulticastDNSComponents } from '@libp2p/mdns';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerName } from '../contract.ts';

/** The name of the service by which neighbours find each other. */
const SERVICE = '_pyrsia._udp.local';

/** The components of libp2p that are used. */
export interface Inside {
  readonly transportManager: {
    listen(addresses: Multiaddr[]): Promise<void>;
    getListeners(): Listener[];
  };
  readonly addressManager: MulticastDNSComponents['addressManager'];
  readonly logger: ComponentLogger;
}

/** Has libp2p hand them out: a service of it that does nothing. */
export function inside({ transportManager, addressManager, logger }: Inside): Inside {
  // Not the object itself, whose parts libp2p would start twice.
  return { transportManager, addressManager, logger };
}

/** Opens and closes listeners, so that they are those that are asked for. What cannot be listened on is left out, and tried again the next time. */
export function openDoors({ transportManager }: Inside): (addresses: readonly string[]) => Promise<void> {
  const open = new Map<string, readonly Listener[]>();
  let last: Promise<void> = Promise.resolve();

  async function change(addresses: readonly string[]): Promise<void> {
    for (const [address, listeners] of open) {
      if (addresses.includes(address)) continue;
      open.delete(address);
      await Promise.allSettled(listeners.map(async (listener) => listener.close()));
    }
    for (const address of addresses) {
      if (open.has(address)) continue;
      const before = transportManager.getListeners();
      await listen(address);
      const opened = transportManager
        .getListeners()
        .filter((listener) => !before.includes(listener) && listener.getAddrs().length > 0);
      if (opened.length > 0) open.set(address, opened);
    }
  }

  async function listen(address: string): Promise<void> {
    try {
      await transportManager.listen([multiaddr(address)]);
    } catch {
      // Others may do: whoever asked sees which there are.
    }
  }

  return async (addresses) => {
    const changed = last.then(() => change(addresses));
    last = changed.catch(() => undefined);
    return changed;
  };
}

/** Begins and ends to look for neighbours by mDNS, and to be found by them. */
export function openNeighbourhood(
  components: Inside,
  found: (peer: PeerName, addresses: readonly string[]) => void,
): (isSeen: boolean) => Promise<void> {
  let current: { stop(): void | Promise<void> } | undefined;
  let last: Promise<void> = Promise.resolve();

  async function change(isSeen: boolean): Promise<void> {
    if (isSeen === (current !== undefined)) return;
    if (current) {
      const ended = current;
      current = undefined;
      return ended.stop();
    }
    const service = mdns({ serviceTag: SERVICE })(components);
    service.addEventListener('peer', ({ detail: { id, multiaddrs } }) =>
      found(id.toString(), multiaddrs.map(String)),
    );
    if (!isStartable(service)) return;
    current = service;
    await service.start();
  }

  return async (isSeen) => (last = last.then(() => change(isSeen)).catch(() => undefined));
}

function isStartable(service: object): service is { start(): Promise<void>; stop(): Promise<void> } {
  return 'start' in service && 'stop' in service;
}
