import { describe, expect, it } from 'vitest';
import type { Artifact, Cache } from '../../src/cache/cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import { bytesOf } from '../conformance/store.ts';
import { bindingOf, cacheIn, contentOf } from './world.ts';

const names = (artifacts: readonly Artifact[]): string[] => artifacts.map(({ name }) => name);

async function filled(): Promise<Cache> {
  let time = 0;
  const cache = await cacheIn(undefined, { now: () => ++time });
  for (const [name, size] of [
    ['lodash', 300],
    ['@types/lodash', 100],
    ['express', 200],
  ] as const) {
    await cache.bindings.put(
      bindingOf(await cache.content.put({ digests: [] }, [contentOf(name, size)]), name),
    );
  }
  return cache;
}

describe('artifacts', () => {
  it('say what is known of each', async () => {
    const cache = await cacheIn(undefined, { now: () => 1234 });
    const stored = await cache.content.put({ digests: [] }, [contentOf('slf4j')]);
    const coordinates = {
      ecosystem: 'maven',
      name: 'org.slf4j:slf4j-api',
      version: '2.0.9',
      file: 'slf4j-api-2.0.9.pom',
    } as const;
    await cache.bindings.put(
      bindingOf(stored, '', { upstream: 'https://maven.example/', coordinates, private: true }),
    );
    expect(cache.artifacts()).toEqual([
      {
        purl: 'pkg:maven/org.slf4j/slf4j-api@2.0.9?type=pom',
        ...coordinates,
        upstream: 'https://maven.example/',
        digest: stored.digests[0],
        size: 1000,
        storedAt: 1234,
        usedAt: 1234,
        private: true,
        offline: true,
      },
    ]);
  });

  it('are listed by last use, by name and by size', async () => {
    const cache = await filled();
    await bytesOf((await cache.content.open({ digests: [digestOf(contentOf('lodash', 300), 'sha256')] }))!);
    expect(names(cache.artifacts())).toEqual(['lodash', 'express', '@types/lodash']);
    expect(names(cache.artifacts({ sort: 'name' }))).toEqual(['@types/lodash', 'express', 'lodash']);
    expect(names(cache.artifacts({ sort: 'size' }))).toEqual(['lodash', 'express', '@types/lodash']);
    expect(names(cache.artifacts({ sort: 'size', limit: 1 }))).toEqual(['lodash']);
  });

  it.each([
    ['lodash', ['lodash']],
    ['*lodash', ['@types/lodash', 'lodash']],
    ['expres?', ['express']],
    ['[el]*', []],
  ])('are found by the name pattern %s', async (name, expected) => {
    expect(names((await filled()).artifacts({ name, sort: 'name' }))).toEqual(expected);
  });

  it('are found by ecosystem', async () => {
    const cache = await filled();
    expect(cache.artifacts({ ecosystem: 'npm' })).toHaveLength(3);
    expect(cache.artifacts({ ecosystem: 'docker' })).toEqual([]);
  });

  it('are there while their content is', async () => {
    const cache = await filled();
    await cache.content.delete(digestOf(contentOf('express', 200), 'sha256'));
    expect(names(cache.artifacts({ sort: 'name' }))).toEqual(['@types/lodash', 'lodash']);
    await cache.content.put({ digests: [] }, [contentOf('express', 200)]);
    expect(names(cache.artifacts({ sort: 'name' }))).toEqual(['@types/lodash', 'express', 'lodash']);
  });

  it('bound by a weak digest alone are not enough to install offline', async () => {
    const cache = await cacheIn();
    const bytes = contentOf('ancient');
    const bound = (digests: Parameters<typeof bindingOf>[0]['digests'], name: string) =>
      cache.bindings.put(bindingOf({ digests, size: 1 }, name));
    await bound([digestOf(bytes, 'sha1')] as never, 'weak');
    await cache.content.put({ digests: [digestOf(bytes, 'sha1'), digestOf(bytes, 'sha512')] }, [bytes]);
    await bound([digestOf(bytes, 'sha512')] as never, 'strong');
    const offline = cache.artifacts({ sort: 'name' }).map(({ name, offline: enough }) => [name, enough]);
    expect(offline).toEqual([
      ['strong', true],
      ['weak', false],
    ]);
  });
});
