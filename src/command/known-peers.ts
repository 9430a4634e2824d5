/**
 * The peers that are known: to a running agent, or by what the last one wrote down and the user has said.
 *
 * @module
 */
import type { PeerKnown } from '../control/protocol.ts';
import { readSaid, type Said } from '../p2p/said-of-peers.ts';
import type { Session } from '../session.ts';

/** Every peer that is known, those that are connected first, then those that were seen last. */
export async function knownPeers(session: Session): Promise<readonly PeerKnown[]> {
  const agent = await session.runningAgent();
  const told = agent ? (await agent.call('peers', {})).peers : [];
  const said = readSaid(session.paths.state);
  const all = told.map((known): PeerKnown => ({ ...known, ...saidOf(said.get(known.peer), known) }));
  const others = [...said].flatMap(([peer, its]): PeerKnown[] =>
    told.some((known) => known.peer === peer) ? [] : [{ ...UNSEEN, peer, ...saidOf(its, UNSEEN) }],
  );
  return [...all, ...others].toSorted(
    (a, b) => Number(b.connected) - Number(a.connected) || (b.lastSeen ?? 0) - (a.lastSeen ?? 0),
  );
}

const UNSEEN: Omit<PeerKnown, 'peer'> = {
  addresses: [],
  connected: false,
  said: [],
  strikes: 0,
  failures: 0,
};

/** What the user has said of it, with the addresses that were given first. */
function saidOf(
  said: Said | undefined,
  { addresses }: Pick<PeerKnown, 'addresses'>,
): Pick<PeerKnown, 'addresses' | 'said'> {
  if (!said) return { addresses, said: [] };
  return {
    addresses: [...new Set([...said.addresses, ...addresses])],
    said: [
      ...(said.addresses.length > 0 ? (['added'] as const) : []),
      ...(said.banned ? (['banned'] as const) : []),
      ...(said.trusted ? (['trusted'] as const) : []),
    ],
  };
}
