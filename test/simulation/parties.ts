/**
 * Keys whose signatures cost next to nothing, and a network of them: whoever does not have the key does not make them, as
 * nobody in a simulation tries to.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { Signer } from '../../src/log/keys.ts';
import type { Network } from '../../src/log/network.ts';
import { formatEntry } from '../../src/log/entry.ts';
import { observe, observeStatement } from '../../src/log/observation.ts';

/** How many authorities there are, and how many of them are a quorum. */
export const AUTHORITIES = 4;
export const QUORUM = 3;

function cheapSigner(name: string, type: 'ed25519' | 'cosignature/v1'): Signer {
  const publicKey = hash('sha256', `${type} ${name}`, 'buffer');
  const secret = publicKey.toString('hex');
  const mark = (text: string): Buffer => hash('sha512', secret + text, 'buffer');
  return {
    verifier: {
      name,
      id: publicKey.readUInt32BE(0),
      type,
      publicKey,
      check(text, signature) {
        if (type === 'ed25519') return mark(text).equals(signature) ? { time: undefined } : undefined;
        const time = Buffer.from(signature).readBigUInt64BE(0);
        return mark(`${time} ${text}`).equals(signature.subarray(8)) ? { time } : undefined;
      },
    },
    sign(text, time) {
      if (type === 'ed25519') return mark(text);
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(time);
      return Buffer.concat([stamp, mark(`${time} ${text}`)]);
    },
  };
}

export const log = cheapSigner('log.example/1', 'ed25519');
export const cosigners = Array.from({ length: AUTHORITIES }, (_, i) =>
  cheapSigner(`a${i}.example`, 'cosignature/v1'),
);
const observers = Array.from({ length: AUTHORITIES }, (_, i) => cheapSigner(`a${i}.example`, 'ed25519'));

const parties = cosigners.map(({ verifier }) => ({ verifier, url: undefined }));
export const network: Network = {
  policy: {
    logs: [{ verifier: log.verifier, url: undefined }],
    witnesses: new Map(parties.map((party, i) => [`a${i}`, party])),
    quorum: { least: QUORUM, members: parties },
  },
  bootstrap: [],
  observers: observers.map(({ verifier }, i) => ({ organisation: `a${i}`, verifier })),
};

const made = new Map<string, Uint8Array>();

/** An observation of package `number`; `bytes` decides what was seen, `by` how many have seen it. */
export function observation(number: number, bytes: string, by: number): Uint8Array {
  const key = JSON.stringify([number, bytes, by]);
  let entry = made.get(key);
  if (entry === undefined) made.set(key, (entry = madeObservation(number, bytes, by)));
  // Whoever is handed it has it to himself, as over a network.
  return Uint8Array.from(entry);
}

function madeObservation(number: number, bytes: string, by: number): Uint8Array {
  const place = {
    purl: `pkg:npm/p${number}@1.0.0`,
    upstream: 'https://registry.example/',
    file: `p${number}-1.0.0.tgz`,
  };
  const sighting = {
    digest: { sha256: hash('sha256', bytes) },
    size: bytes.length,
    mediaType: 'application/gzip',
    observedAt: 1_800_000_000,
    chunks: { size: 2 ** 20, root: '0'.repeat(64) },
  };
  const signed = observers.slice(0, by).map((each) => observe(place, sighting, each));
  return formatEntry(observeStatement({ ...place, ...sighting, observers: signed }));
}
