import { PackageURL } from 'packageurl-js';
import { describe, expect, it } from 'vitest';
import { type Coordinates, purlOf } from '../../src/content/coordinates.ts';

describe('purlOf', () => {
  it.each<[Coordinates, string]>([
    [{ ecosystem: 'npm', name: 'lodash', version: '4.17.21' }, 'pkg:npm/lodash@4.17.21'],
    [{ ecosystem: 'npm', name: '@types/node', version: '24.0.0' }, 'pkg:npm/%40types/node@24.0.0'],
    [{ ecosystem: 'npm', name: 'a', version: '1.0.0-rc.1+build' }, 'pkg:npm/a@1.0.0-rc.1%2Bbuild'],
    [{ ecosystem: 'npm', name: 'JSONStream', version: '1.3.5' }, 'pkg:npm/JSONStream@1.3.5'],
    [{ ecosystem: 'docker', name: 'library/nginx', version: '1.27' }, 'pkg:docker/library/nginx@1.27'],
    [{ ecosystem: 'docker', name: '127.0.0.1:5000/app', version: '1' }, 'pkg:docker/127.0.0.1:5000/app@1'],
    [
      { ecosystem: 'maven', name: 'org.slf4j:slf4j-api', version: '2.0.9', file: 'slf4j-api-2.0.9.pom' },
      'pkg:maven/org.slf4j/slf4j-api@2.0.9?type=pom',
    ],
  ])('prints %o as %s', (coordinates, purl) => {
    expect(purlOf(coordinates)).toBe(purl);
    expect(PackageURL.fromString(purl)).toMatchObject({
      type: coordinates.ecosystem,
      version: coordinates.version,
    });
  });
});
