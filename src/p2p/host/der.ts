/**
 * As much of DER as a certificate of libp2p's needs: values with a tag of one byte and a definite length.
 *
 * @see https://www.itu.int/rec/T-REC-X.690 section 10
 * @module
 */

/** A value. */
export interface Der {
  /** Its first byte: class, whether it holds other values, and number. */
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Tags that certificates use. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  printable: 0x13,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The most bytes of a length that is read: content of up to 16 MiB. */
const LENGTH_LIMIT = 3;

/** A value with this tag and content; several contents are put one after the other. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const isShort = content.length < 128;
  const head = isShort ? [tag, content.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Uint8Array.from(head), content]);
}

/** The values that `bytes` are, one after the other. Throws a `RangeError` for anything else. */
export function derIn(bytes: Uint8Array): Der[] {
  const found: Der[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++]!;
    if ((tag & 0x1f) === 0x1f) throw new RangeError('A tag of several bytes');
    let length = at < bytes.length ? bytes[at++]! : 0x80;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > LENGTH_LIMIT) throw new RangeError('A length that is not DER');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? Number.NaN);
      // The shortest form only, so that there is one way to write a value.
      if (length < 128 || length < 256 ** (count - 1)) throw new RangeError('A length that is not DER');
    }
    if (!(at + length <= bytes.length)) throw new RangeError('A value that is cut off');
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}
