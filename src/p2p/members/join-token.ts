/**
 * What is handed to somebody who is to be let into a private network: whose it is, who lets in and where, and a secret for one use.
 *
 * A token is `pyrsia-join-` and the base64url of `{"network", "peer", "addresses", "secret", "until"}` in JSON. The secret is
 * never sent: who joins proves to know it, to the one peer that made it.
 *
 * @module
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { PyrsiaError } from '../../errors.ts';
import type { PeerName } from '../contract.ts';
import { keyOfPeer, parsePeerAddress } from '../peer-name.ts';

/** How long a token may be used: 24 h, in seconds. */
export const TOKEN_S = 86_400;
/** The most characters of a token. */
const TOKEN_LIMIT = 4096;
/** The most addresses in one. */
const ADDRESSES_LIMIT = 16;

const PREFIX = 'pyrsia-join-';

/** An invitation. */
export interface JoinToken {
  /** The network's bare key, 32 bytes. */
  readonly network: Uint8Array;
  /** Who lets in. */
  readonly peer: PeerName;
  /** Where that is, without its name. */
  readonly addresses: readonly string[];
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** In seconds since 1970. */
  readonly until: number;
}

/** Whether a text is meant to be a token. */
export function isJoinToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Writes a token. */
export function formatJoinToken({ network, peer, addresses, secret, until }: JoinToken): string {
  const text = JSON.stringify({
    network: base64(network),
    peer,
    addresses: addresses.slice(0, ADDRESSES_LIMIT),
    secret: base64(secret),
    until,
  });
  return `${PREFIX}${Buffer.from(text).toString('base64url')}`;
}

/** Reads a token. @throws PyrsiaError `REFERENCE_MALFORMED`, without the secret */
export function parseJoinToken(token: string): JoinToken {
  const malformed = new PyrsiaError('REFERENCE_MALFORMED', {
    text: `${token.slice(0, 20)}…`,
    reason: 'it is no whole token of pyrsia network invite',
  });
  if (!isJoinToken(token) || token.length > TOKEN_LIMIT) throw malformed;
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(token.slice(PREFIX.length), 'base64url').toString());
  } catch {
    throw malformed;
  }
  const of = (name: string): unknown =>
    typeof said === 'object' && said ? Reflect.get(said, name) : undefined;
  const bytes = (name: string): Uint8Array => {
    const value = of(name);
    const read = Buffer.from(typeof value === 'string' ? value : '', 'base64');
    if (read.byteLength !== 32) throw malformed;
    return read;
  };
  const [peer, addresses, until] = [of('peer'), of('addresses'), of('until')];
  if (typeof peer !== 'string' || !keyOfPeer(peer) || typeof until !== 'number') throw malformed;
  if (!Array.isArray(addresses) || addresses.length > ADDRESSES_LIMIT) throw malformed;
  return {
    network: bytes('network'),
    peer,
    addresses: addresses.map((each) => parsePeerAddress(`${String(each)}/p2p/${peer}`).address),
    secret: bytes('secret'),
    until,
  };
}

/** What names an invitation without giving its secret away: 32 hex digits. */
export function invitationId(secret: Uint8Array): string {
  return hash('sha256', Buffer.concat([Buffer.from('pyrsia invitation 1\n'), secret]), 'hex').slice(0, 32);
}

/** Proves to `inviter`, and to nobody else, that `joiner` knows the secret: 32 bytes. */
export function joinProof(
  { secret, network }: Pick<JoinToken, 'secret' | 'network'>,
  { inviter, joiner }: { readonly inviter: PeerName; readonly joiner: PeerName },
): Uint8Array {
  return createHmac('sha256', secret)
    .update(`pyrsia join 1\n${base64(network)}\n${inviter}\n${joiner}\n`)
    .digest();
}

/** Whether two proofs are the same, in a time that does not tell where they differ. */
export function isSameProof(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
