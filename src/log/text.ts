/**
 * What the log's text formats have in common: UTF-8 lines, canonical base64, decimal numbers without leading zeroes.
 * Whatever has two spellings has one here, so that nobody's parser reads something else than ours.
 *
 * @module
 */
import { HASH_SIZE } from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';

/** The largest size or index: what Go and other readers hold in a signed 64-bit integer. */
const LARGEST = 2n ** 63n - 1n;

/** A document that is not what it should be. */
export function invalid(what: string, reason: string): PyrsiaError {
  return new PyrsiaError('DOCUMENT_INVALID', { what, reason });
}

/**
 * Decodes UTF-8, no byte order mark removed.
 *
 * @throws PyrsiaError `DOCUMENT_TOO_LARGE`, or `DOCUMENT_INVALID` for what is no UTF-8.
 */
export function decodeText(bytes: Uint8Array, what: string, limit: number): string {
  if (bytes.byteLength > limit) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what, limit });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(what, 'it is no UTF-8');
  }
}

/** Whether bytes are UTF-8. */
export function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Decodes standard base64 (RFC 4648, section 4) in its one canonical spelling; undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return encodeBase64(bytes) === text ? bytes : undefined;
}

/** Encodes standard base64, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Decodes a hash of the tree; undefined for anything else. */
export function decodeHash(text: string): Uint8Array | undefined {
  const bytes = decodeBase64(text);
  return bytes?.byteLength === HASH_SIZE ? bytes : undefined;
}

/** Reads a size or an index below 2^63; undefined for anything else. */
export function decodeNumber(text: string): bigint | undefined {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const number = BigInt(text);
  return number <= LARGEST ? number : undefined;
}
