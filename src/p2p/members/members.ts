/**
 * One member of a private network: what it shows, whom it admits, what it has heard of revocations.
 *
 * Time is this machine's clock, but never before what was signed earlier by others: a clock that jumps back makes nobody a member
 * again whose time is over, as far as that can be told.
 *
 * @module
 */
import { createPrivateKey, hash, type KeyObject } from 'node:crypto';
import type { PeerName } from '../contract.ts';
import type { Identity } from '../identity.ts';
import { invitationId, isSameProof, joinProof, TOKEN_S } from './join-token.ts';
import { type MemberFiles, REVOCATIONS_LIMIT } from './member-files.ts';
import {
  type Admitted,
  AHEAD_S,
  isDue,
  MEMBER_S,
  readCard,
  readRevocations,
  type Refusal,
  signMembership,
} from './membership.ts';

/** A peer of a private network. */
export interface Members {
  /** The network's bare key, 32 bytes. */
  readonly network: Uint8Array;
  readonly self: PeerName;
  /** Takes up what commands have written. */
  reload(this: void): void;
  /** What it shows; undefined where that would be refused. */
  card(this: void): string | undefined;
  /** How it stands itself. */
  standing(this: void): Admitted | Refusal | 'none';
  /** Whether `peer`, as its connection proves, is a member by this card. */
  admit(this: void, card: string, peer: PeerName): Admitted | Refusal;
  /** Whether one who was admitted still would be. */
  holds(this: void, admitted: Admitted): boolean;
  /** A card for a member whose own is to be made anew, where this one may admit others. */
  renewal(this: void, of: Admitted): string | undefined;
  /** Takes a card that another has made anew for this one, if it lasts longer. */
  renewed(this: void, card: string): void;
  /** Every revocation that was heard of: the text that others are given, and its digest. */
  revoked(this: void): { readonly text: string; readonly digest: string };
  /** Takes what another has heard. Returns how many were new; undefined: they are not the network's. */
  hear(this: void, text: string): number | undefined;
  /** Lets in who knows the secret of an invitation, once: the card, or undefined. */
  letIn(this: void, id: string, proof: Uint8Array, joiner: PeerName): string | undefined;
  /** Opens an invitation: its secret, and until when it may be used, in seconds since 1970. Undefined: it may not admit others. */
  invite(this: void): { readonly secret: Uint8Array; readonly until: number } | undefined;
}

/** What a member is made of. */
export interface MemberParts {
  readonly network: Uint8Array;
  readonly identity: Identity;
  readonly files: MemberFiles;
  /** In milliseconds since 1970. */
  readonly now: () => number;
}

/** The private key of an identity. */
function keyOfIdentity({ secret }: Pick<Identity, 'secret'>): KeyObject {
  const [d, x] = [secret.subarray(0, 32), secret.subarray(32)].map((each) =>
    Buffer.from(each).toString('base64url'),
  );
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d: d!, x: x! }, format: 'jwk' });
}

/** Opens what a peer knows of its network. */
export function openMembers({ network, identity, files, now: clock }: MemberParts): Members {
  const self = identity.name;
  const key = keyOfIdentity(identity);
  const revoked = files.revocations();
  let latest = Math.max(0, ...[...revoked.values()].map(({ at }) => at));
  const now = (): number => Math.max(Math.floor(clock() / 1000), latest);
  const isRevoked = (peer: PeerName): boolean => revoked.has(peer);

  const read = (card: string, peer: PeerName): Admitted | Refusal => {
    const found = readCard(card, { network, peer, now: now(), isRevoked });
    // Only what is not ahead of our own clock can set it right.
    if (typeof found === 'object' && found.from <= clock() / 1000) latest = Math.max(latest, found.from);
    return found;
  };
  const standing = (): Admitted | Refusal | 'none' => {
    const card = files.card();
    return card === undefined ? 'none' : read(card, self);
  };
  const card = (): string | undefined => (typeof standing() === 'object' ? files.card() : undefined);

  /** A card for `peer`, which lasts no longer than ours. */
  const admitting = (peer: PeerName): { readonly card: string; readonly until: number } | undefined => {
    const own = standing();
    const ownCard = files.card();
    if (typeof own !== 'object' || !own.admits || ownCard === undefined) return undefined;
    if (peer === self || isRevoked(peer)) return undefined;
    const from = now();
    const until = Math.min(from + MEMBER_S, own.ends);
    return { until, card: signMembership(network, { peer, from, until, admits: false }, key) + ownCard };
  };

  /** A command may have written there meanwhile. */
  function reload(): void {
    for (const [peer, each] of files.revocations()) revoked.set(peer, each);
  }

  return {
    network,
    self,
    reload,
    card,
    standing,
    admit: read,
    holds: ({ peer, by, ends, from }) =>
      now() < ends && from <= now() + AHEAD_S && !isRevoked(peer) && (by === undefined || !isRevoked(by)),
    renewal(of) {
      if (of.admits || !isDue(of, now())) return undefined;
      const made = admitting(of.peer);
      return made && made.until > of.ends ? made.card : undefined;
    },
    renewed(fresh) {
      const [was, is] = [standing(), read(fresh, self)];
      if (typeof is === 'object' && (typeof was !== 'object' || is.ends > was.ends)) files.keepCard(fresh);
    },
    revoked() {
      const text = [...revoked.values()]
        .toSorted((a, b) => (a.peer < b.peer ? -1 : 1))
        .map((each) => each.text)
        .join('');
      return { text, digest: hash('sha256', text, 'hex') };
    },
    hear(text) {
      const all = readRevocations(text, network);
      reload();
      const fresh = all?.filter(({ peer }) => !revoked.has(peer));
      if (!fresh || revoked.size + fresh.length > REVOCATIONS_LIMIT) return undefined;
      for (const each of fresh) revoked.set(each.peer, each);
      if (fresh.length > 0) files.keepRevocations(revoked.values());
      return fresh.length;
    },
    letIn(id, proof, joiner) {
      const made = admitting(joiner);
      const isProven = (secret: Uint8Array): boolean =>
        isSameProof(joinProof({ secret, network }, { inviter: self, joiner }), proof);
      return made && files.redeem(id, joiner, { now: now(), isProven }) ? made.card : undefined;
    },
    invite() {
      const own = standing();
      if (typeof own !== 'object' || !own.admits) return undefined;
      const secret = crypto.getRandomValues(new Uint8Array(32));
      const until = Math.min(now() + TOKEN_S, own.ends);
      return files.invite(invitationId(secret), secret, until) ? { secret, until } : undefined;
    },
  };
}
