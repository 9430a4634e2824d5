/**
 * What peers say they have, as it is fetched from them.
 *
 * @module
 */
import type { Wanted } from '../../content/descriptor.ts';
import type { Held, PeerName } from '../contract.ts';
import type { Discovery, Found } from '../find/discovery.ts';
import { gather } from './gather.ts';
import type { Giver } from './hand.ts';
import type { Lanes } from './lanes.ts';
import type { PeerBook } from '../book/peer-book.ts';

/** What fetches use. */
export interface HeldParts {
  readonly discovery: Pick<Discovery, 'found'>;
  readonly lanes: Lanes;
  readonly book: PeerBook;
  /** So many bytes of content that peers gave have been passed on. */
  readonly taken: (bytes: number) => void;
  /** The IP address at which a peer is connected. */
  readonly addressOf: (peer: PeerName) => string | undefined;
}

/** Makes of what was found what can be fetched. Whoever is found until then is asked, too. */
export function openHeld({
  discovery,
  lanes,
  book,
  taken,
  addressOf,
}: HeldParts): (wanted: Wanted, found: Found | undefined) => Held | undefined {
  const giversOf = ({ holders }: Found): Giver[] =>
    holders.map(({ peer, available }) => {
      const address = addressOf(peer);
      return {
        peer,
        available,
        ...(address !== undefined && { address }),
        open: (options) => lanes.open(peer, options),
      };
    });

  return (wanted, found) =>
    found && {
      size: found.size,
      peers: found.holders.map(({ peer }) => peer),
      fetch(options) {
        const now = discovery.found({ ...wanted, size: found.size }) ?? found;
        return gather(wanted, { size: found.size, givers: giversOf(now) }, { ...options, book, taken });
      },
    };
}
