/**
 * What neighbours say that a registry has answered, where no registry is asked: a document, or what a tag means. Nobody vouches for
 * it, so it is never kept, binds nothing, and declares nothing: what is fetched by it is held against whatever is known otherwise.
 *
 * @module
 */
import type { StoredDocument } from '../cache/cache.ts';
import { type Digest, digestOf } from '../content/digest.ts';
import type { DocumentAddress } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import type { Copy, Peers } from '../p2p/contract.ts';
import type { CopyLine } from '../resolve/report.ts';
import { type Asker, mayBeHeard } from './asker.ts';
import { decoded, DOCUMENT_LIMIT } from './documents.ts';

/** How many neighbours' copies are tried, the best first. */
const TRIED = 3;

/** How long one may take to come, in milliseconds. */
const COMES_WITHIN_MS = 15_000;

/** Headers with which it is given: nobody is to keep it as the registry's. */
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/** A neighbour's copy of a document. */
export interface Copied extends CopyLine {
  readonly document: StoredDocument;
}

/** Asks neighbours. No call rejects. */
export interface CopyService {
  /** Undefined: nobody has it, or may be asked for it. */
  document(this: void, asker: Asker, address: DocumentAddress, name: string): Promise<Copied | undefined>;
  /** What lies at the path of a tag, by its digest, best first. */
  tag(
    this: void,
    asker: Asker,
    path: string,
    name: string,
  ): Promise<readonly (CopyLine & { readonly digest: Digest })[]>;
}

/** Asks these peers. */
export function openCopyService(peers: Pick<Peers, 'copies' | 'near'>): CopyService {
  async function listed(asker: Asker, path: string, name: string, accept?: string): Promise<readonly Copy[]> {
    const { copies, offline, upstream } = asker;
    if (offline === undefined || copies === undefined || !mayBeHeard(asker, name)) return [];
    return peers.copies(
      { upstream: upstream.url.href, path },
      { onlyTrusted: copies === 'trusted', ...(accept !== undefined && { accept }) },
    );
  }

  async function document(asker: Asker, address: DocumentAddress, name: string): Promise<Copied | undefined> {
    const { path, accept } = address;
    const { url, ecosystem } = asker.upstream;
    const { registry } = ecosystem;
    if (!registry.unvouched) return undefined;
    const exact = await listed(asker, path, name, accept);
    const all = exact.length > 0 ? exact : await listed(asker, path, name);
    for (const copy of all.slice(0, TRIED)) {
      try {
        const sent = await brought(copy);
        const headers = { 'content-encoding': copy.encoding };
        const text = sent && (await decoded({ path, body: sent, headers }, DOCUMENT_LIMIT));
        if (!text) continue;
        registry.check(text, path, path);
        const body = registry.unvouched(text, path, url);
        const { peer, seenAt } = copy;
        const given = { upstream: url.href, path, accept, body, headers: HEADERS, checkedAt: seenAt };
        return { document: { ...given, private: false }, peer, seenAt };
      } catch (error) {
        // It is no such document: the next neighbour may have one.
        if (!(error instanceof PyrsiaError)) throw error;
      }
    }
    return undefined;
  }

  /** All of it, if it has the digest that was said. */
  async function brought({ sha256, size }: Copy): Promise<Uint8Array | undefined> {
    const held = await peers.near({ digests: [sha256], size });
    if (held?.size !== size) return undefined;
    const fetch = held.fetch({ signal: AbortSignal.timeout(COMES_WITHIN_MS) });
    const parts: Uint8Array[] = [];
    try {
      for await (const chunk of fetch.chunks) parts.push(chunk);
    } catch {
      return undefined;
    }
    const body = Buffer.concat(parts);
    if (digestOf(body, 'sha256') === sha256) {
      fetch.right?.();
      return body;
    }
    fetch.wrong();
    return undefined;
  }

  return {
    document,
    async tag(asker, path, name) {
      const copies = await listed(asker, path, name);
      return copies.slice(0, TRIED).map(({ sha256, peer, seenAt }) => ({ digest: sha256, peer, seenAt }));
    },
  };
}
