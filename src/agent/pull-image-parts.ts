import type { Cache } from '../cache/cache.ts';
import type { Digest } from '../content/digest.ts';
import type { Measured } from '../content/verified.ts';
import type { Methods } from '../control/protocol.ts';
import type { ImageConfig, ImageManifest } from '../ecosystems/oci/manifest.ts';
import type { Platform } from '../ecosystems/oci/platform.ts';
import type { ImageReference } from '../ecosystems/oci/reference.ts';
import type { ArtifactService } from '../proxy/artifact-service.ts';
import type { ImageAsker } from '../proxy/image-asker.ts';
import type { Manifest } from '../proxy/image-content.ts';
import type { ImageService } from '../proxy/images.ts';
import type { Upstreams } from '../proxy/upstream.ts';

/** What a pull works with. */
export interface ImagePullParts {
  readonly cache: Cache;
  readonly images: ImageService;
  readonly artifacts: Pick<ArtifactService, 'settled'>;
  readonly upstreams: Pick<Upstreams, 'unreachable'>;
}

/** How it is pulled. */
export interface ImagePullOptions {
  /** For which machine; undefined: for all. */
  readonly platform: Platform | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Methods['pull']['progress']) => void;
}

/** One pull of an image. */
export interface Pull {
  readonly parts: ImagePullParts;
  readonly asker: ImageAsker;
  readonly reference: ImageReference;
  readonly options: ImagePullOptions;
  /** The image as people write it. */
  readonly name: string;
}

/** A manifest of one image, as its index tells of it. */
export interface Found {
  readonly manifest: Manifest;
  readonly parsed: ImageManifest;
  readonly platform?: Platform;
  /** Those of the same index that say how it was built. */
  readonly attested?: readonly Digest[];
  /** It is such a one itself. */
  readonly isAttestation?: boolean;
}

/** An image that is here but for its place in the cache. */
export interface Brought extends Found {
  readonly config?: ImageConfig;
  readonly unpacked: ReadonlyMap<Digest, Measured>;
}
