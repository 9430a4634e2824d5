/**
 * Looking at an artifact with one's own eyes: it is fetched from this authority's own upstream, whole and at once, with no
 * cache between, and measured.
 *
 * @module
 */
import { CHUNK, chunker, LARGE, rootOfChunks } from '../content/chunks.ts';
import { hexOf } from '../content/digest.ts';
import { measure } from '../content/verified.ts';
import { purlOf } from '../content/coordinates.ts';
import type { Ecosystem, PublicPlace } from '../ecosystems/ecosystem.ts';
import { parseReference } from '../ecosystems/index.ts';
import { PyrsiaError } from '../errors.ts';
import type { Sighting } from '../log/observation.ts';
import { statusOf, type Upstreams } from '../proxy/upstream.ts';
import type { ConnectionSettings } from '../shims/settings.ts';
import type { Where } from './said.ts';

/** The most bytes of an artifact that is looked at: 1 GiB, up to which all chunks have one length. */
const ARTIFACT_LIMIT = LARGE;

/** Something public, and where everybody finds it. */
export interface PublicArtifact {
  readonly where: Where;
  readonly place: PublicPlace;
  readonly ecosystem: Ecosystem;
}

/** What was seen. */
export type Seen = Omit<Sighting, 'observers' | 'observedAt'>;

/** Looks. */
export interface Eyes {
  /** Rejects with `NOT_FOUND`, `CREDENTIALS_NEEDED`, `UPSTREAM_FAILED`, `SIZE_MISMATCH` beyond {@link ARTIFACT_LIMIT}. */
  look(artifact: PublicArtifact, signal: AbortSignal): Promise<Seen>;
}

/**
 * What a reference names exactly, at the public registry of its ecosystem. Rejects with `REFERENCE_MALFORMED` for a range, and
 * with `BLOCKED` for what is elsewhere: that may be private, and nobody is asked about it.
 */
export async function publicArtifact(text: string): Promise<PublicArtifact> {
  const { ecosystem, reference } = await parseReference(text);
  const place = ecosystem.registry.inPublic(reference);
  if (place === undefined) {
    if (ecosystem.registry.exact(reference) === undefined && ecosystem.registry.mayChange === undefined)
      throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason: 'expected one exact version' });
    throw new PyrsiaError('BLOCKED', { what: text, by: 'that it is not at its public registry' });
  }
  const { path, coordinates } = place;
  const file = path.slice(path.lastIndexOf('/') + 1);
  // As receipts call the public registry, wherever it is asked.
  return { where: { purl: purlOf(coordinates), upstream: ecosystem.name, file }, place, ecosystem };
}

/**
 * Opens eyes. `registries` are the addresses at which this authority asks the public registry, by ecosystem. Looking rejects with
 * `CONFIG_INVALID` where there is none.
 */
export function openEyes({
  ask,
  connection,
  registries,
}: {
  readonly ask: Upstreams['ask'];
  readonly connection: ConnectionSettings;
  readonly registries: Readonly<Record<string, string>>;
}): Eyes {
  return {
    async look({ where, place, ecosystem }, signal) {
      const registry = registries[ecosystem.name] ?? place.registry;
      if (registry === undefined)
        throw new PyrsiaError('CONFIG_INVALID', {
          problems: [`authority.json does not say where to ask for ${ecosystem.name}: upstreams`],
        });
      const url = ecosystem.registry.locate(place.path, new URL(registry));
      const headers = { ...place.headers, 'accept-encoding': 'identity' };
      const reply = await ask({ url, connection, headers, signal });
      if (reply.status !== 200) {
        await reply.discard();
        if (reply.status === 404 || reply.status === 410)
          throw new PyrsiaError('NOT_FOUND', { what: `${where.purl} at ${where.upstream}` });
        if (reply.status === 401 || reply.status === 403)
          throw new PyrsiaError('CREDENTIALS_NEEDED', { what: where.purl, upstream: where.upstream });
        throw new PyrsiaError('UPSTREAM_FAILED', {
          url: `${url.origin}${url.pathname}`,
          reason: statusOf(reply),
        });
      }
      const mediaType = place.mediaType ?? typeIn(reply.headers['content-type']);
      return { ...(await measured(reply.body)), mediaType };
    },
  };
}

/** Digests, size and chunk tree of a body, as it passes. */
async function measured(body: AsyncIterable<Uint8Array>): Promise<Omit<Seen, 'mediaType'>> {
  const meter = measure({ digests: [] }, ['sha256', 'sha512']);
  const chunks = chunker(CHUNK);
  let size = 0;
  for await (const piece of body) {
    size += piece.byteLength;
    if (size > ARTIFACT_LIMIT)
      throw new PyrsiaError('SIZE_MISMATCH', { expected: ARTIFACT_LIMIT, actual: size });
    meter.update(piece);
    chunks.update(piece);
  }
  const { digests } = meter.end();
  const [sha256, sha512] = digests;
  return {
    digest: { sha256: hexOf(sha256!), sha512: hexOf(sha512!) },
    size,
    chunks: { size: CHUNK, root: Buffer.from(rootOfChunks(chunks.end())).toString('hex') },
  };
}

/** A media type without its parameters. */
function typeIn(header: string | undefined): string {
  return (header ?? '').split(';')[0]!.trim().toLowerCase() || 'application/octet-stream';
}
