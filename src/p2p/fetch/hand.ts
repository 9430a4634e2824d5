/**
 * Those who are asked in one fetch: peers, and upstream.
 *
 * @module
 */
import type { CallOptions } from '../../content/source.ts';
import type { PeerName } from '../contract.ts';
import type { Lane } from '../wire/lane.ts';
import { type Growth, growthFrom } from './growing.ts';
import { requestsFor, type Worker } from './share-out.ts';

/** A peer that says it has some content. */
export interface Giver {
  readonly peer: PeerName;
  /** The IP address at which it is reached, as the connection has it. */
  readonly address?: string;
  /** How many bytes from the start it has. */
  readonly available: number;
  /** Its lane, which others may use as well; opened where there is none. */
  open(this: void, options?: CallOptions): Promise<Lane>;
}

/** Somebody who is asked. */
export interface Hand {
  /** Absent: upstream. */
  readonly giver?: Giver;
  speed?: number;
  readonly guess: number;
  queued: number;
  requests: number;
  /** When something came last, or it was asked while it had nothing to do. */
  activeAt: number;
  reach: number;
  /** It is busy until then. */
  restsUntil: number;
  rests: number;
  /** Why it is not asked any more. */
  gone?: string;
  /** As {@link Worker} has it. */
  readonly patience?: number;
}

/** How long a peer is waited for that has given before, and not failed since: a machine may be busy for a moment. */
const KNOWN_PATIENCE_MS = 500;

/**
 * What is taken for upstream's speed until it is known, in bytes a millisecond: 16 MiB/s, a little less than for a peer's. Where
 * that is too much, some chunk is asked for twice; where it is too little, whoever hangs is waited for longer.
 */
const UPSTREAM_GUESS = (16 * 2 ** 20) / 1000;

/** How much of the latest chunk's speed counts. */
const LATEST = 0.4;

/** How many times slower than that it is taken to be. */
const OUTRUN = 4;

/** A peer that is asked. */
export interface PeerHand extends Hand {
  readonly giver: Giver;
  lane?: Promise<Lane>;
  /** Of one that had a beginning only as the fetch began: what it gives it has from others, as little verified as here. */
  readonly growth?: Growth;
}

/**
 * A peer that is expected to give `speed` bytes a second of content that has `size` bytes; `isReliable`: it has given before, and not
 * failed since.
 */
export function peerHand(
  giver: Giver,
  size: number,
  { speed, isReliable, now }: { readonly speed: number; readonly isReliable: boolean; readonly now: number },
): PeerHand {
  const hand = {
    ...newHand(Math.min(giver.available, size), Math.max(speed, 1) / 1000),
    giver,
    ...(giver.available < size && { growth: growthFrom(giver.available, now) }),
  };
  return isReliable ? { ...hand, patience: KNOWN_PATIENCE_MS } : hand;
}

/** Upstream. */
export function upstreamHand(size: number): Hand {
  return newHand(size, UPSTREAM_GUESS);
}

function newHand(reach: number, guess: number): Hand {
  return { guess, queued: 0, requests: 0, activeAt: 0, reach, restsUntil: 0, rests: 0 };
}

/** It is asked for `length` bytes. */
export function wasAsked(hand: Hand, length: number, now: number): void {
  if (hand.requests === 0) hand.activeAt = now;
  hand.queued += length;
  hand.requests++;
}

/** What it was asked for came, or will not. */
export function isDone(hand: Hand, length: number): void {
  hand.queued -= length;
  hand.requests--;
}

/** `length` bytes came; returns in how many milliseconds. */
export function delivered(hand: Hand, length: number, now: number): number {
  const ms = Math.max(now - hand.activeAt, 0.1);
  const speed = length / ms;
  hand.speed = hand.speed === undefined ? speed : hand.speed + LATEST * (speed - hand.speed);
  hand.activeAt = now;
  hand.rests = 0;
  return ms;
}

/** Whether it is a peer, and not upstream. */
export function isPeer(hand: Hand): hand is PeerHand {
  return hand.giver !== undefined;
}

/** Somebody else was quicker, who was asked later. It is slower than if it had come now: nobody knows by how much. */
export function wasOutrun(hand: Hand, length: number, now: number): void {
  hand.speed = Math.min(hand.speed ?? hand.guess, length / Math.max(now - hand.activeAt, 0.1) / OUTRUN);
}

/** A hand as the one who shares out sees it. Alone it is given more at once than before its speed is known among others. */
export interface HandAtWork<H extends Hand = Hand> extends Worker {
  readonly hand: H;
}

/** How it stands with somebody; `isAlone`: there is nobody else to be asked. */
export function atWork(hand: Hand, chunkSize: number, now: number, isAlone: boolean): HandAtWork {
  const most = hand.giver === undefined ? 1 : Math.max(isAlone ? 2 : 1, requestsFor(hand.speed, chunkSize));
  const room = now < hand.restsUntil ? 0 : most - hand.requests;
  return {
    hand,
    ...(hand.speed === undefined ? {} : { speed: hand.speed }),
    guess: hand.guess,
    queued: hand.queued,
    silentFor: hand.requests === 0 ? 0 : now - hand.activeAt,
    room,
    reach: hand.reach,
    ...(hand.patience !== undefined && { patience: hand.patience }),
  };
}
