/**
 * Digests as keys of the distributed hash table. kad-dht 16 takes a key for a CID of version 0, so that only sha2-256 ones
 * can be found again: what is known by sha512 has the sha2-256 of its multihash.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create } from 'multiformats/hashes/digest';
import { algorithmOf, type Digest } from '../../content/digest.ts';
import { multihashOf } from '../wire/multihash.ts';

const SHA2_256 = 0x12;

/** The key of a digest, 34 bytes: a sha2-256 multihash. Undefined where peers are not asked by it. */
export function keyOf(digest: Digest): Uint8Array | undefined {
  const multihash = multihashOf(digest);
  if (multihash === undefined || algorithmOf(digest) === 'sha256') return multihash;
  return Buffer.concat([Uint8Array.of(SHA2_256, 32), sha256(multihash)]);
}

/** A key as kad-dht wants to have it. */
export function cidOf(key: Uint8Array): CID {
  return CID.createV1(raw.code, create(SHA2_256, key.subarray(2)));
}

/** Where a key, or a peer's id, lies in the table (Kademlia, section 2.1: the metric is the exclusive or of two of these). */
export function placeOf(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}

/** How many bits two places have in common from the start. */
export function commonBits(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at === -1 ? a.length * 8 : at * 8 + Math.clz32(a[at]! ^ b[at]!) - 24;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
