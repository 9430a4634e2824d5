/**
 * Who this machine is among its peers: an Ed25519 key that is made once and kept.
 *
 * `peer/key` in the state directory has one line: base64 of the private key as libp2p writes it, that is type, length,
 * seed and public key. Whoever can read it can pass for this machine, so it is its user's alone. The public key lies beside the
 * seed, so a bit that has changed is noticed: it would be another machine otherwise, which nobody knows.
 *
 * @see https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#keys
 * @module
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { base58btc } from 'multiformats/bases/base58';
import { PyrsiaError } from '../errors.ts';
import { makeOurs } from '../ours.ts';
import type { PeerName } from './contract.ts';

/** A peer that can prove who it is. */
export interface Identity {
  /** What others know it by: the identity multihash of its public key, in base58. */
  readonly name: PeerName;
  /** The seed's 32 bytes, then the public key's 32. */
  readonly secret: Uint8Array;
}

/** Type Ed25519 and a length of 64, in protobuf. */
const PRIVATE = Buffer.from('08011240', 'hex');
/** The multihash "identity" of 36 bytes, then type Ed25519 and a length of 32 in protobuf. */
const PUBLIC = Buffer.from('002408011220', 'hex');
/** DER of a PKCS #8 key of Ed25519 up to its seed (RFC 8410, section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The file that holds the identity of whoever has this state directory. */
export function identityFile(state: string): string {
  return join(state, 'peer', 'key');
}

/**
 * The identity of this state directory, made if there is none; of several processes that make it at once all get the same.
 *
 * Rejects with `DOCUMENT_INVALID` for a file that is damaged, and with what the file system says.
 */
export async function openIdentity(state: string): Promise<Identity> {
  const path = identityFile(state);
  const found = await textOf(path);
  if (found !== undefined) return identityIn(found, path);
  makeOurs(join(state, 'peer'));
  const made = `${Buffer.concat([PRIVATE, newSecret()]).toString('base64')}\n`;
  await writeOnce(path, made);
  return identityIn((await textOf(path)) ?? made, path);
}

/** The identity that a private key of Ed25519 is: its seed's 32 bytes, then its public key's 32. */
export function identityOf(secret: Uint8Array): Identity {
  return { name: base58btc.baseEncode(Buffer.concat([PUBLIC, secret.subarray(32)])), secret };
}

function newSecret(): Uint8Array {
  const { privateKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8.length);
  return Buffer.concat([seed, publicOf(seed)]);
}

function publicOf(seed: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
}

function identityIn(text: string, path: string): Identity {
  const bytes = Buffer.from(text, 'base64');
  const secret = bytes.subarray(PRIVATE.length);
  const isWhole = bytes.length === PRIVATE.length + 64 && bytes.subarray(0, PRIVATE.length).equals(PRIVATE);
  if (!isWhole || !secret.subarray(32).equals(publicOf(secret.subarray(0, 32)))) {
    const reason = 'it is damaged; without it this machine gets another name among peers';
    throw new PyrsiaError('DOCUMENT_INVALID', { what: path, reason });
  }
  return identityOf(secret);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Writes a file for its user alone, unless there is one by then: whoever reads it sees all of it. */
async function writeOnce(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString('hex')}`;
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
    await link(temporary, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
