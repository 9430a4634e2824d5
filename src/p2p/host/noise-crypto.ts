/**
 * The cipher of Noise as Node has it, with keys that are made once.
 *
 * Node 24 needs three times as long for `createCipheriv` with a key's bytes as with a `KeyObject`.
 *
 * @see https://noiseprotocol.org/noise.html#cipher-functions
 * @module
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { ICryptoInterface } from '@libp2p/noise';
import { defaultCrypto } from '@libp2p/noise/crypto';
import { Uint8ArrayList } from 'uint8arraylist';

const CIPHER = 'chacha20-poly1305';
const TAG_LENGTH = 16;
/** Below so many bytes WebAssembly is quicker, which is what the library has for them. */
const SMALL = 1200;

const keys = new WeakMap<Uint8Array, KeyObject>();

/** What Noise calculates with. It has each key in one array, for as long as it uses it. */
export const noiseCrypto: ICryptoInterface = {
  ...defaultCrypto,

  chaCha20Poly1305Encrypt(plaintext, nonce, data, key) {
    if (plaintext.byteLength < SMALL)
      return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, data, key);
    const cipher = createCipheriv(CIPHER, keyOf(key), nonce, { authTagLength: TAG_LENGTH });
    if (data.byteLength > 0) cipher.setAAD(data, { plaintextLength: plaintext.byteLength });
    const sealed = new Uint8ArrayList();
    for (const part of partsOf(plaintext)) sealed.append(cipher.update(part));
    cipher.final();
    sealed.append(cipher.getAuthTag());
    return sealed;
  },

  chaCha20Poly1305Decrypt(ciphertext, nonce, data, key, into) {
    if (ciphertext.byteLength < SMALL)
      return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, data, key, into);
    const length = ciphertext.byteLength - TAG_LENGTH;
    const open = createDecipheriv(CIPHER, keyOf(key), nonce, { authTagLength: TAG_LENGTH });
    if (data.byteLength > 0) open.setAAD(data, { plaintextLength: length });
    open.setAuthTag(ciphertext.subarray(length));
    const plaintext = new Uint8ArrayList();
    for (const part of partsOf(ciphertext)) {
      const rest = length - plaintext.byteLength;
      if (rest > 0) plaintext.append(open.update(part.subarray(0, rest)));
    }
    open.final();
    return plaintext;
  },
};

function keyOf(bytes: Uint8Array): KeyObject {
  let key = keys.get(bytes);
  if (!key) keys.set(bytes, (key = createSecretKey(bytes)));
  return key;
}

function partsOf(bytes: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  return bytes instanceof Uint8Array ? [bytes] : bytes;
}
