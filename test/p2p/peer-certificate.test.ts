import { randomBytes, sign, X509Certificate } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { generateCertificate, verifyPeerCertificate } from '@libp2p/tls/utils';
import { describe, expect, it } from 'vitest';
import { type Der, der, derIn, Tag } from '../../src/p2p/host/der.ts';
import {
  makePeerCertificate,
  type PeerCertificate,
  peerOfCertificate,
} from '../../src/p2p/host/peer-certificate.ts';

const [peer, other] = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')]);
/** The place of a field in a certificate's content. */
const FIELD = { time: 4 };

const made = await makePeerCertificate(peer!);

describe('the certificate of a peer', () => {
  it.each(['Ed25519', 'secp256k1', 'RSA'] as const)('with a key of %s says who it is', async (type) => {
    const key = await generateKeyPair(type);
    const name = peerIdFromPrivateKey(key).toString();
    const ours = bytesOf(await makePeerCertificate(key));
    const theirs = bytesOf(await generateCertificate(key));
    expect(String(await peerOfCertificate(ours))).toBe(name);
    expect(String(await peerOfCertificate(theirs))).toBe(name);
    expect(String(await verifyPeerCertificate(ours))).toBe(name);
  });

  it('is another one in each process, so that nobody is known by it', async () => {
    expect((await makePeerCertificate(peer!)).cert).not.toBe(made.cert);
  });

  it('is believed though it has other extensions, if they need not be understood', async () => {
    const more = extension(Buffer.from('2a0304', 'hex'), []);
    const bytes = altered(made, (each) => [...each, more]);
    await expect(peerOfCertificate(bytes)).resolves.toBeDefined();
  });

  describe('is refused when', () => {
    it('another peer has signed it than the one whom it names', async () => {
      const thief = { ...other, publicKey: peer!.publicKey, sign: other!.sign.bind(other) };
      const bytes = bytesOf(await makePeerCertificate(thief as PrivateKey));
      await expect(peerOfCertificate(bytes)).rejects.toThrow('not signed by the peer');
    });

    it('its extension is taken from another certificate', async () => {
      const [theirs] = extensionsOf(bytesOf(await makePeerCertificate(other!)));
      const bytes = altered(made, () => [theirs!]);
      await expect(peerOfCertificate(bytes)).rejects.toThrow('not signed by the peer');
    });

    it('nobody has signed it', async () => {
      const { key } = await makePeerCertificate(peer!);
      const bytes = altered({ ...made, key }, (each) => each);
      await expect(peerOfCertificate(bytes)).rejects.toThrow('not signed by itself');
    });

    it.each([
      ['is over', '010101000000Z', '020101000000Z'],
      ['has not begun', '480101000000Z', '490101000000Z'],
    ])('its time %s', async (_, from, to) => {
      const bytes = altered(
        made,
        (each) => each,
        (fields) => fields.with(FIELD.time, der(Tag.sequence, time(from), time(to))),
      );
      await expect(peerOfCertificate(bytes)).rejects.toThrow('is valid from');
    });

    it.each<[string, (all: Uint8Array[]) => Uint8Array[], RegExp]>([
      ['no extension', () => [], /does not name a peer/],
      ['two that name a peer', ([one]) => [one!, one!], /does not name a peer/],
      [
        'one that has to be understood and is not',
        (all) => [...all, extension(Buffer.from('2a0304', 'hex'), [Uint8Array.of(1, 1, 0xff)])],
        /not known/,
      ],
      ['one whose content is cut off', ([one]) => [shortened(one!)], /cut off|no key|DER/],
      [
        'one with something besides',
        ([one]) => [shortened(one!, der(Tag.octets, randomBytes(4)))],
        /no key|cut off/,
      ],
    ])('there is %s', async (_, change, message) => {
      await expect(peerOfCertificate(altered(made, change))).rejects.toThrow(message);
    });

    it('no other is as large', async () => {
      await expect(peerOfCertificate(randomBytes(20_000))).rejects.toThrow('A certificate of 20000 bytes');
    });

    it('the end of it is missing', async () => {
      const bytes = bytesOf(made);
      for (let at = 0; at < bytes.length; at++)
        await expect(peerOfCertificate(bytes.subarray(0, at)), `at ${at}`).rejects.toBeInstanceOf(Error);
    });
  });
});

function time(text: string): Uint8Array {
  return der(Tag.utcTime, Buffer.from(text));
}

function bytesOf({ cert }: { readonly cert: string }): Buffer {
  return new X509Certificate(cert).raw;
}

/** Its content's fields as they stand there. */
function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  return derIn(derIn(derIn(bytes)[0]!.content)[0]!.content).map(whole);
}

function extensionsOf(bytes: Uint8Array): Uint8Array[] {
  const wrapped = derIn(fieldsOf(bytes).at(-1)!)[0]!;
  return derIn(derIn(wrapped.content)[0]!.content).map(whole);
}

function whole({ tag, content }: Der): Uint8Array {
  return der(tag, content);
}

/** The certificate with other extensions and fields, signed anew by its key. */
function altered(
  from: PeerCertificate,
  change: (extensions: Uint8Array[]) => Uint8Array[],
  alter: (fields: Uint8Array[]) => Uint8Array[] = (fields) => fields,
): Uint8Array {
  const bytes = bytesOf(from);
  const extensions = der(0xa3, der(Tag.sequence, ...change(extensionsOf(bytes))));
  const content = der(Tag.sequence, ...alter([...fieldsOf(bytes).slice(0, -1), extensions]));
  const [, algorithm] = derIn(derIn(bytes)[0]!.content).map(whole);
  const signature = der(Tag.bits, Uint8Array.of(0), sign('sha256', content, from.key));
  return der(Tag.sequence, content, algorithm!, signature);
}

function extension(id: Uint8Array, between: readonly Uint8Array[]): Uint8Array {
  return der(Tag.sequence, der(Tag.oid, id), ...between, der(Tag.octets, Uint8Array.of(5, 0)));
}

/** The extension whose content has lost its last byte, or has got `more` after its signature. */
function shortened(one: Uint8Array, more?: Uint8Array): Uint8Array {
  const [id, value] = derIn(derIn(one)[0]!.content);
  const [pair] = derIn(value!.content);
  const content = more ? Buffer.concat([pair!.content, more]) : pair!.content.subarray(0, -1);
  return der(Tag.sequence, whole(id!), der(Tag.octets, der(Tag.sequence, content)));
}
