import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { memoryStore } from '../../src/cache/memory-store.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import { sourceConformance } from '../conformance/source.ts';

describe('the store in memory', () => {
  sourceConformance(async (content) => {
    const source = memoryStore();
    await source.put({ digests: [digestOf(content, 'sha512')] }, [content]);
    return { source };
  });
});

describe('the store on the disk', () => {
  sourceConformance(async (content) => {
    const directory = await mkdtemp(join(tmpdir(), 'source-'));
    const cache = await openCache(join(directory, 'cache'));
    await cache.content.put({ digests: [digestOf(content, 'sha512')] }, [content]);
    return {
      source: cache.content,
      async [Symbol.asyncDispose]() {
        await cache[Symbol.asyncDispose]();
        await rm(directory, { recursive: true });
      },
    };
  });
});
