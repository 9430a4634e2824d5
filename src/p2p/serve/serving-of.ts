import { openAllowance } from './allowance.ts';
import { monotonicClock } from '../clock.ts';
import { ipOf } from '../host/connections.ts';
import type { FindHints } from './hints.ts';
import type { Identity } from '../identity.ts';
import { isPrivate } from '../lan.ts';
import { openListMaker } from './list-maker.ts';
import type { PeersOptions } from '../open-peers.ts';
import type { PeerBook } from '../book/peer-book.ts';
import type { Rules } from '../rules.ts';
import type { Serving } from './serving.ts';

/** Content that has gone to others and come from them, in bytes. */
export interface Moved {
  given: number;
  taken: number;
}

/** What this machine gives, to whom the rules let it, and counts. */
export function servingOf(
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
  return {
    offers,
    allowance: openAllowance(monotonicClock, upload),
    sent: (bytes) => {
      moved.given += bytes;
    },
    clock: monotonicClock,
    gives: (connection) => rules.gives(connection.remotePeer.toString(), ipOf(connection)),
    tells(connection) {
      const [peer, address] = [connection.remotePeer.toString(), ipOf(connection)] as const;
      return rules.gives(peer, address) && rules.isNear(peer, address);
    },
    self: identity.name,
    lists: openListMaker(identity),
    hints: async ({ digests }, connection) =>
      hints(digests, { peer: connection.remotePeer.toString(), isNear: isPrivate(ipOf(connection)) }),
    fault: ({ peer, kind }) => book.failed(peer, kind),
  };
}
