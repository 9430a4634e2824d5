import { purlOf } from '../content/coordinates.ts';
import type { Digest } from '../content/digest.ts';
import type { PulledBlob, PulledImage, PulledLayer, PulledManifest } from '../control/protocol.ts';
import type { Descriptor, ImageManifest } from '../ecosystems/oci/manifest.ts';
import { isImageConfig } from '../ecosystems/oci/media-types.ts';
import { qualified } from '../ecosystems/oci/names.ts';
import { printPlatform } from '../ecosystems/oci/platform.ts';
import type { Manifest } from '../proxy/image-content.ts';
import type { Brought, Pull } from './pull-image-parts.ts';
import { isOwn, placeOf } from './pull-image-blobs.ts';
import type { Referrer } from './pull-referrers.ts';

/** What a pull brought, as its user is told. */
export function summed(
  pull: Pull,
  {
    top,
    index,
    referrers,
  }: {
    readonly top: Manifest;
    readonly index: Manifest | undefined;
    readonly referrers: readonly Referrer[];
  },
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
    image: {
      reference: name,
      manifests,
      ...(index ? { index: described(index) } : {}),
      referrers: referrers.map(({ subject, manifest, parsed }) => ({
        ...described(manifest),
        subject,
        artifactType: kindOf(parsed),
        blobs: [parsed.config, ...parsed.layers.filter(isOwn)].map(blobOf),
      })),
    },
  };
}

/** What a referrer is: by its own word, or by what it is made of. */
function kindOf({ artifactType, config, layers: [first] }: ImageManifest): string {
  if (artifactType !== undefined) return artifactType;
  return isImageConfig(config.mediaType) ? (first?.mediaType ?? config.mediaType) : config.mediaType;
}
