/**
 * Logs and witnesses with keys of their own, the same on every run.
 *
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { checkpointText } from '../../src/log/checkpoint.ts';
import { formatVerifierKey, type SignatureType, type Signer, signerOf } from '../../src/log/keys.ts';
import { formatNote, type NoteSignature, signText } from '../../src/log/note.ts';
import type { TreeHead } from '../../src/content/merkle.ts';

/** PKCS #8 around the 32 bytes of an Ed25519 private key. RFC 8410, section 7. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** When everything here is signed, in seconds since 1970. */
export const NOW = 1_800_000_000n;

/** Somebody who signs; another `seed` is another key. */
export function signer(name: string, seed: number, type: SignatureType = 'ed25519'): Signer {
  const key = Buffer.concat([PKCS8, Buffer.alloc(32, seed)]);
  return signerOf(name, type, createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
}

/** The log of these tests. */
export const log = signer('log.example/1', 1);

/** Seven who cosign it, `w1` to `w7`. */
export const witnesses = Array.from({ length: 7 }, (_, i) =>
  signer(`w${i + 1}.example`, 10 + i, 'cosignature/v1'),
);

/** A verifier key as text. */
export const vkey = ({ verifier }: Signer): string => formatVerifierKey(verifier);

/** A checkpoint of `head`, signed. */
export function checkpoint(
  head: TreeHead,
  by: readonly Signer[] = [log],
  { origin = 'log.example/1', time = NOW } = {},
): string {
  const text = checkpointText({ origin, ...head });
  return formatNote({ text, signatures: by.map((each) => signText(text, each, time)) });
}

/** What nobody signed, under the name and key ID of `by`. */
export function forged(by: Signer): NoteSignature {
  const { name, id, type } = by.verifier;
  return { name, id, signature: Buffer.alloc(type === 'ed25519' ? 64 : 72, 7) };
}

/** A policy that these witnesses are known to, as text: `least` of them, and the log. */
export function policyText(least: number, known: readonly Signer[] = witnesses): string {
  return [
    '# Of a test',
    `log ${vkey(log)}`,
    ...known.map((each, i) => `witness w${i + 1} ${vkey(each)}`),
    `group all-of-them ${least} ${known.map((_, i) => `w${i + 1}`).join(' ')}`,
    'quorum all-of-them',
    '',
  ].join('\n');
}

/** {@link policyText}, as bytes. */
export const policy = (least: number, known?: readonly Signer[]): Uint8Array =>
  Buffer.from(policyText(least, known));
