/**
 * What a registry itself says about coordinates, by its documents.
 *
 * @module
 */
import type { Coordinates } from '../content/coordinates.ts';
import { type Digest, isWeak } from '../content/digest.ts';
import type { DocumentAddress, Headers, RegistryProtocol } from '../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../errors.ts';
import { suffices } from '../verify/expect.ts';
import type { Absences } from './absences.ts';
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
    const { document, status } = await documents.get(asker, binding, headers, { keep: false });
    if (document) return registry.digest(await decoded(document), coordinates);
    return status === 404 || status === 410 ? 'no such version' : undefined;
  } catch (error) {
    if (error instanceof PyrsiaError) return undefined;
    throw error;
  }
}

/** The longest answer that is read of a file beside an artifact, in bytes. */
const BESIDE_LIMIT = 4096;

/** What one artifact lacks is not looked for at the next one, wherever that lies. */
const ANYWHERE = '/';

/** What files beside artifacts are asked for with. */
interface Beside {
  readonly ask: Upstreams['ask'];
  readonly documents: Pick<DocumentService, 'atHand'>;
  /** Upstreams that lately had no stronger digest of an artifact than the usual one. */
  readonly lacks: Absences;
}

/**
 * The digests that files beside an artifact declare, besides the one that upstream has `named` with it: those at hand, and the
 * usual one, asked for anew, since it is needed once. Where that is not there, or the policy wants a strong one, the others are asked for.
 *
 * @throws PyrsiaError `UPSTREAM_FAILED` when upstream does not say whether there is one
 */
export async function declaredBeside(
  { ask, documents, lacks }: Beside,
  asker: Asker,
  { coordinates, headers = {} }: Question,
  { named, usual: early }: { readonly named: Digest | undefined; readonly usual?: AskedUsual | undefined },
): Promise<readonly Digest[]> {
  const { registry } = asker.upstream.ecosystem;
  const others = registry.beside?.stronger(coordinates) ?? [];
  const found: Digest[] = named === undefined ? [] : [named];
  for (const address of others) {
    const document = await documents.atHand(asker, address);
    found.push(...[(document && registry.digest(await decoded(document), coordinates)) ?? []].flat());
  }
  const isEnough = (): boolean => suffices(asker.policy, 'declared', found);
  const look = async (
    address: DocumentAddress,
    asked = askedBeside(ask, asker, address, headers),
  ): Promise<void> => {
    const body = await asked;
    found.push(...[(body && registry.digest(body, coordinates)) ?? []].flat());
  };
  const usual = registry.document(coordinates);
  if (found.length === 0 && usual) await look(usual, early);
  if (found.length > 0 && isEnough()) return found;
  if (found.length === 0 && lacks.has(asker, ANYWHERE)) return found;
  for (const address of others) {
    await look(address);
    if (found.some((digest) => !isWeak(digest))) return found;
  }
  if (found.length === 0) lacks.add(asker, ANYWHERE);
  return found;
}

/** What the usual file beside an artifact holds, which was asked for before it was known that it is needed. */
export type AskedUsual = Promise<Uint8Array | undefined>;

/** Asks for the usual file beside an artifact; whether that fails is nobody's concern who does not wait for it. */
export function askedUsual(
  ask: Upstreams['ask'],
  asker: Asker,
  { coordinates, headers = {} }: Question,
): AskedUsual | undefined {
  const usual = asker.upstream.ecosystem.registry.document(coordinates);
  const asked = usual && askedBeside(ask, asker, usual, headers);
  asked?.catch(() => undefined);
  return asked;
}

/** What a file holds; undefined where there is none, or it is none that could say something. */
async function askedBeside(
  ask: Upstreams['ask'],
  { upstream, connection }: Asker,
  { path, accept }: DocumentAddress,
  headers: Headers,
): Promise<Uint8Array | undefined> {
  const url = upstream.ecosystem.registry.locate(path, upstream.url);
  const reply = await ask({
    url,
    headers: { ...headers, accept, 'accept-encoding': 'identity' },
    connection,
  });
  if (reply.status === 408 || reply.status === 429 || reply.status >= 500) {
    await reply.discard();
    throw new PyrsiaError('UPSTREAM_FAILED', { url: reply.url, reason: statusOf(reply) });
  }
  const body: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of reply.status === 200 ? reply.body : []) {
      size += chunk.byteLength;
      if (size > BESIDE_LIMIT) break;
      body.push(chunk);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('UPSTREAM_FAILED', { url: reply.url, reason }, { cause: error });
  }
  if (reply.status !== 200 || size > BESIDE_LIMIT) await reply.discard();
  return reply.status === 200 && size <= BESIDE_LIMIT ? Buffer.concat(body) : undefined;
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
