import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Digest } from '../../src/content/digest.ts';
import type { DockerEngine } from '../../src/proxy/docker-engine.ts';
import { type Naming, openNaming } from '../../src/proxy/docker-naming.ts';

const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const [IMAGE, BASE, TOP] = ['a', 'b', 'c'].map(digestOf) as [Digest, Digest, Digest];
const PULLED = `POST /v1.41/images/create?fromImage=images.example%2Forg%2Fapp&tag=${encodeURIComponent(IMAGE)}`;

describe('The digest by which a daemon knows an image', () => {
  /** What the daemon was asked. */
  let asked: string[];
  /** What it says of a pull. */
  let says: (signal: AbortSignal | undefined) => Promise<string>;
  /** The id of the image that it has by that digest. */
  let has: string | undefined;
  let mayAsk: boolean;
  let isGiven: boolean;
  let naming: Naming;

  beforeEach(() => {
    asked = [];
    says = async () => Promise.resolve('{"status":"Digest: …"}\r\n');
    has = undefined;
    mayAsk = true;
    isGiven = true;
    const engine: DockerEngine = {
      async ask(method, path, { signal } = {}) {
        asked.push(`${method} ${path}`);
        return Object.assign(Readable.from([await says(signal)]), { statusCode: 200 }) as IncomingMessage;
      },
      idOf: async () => Promise.resolve(has),
      tag: async () => Promise.resolve(true),
      untag: async () => Promise.resolve(),
    };
    naming = openNaming(engine, {
      asked: {
        version: '/v1.41',
        image: { registry: 'images.example', repository: 'org/app', tag: '1' },
      },
      mayAsk: () => mayAsk,
      given: () => (isGiven ? { digest: IMAGE, layers: [BASE, TOP] } : undefined),
    });
  });
  afterEach(() => {
    naming.end();
    vi.useRealTimers();
  });

  it('is asked for while the daemon unpacks, once all layers are here, and not before', async () => {
    naming.hear('b'.repeat(12), 'Pulling fs layer');
    naming.hear('c'.repeat(12), 'Downloading');
    naming.hear('b'.repeat(12), 'Already exists');
    expect(asked).toEqual([]);
    naming.hear('c'.repeat(12), 'Download complete');
    naming.hear('c'.repeat(12), 'Pull complete');
    expect(asked).toEqual([PULLED]);
    expect(await naming.done(IMAGE, 'id')).toBe(true);
    expect(asked).toEqual([PULLED]);
  });

  it('is asked for in the end where it is not known which layers there are', async () => {
    isGiven = false;
    naming.hear('c'.repeat(12), 'Download complete');
    expect(asked).toEqual([]);
    expect(await naming.done(IMAGE, 'id')).toBe(true);
    expect(asked).toEqual([PULLED]);
  });

  it('is not asked for of a registry that may not be asked, nor of an image that it has by that digest already', async () => {
    mayAsk = false;
    naming.hear('b'.repeat(12), 'Download complete');
    naming.hear('c'.repeat(12), 'Download complete');
    expect(await naming.done(IMAGE, 'id')).toBe(false);
    mayAsk = true;
    has = 'id';
    expect(await naming.done(IMAGE, 'id')).toBe(true);
    expect(asked).toEqual([]);
    // It is another machine’s image.
    expect(await naming.done(IMAGE, 'other')).toBe(true);
    expect(asked).toEqual([PULLED]);
  });

  it('is not had where the registry says something else, or does not answer', async () => {
    says = async () => Promise.resolve('{"error":"not like this"}\r\n');
    expect(await naming.done(IMAGE, 'id')).toBe(false);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    says = async (signal) => {
      const { promise, reject } = Promise.withResolvers<string>();
      signal?.addEventListener('abort', () => reject(new Error('given up')));
      return promise;
    };
    const found = naming.done(IMAGE, 'id');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await found).toBe(false);
  });
});
