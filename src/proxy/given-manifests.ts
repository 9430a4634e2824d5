/**
 * What an engine was given that asked for an image: which digest its tag meant, and which layers it is told to fetch.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import { type ImageManifest, parseManifest } from '../ecosystems/oci/manifest.ts';
import { type ImageReference, printImage } from '../ecosystems/oci/reference.ts';
import type { GivenManifest } from './image-asker.ts';

/** An image that was asked for, as far as it was given. */
export interface GivenImage {
  /** What its tag meant. */
  readonly digest: Digest;
  /** Digests, as they are fetched. */
  readonly layers: readonly Digest[];
}

/** Manifests given to one launch. */
export interface GivenManifests {
  add(this: void, given: GivenManifest): void;
  /** Undefined where it was not given, or not down to its layers. */
  of(this: void, image: ImageReference): GivenImage | undefined;
}

/** None so far. */
export function openGivenManifests(): GivenManifests {
  const tags = new Map<string, Digest>();
  /** By digest: an index is what it was last followed to. */
  const images = new Map<Digest, ImageManifest>();
  const indexes = new Map<Digest, readonly Digest[]>();
  return {
    add({ image, tag, digest, body }) {
      if (tag !== undefined) tags.set(printImage({ ...image, tag }), digest);
      const manifest = read(body, digest);
      if (!manifest) return;
      if (manifest.kind === 'index') {
        const listed = manifest.manifests.map((each) => each.digest);
        indexes.set(digest, listed);
        return;
      }
      images.set(digest, manifest);
      for (const [index, listed] of indexes) if (listed.includes(digest)) images.set(index, manifest);
    },
    of(image) {
      const digest = image.digest ?? tags.get(printImage(image));
      const found = digest && images.get(digest);
      return found && { digest, layers: found.layers.map((layer) => layer.digest) };
    },
  };
}

/** One that is of a kind that we do not know was given, too. */
function read(body: Uint8Array, digest: Digest): ReturnType<typeof parseManifest> | undefined {
  try {
    return parseManifest(body, digest);
  } catch {
    return undefined;
  }
}
