/**
 * What a registry itself says about coordinates, by its documents.
 *
 * @module
 */
import type { Coordinates } from '../content/coordinates.ts';
import type { Digest } from '../content/digest.ts';
import type { DocumentAddress, Headers, RegistryProtocol } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import type { Asker } from './asker.ts';
import { decoded, type DocumentService } from './documents.ts';
import { statusOf, type Upstreams } from './upstream.ts';

/** About what it is asked. */
interface Question {
  readonly coordinates: Coordinates;
  readonly headers?: Headers;
  readonly signal?: AbortSignal;
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
  for (const address of documentsOn(registry, coordinates)) {
    const document = await documents.atHand(asker, address);
    const digest = document && registry.digest(await decoded(document), coordinates);
    if (digest) return digest;
  }
  const binding = registry.document(coordinates);
  if (asker.offline !== undefined || !binding) return undefined;
  try {
    const { document, status } = await documents.get(asker, binding, headers);
    if (document) return registry.digest(await decoded(document), coordinates);
    return status === 404 || status === 410 ? 'no such version' : undefined;
  } catch (error) {
    if (error instanceof PyrsiaError) return undefined;
    throw error;
  }
}

/** The longest answer that is read of a file beside an artifact, in bytes. */
const BESIDE_LIMIT = 4096;

/**
 * The digest that a file beside an artifact declares, asked for anew: it is needed once. Undefined when there is no such
 * file, it does not say, or it cannot be had.
 */
export async function declaredBeside(
  ask: Upstreams['ask'],
  { upstream, connection }: Asker,
  { coordinates, headers = {} }: Question,
): Promise<Digest | undefined> {
  const { registry } = upstream.ecosystem;
  const address = registry.document(coordinates);
  if (!address) return undefined;
  try {
    const url = registry.locate(address.path, upstream.url);
    const reply = await ask({
      url,
      headers: { ...headers, accept: address.accept, 'accept-encoding': 'identity' },
      connection,
    });
    const body: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of reply.status === 200 ? reply.body : []) {
      size += chunk.byteLength;
      if (size > BESIDE_LIMIT) break;
      body.push(chunk);
    }
    if (reply.status !== 200 || size > BESIDE_LIMIT) await reply.discard();
    return size > BESIDE_LIMIT ? undefined : registry.digest(Buffer.concat(body), coordinates);
  } catch {
    return undefined;
  }
}

/**
 * Whether a registry that names content by its digest has it at `path`, under the name that is asked for: the
 * same bytes may be somebody's secret under another one.
 *
 * @throws PyrsiaError `UPSTREAM_FAILED`, `CREDENTIALS_NEEDED`
 */
export async function isThere(
  ask: Upstreams['ask'],
  { upstream, connection, offline }: Asker,
  { path, headers = {}, signal }: Question & { readonly path: string },
): Promise<boolean> {
  if (offline !== undefined) return false;
  const url = upstream.ecosystem.registry.locate(path, upstream.url);
  const reply = await ask({ method: 'HEAD', url, headers, connection, ...(signal ? { signal } : {}) });
  await reply.discard();
  if (reply.status === 200) return true;
  if (reply.status === 404 || reply.status === 410) return false;
  if (reply.status === 401 || reply.status === 403)
    throw new PyrsiaError('CREDENTIALS_NEEDED', { what: path, upstream: upstream.url.origin });
  throw new PyrsiaError('UPSTREAM_FAILED', { url: `${url.origin}${url.pathname}`, reason: statusOf(reply) });
}

function documentsOn(registry: RegistryProtocol, coordinates: Coordinates): readonly DocumentAddress[] {
  return [registry.document(coordinates) ?? [], registry.listings(coordinates)].flat();
}

/** Whether the registry, asked anew, declares `digest`. */
export async function declaresNow(
  documents: DocumentService,
  asker: Asker,
  { coordinates, headers }: Question,
  digest: Digest,
): Promise<boolean> {
  const { registry } = asker.upstream.ecosystem;
  for (const address of documentsOn(registry, coordinates)) {
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
