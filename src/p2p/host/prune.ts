/**
 * Keeps libp2p's peer store small. It keeps whomever any peer has named; and addresses that it forgets by their age it forgets
 * of those, too, who say time and again where they are (`@libp2p/peer-store` 12.0.28, `toPeerPB`). So that they do not age
 * here, but whoever is not needed is forgotten as others come.
 *
 * @module
 */
import type { Libp2p, Peer } from '@libp2p/interface';

/** How many may come until some are forgotten. */
const NEWCOMERS = 1000;

/** Who is in kad-dht's routing table has this tag. */
const IN_TABLE = 'kad-peer';

/** Forgets after each {@link NEWCOMERS} peers those who are not connected, nor in the routing table, nor needed otherwise. */
export function pruned(
  libp2p: Pick<Libp2p, 'addEventListener' | 'getConnections' | 'peerStore'>,
  isNeeded: (peer: Peer) => boolean,
): void {
  let newcomers = 0;
  const prune = async (): Promise<void> => {
    for (const peer of await libp2p.peerStore.all())
      if (!peer.tags.has(IN_TABLE) && libp2p.getConnections(peer.id).length === 0 && !isNeeded(peer))
        await libp2p.peerStore.delete(peer.id);
  };
  libp2p.addEventListener('peer:discovery', () => {
    newcomers++;
    if (newcomers < NEWCOMERS) return;
    newcomers = 0;
    prune().catch(() => undefined);
  });
}
