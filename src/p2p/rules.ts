/**
 * Whom this machine deals with, and to whom it gives.
 *
 * @module
 */
import type { PeerName } from './contract.ts';
import { givesTo, isLoopback, isPrivate, isOnLink, type Link, type Sharing } from './lan.ts';
import type { PeersRules } from './open-peers.ts';
import type { PeerBook } from './book/peer-book.ts';

/** The rules in force. */
export interface Rules {
  sharing(this: void): Sharing;
  /** Whether neighbours may see that this machine is here. */
  isSeen(this: void): boolean;
  /** Whether the distributed hash table is told what is here. Strangers read it, but in a private network. */
  isPublic(this: void): boolean;
  /** Whether a peer is dealt with at all, where it is; one who has not yet said who he is by his address alone. */
  admits(this: void, peer: PeerName | undefined, address?: string): boolean;
  /**
   * Whether it may be dialled there. Those whom the user has named may be anywhere; others, of whom neighbours, hints and the
   * hash table tell, only near as long as nothing is public, and at our own loopback never.
   */
  dials(this: void, peer: PeerName | undefined, address: string): boolean;
  /** Whether it is given something. */
  gives(this: void, peer: PeerName | undefined, address: string): boolean;
  /** Whether it may be asked by name what a registry has said, and ask us: it has a private address, or the user has named it. */
  isNear(this: void, peer: PeerName, address: string): boolean;
  /** Takes in what has changed. */
  renew(this: void, changed: { readonly rules?: PeersRules; readonly links?: readonly Link[] }): void;
}

/** Puts rules in force for the machine of this name. */
export function openRules(
  first: {
    readonly rules: PeersRules;
    readonly links: readonly Link[];
    /** Whether this machine deals with the members of a private network only. */
    readonly isClosed: boolean;
    /** Whether the user has named a peer. */
    readonly isNamed: (peer: PeerName) => boolean;
  },
  self: PeerName,
  book: Pick<PeerBook, 'banned'>,
): Rules {
  const { isClosed, isNamed } = first;
  let { rules, links } = first;

  const sharing = (): Sharing => ({ share: rules.share, links, isQuiet: rules.isQuiet ?? (() => false) });

  function admits(peer: PeerName | undefined, address?: string): boolean {
    return peer !== self && !book.banned(peer ?? '', address);
  }

  return {
    sharing,
    isSeen() {
      const { share, isQuiet } = sharing();
      return share !== 'off' && links.some((link) => !isQuiet(link));
    },
    dials(peer, address) {
      if (!admits(peer, address)) return false;
      if (peer !== undefined && isNamed(peer)) return true;
      if (isLoopback(address)) return links.some((link) => isOnLink(link, address));
      return isClosed || rules.share === 'public' || isPrivate(address);
    },
    isPublic: () => rules.share === 'public' || (isClosed && rules.share !== 'off'),
    admits,
    gives: (peer, address) => admits(peer, address) && givesTo(sharing(), address),
    isNear: (peer, address) => admits(peer, address) && (isNamed(peer) || isPrivate(address)),
    renew(changed) {
      rules = changed.rules ?? rules;
      links = changed.links ?? links;
    },
  };
}
