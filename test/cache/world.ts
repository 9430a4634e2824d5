/**
 * What the tests of the cache share: directories that vanish, caches that are closed, and made-up packages.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Binding, Cache } from '../../src/cache/cache.ts';
import { type CacheOptions, openCache } from '../../src/cache/open-cache.ts';
import type { Stored } from '../../src/content/source.ts';

/** A directory of this test's own. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'pyrsia-cache-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A cache that is closed when the test ends, if it has not been before. */
export async function cacheIn(
  path = join(temporaryDirectory(), 'cache'),
  options: CacheOptions = {},
): Promise<Cache> {
  const cache = await openCache(path, { limit: 1e9, ...options });
  onTestFinished(async () => cache[Symbol.asyncDispose]());
  return cache;
}

/** `size` bytes that are the same each time for the same seed, and compress no better than packages do. */
export function contentOf(seed: string | number, size = 1000): Buffer {
  return createHash('shake256', { outputLength: size }).update(String(seed)).digest();
}

/** A binding of content to a made-up package. */
export function bindingOf({ digests, size }: Stored, name: string, more: Partial<Binding> = {}): Binding {
  return {
    upstream: 'npm',
    coordinates: { ecosystem: 'npm', name, version: '1.0.0' },
    digests,
    size,
    private: false,
    seenAt: 1_700_000_000_000,
    ...more,
  };
}

/** Every file below `path`, relative to it. */
export function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(path.length + 1))
    .toSorted();
}
