/**
 * What neighbours tell each other of the answers that registries gave them, as bytes; integers and digests as in `wire.ts`.
 *
 * **`/pyrsia/said/1`**: what did the registry say? Each message is a frame, as of `/pyrsia/have/1`.
 *
 * ```
 * question  u32 id | u16 count, 1 to 64 | count × name
 * name      32 bytes: where the answer lies, under the key of these two peers
 * answer    u32 id | u16 count | count × said
 * said      u8 copies ≤ 4 | copies × copy
 * copy      u8 Content-Encoding (0: none, 1: gzip, 2: deflate, 3: br) | 8 bytes: mark of the Accept that it answers
 *           sha2-256 multihash of the body | u64 its size | u64 seen, in milliseconds since 1970
 * ```
 *
 * A name is HMAC-SHA256 over `["upstream","path"]` in JSON, by SHA-256 over the line `/pyrsia/said/1`, that with the asker's name
 * and that with the other's. So a name means nothing to anybody else, and to the one who is asked only what it has by that name,
 * or guesses: it can try every name that it can think of.
 *
 * @module
 */
import { createHash, createHmac } from 'node:crypto';
import { isSha256, type Sha256 } from '../../content/digest.ts';
import type { DocumentPlace, PeerName } from '../contract.ts';
import { type Cursor, cursorOf, long, malformed, multihash, uint } from './cursor.ts';

export const SAID_PROTOCOL = '/pyrsia/said/1';

/** How many names one question may have. */
export const NAMES_LIMIT = 64;

/** How many copies there may be of what has one name: one for each Accept. */
export const COPIES_LIMIT = 4;

/** The largest document that goes from one neighbour to another, as the registry sent it: 32 MiB. */
export const COPY_LIMIT = 32 * 2 ** 20;

const NAME_LENGTH = 32;
const MARK_LENGTH = 8;

/** Content-Encodings that a copy may have. */
const ENCODINGS = ['identity', 'gzip', 'deflate', 'br'] as const;

/** What the registry said at each of these places. */
export interface SaidQuestion {
  /** The answer has the same. */
  readonly id: number;
  /** Of 32 bytes each, as {@link nameUnder} makes them. */
  readonly names: readonly Uint8Array[];
}

/** A document that a neighbour says it has. Nobody vouches for that. */
export interface SaidCopy {
  /** Content-Encoding of the body. */
  readonly encoding: (typeof ENCODINGS)[number];
  /** Of the Accept that the registry was asked with, as {@link markOf} makes it. */
  readonly mark: string;
  /** Of the body. */
  readonly sha256: Sha256;
  /** Length of the body in bytes. */
  readonly size: number;
  /** When the registry said last that this is current, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** What a neighbour has, in the order of the question. */
export interface SaidAnswer {
  readonly id: number;
  readonly said: readonly (readonly SaidCopy[])[];
}

/** The key of whoever asks and whoever is asked. */
export function keyBetween(asker: PeerName, asked: PeerName): Uint8Array {
  return createHash('sha256').update(`${SAID_PROTOCOL}\n${asker}\n${asked}\n`).digest();
}

/** A place as those two call it. */
export function nameUnder(key: Uint8Array, { upstream, path }: DocumentPlace): Uint8Array {
  return createHmac('sha256', key)
    .update(JSON.stringify([upstream, path]))
    .digest();
}

/** What stands for an Accept: 16 hexadecimal digits. */
export function markOf(accept: string): string {
  return createHash('sha256').update(accept).digest().toString('hex', 0, MARK_LENGTH);
}

/** The encoding of this name, where a copy may have it. */
export function encodingOf(name: string): SaidCopy['encoding'] | undefined {
  return ENCODINGS.find((each) => each === name);
}

export function formatSaidQuestion({ id, names }: SaidQuestion): Uint8Array {
  return Buffer.concat([uint(id, 4), uint(names.length, 2), ...names]);
}

export function parseSaidQuestion(message: Uint8Array): SaidQuestion {
  const { uint: next, bytes, end } = cursorOf(message);
  const id = next(4);
  const names = Array.from({ length: counted(next(2)) }, () => bytes(NAME_LENGTH));
  end();
  return { id, names };
}

export function formatSaidAnswer({ id, said }: SaidAnswer): Uint8Array {
  const parts = said.flatMap((copies) => [uint(copies.length, 1), ...copies.map(formatCopy)]);
  return Buffer.concat([uint(id, 4), uint(said.length, 2), ...parts]);
}

export function parseSaidAnswer(message: Uint8Array): SaidAnswer {
  const cursor = cursorOf(message);
  const id = cursor.uint(4);
  const said = Array.from({ length: counted(cursor.uint(2)) }, () => {
    const length = cursor.uint(1);
    if (length > COPIES_LIMIT) throw malformed(`it has ${length} copies of one document`);
    return Array.from({ length }, () => parseCopy(cursor));
  });
  cursor.end();
  return { id, said };
}

function formatCopy({ encoding, mark, sha256, size, seenAt }: SaidCopy): Uint8Array {
  return Buffer.concat([
    uint(ENCODINGS.indexOf(encoding), 1),
    Buffer.from(mark, 'hex'),
    multihash(sha256),
    long(size),
    long(seenAt),
  ]);
}

function parseCopy({ uint: next, bytes, digest, long: nextLong }: Cursor): SaidCopy {
  const encoding = ENCODINGS[next(1)];
  if (encoding === undefined) throw malformed('a copy is encoded as nothing known');
  const mark = Buffer.from(bytes(MARK_LENGTH)).toString('hex');
  const sha256 = digest();
  if (!isSha256(sha256)) throw malformed('a copy is known by something else than its sha256');
  const size = nextLong();
  if (size === 0 || size > COPY_LIMIT) throw malformed(`a copy has ${size} bytes`);
  return { encoding, mark, sha256, size, seenAt: nextLong() };
}

function counted(count: number): number {
  if (count === 0 || count > NAMES_LIMIT) throw malformed(`it is about ${count} names`);
  return count;
}
