/**
 * The messages of our two protocols, as bytes. All integers are unsigned and big-endian; `u64` stays below 2^53. A digest is
 * a multihash: 0x12 0x20 and the 32 bytes of a sha2-256, or 0x13 0x40 and the 64 of a sha2-512.
 *
 * **`/pyrsia/have/1`**: who has what. Each message is a frame: u32 length of what follows, at most 64 KiB.
 *
 * ```
 * question  u32 id | u8 flags (1: ask on behalf of me whom you know) | u16 count ≤ 256 | count × digest
 * answer    u32 id | u16 count | count × holding | u8 hints ≤ 16 | hints × hint
 * holding   u8 0: none | u8 1: whole, u64 size | u8 2: part, u64 size, u64 available, below size
 * hint      text peer | u8 addresses ≤ 8 | addresses × text | ⌈count / 8⌉ bytes: bit i, lowest first, is set where
 *           this peer is thought to have what was asked for i-th; those beyond count are not set
 * text      u8 length | that many printable characters of ASCII, at least one
 * ```
 *
 * **`/pyrsia/blob/1.0.0`**: give it to me. Requests and answers follow one another without frames; answers have the order of
 * their requests.
 *
 * ```
 * request   u8 kind (0: bytes, 1: list of chunks) | u64 offset | u32 length ≤ 4 MiB | digest
 * answer    u8 status (0: here it is, 1: I have not, 2: I am busy) | u64 size | u64 available | u32 length | length × u8
 * ```
 *
 * Of a list `offset` is 0 and `length` the most that is taken; an answer with bytes has exactly the length asked for. size and
 * available are those of the whole content, as far as they are known, else 0; without bytes `length` is 0.
 *
 * Every reader throws `DOCUMENT_INVALID` for whatever is not exactly one message.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import type { PeerName } from '../contract.ts';
import { cursorOf, type Cursor, long, malformed, multihash, shortText, uint } from './cursor.ts';
import { MULTIHASH_LIMIT, multihashLength } from './multihash.ts';

export const HAVE_PROTOCOL = '/pyrsia/have/1';
export const BLOB_PROTOCOL = '/pyrsia/blob/1.0.0';

/** The longest message of {@link HAVE_PROTOCOL} in bytes, without its length. */
export const FRAME_LIMIT = 64 * 2 ** 10;

/** How many digests one question may have. */
export const DIGESTS_LIMIT = 256;

/** How many hints an answer may have, and how many addresses each. */
export const HINTS_LIMIT = 16;
export const ADDRESSES_LIMIT = 8;

/** How many bytes may be asked for at once: 4 MiB. */
export const LENGTH_LIMIT = 4 * 2 ** 20;

/** The length in bytes of the beginning of each request, which tells how long it is, and of the longest. */
export const REQUEST_START = 15;
export const REQUEST_LIMIT = 13 + MULTIHASH_LIMIT;

/** The length in bytes of an answer before its content. */
export const ANSWER_START = 21;

/** Who has any of these. */
export interface HaveQuestion {
  /** The answer has the same. */
  readonly id: number;
  /** Whether to ask others, too. */
  readonly delegate: boolean;
  readonly digests: readonly Digest[];
}

/** What a peer says it has of something, in bytes: all of it where both are the same. */
export interface Holding {
  readonly size: number;
  /** From the start. */
  readonly available: number;
}

/** Another peer who may have some of it. Nobody vouches for that. */
export interface Hint {
  readonly peer: PeerName;
  /** Multiaddresses, unread. */
  readonly addresses: readonly string[];
  /** Which of the digests that were asked for, counted from 0, ascending. */
  readonly which: readonly number[];
}

/** What a peer has. */
export interface HaveAnswer {
  readonly id: number;
  /** In the order of the question; undefined: nothing of it. */
  readonly holdings: readonly (Holding | undefined)[];
  readonly hints: readonly Hint[];
}

/** What is to be given. */
export interface BlobRequest {
  readonly kind: 'bytes' | 'list';
  readonly digest: Digest;
  readonly offset: number;
  readonly length: number;
}

const KINDS = ['bytes', 'list'] as const;
const STATUSES = ['here', 'none', 'busy'] as const;

/** An answer without its content. */
export interface BlobAnswer extends Holding {
  readonly status: (typeof STATUSES)[number];
  /** How many bytes of content follow. */
  readonly length: number;
}

/** A message with its length in front. */
export function frame(message: Uint8Array): Uint8Array {
  if (message.byteLength > FRAME_LIMIT) throw new RangeError(`A message has ${message.byteLength} bytes`);
  return Buffer.concat([uint(message.byteLength, 4), message]);
}

/** How long a message is, from the four bytes in front of it. */
export function parseFrameLength(start: Uint8Array): number {
  const length = cursorOf(start).uint(4);
  if (length === 0 || length > FRAME_LIMIT) throw malformed(`it has ${length} bytes`);
  return length;
}

export function formatHaveQuestion({ id, delegate, digests }: HaveQuestion): Uint8Array {
  return Buffer.concat([
    uint(id, 4),
    uint(Number(delegate), 1),
    uint(digests.length, 2),
    ...digests.map(multihash),
  ]);
}

