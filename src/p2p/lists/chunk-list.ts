/**
 * Lists of chunks as peers hand them out: signed, so that a wrong one can be held against whoever made it.
 *
 * A list is a head, a signature and the chunks' hashes. The head has the root above the hashes, so that it proves a fraud
 * without them:
 *
 * ```
 * pyrsia-chunk-list/1
 * sha256:…                    the content's digests, as the maker measured them; sha512 where it did
 * sha512:…
 * 8388608 1048576             size of the content and of a chunk, in bytes
 * 9f…                         the root (RFC 6962) in hex
 * MCow…                       the maker's public key (Ed25519, 32 bytes) in base64
 * SIGNATURE                   of all lines above, in base64
 * 32 bytes for each chunk
 * ```
 *
 * The key is the one that the maker's peer name is made of, so nobody can give it a list that it did not make.
 *
 * @module
 */
import { createPublicKey, verify } from 'node:crypto';
import { chunkCount, type ChunkList, type Cut, cutOf, rootOfChunks } from '../../content/chunks.ts';
import { type Digest, isSha256, parseDigest, type Sha256 } from '../../content/digest.ts';
import { equalHashes, type Hash, HASH_SIZE } from '../../content/merkle.ts';
import { SIZE_LIMIT } from '../../content/verified.ts';
import { PyrsiaError } from '../../errors.ts';
import type { PeerName } from '../contract.ts';
import { peerOfKey } from '../peer-name.ts';

/** The most bytes of a list: a head of up to 1 KiB, and 4096 hashes, which are of 16 GiB. */
export const LIST_LIMIT = 129 * 2 ** 10;

/** What a maker signs. */
export interface ListHead extends Cut {
  /** Sha256 first. */
  readonly digests: readonly [Sha256, ...Digest[]];
  readonly root: Hash;
  readonly maker: PeerName;
  /** The lines and their signature, as they came. */
  readonly signed: string;
}

/** A list that its maker has signed, and whose hashes have the root that was signed. */
export interface SignedList extends ListHead, ChunkList {}

/** Who signs. */
export interface ListSigner {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(this: void, bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Writes a list. */
export async function signList(
  list: ChunkList,
  digests: ListHead['digests'],
  signer: ListSigner,
): Promise<Uint8Array> {
  const head = [
    MAGIC,
    ...digests,
    `${list.size} ${list.chunkSize}`,
    Buffer.from(rootOfChunks(list)).toString('hex'),
    Buffer.from(signer.publicKey).toString('base64'),
    '',
  ].join('\n');
  const signature = Buffer.from(await signer.sign(Buffer.from(head))).toString('base64');
  return Buffer.concat([Buffer.from(`${head}${signature}\n`), ...list.hashes]);
}

/**
 * Reads a list.
 *
 * @throws PyrsiaError `DOCUMENT_TOO_LARGE` beyond {@link LIST_LIMIT}; `DOCUMENT_INVALID`; `NOT_PROVEN` when the signature or the
 * root does not match.
 */
export function parseList(bytes: Uint8Array): SignedList {
  if (bytes.byteLength > LIST_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: WHAT, limit: LIST_LIMIT });
  const text = Buffer.from(bytes.subarray(0, HEAD_LIMIT)).toString('latin1');
  const end = HEAD.exec(text)?.[0].length;
  if (end === undefined) throw invalid('it does not begin as one');
  const head = parseHead(text.slice(0, end));
  const count = chunkCount(head);
  if (bytes.byteLength !== end + count * HASH_SIZE) throw invalid(`it has not ${count} hashes`);
  const hashes = Array.from({ length: count }, (_, i) =>
    Uint8Array.from(bytes.subarray(end + i * HASH_SIZE, end + (i + 1) * HASH_SIZE)),
  );
  const list = { ...head, hashes };
  if (!equalHashes(rootOfChunks(list), head.root)) throw notProven('its hashes have another root');
  return list;
}

/**
 * Reads the lines of a list and their signature.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`; `NOT_PROVEN` when the signature does not match.
 */
export function parseHead(signed: string): ListHead {
  const [whole, head, sha256, sha512, size, chunkSize, root, key, signature] = HEAD.exec(signed) ?? [];
  if (whole !== signed) throw invalid('its head is malformed');
  const cut = { size: Number(size), chunkSize: Number(chunkSize) };
  if (cut.size > SIZE_LIMIT || cutOf(cut.size).chunkSize !== cut.chunkSize)
    throw invalid('nobody cuts content like that');
  const [publicKey, proof] = [bytesIn(key!), bytesIn(signature!)];
  if (!verify(null, Buffer.from(head!), ed25519(publicKey), proof))
    throw notProven('its signature does not match');
  const first = parseDigest(sha256!);
  if (!isSha256(first)) throw invalid('it does not name a digest');
  const digests: ListHead['digests'] = sha512 === undefined ? [first] : [first, parseDigest(sha512)];
  return { ...cut, digests, root: Buffer.from(root!, 'hex'), maker: peerOfKey(publicKey), signed };
}

/** Whether two heads are of the same content: they name one digest, and none that the other contradicts. */
export function sameContent(a: Pick<ListHead, 'digests'>, digests: readonly Digest[]): boolean {
  return a.digests.some((each) => digests.includes(each));
}

/** Whether two lists say the same of how content is cut. */
export function sameChunks(a: Cut & { readonly root: Hash }, b: Cut & { readonly root: Hash }): boolean {
  return a.size === b.size && a.chunkSize === b.chunkSize && equalHashes(a.root, b.root);
}

const MAGIC = 'pyrsia-chunk-list/1';
const WHAT = 'a list of chunks';
const HEAD_LIMIT = 1024;

/** One spelling for each head. */
const HEAD =
  /^(pyrsia-chunk-list\/1\n(sha256:[0-9a-f]{64})\n(?:(sha512:[0-9a-f]{128})\n)?(0|[1-9][0-9]{0,11}) ([1-9][0-9]{0,7})\n([0-9a-f]{64})\n([A-Za-z0-9+/]{43}=)\n)([A-Za-z0-9+/]{86}==)\n/;

/** Ed25519 in SubjectPublicKeyInfo, RFC 8410, section 4: what stands before the 32 bytes. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function ed25519(publicKey: Uint8Array): ReturnType<typeof createPublicKey> {
  return createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
}

function bytesIn(base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw invalid('its base64 is not canonical');
  return bytes;
}

function invalid(reason: string): PyrsiaError {
  return new PyrsiaError('DOCUMENT_INVALID', { what: WHAT, reason });
}

function notProven(reason: string): PyrsiaError {
  return new PyrsiaError('NOT_PROVEN', { what: WHAT, reason });
}
