/**
 * Lists of the chunks of what this machine offers, made when one is first asked for: the file is read once for it.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { createPrivateKey, sign } from 'node:crypto';
import { chunker, cutOf } from '../../content/chunks.ts';
import { type DigestAlgorithm, isSha256, type Sha256 } from '../../content/digest.ts';
import { measure } from '../../content/verified.ts';
import { type ListSigner, signList } from '../lists/chunk-list.ts';
import type { Offer } from '../contract.ts';
import type { Identity } from '../identity.ts';

/** How many bytes of lists are kept in memory: 8 MiB, which tell of some 256 GiB. */
const KEPT = 8 * 2 ** 20;

/** How many files wait to be read, one after the other; for more there is no list. */
const WAITING = 16;

/** Up to this many bytes lists name the sha512, too: 256 MiB. Only packages are ever known by that alone. */
const SHA512_LIMIT = 256 * 2 ** 20;

/** Gives a list; undefined: there is none, or not now. Never rejects. */
export type MakeList = (this: void, offer: Offer) => Promise<Uint8Array | undefined>;

/** Signs lists as this machine. */
export function openListMaker(identity: Pick<Identity, 'secret'>): MakeList {
  const signer = signerOf(identity);
  const made = new Map<Sha256, Uint8Array>();
  const underWay = new Map<Sha256, Promise<Uint8Array | undefined>>();
  let keptBytes = 0;
  let turn: Promise<unknown> = Promise.resolve();

  function keep(sha256: Sha256, list: Uint8Array): void {
    made.set(sha256, list);
    keptBytes += list.byteLength;
    for (const [oldest, { byteLength }] of made) {
      if (keptBytes <= KEPT) return;
      made.delete(oldest);
      keptBytes -= byteLength;
    }
  }

  return async (offer) => {
    const { sha256, size, available } = offer;
    const kept = made.get(sha256);
    if (kept) {
      // As the one that was used last.
      made.delete(sha256);
      made.set(sha256, kept);
      return kept;
    }
    // What is one chunk has its digest.
    if (available < size || size <= cutOf(size).chunkSize) return undefined;
    const already = underWay.get(sha256);
    if (already) return already;
    if (underWay.size >= WAITING) return undefined;
    const making = turn.then(() => makeList(offer, signer)).catch(() => undefined);
    turn = making;
    underWay.set(sha256, making);
    const list = await making;
    underWay.delete(sha256);
    if (list) keep(sha256, list);
    return list;
  };
}

/** Reads a file and lists its chunks. Rejects when it is not what is offered: it may be damaged, or gone. */
async function makeList({ sha256, size, path }: Offer, signer: ListSigner): Promise<Uint8Array | undefined> {
  const algorithms: DigestAlgorithm[] = size <= SHA512_LIMIT ? ['sha512'] : [];
  const meter = measure({ digests: [sha256], size }, algorithms);
  const chunks = chunker(cutOf(size).chunkSize);
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 18 })) {
    const bytes: Uint8Array = piece;
    meter.update(bytes);
    chunks.update(bytes);
  }
  const [first, ...others] = meter.end().digests;
  if (first === undefined || !isSha256(first)) return undefined;
  return signList(chunks.end(), [first, ...others], signer);
}

/** DER of a PKCS #8 key of Ed25519 up to its seed (RFC 8410, section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

function signerOf({ secret }: Pick<Identity, 'secret'>): ListSigner {
  const [seed, publicKey] = [secret.subarray(0, 32), secret.subarray(32)];
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  return { publicKey, sign: (bytes) => sign(null, bytes, key) };
}