export function parseHaveQuestion(message: Uint8Array): HaveQuestion {
  const { uint: next, digest, end } = cursorOf(message);
  const id = next(4);
  const flags = next(1);
  if (flags > 1) throw malformed('it has unknown flags');
  const digests = Array.from({ length: limited(next(2), DIGESTS_LIMIT, 'digests') }, digest);
  end();
  return { id, delegate: flags === 1, digests };
}

export function formatHaveAnswer({ id, holdings, hints }: HaveAnswer): Uint8Array {
  return Buffer.concat([
    uint(id, 4),
    uint(holdings.length, 2),
    ...holdings.map(formatHolding),
    uint(hints.length, 1),
    ...hints.map((hint) => formatHint(hint, holdings.length)),
  ]);
}

export function parseHaveAnswer(message: Uint8Array): HaveAnswer {
  const cursor = cursorOf(message);
  const id = cursor.uint(4);
  const length = limited(cursor.uint(2), DIGESTS_LIMIT, 'digests');
  const holdings = Array.from({ length }, () => parseHolding(cursor));
  const hints = Array.from({ length: limited(cursor.uint(1), HINTS_LIMIT, 'hints') }, () =>
    parseHint(cursor, length),
  );
  cursor.end();
  return { id, holdings, hints };
}

export function formatBlobRequest({ kind, digest, offset, length }: BlobRequest): Uint8Array {
  return Buffer.concat([uint(KINDS.indexOf(kind), 1), long(offset), uint(length, 4), multihash(digest)]);
}

/** How long a request is, from its first {@link REQUEST_START} bytes. */
export function requestLength(start: Uint8Array): number {
  const length = multihashLength(start[13] ?? 0, start[14] ?? 0);
  if (length === undefined) throw malformed('a digest is of an unknown kind');
  return 13 + length;
}

export function parseBlobRequest(message: Uint8Array): BlobRequest {
  const cursor = cursorOf(message);
  const kind = oneOf(KINDS, cursor.uint(1));
  const offset = cursor.long();
  const length = limited(cursor.uint(4), LENGTH_LIMIT, 'bytes');
  const digest = cursor.digest();
  cursor.end();
  if (length === 0) throw malformed('it asks for nothing');
  if (kind === 'list' && offset !== 0) throw malformed('it asks for a part of a list');
  return { kind, digest, offset, length };
}

export function formatBlobAnswer({ status, size, available, length }: BlobAnswer): Uint8Array {
  return Buffer.concat([uint(STATUSES.indexOf(status), 1), long(size), long(available), uint(length, 4)]);
}

export function parseBlobAnswer(start: Uint8Array): BlobAnswer {
  const cursor = cursorOf(start);
  const status = oneOf(STATUSES, cursor.uint(1));
  const size = cursor.long();
  const available = cursor.long();
  const length = limited(cursor.uint(4), LENGTH_LIMIT, 'bytes');
  cursor.end();
  if (available > size) throw malformed('it says that there is more than all');
  if ((status === 'here') !== length > 0) throw malformed(`it is "${status}", with ${length} bytes`);
  return { status, size, available, length };
}

function formatHolding(holding: Holding | undefined): Uint8Array {
  if (holding === undefined) return uint(0, 1);
  const { size, available } = holding;
  if (available === size) return Buffer.concat([uint(1, 1), long(size)]);
  return Buffer.concat([uint(2, 1), long(size), long(available)]);
}

function parseHolding({ uint: next, long: nextLong }: Cursor): Holding | undefined {
  const kind = oneOf(['none', 'whole', 'part'] as const, next(1));
  if (kind === 'none') return undefined;
  const size = nextLong();
  if (kind === 'whole') return { size, available: size };
  const available = nextLong();
  if (available >= size) throw malformed('a part is no part');
  return { size, available };
}

function formatHint({ peer, addresses, which }: Hint, count: number): Uint8Array {
  const bits = Buffer.alloc(Math.ceil(count / 8));
  for (const each of which) bits[each >> 3]! |= 1 << (each & 7);
  return Buffer.concat([shortText(peer), uint(addresses.length, 1), ...addresses.map(shortText), bits]);
}

function parseHint(cursor: Cursor, count: number): Hint {
  const peer = cursor.text();
  const length = limited(cursor.uint(1), ADDRESSES_LIMIT, 'addresses');
  const addresses = Array.from({ length }, cursor.text);
  const bits = cursor.bytes(Math.ceil(count / 8));
  const which = Array.from({ length: bits.byteLength * 8 }, (_, i) => i).filter(
    (i) => (bits[i >> 3]! >> (i & 7)) & 1,
  );
  if ((which.at(-1) ?? 0) >= Math.max(count, 1)) throw malformed('a hint is of what was not asked for');
  return { peer, addresses, which };
}

function limited(value: number, limit: number, what: string): number {
  if (value > limit) throw malformed(`it is about ${value} ${what}`);
  return value;
}

function oneOf<T>(known: readonly T[], index: number): T {
  const found = known[index];
  if (found === undefined) throw malformed(`it is of the unknown kind ${index}`);
  return found;
}
