/**
 * What the agent and its peers know of each other. Types alone: whoever imports them loads nothing.
 *
 * @module
 */
import type { Wanted } from '../content/descriptor.ts';
import type { Digest, Sha256 } from '../content/digest.ts';
import type { CallOptions, Given, OpenOptions, Source } from '../content/source.ts';

export type { Given } from '../content/source.ts';

/** A peer's id, as libp2p writes it. */
export type PeerName = string;

/** Content of ours that anybody may have: it is public, and each of its bytes was verified. */
export interface Offer {
  readonly sha256: Sha256;
  /** Length of the whole in bytes. */
  readonly size: number;
  /** How many bytes from the start may be given now: `size` once all is here. */
  readonly available: number;
  /** The file that holds them. */
  readonly path: string;
}

/** Where a registry's answer lies. It has the name of a package or an image, so it never goes to others as it is. */
export interface DocumentPlace {
  /** Canonical upstream: its URL. */
  readonly upstream: string;
  /** Path with query. */
  readonly path: string;
}

/** A public registry's answer that is here, for neighbours who know its name. Its body is offered by its digest. */
export interface OfferedDocument {
  /** With which the registry was asked. */
  readonly accept: string;
  /** Content-Encoding of the body; `identity` for none. */
  readonly encoding: string;
  /** Of the body. */
  readonly sha256: Sha256;
  /** Length of the body in bytes. */
  readonly size: number;
  /** When the registry said last that this is current, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** The answers of public registries that are here. */
export interface OfferedDocuments {
  /** Where they lie, the one used last first, each with a key of this node's own. */
  places(this: void): Iterable<DocumentPlace & { readonly key: string }>;
  /** By that key; undefined: gone, not for others, or too large. */
  find(this: void, key: string): OfferedDocument | undefined;
}

/** A registry's answer as a neighbour says it has it. Nobody vouches for it. */
export interface Copy {
  readonly peer: PeerName;
  readonly encoding: string;
  /** Of the body. */
  readonly sha256: Sha256;
  /** Length of the body in bytes. */
  readonly size: number;
  /** When the registry said so last, as the neighbour says, in milliseconds since 1970; not later than now. */
  readonly seenAt: number;
}

/** What this node has for others. Whatever is private is not in it. */
export interface Offers {
  /** By any digest that was verified; undefined: not here, or not for others. */
  find(this: void, digest: Digest): Offer | undefined;
  /** One digest for each set of content that is worth a record of its own: a manifest, an artifact, a large blob. */
  sets(this: void): AsyncIterable<Digest>;
  /** What neighbours may ask for by name; absent: nothing. */
  readonly documents?: OfferedDocuments;
}

/** Whom this node gives to: nobody, those on links with private addresses, or everybody. */
export type Share = 'off' | 'lan' | 'public';

/** A list of chunks that somebody besides the peers vouches for: an entry of the log. */
export interface Vouched {
  /** Length of the whole in bytes. */
  readonly size: number;
  /** Length of each chunk but the last in bytes. */
  readonly chunkSize: number;
  /** The root of the chunks' own tree (RFC 6962), 32 bytes. */
  readonly root: Uint8Array;
}

/** Content on its way from peers. */
export interface Fetch {
  /** From the offset on, in order; each chunk was verified where anybody vouches for it. Ends with a {@link FetchFailure}. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** So far. */
  given(this: void): readonly Given[];
  /** The whole turned out to be wrong: those who vouched for it are remembered for that. */
  wrong(this: void): void;
  /** The whole turned out to be right: so are those who contradicted it. */
  right?(this: void): void;
}

/** What the error of a fetch may say besides its message. It is told by these properties, not by its class. */
export interface FetchFailure {
  /** What has been passed on is to be thrown away: upstream contradicts it, and nobody but peers vouches for it. */
  readonly wrong?: true;
  /** The same peers need not be asked again. */
  readonly final?: true;
}

/** Content that peers say they have. */
export interface Held {
  /** Length of the whole in bytes. */
  readonly size: number;
  readonly peers: readonly PeerName[];
  /**
   * Fetches it, from several of them at once where chunks can be verified one by one. `upstream` is one more source,
   * which is asked for what peers are too slow with.
   */
  fetch(this: void, options: OpenOptions & { readonly vouched?: Vouched; readonly upstream?: Source }): Fetch;
}

/** The peers of one agent. No call rejects because of a peer. */
export interface Peers extends AsyncDisposable {
  /** Asks those who are near what they have of this, in as few questions as can be; whoever comes near within half a minute, too. */
  prepare(this: void, digests: readonly Digest[], options?: CallOptions): Promise<void>;
  /** Whether somebody is known to have it. Asks nobody. */
  knows(this: void, wanted: Wanted): boolean;
  /** Who is known to have it, or says so within some milliseconds. Only digests are ever sent. */
  near(this: void, wanted: Wanted, options?: CallOptions): Promise<Held | undefined>;
  /** The same of everybody who can be found in half a second. */
  far(this: void, wanted: Wanted, options?: CallOptions): Promise<Held | undefined>;
  /**
   * What neighbours say that a public registry has answered, the copies of those whom the user trusts first, then the
   * latest; of answers to this Accept, or to any. Names are sent as what only two who know them can make.
   */
  copies(
    this: void,
    place: DocumentPlace,
    options?: CallOptions & { readonly accept?: string; readonly onlyTrusted?: boolean },
  ): Promise<readonly Copy[]>;
}
