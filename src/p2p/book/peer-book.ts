/**
 * The peers that one agent knows: who they are, how they did, who is banned. One file in the state directory, which the agent
 * alone writes; libp2p is not needed to read it.
 *
 * @module
 */
import { readFileSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOurs } from '../../ours.ts';
import { rangeOf } from '../address-range.ts';
import type { PeerName } from '../contract.ts';
import type { Fraud } from '../lists/fraud.ts';
import type { FaultKind } from '../wire/lane.ts';
import { formatBook, parseBook } from './peer-book-file.ts';
import {
  afterFailure,
  afterGift,
  afterPardon,
  afterStrike,
  type Ban,
  banOf,
  compareUse,
  type KnownPeer,
  newPeer,
  scoreOf,
  type StrikeReason,
} from './peer-score.ts';
import type { SaidOfPeers } from '../said-of-peers.ts';

/** How many peers are remembered. */
export const PEERS_LIMIT = 2000;
/** How many of the addresses of one peer. */
const ADDRESSES_LIMIT = 8;
/** The largest file that is read: 16 MiB. */
const FILE_LIMIT = 16 * 2 ** 20;
/** How long a change waits for others until the file is written, in milliseconds. */
const WRITE_AFTER_MS = 2000;

/** What is told of a peer that did wrong. */
export interface Offence {
  readonly reason: StrikeReason;
  /** How much of it is this peer's doing; 1 where nothing is said. */
  readonly weight?: number;
  /** The IP address at which it was reached, as the connection has it: what a peer says of itself may be another's. */
  readonly address?: string;
  readonly fraud?: Fraud;
}

/** The peers that are known. Nothing here fails: what cannot be written is known as long as the agent lives. */
export interface PeerBook extends AsyncDisposable {
  /** Those that the user has added or trusts first, then the best to ask, those that are banned last. */
  all(this: void): KnownPeer[];
  find(this: void, peer: PeerName): KnownPeer | undefined;
  /** How good it is to ask, higher is better: how many bytes a second it is expected to give. */
  score(this: void, peer: PeerName): number;
  /** It is there, at these multiaddrs, without its name; the best first. */
  saw(this: void, peer: PeerName, addresses?: readonly string[]): void;
  /** It gave `bytes` that were good within `ms`. */
  gave(this: void, peer: PeerName, bytes: number, ms: number): void;
  /** It did not deliver. */
  failed(this: void, peer: PeerName, failure: FaultKind): void;
  strike(this: void, peer: PeerName, offence: Offence): void;
  /**
   * Whether a peer, or whoever is at this IP address, is banned; those that the user has added or trusts are for what they did
   * themselves alone.
   */
  banned(this: void, peer: PeerName, address?: string): Ban | undefined;
  /** Forgets what it did. */
  forgive(this: void, peer: PeerName): void;
  /** Writes what has changed. */
  settled(this: void): Promise<void>;
}

/** Opens the book in the state directory. One that is damaged begins anew, and a line says so. */
export function openPeerBook(
  state: string,
  {
    now = Date.now,
    log,
    said,
    onBan,
  }: {
    readonly now?: () => number;
    readonly log: (line: string) => void;
    /** What the user says of peers. */
    readonly said: () => SaidOfPeers;
    /** A peer has just been banned for what it did, and others at its address with it. */
    readonly onBan?: (peer: PeerName) => void;
  },
): PeerBook {
  const directory = join(state, 'peer');
  const file = join(directory, 'book.json');
  const known = read();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isComplaining = false;

  function read(): Map<PeerName, KnownPeer> {
    try {
      const size = statSync(file, { throwIfNoEntry: false })?.size;
      if (size === undefined) return new Map();
      if (size > FILE_LIMIT) throw new Error(`it is larger than ${FILE_LIMIT} bytes`);
      return new Map(parseBook(readFileSync(file, 'utf8'), now()).map((each) => [each.peer, each]));
    } catch (error) {
      log(`Cannot read what is known of peers, beginning anew: ${reasonOf(error)}`);
      return new Map();
    }
  }

  async function write(): Promise<void> {
    try {
      makeOurs(directory);
      const fresh = `${file}.${process.pid}.new`;
      await writeFile(fresh, formatBook(known.values()), { mode: 0o600 });
      await rename(fresh, file);
      isComplaining = false;
    } catch (error) {
      if (!isComplaining) log(`Cannot remember peers: ${reasonOf(error)}`);
      isComplaining = true;
    }
  }
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
  }

  function change(peer: PeerName, how: (before: KnownPeer) => KnownPeer): void {
    const before = known.get(peer) ?? newPeer(peer, now());
    known.set(peer, how(before));
    if (known.size > PEERS_LIMIT) forget();
    timer ??= setTimeout(flush, WRITE_AFTER_MS).unref();
  }
  /** Forgets a tenth, so that it need not be done for each that is new. */
  function forget(): void {
    const at = now();
    const others = [...known.values()].filter(({ peer }) => !isUsers(peer));
    const byUse = others.toSorted((a, b) => compareUse(a, b, at));
    for (const { peer } of byUse.slice(0, Math.ceil(PEERS_LIMIT / 10))) known.delete(peer);
  }
  function isUsers(peer: PeerName): boolean {
    const its = said().get(peer);
    return its !== undefined && (its.trusted || its.addresses.length > 0);
  }

  return {
    all() {
      const at = now();
      const users = new Set([...known.values()].filter(({ peer }) => isUsers(peer)));
      return [...known.values()].toSorted(
        (a, b) => Number(users.has(b)) - Number(users.has(a)) || scoreOf(b, at) - scoreOf(a, at),
      );
    },
    find: (peer) => known.get(peer),
    score: (peer) => scoreOf(known.get(peer) ?? newPeer(peer, now()), now()),
    saw: (peer, addresses = []) =>
      change(peer, (before) => ({
        ...before,
        addresses: [...new Set([...addresses, ...before.addresses])].slice(0, ADDRESSES_LIMIT),
        seenAt: now(),
      })),
    gave: (peer, bytes, ms) => change(peer, (before) => afterGift(before, bytes, ms, now())),
    failed: (peer, failure) => change(peer, (before) => afterFailure(before, failure, now())),
    strike(peer, { reason, weight = 1, address, fraud }) {
      const range = address === undefined ? undefined : rangeOf(address);
      const bans = known.get(peer)?.bans ?? 0;
      change(peer, (before) => afterStrike(before, { at: now(), reason, weight }, range, fraud));
      if ((known.get(peer)?.bans ?? 0) > bans) onBan?.(peer);
    },
    banned(peer, address) {
      const at = now();
      const itself = known.get(peer);
      if (said().get(peer)?.banned === true) return { until: Infinity, reason: 'user' };
      const own = itself && banOf(itself, at);
      if (own !== undefined || address === undefined || isUsers(peer)) return own;
      const range = rangeOf(address);
      for (const each of known.values()) {
        const ban = banOf(each, at);
        if (ban?.range === range) return ban;
      }
      return undefined;
    },
    forgive(peer) {
      if (known.has(peer)) change(peer, afterPardon);
    },
    async settled() {
      if (timer) flush();
      await writing;
    },
    async [Symbol.asyncDispose]() {
      if (timer) flush();
      await writing;
    },
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
