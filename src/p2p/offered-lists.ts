/**
 * Lists of the chunks of what this node offers, made when somebody first wants one, and signed. The file is hashed whole on the
 * way: for what has changed on the disk meanwhile there is no list, since a wrong one would be held against us.
 *
 * @module
 */
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { CHUNK, chunker, cutOf } from '../content/chunks.ts';
import type { Digest, Sha256 } from '../content/digest.ts';
import { type ListSigner, signList } from './chunk-list.ts';
import type { Offer } from './contract.ts';
import type { Identity } from './identity.ts';

/** How many lists are kept, of up to 128 KiB each. */
const LISTS = 64;

/** How many may wait to be made; whoever wants one more is told that there is none. */
const WAITING = 16;

/** DER of a PKCS #8 key of Ed25519 up to its seed (RFC 8410, section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Makes lists of offers, one after the other. Resolves to undefined for what is small, not all here, or not what it should be. */
export function openOfferedLists(identity: Identity): (offer: Offer) => Promise<Uint8Array | undefined> {
  const lists = new Map<Sha256, Promise<Uint8Array | undefined>>();
  const signer = signerOf(identity);
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  return async (offer) => {
    const known = lists.get(offer.sha256);
    if (known) return known;
    if (offer.size <= CHUNK || offer.available < offer.size || waiting >= WAITING) return undefined;
    waiting++;
    const list = last.then(() => listOf(offer, signer)).finally(() => waiting--);
    last = list.catch(() => undefined);
    const kept = list.catch(() => undefined);
    lists.set(offer.sha256, kept);
    void kept.then((made) => made ?? lists.delete(offer.sha256));
    for (const oldest of lists.keys()) {
      if (lists.size <= LISTS) break;
      lists.delete(oldest);
    }
    return kept;
  };
}

async function listOf({ sha256, size, path }: Offer, signer: ListSigner): Promise<Uint8Array | undefined> {
  const chunks = chunker(cutOf(size).chunkSize);
  const [whole, longer] = [createHash('sha256'), createHash('sha512')];
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    if (!(piece instanceof Uint8Array)) continue;
    chunks.update(piece);
    whole.update(piece);
    longer.update(piece);
  }
  const list = chunks.end();
  if (list.size !== size || `sha256:${whole.digest('hex')}` !== sha256) return undefined;
  const sha512: Digest = `sha512:${longer.digest('hex')}`;
  return signList(list, [sha256, sha512], signer);
}

function signerOf({ secret }: Identity): ListSigner {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8, secret.subarray(0, 32)]),
    format: 'der',
    type: 'pkcs8',
  });
  return { publicKey: secret.subarray(32), sign: (bytes) => sign(null, bytes, key) };
}
