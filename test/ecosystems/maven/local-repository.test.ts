import { describe, expect, it } from 'vitest';
import { besides, isOrigin, placeOf } from '../../../src/ecosystems/maven/local-repository.ts';

const about = (version: string, file?: string) => ({
  ecosystem: 'maven' as const,
  name: 'org.example:app',
  version,
  ...(file === undefined ? {} : { file }),
});

describe('the place of an artifact in a local repository', () => {
  it.each([
    [about('1.0'), 'app-1.0.jar'],
    [about('1.0', 'app-1.0.pom'), 'app-1.0.pom'],
    [about('1.0', 'app-1.0-sources.jar'), 'app-1.0-sources.jar'],
  ])('is one of its version %#', (coordinates, file) => {
    expect(placeOf(coordinates)).toEqual({ directory: 'org/example/app/1.0', file });
  });

  it.each([
    ['a snapshot', about('1.0-SNAPSHOT')],
    ['a build of one', about('1.0-20260102.030405-1')],
    ['a signature', about('1.0', 'app-1.0.jar.asc')],
    ['another name', about('1.0', 'other-1.0.jar')],
    ['a path', about('1.0', '../app-1.0.jar')],
    ['a group that climbs', { ...about('1.0'), name: '..:app' }],
    ['a version that climbs', about('../../1.0')],
    ['a name that a list would have to write otherwise', about('1.0', 'app-1.0-a=b.jar')],
  ])('is not ours to know: %s', (_, coordinates) => {
    expect(placeOf(coordinates)).toBeUndefined();
  });
});

it('tells of checksums and origins as Maven does', () => {
  const files = [
    { id: 'central', file: 'app-1.0.pom', sha1: 'b'.repeat(40) },
    { id: 'other', file: 'app-1.0.jar', sha1: 'a'.repeat(40) },
  ];
  expect(besides(files, new Date('2026-03-07T08:09:10Z'))).toEqual([
    { name: 'app-1.0.pom.sha1', text: 'b'.repeat(40) },
    { name: 'app-1.0.jar.sha1', text: 'a'.repeat(40) },
    {
      name: '_remote.repositories',
      text:
        '#NOTE: This is a Maven Resolver internal implementation file, its format can be changed without prior notice.\n' +
        '#Sat Mar 07 08:09:10 UTC 2026\napp-1.0.jar>other=\napp-1.0.pom>central=\n',
    },
  ]);
});

it('takes no id that a list would have to write otherwise', () => {
  expect(['central', 'my-repo.1', 'a b', 'a:b', 'a=b', '#a', ''].map(isOrigin)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});
