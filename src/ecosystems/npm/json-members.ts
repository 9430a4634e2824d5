/**
 * Walks the members of a JSON object without parsing their values.
 *
 * A packument may have 40 MB, of which a reader needs one `versions["4.17.21"].dist`. Values that nobody
 * asks for are passed over: their strings and brackets have to end, their grammar is not checked. It is
 * one pass over the bytes, in place and without recursion.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 * @module
 */

/** One member of an object: its key, unescaped, and the bytes of its value. */
export interface Member {
  readonly key: string;
  /** A view of the document, not a copy. */
  readonly value: Uint8Array;
}

/** How deep arrays and objects may lie in each other. Packuments have a handful of levels. */
const DEPTH_LIMIT = 500;

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Yields the members of the object that `bytes` holds, in their order; a key may come twice.
 * Only who walks to the end knows that the object is complete.
 *
 * @throws SyntaxError when `bytes` is not one object and nothing else.
 */
export function* members(bytes: Uint8Array): Generator<Member> {
  let at = afterByte(bytes, afterSpace(bytes, 0), OPEN_OBJECT);
  if (bytes[at] !== CLOSE_OBJECT) {
    for (;;) {
      const afterKey = afterString(bytes, expectByte(bytes, at, QUOTE));
      const value = afterByte(bytes, afterSpace(bytes, afterKey), COLON);
      const end = afterValue(bytes, value);
      yield { key: String(valueOf(bytes.subarray(at, afterKey))), value: bytes.subarray(value, end) };
      at = afterSpace(bytes, end);
      if (bytes[at] !== COMMA) break;
      at = afterByte(bytes, at, COMMA);
    }
  }
  const end = afterByte(bytes, at, CLOSE_OBJECT);
  if (end < bytes.length) throw unexpected(bytes, end);
}

/**
 * The values of the members that `keys` names; of several with one key the last, as JSON.parse has it.
 *
 * @throws SyntaxError as {@link members}.
 */
export function pick(bytes: Uint8Array, keys: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const { key, value } of members(bytes)) if (keys.includes(key)) found.set(key, value);
  return found;
}

/** Parses a value as a whole. @throws SyntaxError */
export function valueOf(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
}

/** Where the value that starts at `start` ends. */
function afterValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return afterString(bytes, start);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return afterNested(bytes, start);
  let at = start;
  while (at < bytes.length && isScalar(bytes[at]!)) at++;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1');
  if (/^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null)$/.test(text)) return at;
  throw unexpected(bytes, text === '' ? at : start);
}

function afterNested(bytes: Uint8Array, start: number): number {
  const closing = new Uint8Array(DEPTH_LIMIT);
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = afterString(bytes, at) - 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === DEPTH_LIMIT) throw new SyntaxError(`more than ${DEPTH_LIMIT} levels at byte ${at}`);
      closing[depth++] = byte + 2;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (closing[--depth] !== byte) throw unexpected(bytes, at);
      if (depth === 0) return at + 1;
    }
  }
  throw unexpected(bytes, bytes.length);
}

/** A backslash hides the byte after it, so no run of them is looked at twice. */
function afterString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  throw unexpected(bytes, bytes.length);
}

/** Steps over one byte that has to be there, and the space behind it. */
function afterByte(bytes: Uint8Array, at: number, byte: number): number {
  return afterSpace(bytes, expectByte(bytes, at, byte) + 1);
}

function expectByte(bytes: Uint8Array, at: number, byte: number): number {
  if (bytes[at] !== byte) throw unexpected(bytes, at);
  return at;
}

function afterSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && isSpace(bytes[at]!)) at++;
  return at;
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isScalar = (byte: number): boolean =>
  byte > 0x20 && byte !== COMMA && byte !== CLOSE_OBJECT && byte !== CLOSE_ARRAY;

function unexpected(bytes: Uint8Array, at: number): SyntaxError {
  return new SyntaxError(at >= bytes.length ? 'it ends too early' : `unexpected byte at ${at}`);
}
