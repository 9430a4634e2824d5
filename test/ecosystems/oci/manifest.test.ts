import { describe, expect, it } from 'vitest';
import {
  MANIFEST_LIMIT,
  mediaTypeOf,
  parseConfig,
  parseManifest,
} from '../../../src/ecosystems/oci/manifest.ts';

const digest = `sha256:${'07'.repeat(32)}`;
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 7 };
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
const image = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [{ ...layer, platform: { os: 'linux', architecture: 'arm' } }] };
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const invalid = (reason: string) =>
  expect.objectContaining({ code: 'DOCUMENT_INVALID', message: expect.stringContaining(reason) });

describe('A manifest', () => {
  it('of an image names its configuration and its layers', () => {
    expect(parseManifest(bytes(image), 'it')).toEqual({
      kind: 'image',
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers: [layer],
    });
  });

  it('of several platforms names them', () => {
    expect(parseManifest(bytes(index), 'it')).toEqual({
      kind: 'index',
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ ...layer, platform: { os: 'linux', architecture: 'arm' } }],
    });
  });

  it('is what it calls itself', () => {
    const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
    expect(mediaTypeOf(bytes({ ...image, mediaType }), 'it')).toBe(mediaType);
  });

  it('may have no layers, as Go writes that', () => {
    expect(parseManifest(bytes({ ...image, layers: null }), 'it')).toMatchObject({ layers: [] });
  });

  it.each([
    ['no JSON', Buffer.from('<html>'), 'JSON'],
    ['text that is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), ''],
    ['a list', bytes([]), 'no JSON object'],
    ['of schema 1', bytes({ schemaVersion: 1, fsLayers: [] }), 'schema 1'],
    ['of no schema', bytes({ config, layers: [] }), 'schema 2'],
    ['an index and an image at once', bytes({ ...image, ...index }), 'at once'],
    [
      'an image that calls itself an index',
      bytes({ ...image, mediaType: 'application/vnd.oci.image.index.v1+json' }),
      'calls itself',
    ],
    ['without a config', bytes({ schemaVersion: 2, layers: [] }), 'no config'],
    ['without layers', bytes({ schemaVersion: 2, config }), 'no layers'],
    [
      'of 10,000 layers',
      bytes({ ...image, layers: Array.from({ length: 10_000 }, () => layer) }),
      '10000 layers, more than 1000',
    ],
    ['of a layer that is none', bytes({ ...image, layers: ['x'] }), 'no descriptor'],
    ['of a layer without a digest', bytes({ ...image, layers: [{ size: 1 }] }), 'no digest'],
    [
      'of a layer that climbs',
      bytes({ ...image, layers: [{ digest: 'sha256:../x', size: 1 }] }),
      'no digest',
    ],
    ['of a layer that is less than nothing', bytes({ ...image, layers: [{ digest, size: -1 }] }), 'no size'],
    ['of a layer with half a byte', bytes({ ...image, layers: [{ digest, size: 0.5 }] }), 'no size'],
    ['of a layer beyond all bounds', bytes({ ...image, layers: [{ digest, size: 1e15 }] }), 'no size'],
  ])('is refused that is %s', (_, body, reason) => {
    expect(() => parseManifest(body, 'it')).toThrowError(invalid(reason));
  });

  it('larger than registries take is not even read', () => {
    expect(() => parseManifest(Buffer.alloc(MANIFEST_LIMIT + 1, ' '), 'it')).toThrowError(
      expect.objectContaining({ code: 'DOCUMENT_TOO_LARGE' }),
    );
  });
});

describe("An image's configuration", () => {
  it('names the platform and every uncompressed layer', () => {
    const body = { os: 'linux', architecture: 'arm', variant: 'v7', rootfs: { diff_ids: [digest] } };
    expect(parseConfig(bytes(body), 'it')).toEqual({
      platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      diffIds: [digest],
    });
    // As cosign's signatures have it.
    const nowhere = { os: '', architecture: '', rootfs: { diff_ids: [digest] } };
    expect(parseConfig(bytes(nowhere), 'it')).toEqual({ diffIds: [digest] });
  });

  it.each([
    [{ os: 'linux', architecture: 'arm', rootfs: { diff_ids: {} } }, 'no list'],
    [{ os: 'linux', architecture: 'arm', rootfs: { diff_ids: ['x'] } }, 'no digest'],
  ])('%j is refused', (body, reason) => {
    expect(() => parseConfig(bytes(body), 'it')).toThrowError(invalid(reason));
  });
});
