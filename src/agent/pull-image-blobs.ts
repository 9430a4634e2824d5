/**
 * One blob of an image: brought into the cache, and proven there.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { unpacked } from '../cache/unpacked.ts';
import type { Digest } from '../content/digest.ts';
import { measure, type Measured, SIZE_LIMIT } from '../content/verified.ts';
import { type Descriptor, MANIFEST_LIMIT } from '../ecosystems/oci/manifest.ts';
import { compressionOf, isForeign } from '../ecosystems/oci/media-types.ts';
import { printImage } from '../ecosystems/oci/reference.ts';
import { isPyrsiaError, PyrsiaError } from '../errors.ts';
import type { Pull } from './pull-image-parts.ts';

/** The most bytes of a layer, unpacked, however small it is: 1 GiB. */
const UNPACKED_LIMIT = 2 ** 30;
/** How many times as large as itself a larger one may become. */
const UNPACKED_RATIO = 200;

/** Whether the registry has it, and not somebody else who must be asked by whoever unpacks it. */
export function isOwn({ mediaType, urls }: Descriptor): boolean {
  return !(isForeign(mediaType) && urls !== undefined);
}

/** Brings one blob into the cache, or looks at all of it there. Where one place stops half-way the next one is asked. */
export async function fetched(
  pull: Pull,
  described: Descriptor,
  each?: (chunk: Uint8Array) => void,
): Promise<void> {
  const { parts, asker, reference, options } = pull;
  const { digest, size } = described;
  const { signal } = options;
  const asked = { image: reference, digest, size, signal };
  const what = digest.slice('sha256:'.length).slice(0, 12);
  for (let others = asker.places(reference, 'digest').length - 1; ; others--) {
    const delivery = await parts.images.blob(asker, asked);
    if (!delivery) throw new PyrsiaError('NOT_FOUND', { what: printImage({ ...reference, digest }) });
    let bytes = 0;
    try {
      for await (const chunk of delivery.chunks) {
        bytes += chunk.byteLength;
        // What it says of itself it must keep to, whatever the digest says.
        if (bytes > size) break;
        each?.(chunk);
        options.onProgress({ what, bytes, size });
      }
    } catch (error) {
      signal.throwIfAborted();
      if (others <= 0 || each) throw error;
      // By then it is known who it was that failed, and who is asked after all others.
      await delivery.line().catch(() => undefined);
      continue;
    }
    checkSize(described, bytes, `${pull.name}: ${what}`);
    const line = await delivery.line();
    await asker.reporter.add(line);
    return options.onProgress({ what, bytes, size, source: line.source ?? 'cache' });
  }
}

/** All of a small blob, which is brought into the cache besides. */
export async function small(pull: Pull, described: Descriptor): Promise<Uint8Array> {
  if (described.size > MANIFEST_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', {
      what: `the configuration of ${pull.name}`,
      limit: MANIFEST_LIMIT,
    });
  const chunks: Uint8Array[] = [];
  await fetched(pull, described, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

/** @throws PyrsiaError `SIZE_MISMATCH` */
export function checkSize({ size }: Descriptor, actual: number, from: string): void {
  if (actual !== size) throw new PyrsiaError('SIZE_MISMATCH', { expected: size, actual, from });
}

/**
 * Unpacks a layer without keeping anything of it.
 *
 * @throws PyrsiaError `DIGEST_MISMATCH`, `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE`
 */
export async function prove(pull: Pull, layer: Descriptor, diffId: Digest): Promise<Measured> {
  const from = `${pull.name}: layer ${layer.digest}, unpacked,`;
  const meter = measure({ digests: [diffId] });
  const limit = Math.min(SIZE_LIMIT, Math.max(UNPACKED_LIMIT, UNPACKED_RATIO * layer.size));
  let come = 0;
  try {
    const content = createReadStream(placeOf(pull, layer.digest), { signal: pull.options.signal });
    for await (const chunk of unpacked(content, compressionOf(layer.mediaType) ?? 'none')) {
      come += chunk.byteLength;
      if (come > limit) throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what: from, limit });
      meter.update(chunk);
    }
    return meter.end();
  } catch (error) {
    pull.options.signal.throwIfAborted();
    for (const code of ['DIGEST_MISMATCH', 'SIZE_MISMATCH'] as const) {
      if (isPyrsiaError(error, code))
        throw new PyrsiaError(code, { ...error.details, from }, { cause: error });
    }
    if (error instanceof PyrsiaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('DOCUMENT_INVALID', { what: from, reason }, { cause: error });
  }
}

/**
 * Where the cache has it.
 *
 * @throws PyrsiaError `CACHE_READ_ONLY`
 */
export function placeOf({ parts: { cache }, asker }: Pull, digest: Digest): string {
  const path = cache.pathOf(digest);
  if (path !== undefined) return path;
  const reason = cache.readOnlyBecause ?? asker.reporter.receipt().notes.at(-1) ?? 'unknown';
  throw new PyrsiaError('CACHE_READ_ONLY', { path: cache.path, reason });
}
