/**
 * What a registry itself says about coordinates, by its documents.
 *
 * @module
 */
import type { Coordinates } from '../content/coordinates.ts';
import type { Digest } from '../content/digest.ts';
import type { Headers } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import type { Asker } from './asker.ts';
import { decoded, type DocumentService } from './documents.ts';

/** About what it is asked. */
interface Question {
  readonly coordinates: Coordinates;
  readonly headers?: Headers;
}

/**
 * The digest that the registry declares: by a document at hand, else by the small one that binds; undefined
 * when it does not say, or cannot be asked.
 */
export async function declaredBy(
  documents: DocumentService,
  asker: Asker,
  { coordinates, headers }: Question,
): Promise<Digest | 'no such version' | undefined> {
  const { registry } = asker.upstream.ecosystem;
  for (const address of [registry.document(coordinates), ...registry.listings(coordinates)]) {
    const document = await documents.atHand(asker, address);
    const digest = document && registry.digest(await decoded(document), coordinates);
    if (digest) return digest;
  }
  if (asker.offline !== undefined) return undefined;
  try {
    const { document, status } = await documents.get(asker, registry.document(coordinates), headers);
    if (document) return registry.digest(await decoded(document), coordinates);
    return status === 404 || status === 410 ? 'no such version' : undefined;
  } catch (error) {
    if (error instanceof PyrsiaError) return undefined;
    throw error;
  }
}

/** Whether the registry, asked anew, declares `digest`. */
export async function declaresNow(
  documents: DocumentService,
  asker: Asker,
  { coordinates, headers }: Question,
  digest: Digest,
): Promise<boolean> {
  const { registry } = asker.upstream.ecosystem;
  for (const address of [registry.document(coordinates), ...registry.listings(coordinates)]) {
    try {
      const { document, from } = await documents.get(asker, address, headers);
      if (!document || from === 'stale') continue;
      if (registry.digest(await decoded(document), coordinates) === digest) return true;
    } catch (error) {
      if (!(error instanceof PyrsiaError)) throw error;
    }
  }
  return false;
}
