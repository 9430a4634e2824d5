/**
 * Digests as they travel between peers: {@link https://github.com/multiformats/multihash | multihashes}.
 *
 * sha2-256 and sha2-512 alone; whatever is known by sha1 only is never asked from peers.
 *
 * @module
 */
import { algorithmOf, type Digest, hexOf, parseDigest } from '../../content/digest.ts';

/** The code of the function and the length of its output in bytes: both below 128, so that each varint is one byte. */
const FUNCTIONS = { sha256: [0x12, 32], sha512: [0x13, 64] } as const;

/** The longest multihash in bytes. */
export const MULTIHASH_LIMIT = 66;

/** The multihash of a digest; undefined where peers are not asked by it. */
export function multihashOf(digest: Digest): Uint8Array | undefined {
  const algorithm = algorithmOf(digest);
  if (algorithm === 'sha1') return undefined;
  return Buffer.concat([Uint8Array.from(FUNCTIONS[algorithm]), Buffer.from(hexOf(digest), 'hex')]);
}

/** How many bytes a multihash has that begins with these two; undefined: it is none that we know. */
export function multihashLength(code: number, length: number): number | undefined {
  for (const known of Object.values(FUNCTIONS)) {
    if (known[0] === code && known[1] === length) return 2 + length;
  }
  return undefined;
}

/** The digest of a multihash; undefined for whatever is not exactly one. */
export function digestOfMultihash(bytes: Uint8Array): Digest | undefined {
  const [code = 0, length = 0] = bytes;
  if (multihashLength(code, length) !== bytes.byteLength) return undefined;
  const algorithm = code === FUNCTIONS.sha256[0] ? 'sha256' : 'sha512';
  return parseDigest(`${algorithm}:${Buffer.from(bytes.subarray(2)).toString('hex')}`);
}
