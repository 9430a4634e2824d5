/**
 * The certificate by which a peer says in TLS who it is: self-signed, of a key for this process alone, which the peer's
 * own key has signed in an extension.
 *
 * Node's own X.509 does the work; a library of it takes 30 ms to load.
 *
 * @see https://github.com/libp2p/specs/blob/master/tls/tls.md#peer-authentication
 * @module
 */
import { generateKeyPairSync, randomInt, sign, X509Certificate } from 'node:crypto';
import { publicKeyFromProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { type Der, der, derIn, Tag } from './der.ts';

/** What comes before a certificate's public key in what a peer's own key signs. */
const PREFIX = Buffer.from('libp2p-tls-handshake:');

/** 1.3.6.1.4.1.53594.1.1: a sequence of the peer's public key and its signature. */
const SIGNED_KEY = Buffer.from('2b0601040183a25a0101', 'hex');
/** 1.2.840.10045.4.3.2: ECDSA with SHA-256 (RFC 5758, section 3.2). */
const ECDSA_SHA256 = der(Tag.sequence, der(Tag.oid, Buffer.from('2a8648ce3d040302', 'hex')));
/** 2.5.4.5: a serial number as a part of a name. */
const SERIAL_NUMBER = der(Tag.oid, Buffer.from('550405', 'hex'));

/** The most bytes of a certificate: those of RSA keys of 8192 bits have 4 KiB. */
const CERTIFICATE_LIMIT = 16 * 2 ** 10;

const NOTHING = new Uint8Array();

/** A certificate and its key, as `node:tls` takes them. */
export interface PeerCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a certificate for the peer with this key. It is valid at any time, since a clock that is wrong is no reason not to be
 * believed: its key lives as long as the process.
 */
export async function makePeerCertificate(peer: PrivateKey): Promise<PeerCertificate> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = publicKey.export({ format: 'der', type: 'spki' });
  const signature = await peer.sign(Buffer.concat([PREFIX, key]));
  const signedKey = der(
    Tag.sequence,
    der(Tag.octets, publicKeyToProtobuf(peer.publicKey)),
    der(Tag.octets, signature),
  );
  const extension = der(Tag.sequence, der(Tag.oid, SIGNED_KEY), der(Tag.octets, signedKey));
  const number = String(randomInt(2 ** 47));
  const part = der(Tag.sequence, SERIAL_NUMBER, der(Tag.printable, Buffer.from(number)));
  const name = der(Tag.sequence, der(Tag.set, part));
  const content = der(
    Tag.sequence,
    der(0xa0, der(Tag.integer, Uint8Array.of(2))),
    der(Tag.integer, Uint8Array.of(1), Buffer.from(number)),
    ECDSA_SHA256,
    name,
    der(
      Tag.sequence,
      der(Tag.utcTime, Buffer.from('200101000000Z')),
      // No well-defined end (RFC 5280, section 4.1.2.5).
      der(Tag.time, Buffer.from('99991231235959Z')),
    ),
    name,
    key,
    der(0xa3, der(Tag.sequence, extension)),
  );
  const signed = der(Tag.bits, Uint8Array.of(0), sign('sha256', content, privateKey));
  const bytes = der(Tag.sequence, content, ECDSA_SHA256, signed);
  return {
    cert: new X509Certificate(bytes).toString(),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** Who presents this certificate, which is in DER. Rejects with an error that says why it proves nothing. */
export async function peerOfCertificate(bytes: Uint8Array): Promise<PeerId> {
  if (bytes.length > CERTIFICATE_LIMIT) throw new Error(`A certificate of ${bytes.length} bytes`);
  const certificate = new X509Certificate(bytes);
  const now = Date.now();
  if (!(certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime()))
    throw new Error(`The certificate is valid from ${certificate.validFrom} to ${certificate.validTo} only`);
  if (!certificate.verify(certificate.publicKey)) throw new Error('The certificate is not signed by itself');
  const { key, signature } = signedKeyIn(bytes);
  const peer = publicKeyFromProtobuf(key);
  const signed = certificate.publicKey.export({ format: 'der', type: 'spki' });
  if (!(await peer.verify(Buffer.concat([PREFIX, signed]), signature)))
    throw new Error('The certificate is not signed by the peer that it names');
  return peerIdFromPublicKey(peer);
}

/** A peer's key in protobuf, and what it has signed of the certificate's own key. */
interface SignedKey {
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * What a certificate in DER says of its peer; none of it is proven. Throws an error for one that has no such extension, or
 * two, or another that has to be understood.
 */
export function signedKeyIn(bytes: Uint8Array): SignedKey {
  const [certificate] = derIn(bytes);
  const [content] = derIn(certificate?.content ?? NOTHING);
  const wrapped = derIn(content?.content ?? NOTHING).find(({ tag }) => tag === 0xa3);
  const [extensions] = derIn(wrapped?.content ?? NOTHING);
  const found: Der[] = [];
  for (const { content: extension } of derIn(extensions?.content ?? NOTHING)) {
    const [id, ...rest] = derIn(extension);
    if (id?.tag === Tag.oid && SIGNED_KEY.equals(id.content)) found.push(...rest.slice(-1));
    else if (rest[0]?.tag === Tag.boolean)
      throw new Error('The certificate has an extension that is not known');
  }
  const [value, second] = found;
  if (value?.tag !== Tag.octets || second) throw new Error('The certificate does not name a peer');
  const [sequence] = derIn(value.content);
  const [key, signature, ...more] = derIn(sequence?.content ?? NOTHING);
  if (key?.tag !== Tag.octets || signature?.tag !== Tag.octets || more.length > 0)
    throw new Error('The certificate has no key and signature of a peer');
  return { key: key.content, signature: signature.content };
}
