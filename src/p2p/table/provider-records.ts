/**
 * Who provides what, as other peers say: the part of the distributed hash table that this node keeps, in memory. kad-dht
 * writes it as a datastore, and would keep whatever anybody sends; here each peer, each key and all together have a limit, and
 * records end by a clock that nobody sets.
 *
 * Values are not kept at all: nobody has any business with them.
 *
 * @module
 */
import { BaseDatastore } from 'datastore-core';
import { NotFoundError } from '@libp2p/interface';
import { base32 } from 'multiformats/bases/base32';
import { Key, type Pair, type Query } from 'interface-datastore';
import type { PeerName } from '../contract.ts';

/** How long a record is believed, in milliseconds. Whoever still provides says so again every {@link REPROVIDE_MS}. */
export const RECORD_MS = 60 * 60_000;

/** How often a record is written again, in milliseconds. */
export const REPROVIDE_MS = 20 * 60_000;

/** How many records are kept of one peer, for one key, and in all. */
export const RECORDS_PER_PEER = 10_000;
export const RECORDS_PER_KEY = 50;
const RECORDS_LIMIT = 200_000;

/** How often records that have ended are looked for where there is no room, in milliseconds. */
const SWEEP_MS = 60_000;

/** Where kad-dht keeps providers: `/dht/provider/KEY/PEER`. */
const PROVIDERS = '/dht/provider/';

interface RecordKept {
  /** As kad-dht wrote it. */
  readonly value: Uint8Array;
  readonly at: number;
}

/** What kad-dht keeps its records in. */
export class ProviderRecords extends BaseDatastore {
  readonly #now: () => number;
  readonly #isKnown: (peer: PeerName) => Promise<boolean>;
  readonly #keys = new Map<string, Map<PeerName, RecordKept>>();
  #own: ReadonlySet<string> = new Set();
  readonly #self: PeerName;
  readonly #perPeer = new Map<PeerName, number>();
  #size = 0;
  #sweptAt = -Infinity;

  /**
   * @param self - this node
   * @param isKnown - whether addresses of a peer are known: without, kad-dht breaks off the whole answer
   * @param now - in milliseconds; never goes back
   */
  constructor(self: PeerName, isKnown: (peer: PeerName) => Promise<boolean>, now: () => number) {
    super();
    this.#self = self;
    this.#isKnown = isKnown;
    this.#now = now;
  }

  /** How many records there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether anything is known to be provided by this peer. */
  isProvider(peer: PeerName): boolean {
    return this.#perPeer.has(peer);
  }

  /** What this node itself provides from now on, by key: all of it. */
  keep(keys: readonly Uint8Array[]): void {
    this.#own = new Set(keys.map((key) => base32.baseEncode(key)));
  }

  override put(key: Key, value: Uint8Array): Key {
    const { cid, peer } = partsOf(key);
    if (cid === undefined || peer === undefined) return key;
    if (!this.#keys.get(cid)?.has(peer) && !this.#hasRoom(cid, peer)) return key;
    this.#remove(cid, peer);
    const providers = this.#keys.get(cid) ?? new Map<PeerName, RecordKept>();
    this.#keys.set(cid, providers.set(peer, { value, at: this.#now() }));
    this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 0) + 1);
    this.#size++;
    return key;
  }

  override get(key: Key): Uint8Array {
    const { cid, peer } = partsOf(key);
    const found = cid === undefined || peer === undefined ? undefined : this.#keys.get(cid)?.get(peer);
    if (!found || this.#isOver(found)) throw new NotFoundError();
    return found.value;
  }

  override has(key: Key): boolean {
    const { cid, peer } = partsOf(key);
    const found = cid === undefined || peer === undefined ? undefined : this.#keys.get(cid)?.get(peer);
    return found !== undefined && !this.#isOver(found);
  }

  override delete(key: Key): void {
    const { cid, peer } = partsOf(key);
    if (cid !== undefined && peer !== undefined) this.#remove(cid, peer);
  }

  /** Those of one key. Asked for all, it has none: kad-dht would remove and write records by a clock of its own. */
  override async *query({ prefix = '' }: Query): AsyncGenerator<Pair> {
    const cid = prefix.startsWith(PROVIDERS) ? prefix.slice(PROVIDERS.length) : '';
    if (this.#own.has(cid)) yield { key: keyTo(cid, this.#self), value: Uint8Array.of(0) };
    for (const [peer, record] of this.#keys.get(cid) ?? []) {
      if (this.#isOver(record)) this.#remove(cid, peer);
      else if (await this.#isKnown(peer)) yield { key: keyTo(cid, peer), value: record.value };
    }
  }

  #isOver({ at }: RecordKept): boolean {
    return this.#now() >= at + RECORD_MS;
  }

  #hasRoom(cid: string, peer: PeerName): boolean {
    const has = (): boolean =>
      (this.#keys.get(cid)?.size ?? 0) < RECORDS_PER_KEY &&
      (this.#perPeer.get(peer) ?? 0) < RECORDS_PER_PEER &&
      this.#size < RECORDS_LIMIT;
    if (has()) return true;
    for (const [each, record] of this.#keys.get(cid) ?? []) if (this.#isOver(record)) this.#remove(cid, each);
    if (has()) return true;
    if (this.#now() < this.#sweptAt + SWEEP_MS) return false;
    this.#sweptAt = this.#now();
    for (const [other, providers] of this.#keys)
      for (const [each, record] of providers) if (this.#isOver(record)) this.#remove(other, each);
    return has();
  }

  #remove(cid: string, peer: PeerName): void {
    const providers = this.#keys.get(cid);
    if (!providers?.delete(peer)) return;
    if (providers.size === 0) this.#keys.delete(cid);
    const left = (this.#perPeer.get(peer) ?? 1) - 1;
    if (left === 0) this.#perPeer.delete(peer);
    else this.#perPeer.set(peer, left);
    this.#size--;
  }
}

/** The two last parts of a key: what is provided, and by whom. Neither for a key of another kind. */
function partsOf(key: Key): { readonly cid?: string; readonly peer?: PeerName } {
  const [cid, peer, ...more] = key.toString().startsWith(PROVIDERS)
    ? key.toString().slice(PROVIDERS.length).split('/')
    : [];
  return cid === undefined || peer === undefined || more.length > 0 ? {} : { cid, peer };
}

function keyTo(cid: string, peer: PeerName): Key {
  return new Key(`${PROVIDERS}${cid}/${peer}`, false);
}
