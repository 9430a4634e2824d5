/**
 * Images made for a test, as an OCI layout on the disk: real tars, really compressed.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Digest, digestOf, hexOf } from '../../src/content/digest.ts';

/** Files of one layer, by path. */
export type Files = Readonly<Record<string, string | Buffer>>;

/** A layer as it is in the registry, with the digest that it has unpacked. */
export interface RawLayer {
  readonly raw: Buffer;
  readonly diffId: Digest;
}

/** One image. */
export interface ImageSpec {
  readonly layers: readonly (Files | RawLayer)[];
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** What it runs. */
  readonly command?: readonly string[];
  /** Says this of a layer instead of what is true. */
  readonly lie?: { readonly size?: number; readonly diffId?: Digest };
}

/** Content that a layout holds. */
export interface Described {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** An image that a layout holds. */
export interface MadeImage extends Described {
  readonly config: Described;
  readonly layers: readonly Described[];
  readonly platform: NonNullable<ImageSpec['platform']>;
}

const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** A layout that images are added to. */
export class Layout {
  readonly #manifests: object[] = [];
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(join(directory, 'blobs', 'sha256'), { recursive: true });
    writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  /** Makes an image, and gives it a tag of the layout unless it is only one of an index. */
  async image(
    { layers, platform, compression = 'gzip', command, lie = {} }: ImageSpec,
    tag?: string,
  ): Promise<MadeImage> {
    const made: Described[] = [];
    const diffIds: Digest[] = [];
    const type = compression === 'none' ? LAYER : `${LAYER}+${compression}`;
    for (const files of layers) {
      if (isRaw(files)) {
        diffIds.push(files.diffId);
        made.push(this.blob(files.raw, type));
        continue;
      }
      const tar = await tarOf(files);
      const bytes = {
        none: (it: Buffer) => it,
        gzip: (it: Buffer) => gzipSync(it),
        zstd: (it: Buffer) => zstdCompressSync(it),
      }[compression](tar);
      diffIds.push(lie.diffId ?? digestOf(tar, 'sha256'));
      const layer = this.blob(bytes, type);
      made.push({ ...layer, size: lie.size ?? layer.size });
    }
    const on = platform ?? { os: 'linux', architecture: 'amd64' };
    const config = this.json('application/vnd.oci.image.config.v1+json', {
      ...on,
      config: { ...(command && { Cmd: command }) },
      rootfs: { type: 'layers', diff_ids: diffIds },
    });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = this.json(mediaType, { schemaVersion: 2, mediaType, config, layers: made });
    this.tagged(manifest, tag);
    return { ...manifest, config, layers: made, platform: on };
  }

  /** Makes an index of images, or of indexes. */
  index(images: readonly (Described | MadeImage)[], tag?: string): Described {
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const manifests = images.map(({ digest, size, mediaType: type, ...image }) => ({
      mediaType: type,
      digest,
      size,
      ...('platform' in image ? { platform: image.platform } : {}),
    }));
    const index = this.json(mediaType, { schemaVersion: 2, mediaType, manifests });
    this.tagged(index, tag);
    return index;
  }

  /** Adds anything. */
  blob(bytes: Buffer, mediaType: string): Described {
    const digest = digestOf(bytes, 'sha256');
    writeFileSync(join(this.directory, 'blobs', 'sha256', hexOf(digest)), bytes);
    return { mediaType, digest, size: bytes.byteLength };
  }

  json(mediaType: string, value: unknown): Described {
    return this.blob(Buffer.from(JSON.stringify(value)), mediaType);
  }

  /** Gives what it holds a tag, if there is one. */
  tagged(described: Described, tag: string | undefined): void {
    if (tag === undefined) return;
    this.#manifests.push({ ...described, annotations: { 'org.opencontainers.image.ref.name': tag } });
    const index = { schemaVersion: 2, manifests: this.#manifests };
    writeFileSync(join(this.directory, 'index.json'), JSON.stringify(index));
  }
}

function isRaw(layer: Files | RawLayer): layer is RawLayer {
  return Buffer.isBuffer(layer['raw']) && 'diffId' in layer;
}

async function tarOf(files: Files): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files))
    tar.entry({ name, mode: 0o755, mtime: new Date(0) }, content);
  tar.finalize();
  return buffer(tar);
}
