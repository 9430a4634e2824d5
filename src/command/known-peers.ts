/**
 * The peers that are known: to a running agent, or by what the last one wrote down.
 *
 * @module
 */
import { peersKnown } from '../control/peer-known.ts';
import type { PeerKnown } from '../control/protocol.ts';
import { openPeerBook } from '../p2p/book/peer-book.ts';
import { readSaid } from '../p2p/said-of-peers.ts';
import type { Session } from '../session.ts';
import { say } from './talk.ts';

/** Every peer that is known. An agent that does without peers knows none: then the book is read. */
export async function knownPeers(session: Session): Promise<readonly PeerKnown[]> {
  const agent = await session.runningAgent();
  const told = agent && (await agent.call('peers', {}));
  if (told?.status.running) return told.peers;
  const { state } = session.paths;
  const said = readSaid(state);
  await using book = openPeerBook(state, { log: say, said: () => said });
  return peersKnown(book.all(), said, { now: Date.now() });
}
