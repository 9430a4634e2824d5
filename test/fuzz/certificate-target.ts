import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { PyrsiaError } from '../../src/errors.ts';
import { der, derIn } from '../../src/p2p/host/der.ts';
import { makePeerCertificate, signedKeyIn } from '../../src/p2p/host/peer-certificate.ts';
import type { Target } from './target.ts';

// RFC 8032, section 7.1, test 1: seed and public key.
const key = privateKeyFromRaw(
  Buffer.from(
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60' +
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    'hex',
  ),
);
const { cert } = await makePeerCertificate(key);

/** What a peer's certificate says of it. */
export const certificateTarget: Target = {
  name: 'peer-certificate',
  seeds: [new X509Certificate(cert).raw],
  read(bytes) {
    try {
      const written = derIn(bytes).map(({ tag, content }) => der(tag, content));
      assert.ok(Buffer.concat(written).equals(bytes), 'it is written otherwise');
      signedKeyIn(bytes);
    } catch (error) {
      // Encrypters say what they refuse in errors of their own.
      const isExpected = error instanceof Error && /^(A|The) /.test(error.message);
      if (!isExpected) throw error;
      throw new PyrsiaError(
        'DOCUMENT_INVALID',
        { what: 'certificate', reason: error.message },
        { cause: error },
      );
    }
  },
};
