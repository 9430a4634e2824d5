/**
 * A peer as it is told of: what the book has of it, and what the user has said.
 *
 * @module
 */
import { banOf, type KnownPeer } from '../p2p/book/peer-score.ts';
import type { Said, SaidOfPeers } from '../p2p/said-of-peers.ts';
import type { PeerKnown } from './protocol.ts';

/** Everybody in the book, and those of whom something was said; those that are connected first, then those that were seen last. */
export function peersKnown(
  book: readonly KnownPeer[],
  said: SaidOfPeers,
  {
    now,
    isConnected = () => false,
  }: { readonly now: number; readonly isConnected?: (peer: string) => boolean },
): PeerKnown[] {
  const names = new Set([...book.map(({ peer }) => peer), ...said.keys()]);
  const known = new Map(book.map((each) => [each.peer, each]));
  return [...names]
    .map((peer) =>
      told({ peer, known: known.get(peer), said: said.get(peer), now, connected: isConnected(peer) }),
    )
    .toSorted((a, b) => Number(b.connected) - Number(a.connected) || (b.lastSeen ?? 0) - (a.lastSeen ?? 0));
}

function told({
  peer,
  known,
  said,
  now,
  connected,
}: {
  readonly peer: string;
  readonly known: KnownPeer | undefined;
  readonly said: Said | undefined;
  readonly now: number;
  readonly connected: boolean;
}): PeerKnown {
  const ban = known && banOf(known, now);
  return {
    peer,
    addresses: [...new Set([...(said?.addresses ?? []), ...(known?.addresses ?? [])])],
    connected,
    said: [
      ...(said && said.addresses.length > 0 ? (['added'] as const) : []),
      ...(said?.banned ? (['banned'] as const) : []),
      ...(said?.trusted ? (['trusted'] as const) : []),
    ],
    strikes: known?.strikes.length ?? 0,
    failures: known?.failures ?? 0,
    ...(known?.speed !== undefined && { rate: known.speed }),
    ...(known && { lastSeen: known.seenAt }),
    ...(ban && { bannedUntil: ban.until }),
  };
}
