/**
 * Peers with one trait each, in memory, for the tests of whoever gathers from peers.
 *
 * @module
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type ChunkList, chunker, cutOf } from '../../src/content/chunks.ts';
import { digestOf, type Sha256 } from '../../src/content/digest.ts';
import type { Source } from '../../src/content/source.ts';
import { type ListSigner, signList } from '../../src/p2p/lists/chunk-list.ts';
import type { Clock } from '../../src/p2p/clock.ts';
import { PeerFault } from '../../src/p2p/fault.ts';
import type { Giver } from '../../src/p2p/fetch/hand.ts';
import type { FaultKind } from '../../src/p2p/wire/lane.ts';
import { peerOfKey } from '../../src/p2p/peer-name.ts';

/** Content that nobody has twice: of `size` bytes. */
export function contentOf(size: number, seed = 1): Uint8Array {
  const block = createHash('shake256', { outputLength: 65_536 }).update(`content ${seed}`).digest();
  const bytes = new Uint8Array(size);
  for (let at = 0, n = 0; at < size; at += block.byteLength, n++) {
    bytes.set(block.subarray(0, size - at), at);
    // So that no chunk is like another.
    new DataView(bytes.buffer, at).setUint8(0, n & 0xff);
    if (size - at > 2) new DataView(bytes.buffer, at).setUint16(1, n >> 8);
  }
  return bytes;
}

/** The chunks of some content, as everybody cuts it. */
export function listOf(bytes: Uint8Array): ChunkList {
  const chunks = chunker(cutOf(bytes.byteLength).chunkSize);
  chunks.update(bytes);
  return chunks.end();
}

/** One byte of it is another. */
export function changed(bytes: Uint8Array, at: number): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[at]! ^= 1;
  return other;
}

/** What an identity of a test signs with. */
export interface Key extends ListSigner {
  readonly privateKey: KeyObject;
}

/** A new identity. */
export function newKey(): Key {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
    privateKey,
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

/** How a peer of a test behaves; nothing said: well. */
export interface Manner {
  readonly key?: Key;
  readonly address?: string;
  /** In bytes a millisecond, for all requests one after the other; and what each costs besides. */
  readonly speed?: number;
  readonly latencyMs?: number;
  /** How many bytes from the start it says it has. */
  readonly available?: number;
  /** What it signs instead of the truth. */
  readonly signs?: Uint8Array | 'nothing' | 'garbage';
  /** What it does about one request instead of answering: it fails like this, never answers, or answers otherwise. */
  readonly at?: (offset: number, length: number) => FaultKind | 'hang' | Uint8Array | undefined;
  readonly opens?: 'never' | 'fails';
}

/** A peer, and what was asked of it. */
export interface Actor extends Giver {
  /** It may get more. */
  available: number;
  /** Offsets, in the order in which they were asked for. */
  readonly asked: number[];
  /** How many of the answers were not waited for any more when they came. */
  isClosed: boolean;
}

/** Somebody who has `bytes`, of which the digest is that of `whole` (the same where nothing else is said). */
export function giver(clock: Clock, bytes: Uint8Array, manner: Manner = {}, whole = bytes): Actor {
  const { key = newKey(), speed = 100_000, latencyMs = 1, at = () => undefined } = manner;
  const peer = peerOfKey(key.publicKey);
  const asked: number[] = [];
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(ms: number, answer: () => Promise<T>): Promise<T> => {
    const mine = queue.then(async () => {
      await clock.sleep(ms);
      return answer();
    });
    queue = mine.catch(() => undefined);
    return mine;
  };
  const actor: Actor = {
    peer,
    asked,
    isClosed: false,
    ...(manner.address === undefined ? {} : { address: manner.address }),
    available: manner.available ?? bytes.byteLength,
    async open() {
      if (manner.opens === 'never') await hang();
      if (manner.opens === 'fails') throw new Error('connection refused');
      return {
        peer,
        open: true,
        async fetch(_digest, offset, length, { signal } = {}) {
          const isLook =
            length === 1 && offset === whole.byteLength - 1 && actor.available < whole.byteLength;
          if (!isLook) asked.push(offset);
          const aborted = hang(signal);
          aborted.catch(() => undefined);
          const deed = at(offset, length);
          if (deed === 'hang') return aborted;
          const answer = inTurn(latencyMs + length / speed, async () => {
            if (typeof deed === 'string') throw new PeerFault(deed, peer, `it was ${deed}`);
            if (isLook) throw new PeerFault('none', peer, 'it has not all of it');
            return deed ?? bytes.slice(offset, offset + length);
          });
          return Promise.race([answer, aborted]);
        },
        async list(_digest, { signal } = {}) {
          if (manner.signs === 'nothing' || actor.available < whole.byteLength) return undefined;
          if (manner.signs === 'garbage') return Buffer.from('pyrsia-chunk-list/1\n');
          await clock.sleep(latencyMs, signal);
          return listBy(key, manner.signs ?? bytes, whole);
        },
        available: () => actor.available,
        close: () => void (actor.isClosed = true),
      };
    },
  };
  return actor;
}

/** Never ends, but by the signal. */
function hang(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** A list of the chunks of `bytes`, which says that it is of `whole`. */
function listBy(key: Key, bytes: Uint8Array, whole = bytes): Promise<Uint8Array> {
  return signList(listOf(bytes), [digestOf(whole, 'sha256'), digestOf(whole, 'sha512')], key);
}

/** The digest that a test asks by. */
export function nameOf(bytes: Uint8Array): Sha256 {
  return digestOf(bytes, 'sha256');
}

/** Upstream, which has `bytes`; `asked` tells what was asked of it. */
export function registry(
  clock: Clock,
  bytes: Uint8Array,
  { speed = 100_000, latencyMs = 5, fails = false } = {},
): Source & { readonly asked: { readonly offset: number; readonly length: number }[] } {
  const asked: { offset: number; length: number }[] = [];
  return {
    name: 'upstream',
    asked,
    async open(_, { offset = 0, length = bytes.byteLength - offset, signal } = {}) {
      asked.push({ offset, length });
      await clock.sleep(latencyMs, signal);
      signal?.throwIfAborted();
      if (fails) throw new Error('upstream is down');
      async function* chunks(): AsyncGenerator<Uint8Array> {
        const piece = 524_288;
        for (let at = offset; at < offset + length; at += piece) {
          const part = bytes.slice(at, Math.min(at + piece, offset + length));
          await clock.sleep(part.byteLength / speed, signal);
          signal?.throwIfAborted();
          yield part;
        }
      }
      return { size: bytes.byteLength, proven: [], chunks: chunks() };
    },
  };
}
