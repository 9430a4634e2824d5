/**
 * Reads and writes the numbers and digests that messages of peers consist of.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import { PyrsiaError } from '../../errors.ts';
import { digestOfMultihash, multihashLength, multihashOf } from './multihash.ts';

/** The end of a message that is none. */
export function malformed(reason: string): PyrsiaError<'DOCUMENT_INVALID'> {
  return new PyrsiaError('DOCUMENT_INVALID', { what: 'a message of a peer', reason });
}

/** Reads a message from its first byte to its last. Each of its methods throws `DOCUMENT_INVALID` where there is too little. */
export interface Cursor {
  /** An unsigned integer of 1, 2 or 4 bytes, big-endian. */
  uint(this: void, bytes: 1 | 2 | 4): number;
  /** An unsigned integer of 8 bytes, big-endian, below 2^53. */
  long(this: void): number;
  digest(this: void): Digest;
  bytes(this: void, length: number): Uint8Array;
  /** One byte with its length, then as many printable characters of ASCII, at least one. */
  text(this: void): string;
  /** That nothing follows. */
  end(this: void): void;
}

/** Starts reading. */
export function cursorOf(message: Uint8Array): Cursor {
  const all = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const bytes = (length: number): Buffer => {
    if (at + length > all.length) throw malformed('it stops early');
    at += length;
    return all.subarray(at - length, at);
  };
  return {
    bytes,
    uint: (length) => bytes(length).readUIntBE(0, length),
    long() {
      const value = bytes(8).readBigUInt64BE();
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number is too large');
      return Number(value);
    },
    digest() {
      const length = multihashLength(all[at] ?? 0, all[at + 1] ?? 0);
      const digest = length === undefined ? undefined : digestOfMultihash(bytes(length));
      if (digest === undefined) throw malformed('a digest is of an unknown kind');
      return digest;
    },
    text() {
      const text = bytes(bytes(1)[0] ?? 0).toString('latin1');
      if (!/^[\x21-\x7e]+$/.test(text)) throw malformed('a text has other characters than it may');
      return text;
    },
    end() {
      if (at !== all.length) throw malformed('something follows its end');
    },
  };
}

/** An unsigned integer of so many bytes, big-endian. */
export function uint(value: number, bytes: 1 | 2 | 4): Uint8Array {
  const written = Buffer.alloc(bytes);
  written.writeUIntBE(value, 0, bytes);
  return written;
}

/** An unsigned integer of 8 bytes, big-endian. */
export function long(value: number): Uint8Array {
  const written = Buffer.alloc(8);
  written.writeBigUInt64BE(BigInt(value));
  return written;
}

/** A digest that peers may be asked by. */
export function multihash(digest: Digest): Uint8Array {
  const written = multihashOf(digest);
  if (written === undefined) throw new TypeError(`Peers are not asked by ${digest}`);
  return written;
}

/** A text of at most 255 characters, with its length. */
export function shortText(value: string): Uint8Array {
  return Buffer.concat([uint(value.length, 1), Buffer.from(value, 'latin1')]);
}
