/**
 * Writing an image that was pulled where a user wants it, each piece proven once more on its way.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 * @see https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
 * @module
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hexOf, parseDigest } from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';
import { unpacked } from '../cache/unpacked.ts';
import { verified } from '../content/verified.ts';
import type { PulledBlob, PulledImage, PulledLayer } from '../control/protocol.ts';
import { compressionOf } from '../ecosystems/oci/media-types.ts';
import { parseImage, printImage } from '../ecosystems/oci/reference.ts';
import { PyrsiaError } from '../errors.ts';
import { goneWhenEnded } from './half-written.ts';

/** Where an image is written to, and as what. */
export interface ImageOutput {
  readonly kind: 'oci' | 'oci-archive' | 'docker-archive';
  readonly path: string;
}

/** Reads `oci:DIR`, `oci-archive:FILE` or `docker-archive:FILE`; undefined for anything else. */
export function parseImageOutput(text: string): ImageOutput | undefined {
  const kind = (['oci', 'oci-archive', 'docker-archive'] as const).find((each) =>
    text.startsWith(`${each}:`),
  );
  const path = kind && text.slice(kind.length + 1);
  return path ? { kind, path } : undefined;
}

/** One file of what is written. */
interface Entry {
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  read(this: void): ByteStream;
}

/**
 * Writes an image; what is there appears when it is complete. A directory must be empty, or not there.
 *
 * @throws PyrsiaError `FILE_UNWRITABLE`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DOCUMENT_INVALID` for what cannot be
 * written as that
 */
export async function writeImage(pulled: PulledImage, { kind, path }: ImageOutput): Promise<string> {
  const entries = kind === 'docker-archive' ? dockerEntries(pulled) : ociEntries(pulled);
  const temporary = `${path.replace(/\/+$/, '')}.${process.pid}.part`;
  const release = goneWhenEnded(temporary);
  try {
    await (kind === 'oci' ? writeDirectory(temporary, entries) : writeTar(temporary, entries));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (error instanceof PyrsiaError || !(error instanceof Error)) throw error;
    throw new PyrsiaError('FILE_UNWRITABLE', { path, reason: reasonOf(error, path) }, { cause: error });
  } finally {
    release();
  }
  return path;
}

/** Why a path cannot be written, without names of ours. */
function reasonOf(error: Error, path: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTEMPTY' || code === 'EEXIST') return 'something is there already';
  if (code === 'ENOENT') return `there is no directory ${dirname(path)}`;
  return error.message;
}

async function writeDirectory(directory: string, entries: readonly Entry[]): Promise<void> {
  for (const { name, read } of entries) {
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await pipeline(read(), createWriteStream(file, { flags: 'wx' }));
  }
}

async function writeTar(file: string, entries: readonly Entry[]): Promise<void> {
  const pack = (await import('tar-stream')).default.pack();
  const written = pipeline(pack, createWriteStream(file, { flags: 'wx' }));
  written.catch(() => undefined);
  try {
    for (const { name, size, read } of entries)
      await pipeline(Readable.from(read()), pack.entry({ name, size, mode: 0o644, mtime: new Date(0) }));
    pack.finalize();
  } catch (error) {
    pack.destroy();
    throw error;
  }
  await written;
}

/** The manifest that stands for all that was pulled is the index, where all of it was; else each for itself. */
function ociEntries({ image: { reference, manifests, index } }: PulledImage): readonly Entry[] {
  const { tag } = parseImage(reference);
  const named = tag === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': tag } };
  const tops = index && manifests.length > 1 ? [index] : manifests;
  const list = {
    schemaVersion: 2,
    manifests: tops.map(({ mediaType, digest, size }) => ({ mediaType, digest, size, ...named })),
  };
  const all = manifests.flatMap((manifest) => [manifest, manifest.config, ...manifest.layers]);
  const blobs = new Map([...tops, ...all].map((blob) => [blob.digest, blob]));
  return [
    textEntry('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
    ...[...blobs.values()].map((blob) => {
      const digest = parseDigest(blob.digest);
      return {
        name: `blobs/${digest.slice(0, digest.indexOf(':'))}/${hexOf(digest)}`,
        size: blob.size,
        read: () => contentOf(blob),
      };
    }),
    textEntry('index.json', JSON.stringify(list)),
  ];
}

/** Layers are unpacked there. */
function dockerEntries({ image: { reference, manifests } }: PulledImage): readonly Entry[] {
  const [manifest, another] = manifests;
  const fail = (reason: string): never => {
    throw new PyrsiaError('DOCUMENT_INVALID', { what: `${reference} as a docker-archive`, reason });
  };
  if (!manifest || another) return fail('it holds an image for one platform; say which with --platform');
  const { tag, digest, ...name } = parseImage(reference);
  const layers = manifest.layers.map((layer) => {
    const { diffId, unpacked: size } = layer;
    if (diffId === undefined || size === undefined) return fail('not all it is made of are layers');
    return {
      name: `${hexOf(parseDigest(diffId))}/layer.tar`,
      size,
      read: () => verified(unpackedOf(layer), { digests: [parseDigest(diffId)], size }),
    };
  });
  const config = `${hexOf(parseDigest(manifest.config.digest))}.json`;
  const tags = tag === undefined ? null : [digest === undefined ? reference : printImage({ ...name, tag })];
  const list = [{ Config: config, RepoTags: tags, Layers: layers.map(({ name: file }) => file) }];
  return [
    textEntry('manifest.json', JSON.stringify(list)),
    { name: config, size: manifest.config.size, read: () => contentOf(manifest.config) },
    ...new Map(layers.map((layer) => [layer.name, layer])).values(),
  ];
}

function contentOf({ path, digest, size }: PulledBlob): ByteStream {
  return verified(createReadStream(path), { digests: [parseDigest(digest)], size });
}

function unpackedOf(layer: PulledLayer): ByteStream {
  return unpacked(contentOf(layer), compressionOf(layer.mediaType) ?? 'none');
}

function textEntry(name: string, text: string): Entry {
  const bytes = Buffer.from(text);
  return { name, size: bytes.byteLength, read: () => [bytes] };
}
