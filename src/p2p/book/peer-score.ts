/**
 * What this node remembers of a peer, and what follows from it. Pure: times are given, in milliseconds since 1970.
 *
 * @module
 */
import type { PeerName } from '../contract.ts';
import type { Fraud } from '../lists/fraud.ts';
import type { FaultKind } from '../wire/lane.ts';

const hour = 60 * 60 * 1000;
const day = 24 * hour;

/** Why a peer is struck: what it did cannot happen to an honest one whose disk and program are in order. */
export type StrikeReason =
  /** A chunk, or a small whole, was not what its hash says. */
  | 'wrong-chunk'
  /** What it alone gave, or vouched for, turned out to be something else. */
  | 'wrong-whole'
  /** It signed a wrong list of chunks. */
  | 'fraud'
  /** It contradicted itself, or sent what nobody asked for. */
  | 'lied';

/** One such deed. */
export interface Strike {
  readonly at: number;
  readonly reason: StrikeReason;
  /** How much of it is this peer's doing: 1, or less where others may have done it. */
  readonly weight: number;
}

/** Nothing is taken from it, and nothing given. */
export interface Ban {
  /** Without end where the user says so. */
  readonly until: number;
  readonly reason: StrikeReason | 'user';
  /** The address range that it was in, which is banned with it. */
  readonly range?: string;
}

/** One peer. */
export interface KnownPeer {
  readonly peer: PeerName;
  /** Where it was found, latest first, as multiaddrs. */
  readonly addresses: readonly string[];
  readonly firstSeenAt: number;
  readonly seenAt: number;
  /** What came from it so far, in bytes. */
  readonly given: number;
  /** Bytes in a second, the latest counting most; absent: nothing has come from it yet. */
  readonly speed?: number;
  /** How often in a row it did not deliver, and when it last did not. */
  readonly failures: number;
  readonly failedAt?: number;
  readonly failure?: FaultKind;
  /** Since its last ban. */
  readonly strikes: readonly Strike[];
  /** How often it was banned. */
  readonly bans: number;
  readonly ban?: Ban;
  readonly frauds: readonly Fraud[];
}

/** What strikes have to weigh for a ban. */
export const BAN_AT = 3;
/** The first ban. */
export const FIRST_BAN = 4 * 60 * 60 * 1000;
/** The longest ban; also that of whoever signs what is wrong. */
export const LONGEST_BAN = 30 * 24 * 60 * 60 * 1000;
/** How long a strike counts. */
const STRIKE_COUNTS = 7 * day;
/** How many strikes and proofs of fraud are kept of one peer. */
const STRIKES_KEPT = 10;
const FRAUDS_KEPT = 2;
/** How much the latest transfer counts for the speed. */
const LATEST = 0.3;
/** How fast a peer is taken to be that has not shown it, in bytes a second: 20 MiB. */
export const UNKNOWN_SPEED = 20 * 2 ** 20;

/** A peer of which nothing is known. */
export function newPeer(peer: PeerName, now: number): KnownPeer {
  return {
    peer,
    addresses: [],
    firstSeenAt: now,
    seenAt: now,
    given: 0,
    failures: 0,
    strikes: [],
    bans: 0,
    frauds: [],
  };
}

/** After `bytes` that were good came from it within `ms`. */
export function afterGift(known: KnownPeer, bytes: number, ms: number, now: number): KnownPeer {
  const speed = (bytes * 1000) / Math.max(ms, 1);
  const mixed = known.speed === undefined ? speed : known.speed + LATEST * (speed - known.speed);
  const { failure: _, failedAt: __, ...rest } = known;
  return { ...rest, given: known.given + bytes, speed: mixed, failures: 0, seenAt: now };
}

/** After it did not deliver. */
export function afterFailure(known: KnownPeer, failure: FaultKind, now: number): KnownPeer {
  // Neither says anything against it.
  if (failure === 'none' || failure === 'busy') return known;
  return { ...known, failures: known.failures + 1, failedAt: now, failure };
}

/** After a strike; `range` is where it was reached. Three of them are a ban, and one proof of fraud is. */
export function afterStrike(known: KnownPeer, strike: Strike, range?: string, fraud?: Fraud): KnownPeer {
  const { at, reason } = strike;
  const strikes = [...known.strikes.filter((each) => at - each.at < STRIKE_COUNTS), strike];
  const struck: KnownPeer = {
    ...known,
    strikes: strikes.slice(-STRIKES_KEPT),
    frauds: (fraud ? [...known.frauds, fraud] : known.frauds).slice(-FRAUDS_KEPT),
  };
  const weight = strikes.reduce((sum, each) => sum + each.weight, 0);
  // Thirds that add up to a whole may fall short of it by a rounding.
  if (reason !== 'fraud' && weight < BAN_AT - 0.001) return struck;
  const length = reason === 'fraud' ? LONGEST_BAN : Math.min(LONGEST_BAN, FIRST_BAN * 2 ** known.bans);
  const ban = { until: at + length, reason, ...(range === undefined ? {} : { range }) };
  return { ...struck, strikes: [], bans: known.bans + 1, ban };
}

/** As if it had never done anything wrong. */
export function afterPardon(known: KnownPeer): KnownPeer {
  const { ban: _, failure: __, failedAt: ___, ...rest } = known;
  return { ...rest, failures: 0, strikes: [], bans: 0, frauds: [] };
}

/** The ban that is in force. What would last longer than any was made by another clock, and is not. */
export function banOf({ ban }: KnownPeer, now: number): Ban | undefined {
  return ban !== undefined && ban.until > now && ban.until - now <= LONGEST_BAN ? ban : undefined;
}

/**
 * How good it is to ask, higher is better: by its speed in bytes a second, half as good for each failure in a row, of which one an
 * hour is forgotten, and for each strike; 0 while it is banned.
 */
export function scoreOf(known: KnownPeer, now: number): number {
  if (banOf(known, now)) return 0;
  const { speed = UNKNOWN_SPEED, failures, failedAt = now, strikes } = known;
  const failing = Math.max(0, failures - Math.max(0, now - failedAt) / hour);
  const weight = strikes.reduce((sum, each) => sum + each.weight, 0);
  return speed / 2 ** Math.min(20, failing + weight);
}

/** What would be missed least comes first: who is not banned, has given little, and has not been seen for long. */
export function compareUse(a: KnownPeer, b: KnownPeer, now: number): number {
  const rank = (each: KnownPeer): number => (banOf(each, now) ? 1 : 0);
  return rank(a) - rank(b) || useOf(a, now) - useOf(b, now);
}

/** What it has given, half of it forgotten with each week that it was not seen. */
function useOf({ given, seenAt }: KnownPeer, now: number): number {
  return (given + 1) / 2 ** Math.min(100, Math.max(0, now - seenAt) / (7 * day));
}
