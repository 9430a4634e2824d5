import { randomBytes } from 'node:crypto';
import { pureJsCrypto } from '@libp2p/noise';
import { Uint8ArrayList } from 'uint8arraylist';
import { describe, expect, it } from 'vitest';
import { noiseCrypto } from '../../src/p2p/host/noise-crypto.ts';

const [key, nonce] = [randomBytes(32), randomBytes(12)];

describe.each([0, 1, 1183, 1184, 1199, 1200, 65_519])('the cipher of Noise, with %i bytes', (size) => {
  const plaintext = randomBytes(size);
  const halves = new Uint8ArrayList(plaintext.subarray(0, size >> 1), plaintext.subarray(size >> 1));

  it.each([
    ['nothing', new Uint8Array()],
    ['something', randomBytes(32)],
  ])('and %s that is only vouched for, is what another implementation makes and reads', (_, data) => {
    const theirs = pureJsCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, data, key).slice();
    for (const each of [plaintext, halves])
      expect(noiseCrypto.chaCha20Poly1305Encrypt(each, nonce, data, key).slice()).toEqual(theirs);
    const [one, rest] = [theirs.subarray(0, size >> 1), theirs.subarray(size >> 1)];
    for (const each of [theirs, new Uint8ArrayList(one, rest)])
      expect(plaintext.equals(noiseCrypto.chaCha20Poly1305Decrypt(each, nonce, data, key).slice())).toBe(
        true,
      );
  });

  it('refuses what has another bit anywhere', () => {
    const data = randomBytes(8);
    const sealed = noiseCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, data, key).slice();
    for (const at of [0, size >> 1, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed);
      changed[at]! ^= 4;
      expect(() => noiseCrypto.chaCha20Poly1305Decrypt(changed, nonce, data, key)).toThrow(
        /authenticate|Invalid/,
      );
    }
  });
});
