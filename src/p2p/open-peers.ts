/**
 * How peers are opened, and what users are told of them. Types alone: whoever imports them loads nothing.
 *
 * @module
 */
import type { Offers, PeerName, Peers, Share } from './contract.ts';
import type { Contact } from './find/discovery.ts';
import type { Link } from './lan.ts';
import type { KnownPeer } from './book/peer-score.ts';
import type { ProvidingView } from './table/providing.ts';
import type { SaidOfPeers } from './said-of-peers.ts';

/** What may change while peers are open. */
export interface PeersRules {
  readonly share: Share;
  /** Whether nothing is given on this link, because it is metered or the user said so; on none by default. */
  readonly isQuiet?: (link: Link) => boolean;
  /** What the user has said of peers: those that were added are connected and asked, those that were banned never. */
  readonly said?: SaidOfPeers;
}

/** How peers are opened. */
export interface PeersOptions extends PeersRules {
  /** The state directory, which has the identity and what is known of peers. */
  readonly state: string;
  readonly offers: Offers;
  /** The TCP port on which connections are accepted; 0, the default: any that is free. */
  readonly port?: number;
  /** A private network, its bare key and its file: nobody is spoken with but its members. */
  readonly network?: { readonly key: Uint8Array; readonly file: Uint8Array };
  /** Nodes to begin with, as `/ip4/ADDRESS/tcp/PORT/p2p/PEER`; they are asked whom else to ask. */
  readonly bootstrap?: readonly string[];
  /** Whether it stays: it answers for the distributed hash table, and its records are kept there. */
  readonly resident?: boolean;
  /** Whether neighbours are looked for by mDNS, and may find this machine, where it shares; true by default. */
  readonly neighbours?: boolean;
  /** In bytes per second; without limit by default. */
  readonly upload?: number;
  readonly download?: number;
  /** Memory for so many bytes of content, which is whoever's fetches them; fresh by default. */
  readonly memory?: (this: void, length: number) => Uint8Array;
  /** The links of this machine; those that the system tells by default. */
  readonly links?: () => readonly Link[];
  /** One line of talk for the agent's log. */
  readonly log: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** How things stand. */
export interface PeersView {
  /** Where this machine is reached, with its name. */
  readonly listening: readonly string[];
  readonly connected: readonly PeerName[];
  /** Until when this machine is a member of a private network, in milliseconds since 1970; absent: it is none. */
  readonly memberUntil?: number;
  /** Content given to others and taken from them so far, in bytes. */
  readonly given: number;
  readonly taken: number;
  /** What the distributed hash table was told, of a resident node. */
  readonly provides?: ProvidingView;
}

/** The peers of an agent. */
export interface OpenPeers extends Peers {
  /** Who this machine is. */
  readonly name: PeerName;
  status(this: void): PeersView;
  /** Everybody who is known, the best first. */
  known(this: void): readonly KnownPeer[];
  /**
   * Connects to a peer, at these addresses or where it was, and stays connected; where it is reached then, or undefined.
   */
  connect(
    this: void,
    contact: Contact,
    options: { readonly signal: AbortSignal },
  ): Promise<string | undefined>;
  /** How long a connected peer takes to answer, in milliseconds. Rejects where it does not. */
  ping(this: void, peer: PeerName, options: { readonly signal: AbortSignal }): Promise<number>;
  /** Puts other rules in force; who may not be dealt with any more is disconnected. */
  renew(this: void, rules: PeersRules): Promise<void>;
  /** Forgets what a peer has done. */
  forgive(this: void, peer: PeerName): void;
}
