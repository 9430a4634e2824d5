/**
 * Keys of signed notes, as {@link https://c2sp.org/signed-note | c2sp.org/signed-note} writes them:
 * `<name>+<key ID>+<base64(signature type || public key)>`.
 *
 * Two types are known: Ed25519 (0x01), with which a log signs, and timestamped cosignatures (0x04,
 * {@link https://c2sp.org/tlog-cosignature | c2sp.org/tlog-cosignature}) of those who watch that it only grows.
 * A further one is one more row of {@link types}.
 *
 * @module
 */
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { PyrsiaError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './text.ts';

/** What a signature says besides that it was made. */
export interface Statement {
  /** When a cosigner saw the tree, in seconds since 1970; undefined for signatures without time. */
  readonly time: bigint | undefined;
}

/** Checks signatures of one key. */
export interface Verifier {
  /** The name of who signs; it has neither spaces nor `+`. */
  readonly name: string;
  /** With the name, what a signature is assigned to its key by: 32 bits. */
  readonly id: number;
  readonly type: SignatureType;
  /** The bare public key. */
  readonly publicKey: Uint8Array;
  /** What the signature says, without its key ID; undefined when it is not of this key and text. */
  check(text: string, signature: Uint8Array): Statement | undefined;
}

/** The signature types that we check: `0x01` and `0x04`. */
export type SignatureType = 'ed25519' | 'cosignature/v1';

interface TypeTraits {
  readonly byte: number;
  /** The length of a public key in bytes. */
  readonly keySize: number;
  check(key: KeyObject, text: string, signature: Uint8Array): Statement | undefined;
  /** Signs; `time` is in seconds since 1970, and means nothing to a type without times. */
  sign(key: KeyObject, text: string, time: bigint): Uint8Array;
}

const ED25519_SIZE = 64;
const TIME_SIZE = 8;

const types: Readonly<Record<SignatureType, TypeTraits>> = {
  ed25519: {
    byte: 0x01,
    keySize: 32,
    check: (key, text, signature) =>
      signature.byteLength === ED25519_SIZE && verify(null, Buffer.from(text), key, signature)
        ? { time: undefined }
        : undefined,
    sign: (key, text) => sign(null, Buffer.from(text), key),
  },
  'cosignature/v1': {
    byte: 0x04,
    keySize: 32,
    check(key, text, signature) {
      if (signature.byteLength !== TIME_SIZE + ED25519_SIZE) return undefined;
      const time = Buffer.from(signature).readBigUInt64BE(0);
      const signed = verify(null, cosigned(text, time), key, signature.subarray(TIME_SIZE));
      return signed && time < 2n ** 63n ? { time } : undefined;
    },
    sign(key, text, time) {
      const stamp = Buffer.alloc(TIME_SIZE);
      stamp.writeBigUInt64BE(time);
      return Buffer.concat([stamp, sign(null, cosigned(text, time), key)]);
    },
  },
};

/** What a cosigner signs. c2sp.org/tlog-cosignature, "Ed25519 signed message". */
function cosigned(text: string, time: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}

/** Whether a text may be the name of a key. */
export function isKeyName(text: string): boolean {
  return text !== '' && !/[\p{White_Space}\p{Cc}+]/u.test(text);
}

/**
 * Reads a verifier key.
 *
 * @throws PyrsiaError `REFERENCE_MALFORMED` for a type that is not known, or a key ID that is not the key's.
 */
export function parseVerifierKey(text: string): Verifier {
  const malformed = (reason: string): PyrsiaError =>
    new PyrsiaError('REFERENCE_MALFORMED', { text: text.slice(0, 200), reason });
  // The base64 at the end may contain a plus of its own.
  const [, name = '', id = '', base64 = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  if (!isKeyName(name)) throw malformed('expected a verifier key, <name>+<8 hex digits>+<base64>');
  const bytes = decodeBase64(base64);
  if (bytes === undefined) throw malformed('its last part is no base64');
  const type = typeOf(bytes[0]);
  if (type === undefined) throw malformed('its signature type is none of Ed25519 (1) and cosignature (4)');
  if (bytes.byteLength !== 1 + types[type].keySize) throw malformed('its key has the wrong length');
  const verifier = verifierOf(name, type, bytes.subarray(1));
  if (verifier.id !== Number.parseInt(id, 16)) throw malformed('its key ID is not that of its name and key');
  return verifier;
}

/** Writes a verifier key. */
export function formatVerifierKey({ name, id, type, publicKey }: Omit<Verifier, 'check'>): string {
  const key = encodeBase64(Buffer.concat([Uint8Array.of(types[type].byte), publicKey]));
  return `${name}+${id.toString(16).padStart(8, '0')}+${key}`;
}

/** A verifier for a bare public key. */
function verifierOf(name: string, type: SignatureType, publicKey: Uint8Array): Verifier {
  let key: KeyObject | undefined;
  return {
    name,
    type,
    publicKey,
    id: keyId(name, type, publicKey),
    check: (text, signature) => types[type].check((key ??= ed25519Key(publicKey)), text, signature),
  };
}

/** Signs notes with one key. */
export interface Signer {
  readonly verifier: Verifier;
  /** The signature of `text`, without the key ID. `time`: see {@link Statement}. */
  sign(text: string, time: bigint): Uint8Array;
}

/** A signer with an Ed25519 private key. */
export function signerOf(name: string, type: SignatureType, privateKey: KeyObject): Signer {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    verifier: verifierOf(name, type, Buffer.from(x, 'base64url')),
    sign: (text, time) => types[type].sign(privateKey, text, time),
  };
}

function typeOf(byte: number | undefined): SignatureType | undefined {
  if (byte === types.ed25519.byte) return 'ed25519';
  return byte === types['cosignature/v1'].byte ? 'cosignature/v1' : undefined;
}

/** SHA-256(name || 0x0A || type || key)[:4]. c2sp.org/signed-note, "Signatures". */
function keyId(name: string, type: SignatureType, publicKey: Uint8Array): number {
  const bytes = Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(types[type].byte), publicKey]);
  return hash('sha256', bytes, 'buffer').readUInt32BE(0);
}

function ed25519Key(publicKey: Uint8Array): KeyObject {
  const x = Buffer.from(publicKey).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
