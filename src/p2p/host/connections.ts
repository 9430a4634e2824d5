import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { CODE_P2P } from '@multiformats/multiaddr';
import type { PeerName } from '../contract.ts';
import { PeerFault } from '../fault.ts';
import type { Host } from './host.ts';

/** The connection with a peer. @throws PeerFault `cut`, where there is none. */
export function connectionTo({ libp2p }: Host, peer: PeerName): Connection {
  const open = libp2p.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open');
  if (!open) throw new PeerFault('cut', peer, 'it is not connected');
  return open;
}

/** Where we have reached a peer, it can be reached again: multiaddresses without its name. None where it has reached us. */
export function reachedAt({ libp2p }: Host, peer: PeerName): string[] {
  return libp2p
    .getConnections(peerIdFromString(peer))
    .filter(({ direction }) => direction === 'outbound')
    .map(({ remoteAddr }) => remoteAddr.decapsulateCode(CODE_P2P).toString());
}

/** The IP address at which a peer is connected. */
export function addressOf({ libp2p }: Host, peer: PeerName): string | undefined {
  const [connection] = libp2p.getConnections(peerIdFromString(peer));
  return connection && ipOf(connection);
}

/** Ends a connection; by force where the other side does not close it, too. Never rejects. */
export async function hangUp(connection: Connection): Promise<void> {
  try {
    await connection.close();
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error(String(error)));
  }
}

/** The IP address of whoever is at the other end. */
export function ipOf({ remoteAddr }: Connection): string {
  return remoteAddr.getComponents()[0]?.value ?? '';
}
