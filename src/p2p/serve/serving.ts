import type { Connection } from '@libp2p/interface';
import type { Allowance, Share } from './allowance.ts';
import type { Channel } from '../wire/channel.ts';
import type { Clock } from '../clock.ts';
import type { Offer, Offers, PeerName } from '../contract.ts';
import type { PeerFault } from '../fault.ts';
import type { HaveQuestion, Hint } from '../wire/wire.ts';

/** What is served, and to whom. */
export interface Serving {
  readonly offers: Offers;
  readonly allowance: Allowance;
  readonly clock: Clock;
  /** Whether whoever is at the other end may have what is offered; nobody else learns what there is. */
  readonly gives: (this: void, connection: Connection) => boolean;
  /** Whether whoever is there may ask by name what registries have said: it is given to, and near or named by the user. */
  readonly tells: (this: void, connection: Connection) => boolean;
  /** Who this machine is. */
  readonly self: PeerName;
  /** The list of chunks of what is offered, at most 4 MiB; undefined: there is none. */
  readonly lists: (this: void, offer: Offer) => Promise<Uint8Array | undefined>;
  /** Who else may have any of it, as far as is known soon; asked only where the peer wants to know. */
  readonly hints: (this: void, question: HaveQuestion, connection: Connection) => Promise<readonly Hint[]>;
  /** So many bytes of content have been sent. */
  readonly sent?: (this: void, bytes: number) => void;
  /** Is told what a peer should not have done. */
  readonly fault: (this: void, fault: PeerFault) => void;
}

/** One stream that is being served. */
export interface Served {
  readonly channel: Channel;
  readonly share: Share;
  readonly connection: Connection;
  /** Something was asked for, or answered: the stream is kept for a while. */
  useful(this: void): void;
  /** Sends, as fast as the peer takes it, and closes the stream where that is too slow. */
  send(this: void, bytes: Uint8Array): Promise<void>;
}
