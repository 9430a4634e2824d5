import { describe, expect, it } from 'vitest';
import { acceptedTypes, compressionOf, isForeign } from '../../../src/ecosystems/oci/media-types.ts';
import { endpointOf, registryOf, segmentOf, unqualified } from '../../../src/ecosystems/oci/names.ts';
import { imageOf, parseImage, printImage } from '../../../src/ecosystems/oci/reference.ts';

describe('A registry in a path', () => {
  it.each([
    ['docker.io', 'docker.io'],
    ['127.0.0.1:5000', '127.0.0.1__5000'],
    ['localhost', 'localhost'],
    ['localhost:80', 'localhost__80'],
    ['xn--a--b.example', 'xn--a--b.example'],
    ['[::1]:5000', '0--1.ipv6-literal.net__5000'],
    ['[2001:db8::]', '2001-db8--0.ipv6-literal.net'],
    ['[::]:80', '0--0.ipv6-literal.net__80'],
    ['[1:2:3:4:5:6:7:8]', '1-2-3-4-5-6-7-8.ipv6-literal.net'],
  ])('%s is %s, and the other way round', (registry, segment) => {
    expect(segmentOf(registry)).toBe(segment);
    expect(registryOf(segment)).toBe(registry);
  });

  it.each([
    'library',
    '3f2a',
    '',
    'a__b',
    'localhost__x',
    'x__5000__1',
    '0--1--2.ipv6-literal.net',
    'x.ipv6-literal.net',
    'localhost__65536',
  ])('is not %j', (segment) => {
    expect(registryOf(segment)).toBeUndefined();
  });

  it('has one name', () => {
    expect(registryOf('index.docker.io')).toBe('docker.io');
    expect(parseImage('[0:0::1]:5000/a').registry).toBe('[::1]:5000');
    expect(endpointOf('docker.io')).toBe('registry-1.docker.io');
    expect(endpointOf('images.example')).toBe('images.example');
  });
});

describe('The name of an image', () => {
  it.each(['nginx:1', 'org/app:1', 'images.example/org/app:1', `nginx@sha256:${'07'.repeat(32)}`])(
    '%s is printed as people write it',
    (text) => {
      expect(printImage(parseImage(text))).toBe(text);
    },
  );

  it('is found again in coordinates', () => {
    expect(unqualified('library/nginx')).toEqual({ registry: 'docker.io', repository: 'library/nginx' });
    expect(unqualified('localhost:1/a')).toEqual({ registry: 'localhost:1', repository: 'a' });
    expect(unqualified('localhost:1/A')).toBeUndefined();
    expect(imageOf({ name: 'org/app', wanted: 'v1' })).toEqual(parseImage('org/app:v1'));
    expect(() => imageOf({ name: 'org/app', wanted: '../x' })).toThrowError(
      expect.objectContaining({ code: 'REFERENCE_MALFORMED' }),
    );
  });
});

describe('A media type', () => {
  it('of a layer tells how it is compressed', () => {
    expect(compressionOf('application/vnd.oci.image.layer.v1.tar')).toBe('none');
    expect(compressionOf('application/vnd.oci.image.layer.v1.tar+gzip')).toBe('gzip');
    expect(compressionOf('application/vnd.oci.image.layer.v1.tar+zstd')).toBe('zstd');
    expect(compressionOf('application/vnd.docker.image.rootfs.diff.tar.gzip')).toBe('gzip');
    expect(compressionOf('application/vnd.example.sbom+json')).toBeUndefined();
  });

  it('tells what is not in the registry', () => {
    expect(isForeign('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')).toBe(true);
    expect(isForeign('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip')).toBe(true);
    expect(isForeign('application/vnd.oci.image.layer.v1.tar+gzip')).toBe(false);
  });

  it('is accepted however a client writes it', () => {
    const index = 'application/vnd.oci.image.index.v1+json';
    const image = 'application/vnd.docker.distribution.manifest.v2+json';
    expect(acceptedTypes(`${image};q=0.5, TEXT/html, ${index}`)).toEqual([index, image]);
    expect(acceptedTypes('*/*')).toEqual(acceptedTypes(undefined));
    expect(acceptedTypes(undefined)).toHaveLength(4);
  });
});
