import { purlOf } from '../content/coordinates.ts';
import type { Digest } from '../content/digest.ts';
import type { PulledBlob, PulledImage, PulledLayer, PulledManifest } from '../control/protocol.ts';
import type { Descriptor } from '../ecosystems/oci/manifest.ts';
import { qualified } from '../ecosystems/oci/names.ts';
import { printPlatform } from '../ecosystems/oci/platform.ts';
import type { Manifest } from '../proxy/image-content.ts';
import type { Brought, Pull } from './pull-image-parts.ts';
import { isOwn, placeOf } from './pull-image-blobs.ts';

/** What a pull brought, as its user is told. */
export function summed(
  pull: Pull,
  top: Manifest,
  index: Manifest | undefined,
  brought: readonly Brought[],
): PulledImage {
  const { reference, name, asker } = pull;
  const { artifacts } = asker.reporter.receipt();
  const lineOf = (digest: Digest) => artifacts.find((line) => line.digest === digest);
  const blobOf = ({ mediaType, digest, size }: Omit<Descriptor, 'urls'>): PulledBlob => ({
    mediaType,
    digest,
    size,
    source: lineOf(digest)?.source ?? 'cache',
    path: placeOf(pull, digest),
  });
  const described = ({ mediaType, digest, body }: Manifest) =>
    blobOf({ mediaType, digest, size: body.byteLength });
  const manifests = brought.map(
    ({ manifest, parsed, config, platform = config?.platform, unpacked: proven }): PulledManifest => ({
      ...described(manifest),
      ...(platform ? { platform: printPlatform(platform) } : {}),
      config: blobOf(parsed.config),
      layers: parsed.layers.filter(isOwn).map((layer): PulledLayer => {
        const measured = proven.get(layer.digest);
        return {
          ...blobOf(layer),
          ...(measured ? { diffId: measured.digests[0] ?? '', unpacked: measured.size } : {}),
        };
      }),
    }),
  );
  const all = manifests.flatMap((manifest) => [manifest, manifest.config, ...manifest.layers]);
  const blobs = [
    ...new Map([...(index ? [described(index)] : []), ...all].map((blob) => [blob.digest, blob])).values(),
  ];
  const first = lineOf(top.digest);
  const coordinates = {
    ecosystem: 'docker',
    name: qualified(reference.registry, reference.repository),
    version: top.digest,
  } as const;
  return {
    purl: purlOf(coordinates),
    digest: top.digest,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    source: [...new Set(blobs.map(({ source }) => source))].toSorted().join(', '),
    word: first?.word ?? 'unknown',
    by: first?.by ?? 'nobody',
    rung: first?.rung ?? 'none',
    upstream: first?.upstream ?? '',
    path: placeOf(pull, top.digest),
    image: { reference: name, manifests, ...(index ? { index: described(index) } : {}) },
  };
}
