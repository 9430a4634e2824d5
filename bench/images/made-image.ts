/**
 * An image to be pulled: layers of random bytes, which nothing makes smaller, as an OCI layout on the disk.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 * @module
 */
import { createHash, randomFillSync } from 'node:crypto';
import { createWriteStream, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';

const PIECE = 2 ** 20;
const TYPES = 'application/vnd.oci.image';

/** Something that the layout holds. */
interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Makes an image of `layers` layers with so many bytes in all, under the tag `bench` of a layout in `directory`. */
export async function makeImage(directory: string, bytes: number, layers: number): Promise<void> {
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const made = [];
  for (let i = 0; i < layers; i++)
    made.push(await makeLayer(blobs, `layer-${i}`, Math.floor(bytes / layers)));
  const json = (mediaType: string, value: object): Described => {
    const text = JSON.stringify(value);
    const hex = createHash('sha256').update(text).digest('hex');
    writeFileSync(join(blobs, hex), text);
    return { mediaType, digest: `sha256:${hex}`, size: text.length };
  };
  const config = json(`${TYPES}.config.v1+json`, {
    os: 'linux',
    architecture: 'amd64',
    config: {},
    rootfs: { type: 'layers', diff_ids: made.map(({ diffId }) => diffId) },
  });
  const mediaType = `${TYPES}.manifest.v1+json`;
  const manifest = json(mediaType, {
    schemaVersion: 2,
    mediaType,
    config,
    layers: made.map(({ layer }) => layer),
  });
  const tagged = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'bench' } };
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [tagged] }));
}

/** A gzipped tar of one file; it is not compressed, which would only take time. */
async function makeLayer(
  blobs: string,
  name: string,
  bytes: number,
): Promise<{ readonly layer: Described; readonly diffId: string }> {
  const tar = pack();
  const [plain, gzipped] = [createHash('sha256'), createHash('sha256')];
  const file = join(blobs, name);
  const written = pipeline(
    tar,
    watched((chunk) => plain.update(chunk)),
    createGzip({ level: 0 }),
    watched((chunk) => gzipped.update(chunk)),
    createWriteStream(file),
  );
  await pipeline(random(bytes), tar.entry({ name, size: bytes, mtime: new Date(0) }));
  tar.finalize();
  await written;
  const hex = gzipped.digest('hex');
  renameSync(file, join(blobs, hex));
  const { size } = statSync(join(blobs, hex));
  return {
    layer: { mediaType: `${TYPES}.layer.v1.tar+gzip`, digest: `sha256:${hex}`, size },
    diffId: `sha256:${plain.digest('hex')}`,
  };
}

function watched(see: (chunk: Buffer) => unknown): PassThrough {
  return new PassThrough().on('data', see);
}

function* random(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE) yield randomFillSync(Buffer.alloc(Math.min(PIECE, left)));
}
