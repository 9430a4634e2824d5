import { describe, expect, it } from 'vitest';
import type { Digest } from '../../src/content/digest.ts';
import { openGivenManifests } from '../../src/proxy/given-manifests.ts';

const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const IMAGE = { registry: 'images.example', repository: 'org/app' };
const about = (mediaType: string, digest: Digest) => ({ mediaType, digest, size: 1 });
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const manifest = (layer: Digest): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: about('application/vnd.oci.image.config.v1+json', digestOf('c')),
      layers: [about('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
    }),
  );

describe('What an engine was given of an image', () => {
  it('is known by its tag and its digest, down to its layers', () => {
    const given = openGivenManifests();
    const [digest, layer] = [digestOf('a'), digestOf('1')];
    given.add({ image: IMAGE, tag: '1', digest, body: manifest(layer) });
    expect(given.of({ ...IMAGE, tag: '1' })).toEqual({ digest, layers: [layer] });
    expect(given.of({ ...IMAGE, digest })).toEqual({ digest, layers: [layer] });
    expect(given.of({ ...IMAGE, tag: '2' })).toBeUndefined();
  });

  it('is, of an index, the image to which it was followed', () => {
    const given = openGivenManifests();
    const [index, one, other, layer] = [digestOf('a'), digestOf('d'), digestOf('e'), digestOf('1')];
    const manifests = [about(MANIFEST, one), about(MANIFEST, other)];
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
    given.add({ image: IMAGE, tag: '1', digest: index, body });
    expect(given.of({ ...IMAGE, tag: '1' })).toBeUndefined();
    given.add({ image: IMAGE, digest: other, body: manifest(layer) });
    expect(given.of({ ...IMAGE, tag: '1' })).toEqual({ digest: index, layers: [layer] });
  });

  it('is nothing where it is of no kind that we know', () => {
    const given = openGivenManifests();
    given.add({ image: IMAGE, tag: '1', digest: digestOf('a'), body: Buffer.from('{}') });
    expect(given.of({ ...IMAGE, tag: '1' })).toBeUndefined();
  });
});
