/**
 * Who belongs to a private network: peers' names, signed with the network's key or by a member whom that key lets admit others.
 *
 * A _card_ is what a member shows: its own statement, and that of who admitted it where that was not the network's key.
 *
 * ```
 * pyrsia membership 1
 * network <the network's key, base64>
 * peer <name>
 * from <seconds since 1970>
 * until <seconds since 1970>
 * admits <yes or no>
 * signature <base64 of Ed25519 over all the lines above>
 * ```
 *
 * A peer that is to be a member no more stands in a _revocation_, which only the network's key signs:
 *
 * ```
 * pyrsia revocation 1
 * network <the network's key, base64>
 * peer <name>
 * at <seconds since 1970>
 * signature <base64>
 * ```
 *
 * @module
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { PeerName } from '../contract.ts';
import { keyOfPeer } from '../peer-name.ts';

/** How long a membership lasts: 90 days, in seconds. */
export const MEMBER_S = 90 * 86_400;
/** How long one lasts that admits others: 365 days, in seconds. */
export const ADMITS_S = 365 * 86_400;
/** How far another's clock may be ahead of ours: 10 min, in seconds. */
export const AHEAD_S = 600;
/** The most characters of a card. */
export const CARD_LIMIT = 2048;

/** That a peer belongs to a network, as somebody says. */
export interface Membership {
  readonly peer: PeerName;
  /** In seconds since 1970. */
  readonly from: number;
  readonly until: number;
  /** Whether it may admit others, which only the network's key can say. */
  readonly admits: boolean;
}

/** That a peer belongs to a network no more. */
export interface Revocation {
  readonly peer: PeerName;
  /** In seconds since 1970. */
  readonly at: number;
  /** As it was signed, with the signature. */
  readonly text: string;
}

/** What a card says, once it was proven. */
export interface Admitted extends Membership {
  /** Who admitted it; absent: the network's key. */
  readonly by?: PeerName;
  /** When the first of its statements ends, in seconds since 1970. */
  readonly ends: number;
}

/**
 * Why a card proves nothing:
 *
 * - `malformed`: it is none, or says what none may say.
 * - `other-network`, `other-peer`: it is of another.
 * - `forged`: a signature is not that of who should have signed.
 * - `early`: it is not yet valid, so a clock is wrong.
 * - `expired`, `revoked`: it was valid, or whoever admitted it was.
 */
export type Refusal =
  | 'malformed'
  | 'other-network'
  | 'other-peer'
  | 'forged'
  | 'early'
  | 'expired'
  | 'revoked';

/** What a card is held against. */
export interface Terms {
  /** The network's bare key, 32 bytes. */
  readonly network: Uint8Array;
  /** Who shows it, as the connection proves. */
  readonly peer: PeerName;
  /** In seconds since 1970. */
  readonly now: number;
  isRevoked(this: void, peer: PeerName): boolean;
}

/** Signs with an Ed25519 key. */
export function signMembership(
  network: Uint8Array,
  { peer, from, until, admits }: Membership,
  key: KeyObject,
): string {
  const lines = [
    MEMBERSHIP,
    `network ${base64(network)}`,
    `peer ${peer}`,
    `from ${from}`,
    `until ${until}`,
    `admits ${admits ? 'yes' : 'no'}`,
    '',
  ];
  return signed(lines.join('\n'), key);
}

