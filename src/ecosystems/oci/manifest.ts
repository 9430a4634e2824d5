/**
 * Manifests, read: what a registry says an image is made of. Whatever stands in one is somebody's claim.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 * @see https://docs.docker.com/build/metadata/attestations/attestation-storage/
 * @module
 */
import type { Digest } from '../../content/digest.ts';
import { SIZE_LIMIT } from '../../content/verified.ts';
import { PyrsiaError } from '../../errors.ts';
import { IMAGE_TYPES, INDEX_TYPES } from './media-types.ts';
import { isImageDigest } from './names.ts';
import type { Platform } from './platform.ts';

/** The most bytes of a manifest or of an image's configuration, as registries have it: 4 MiB. */
export const MANIFEST_LIMIT = 4 * 2 ** 20;

/** The most layers of an image, and the most manifests of an index. No engine mounts more than a few hundred layers. */
export const ENTRIES_LIMIT = 1000;

/** Content that a manifest names. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Length in bytes. */
  readonly size: number;
  /** Addresses besides the registry. */
  readonly urls?: readonly string[];
}

/** One image of an index, or something else that it lists. */
export interface PlatformDescriptor extends Descriptor {
  readonly platform?: Platform;
  readonly artifactType?: string;
  /** The image of the same index that it attests, as builders of docker's write it. */
  readonly attests?: Digest;
}

/** A manifest that lists others. */
export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly PlatformDescriptor[];
}

/** The manifest of one image. */
export interface ImageManifest {
  readonly kind: 'image';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  /** The manifest that it is about. */
  readonly subject?: Digest;
}

/** What an image's configuration says that matters to us. */
export interface ImageConfig {
  /** Absent for what runs nowhere, as a signature does. */
  readonly platform?: Platform;
  /** Digest of each layer, uncompressed. */
  readonly diffIds: readonly Digest[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The type of a manifest, by its own words or by its shape. It does not depend on what a registry called it.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` when it is none that is current
 */
export function mediaTypeOf(body: Uint8Array, what: string): string {
  return typeOf(objectIn(body, what), what);
}

/**
 * Reads a manifest.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE`
 */
export function parseManifest(body: Uint8Array, what: string): ImageIndex | ImageManifest {
  const json = objectIn(body, what);
  const mediaType = typeOf(json, what);
  if ((INDEX_TYPES as readonly string[]).includes(mediaType)) {
    const manifests = entriesOf(json['manifests'], 'manifests', what).map((entry) => {
      const platform = platformIn(entry['platform']);
      const attests = attestedBy(entry['annotations']);
      return {
        ...descriptorIn(entry, what),
        ...(platform ? { platform } : {}),
        ...typedAs(entry),
        ...(attests === undefined ? {} : { attests }),
      };
    });
    return { kind: 'index', mediaType, manifests };
  }
  const config = json['config'];
  if (!isObject(config)) throw invalid(what, 'it has no config');
  const layers = entriesOf(json['layers'], 'layers', what).map((entry) => descriptorIn(entry, what));
  const subject = isObject(json['subject']) ? descriptorIn(json['subject'], what).digest : undefined;
  return {
    kind: 'image',
    mediaType,
    config: descriptorIn(config, what),
    layers,
    ...typedAs(json),
    ...(subject === undefined ? {} : { subject }),
  };
}

/**
 * Reads the configuration of an image.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID`, `DOCUMENT_TOO_LARGE`
 */
export function parseConfig(body: Uint8Array, what: string): ImageConfig {
  const json = objectIn(body, what);
  const platform = platformIn(json);
  const rootfs = json['rootfs'];
  const ids = isObject(rootfs) ? rootfs['diff_ids'] : undefined;
  if (ids !== null && ids !== undefined && !Array.isArray(ids)) throw invalid(what, 'diff_ids is no list');
  const diffIds = (ids ?? []).map((id: unknown) => {
    if (typeof id === 'string' && isImageDigest(id)) return id;
    throw invalid(what, `${shown(id)} is no digest`);
  });
  return { ...(platform ? { platform } : {}), diffIds };
}

function typeOf(json: Json, what: string): string {
  const { mediaType, schemaVersion } = json;
  if (schemaVersion === 1) throw invalid(what, 'it is of schema 1, which no registry should hold any more');
  if (schemaVersion !== 2) throw invalid(what, 'it is no manifest of schema 2');
  if ('manifests' in json && ('layers' in json || 'config' in json))
    throw invalid(what, 'it is an index and an image at once');
  const isIndex = 'manifests' in json;
  const types: readonly [string, ...string[]] = isIndex ? INDEX_TYPES : IMAGE_TYPES;
  // Docker's types always say what they are.
  if (mediaType === undefined) return types[0];
  const known = types.find((type) => type === mediaType);
  if (known !== undefined) return known;
  throw invalid(what, `it is ${isIndex ? 'an index' : 'an image'} and calls itself ${shown(mediaType)}`);
}

function objectIn(body: Uint8Array, what: string): Json {
  if (body.byteLength > MANIFEST_LIMIT)
    throw new PyrsiaError('DOCUMENT_TOO_LARGE', { what, limit: MANIFEST_LIMIT });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch (error) {
    throw invalid(what, error instanceof Error ? error.message : String(error));
  }
  if (!isObject(value)) throw invalid(what, 'it is no JSON object');
  return value;
}

function entriesOf(value: unknown, name: string, what: string): readonly Json[] {
  // Go writes null for a list in which nothing is.
  if (value === null) return [];
  if (!Array.isArray(value)) throw invalid(what, `it has no ${name}`);
  if (value.length > ENTRIES_LIMIT)
    throw invalid(what, `it has ${value.length} ${name}, more than ${ENTRIES_LIMIT}`);
  return value.map((entry: unknown) => {
    if (isObject(entry)) return entry;
    throw invalid(what, `${shown(entry)} is no descriptor`);
  });
}

function descriptorIn({ mediaType, digest, size, urls }: Json, what: string): Descriptor {
  if (typeof digest !== 'string' || !isImageDigest(digest))
    throw invalid(what, `${shown(digest)} is no digest`);
  if (!Number.isSafeInteger(size) || Number(size) < 0 || Number(size) > SIZE_LIMIT)
    throw invalid(what, `${shown(size)} is no size`);
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest,
    size: Number(size),
    ...(Array.isArray(urls) && urls.length > 0 ? { urls: urls.map(String) } : {}),
  };
}

function typedAs({ artifactType }: Json): { readonly artifactType?: string } {
  return typeof artifactType === 'string' && artifactType !== '' ? { artifactType } : {};
}

function attestedBy(annotations: unknown): Digest | undefined {
  if (!isObject(annotations) || annotations['vnd.docker.reference.type'] !== 'attestation-manifest')
    return undefined;
  const { 'vnd.docker.reference.digest': digest } = annotations;
  return typeof digest === 'string' && isImageDigest(digest) ? digest : undefined;
}

function platformIn(value: unknown): Platform | undefined {
  if (!isObject(value)) return undefined;
  const { os, architecture, variant } = value;
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === '' || architecture === '')
    return undefined;
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 200);
}

function invalid(what: string, reason: string): PyrsiaError<'DOCUMENT_INVALID'> {
  return new PyrsiaError('DOCUMENT_INVALID', { what, reason });
}
