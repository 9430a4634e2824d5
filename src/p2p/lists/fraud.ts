/**
 * Proofs that a peer has signed a wrong list of chunks: small, so that they are kept, and checked by whoever doubts.
 *
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import { type ListHead, parseHead, sameChunks, sameContent } from './chunk-list.ts';
import type { PeerName, Vouched } from '../contract.ts';

/** What a peer has signed, and what shows that it is wrong. */
export type Fraud =
  /** It signed another list of the same content: nothing else is needed to see it. */
  | { readonly kind: 'two-lists'; readonly head: string; readonly other: string }
  /** The log has another root (in hex) for that content. */
  | { readonly kind: 'other-root'; readonly head: string; readonly root: string }
  /** Each chunk was as it said, and the whole had not this digest, which it names. */
  | { readonly kind: 'wrong-whole'; readonly head: string; readonly digest: Digest };

/** Whether a peer has signed two lists of one content that differ. */
export function twoLists(a: ListHead, b: ListHead): Fraud | undefined {
  if (a.maker !== b.maker || !sameContent(a, b.digests) || sameChunks(a, b)) return undefined;
  return { kind: 'two-lists', head: a.signed, other: b.signed };
}

/** Whether a list is not what the log says of the content with `digest`. */
export function otherRoot(list: ListHead, digest: Digest, vouched: Vouched): Fraud | undefined {
  if (!list.digests.includes(digest) || sameChunks(list, vouched)) return undefined;
  return { kind: 'other-root', head: list.signed, root: Buffer.from(vouched.root).toString('hex') };
}

/**
 * Who is guilty, as far as the proof itself shows: two lists of one content that its signatures cover, or a list and what is said
 * against it, which whoever has the content can check. Undefined: it proves nothing.
 */
export function guiltyOf(fraud: Fraud): PeerName | undefined {
  try {
    const head = parseHead(fraud.head);
    return isAgainst(head, fraud) ? head.maker : undefined;
  } catch {
    return undefined;
  }
}

function isAgainst(head: ListHead, fraud: Fraud): boolean {
  if (fraud.kind === 'two-lists') return twoLists(head, parseHead(fraud.other)) !== undefined;
  if (fraud.kind === 'other-root') return fraud.root !== Buffer.from(head.root).toString('hex');
  return head.digests.includes(fraud.digest);
}