/** What a card proves, or why it proves nothing. */
export function readCard(card: string, { network, peer, now, isRevoked }: Terms): Admitted | Refusal {
  if (card.length > CARD_LIMIT) return 'malformed';
  const both = card.split(/(?<=\nsignature [^\n]+\n)/).flatMap((each) => statementIn(each) ?? []);
  const [own, admitter] = both;
  // All of it has to be statements: it would have a second spelling otherwise.
  if (!own || both.length > 2 || card !== both.map(({ text }) => text).join('')) return 'malformed';
  if (both.some((each) => each.network !== base64(network))) return 'other-network';
  if (own.peer !== peer) return 'other-peer';
  // Whoever admits was let do so by the network's key itself, and lets nobody else do it.
  if (admitter && (!admitter.admits || own.admits || admitter.peer === own.peer)) return 'malformed';
  const by = admitter ? keyOfPeer(admitter.peer) : network;
  if (!by || !isSigned(own, by) || (admitter && !isSigned(admitter, network))) return 'forged';
  if (both.some((each) => isRevoked(each.peer))) return 'revoked';
  if (both.some(({ from }) => from > now + AHEAD_S)) return 'early';
  const ends = Math.min(...both.map(({ until }) => until));
  if (now >= ends) return 'expired';
  const { from, until, admits } = own;
  return { peer, from, until, admits, ends, ...(admitter && { by: admitter.peer }) };
}

/** Whether a membership is to be made anew: a third of it has gone by. */
export function isDue({ from, until }: Pick<Membership, 'from' | 'until'>, now: number): boolean {
  return now >= from + (until - from) / 3;
}

/** Revokes a membership; `key` is the network's. */
export function signRevocation(
  network: Uint8Array,
  { peer, at }: Pick<Revocation, 'peer' | 'at'>,
  key: KeyObject,
): string {
  return signed(`${REVOCATION}\nnetwork ${base64(network)}\npeer ${peer}\nat ${at}\n`, key);
}

/** Revocations, one behind the other; undefined where any is not what the network's key signed. */
export function readRevocations(text: string, network: Uint8Array): Revocation[] | undefined {
  if (text === '') return [];
  const all = text.split(/(?<=\nsignature [^\n]+\n)/).map((each) => {
    const [, body = '', of = '', peer = '', at = '', signature = ''] = REVOCATION_FORM.exec(each) ?? [];
    const isWhole = of === base64(network) && keyOfPeer(peer) && isSigned({ body, signature }, network);
    return isWhole ? { peer, at: Number(at), text: each } : undefined;
  });
  return all.every((each) => each !== undefined) ? all : undefined;
}

interface Statement extends Membership {
  readonly network: string;
  readonly text: string;
  readonly body: string;
  readonly signature: string;
}

const MEMBERSHIP = 'pyrsia membership 1';
const REVOCATION = 'pyrsia revocation 1';
const NUMBER = String.raw`(0|[1-9]\d{0,14})`;
const FORM = new RegExp(
  String.raw`^(${MEMBERSHIP}\nnetwork (\S{44})\npeer (\S{52})\nfrom ${NUMBER}\nuntil ${NUMBER}\nadmits (yes|no)\n)signature (\S{88})\n$`,
);
const REVOCATION_FORM = new RegExp(
  String.raw`^(${REVOCATION}\nnetwork (\S{44})\npeer (\S{52})\nat ${NUMBER}\n)signature (\S{88})\n$`,
);

function statementIn(text: string): Statement | undefined {
  const [, body = '', network = '', peer = '', from = '', until = '', admits = '', signature = ''] =
    FORM.exec(text) ?? [];
  if (body === '' || !keyOfPeer(peer)) return undefined;
  const lasts = Number(until) - Number(from);
  if (lasts <= 0 || lasts > (admits === 'yes' ? ADMITS_S : MEMBER_S)) return undefined;
  return {
    network,
    peer,
    from: Number(from),
    until: Number(until),
    admits: admits === 'yes',
    text,
    body,
    signature,
  };
}

function signed(body: string, key: KeyObject): string {
  return `${body}signature ${sign(null, Buffer.from(body), key).toString('base64')}\n`;
}

function isSigned({ body, signature }: Pick<Statement, 'body' | 'signature'>, key: Uint8Array): boolean {
  const x = Buffer.from(key).toString('base64url');
  const by = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const bytes = Buffer.from(signature, 'base64');
  return base64(bytes) === signature && verify(null, Buffer.from(body), by, bytes);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
