/**
 * The types of what registries hold.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
 * @see https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/manifest-v2-2.md
 * @module
 */

/** Manifests that list others, one for each platform. */
export const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;

/** Manifests of one image, or of any other artifact. */
export const IMAGE_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

/** Every type of a manifest that is asked for. */
const MANIFEST_TYPES: readonly string[] = [...INDEX_TYPES, ...IMAGE_TYPES];

/** Content that only its owner hands out, at addresses that the manifest gives. */
export function isForeign(mediaType: string): boolean {
  return /\.image\.rootfs\.foreign\.|\.image\.layer\.nondistributable\./.test(mediaType);
}

/** The configuration of an image, which says for which machine it is. Other artifacts have others. */
export function isImageConfig(mediaType: string): boolean {
  return /\.image\.config\.v1\+json$|\.container\.image\.v1\+json$/.test(mediaType);
}

/** How a layer is compressed; undefined when it is no layer of a file system. */
export function compressionOf(mediaType: string): 'none' | 'gzip' | 'zstd' | undefined {
  const isLayer =
    mediaType.startsWith('application/vnd.docker.image.rootfs.') ||
    mediaType.startsWith('application/vnd.oci.image.layer.');
  if (!isLayer) return undefined;
  if (/(\.|\+)gzip$/.test(mediaType)) return 'gzip';
  return /(\.|\+)zstd$/.test(mediaType) ? 'zstd' : 'none';
}

/**
 * Of the types that we know, those that an Accept header names; all of them where it takes anything. Clients
 * that want the same are answered the same, however they write it.
 */
export function acceptedTypes(accept: string | undefined): readonly string[] {
  const named = (accept ?? '*/*').split(',').map((each) => each.split(';')[0]!.trim().toLowerCase());
  if (named.includes('*/*') || named.includes('application/*')) return MANIFEST_TYPES;
  return MANIFEST_TYPES.filter((type) => named.includes(type));
}
