/** What is public, and known by a strong digest, may come from peers: the registry binds it, whoever delivers it. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import type { Held, Peers, Vouched } from '../../src/p2p/contract.ts';
import type { ArtifactService } from '../../src/proxy/artifact-service.ts';
import { openArtifacts } from '../../src/proxy/artifacts.ts';
import type { Asker } from '../../src/proxy/asker.ts';
import { openDocuments } from '../../src/proxy/documents.ts';
import { openUpstreams, type Upstreams } from '../../src/proxy/upstream.ts';
import { openReporter, type Reporter } from '../../src/resolve/reporter.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import type { LogWord } from '../../src/verify/logged.ts';
import { plain } from '../support/plain-ecosystem.ts';

const PEER = '12D3KooWNeighbour';
const small = randomBytes(20_000);
const large = randomBytes(12 * 2 ** 20);
const sha256 = (bytes: Uint8Array): Digest => digestOf(bytes, 'sha256');

/** A log that knows what is in `logged`. */
const log: LogWord = {
  lookUp: async () => {},
  told: () => undefined,
  notes: () => [],
  finding(purl) {
    const digest = logged.get(purl);
    return digest ? { kind: 'logged', digest, entry: 7 } : { kind: 'unknown' };
  },
  prove: async () => Promise.resolve(undefined),
  chunks: async ({ entry }) =>
    Promise.resolve({ size: large.byteLength, chunkSize: 2 ** 20, root: Buffer.alloc(32, entry) }),
};

/** What a registry says of a name. */
const listing = (name: string, bytes: Uint8Array): Buffer =>
  Buffer.from(JSON.stringify({ name, versions: { '1.0': sha256(bytes) } }));

/** A peer that says it has what has this digest, and gives these bytes. */
const has = (digest: Digest, bytes: Uint8Array = small) => ({ digest, bytes });

let shelf: Record<string, Buffer>;
let requests: string[];
let upstream: Server;
let directory: string;
let cache: Cache;
let upstreams: Upstreams;
let artifacts: ArtifactService;
let reporter: Reporter;
let asker: Asker;
/** Who is near, who is far, and who turned out to be wrong. */
let near: ReturnType<typeof has>[];
/** Whether somebody has said already that they have it. */
let isKnown: boolean;
let far: ReturnType<typeof has>[];
let asked: string[];
let wrong: number;
let right: number;
/** What fetches were told of chunks. */
let told: (Vouched | undefined)[];
/** What the log says, by name. */
let logged: Map<string, Digest>;

/** What fetches wait for before anything comes. */
let arrives: Promise<unknown>;
/** What upstream waits for before it answers. */
let answers: PromiseWithResolvers<void> | undefined;
/** Peers in memory. */
const among = (who: 'near' | 'far'): Peers['near'] => {
  return async ({ digests }) => {
    asked.push(`${who} ${digests.join(' ')}`);
    const found = (who === 'near' ? near : far).find(({ digest }) => digests.includes(digest));
    return found && held(found.bytes);
  };
};
const held = (bytes: Uint8Array): Held => ({
  size: bytes.byteLength,
  peers: [PEER],
  fetch({ offset = 0, vouched }) {
    let given = 0;
    told.push(vouched);
    return {
      chunks: (async function* () {
        await arrives;
        for (let at = offset; at < bytes.byteLength; at += 2 ** 20) {
          const chunk = Uint8Array.from(bytes.subarray(at, at + 2 ** 20));
          given += chunk.byteLength;
          yield chunk;
        }
      })(),
      given: () => [{ peer: PEER, bytes: given, chunks: Math.ceil(given / 2 ** 20) }],
      wrong: () => void wrong++,
      right: () => void right++,
    };
  },
});

beforeEach(async () => {
  shelf = {
    '/small': listing('small', small),
    '/large': listing('large', large),
    '/small/1.0/file': small,
    '/large/1.0/file': large,
  };
  isKnown = false;
  arrives = Promise.resolve();
  [requests, asked, near, far, wrong, right, told, logged] = [[], [], [], [], 0, 0, [], new Map()];
  answers = undefined;
  const answerTo = (path: string, response: ServerResponse): void => {
    const found = shelf[path];
    if (found) response.end(found);
    else response.writeHead(404).end();
  };
  upstream = createServer((request, response) => {
    requests.push(request.url!);
    if (answers) void answers.promise.then(() => answerTo(request.url!, response));
    else answerTo(request.url!, response);
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  directory = await mkdtemp(join(tmpdir(), 'peers-'));
  cache = await openCache(join(directory, 'cache'));
  upstreams = openUpstreams({ silenceMs: 20_000 });
  artifacts = openArtifacts({
    cache,
    upstreams,
    documents: openDocuments(cache.documents, upstreams, Date.now),
    resolver: openResolver(cache),
    now: Date.now,
    onContradiction: () => {},
    peers: { near: among('near'), far: among('far'), knows: () => isKnown },
    log,
  });
  reporter = openReporter({ launch: 'x', command: ['plain'], cwd: '/', startedAt: 0, policy: 'observe' });
  asker = {
    upstream: {
      url: new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`),
      name: 'npm',
      public: true,
      ecosystem: plain,
    },
    connection: { strictSsl: true },
    policy: 'observe',
    reporter,
  };
});
afterEach(async () => {
  await artifacts.settled();
  await upstreams[Symbol.asyncDispose]();
  await cache[Symbol.asyncDispose]();
  upstream.close();
  upstream.closeAllConnections();
  await rm(directory, { recursive: true });
});

/** What is delivered, and its line in the report; undefined where there is no such thing. */
async function get(name: 'small' | 'large', claimed: Digest | undefined, by: Asker = asker) {
  const coordinates = { ecosystem: 'npm', name, version: '1.0' } as const;
  const path = `/${name}/1.0/file`;
  const delivery = await artifacts.deliver(by, { coordinates, path, ...(claimed && { claimed }) });
  if (!delivery) return undefined;
  const body = Buffer.concat(await Array.fromAsync(delivery.chunks));
  return { body, line: await delivery.line() };
}

describe('what a neighbour has', () => {
  it('comes from there, while the registry says that it is what its name says', async () => {
    near = [has(sha256(small))];
    const { body, line } = (await get('small', sha256(small)))!;
    expect(body.equals(small)).toBe(true);
    expect(requests).toEqual(['/small']);
    expect(line).toMatchObject({
      source: 'peer',
      word: 'declared',
      by: 'the registry',
      given: [{ peer: PEER, bytes: 20_000, chunks: 1 }],
    });
    await artifacts.settled();
    expect(cache.offered(sha256(small))).toMatchObject({ sha256: sha256(small), size: 20_000 });
  });

  it('comes from there while the registry is asked about it, which needs not be remembered', async () => {
    near = [has(sha256(small))];
    isKnown = true;
    arrives = once(upstream, 'request');
    const { line } = (await get('small', sha256(small)))!;
    expect([line.source, line.word, requests]).toEqual(['peer', 'declared', ['/small']]);
    expect([...cache.documents.find('/*')]).toEqual([]);
  });

  it('is told of to its own registry alone where that is private', async () => {
    near = [has(sha256(small))];
    isKnown = true;
    const own = { ...asker.upstream, public: false };
    const { line } = (await get('small', sha256(small), { ...asker, upstream: own }))!;
    expect([line.source, asked, requests]).toEqual(['upstream', [], ['/small/1.0/file']]);
  });

  it('comes from there when it is too large for the memory', async () => {
    near = [has(sha256(large), large)];
    const { body, line } = (await get('large', sha256(large)))!;
    expect(body.equals(large)).toBe(true);
    expect([right, wrong]).toEqual([1, 0]);
    expect([requests, line.given]).toEqual([
      ['/large'],
      [{ peer: PEER, bytes: large.byteLength, chunks: 12 }],
    ]);
  });

  it('is held, chunk by chunk, against what the log says of it where it is large', async () => {
    near = [has(sha256(large), large), has(sha256(small))];
    logged.set('pkg:npm/large@1.0', sha256(large));
    logged.set('pkg:npm/small@1.0', sha256(small));
    const { line } = (await get('large', sha256(large)))!;
    expect(line).toMatchObject({ source: 'peer', word: 'published' });
    await get('small', sha256(small));
    expect(told).toEqual([
      { size: large.byteLength, chunkSize: 2 ** 20, root: Buffer.alloc(32, 7) },
      undefined,
    ]);
    expect(requests).toEqual([]);
  });

  it('is refused when the registry says that its name means something else', async () => {
    const other = randomBytes(5000);
    near = [has(sha256(other), other)];
    await expect(get('small', sha256(other))).rejects.toMatchObject({ code: 'CONTRADICTED' });
    await artifacts.settled();
    expect(cache.offered(sha256(other))).toBeUndefined();
  });

  it('is nothing when the registry knows no such thing', async () => {
    near = [has(sha256(small))];
    delete shelf['/small'];
    expect(await get('small', sha256(small))).toBeUndefined();
  });

  it('is served on the lockfile’s word where upstream says nothing at all, and what it says later is held against that', async () => {
    const other = randomBytes(5000);
    const third = randomBytes(5000);
    near = [has(sha256(other), other), has(sha256(third), third)];
    answers = Promise.withResolvers();
    const since = performance.now();
    expect((await get('small', sha256(other)))!.line).toMatchObject({ source: 'peer', word: 'claimed' });
    expect(performance.now() - since).toBeGreaterThan(1900);
    // Nobody waits for it again.
    await get('large', sha256(third));
    expect(performance.now() - since).toBeLessThan(3500);
    answers.resolve();
    await expect
      .poll(() => reporter.receipt(1).notes.filter((note) => note.includes('names another digest')))
      .toHaveLength(2);
    await artifacts.settled();
    expect([other, third].map((bytes) => cache.offered(sha256(bytes)))).toEqual([undefined, undefined]);
    expect((await get('small', sha256(small)))!.line.word).toBe('declared');
  });

  it('waits for the registry where the policy wants more than a lockfile’s word', async () => {
    near = [has(sha256(small))];
    answers = Promise.withResolvers();
    const waiting = get('small', sha256(small), { ...asker, policy: 'locked' });
    await Promise.race([waiting, delay(2500)]);
    answers.resolve();
    expect((await waiting)!.line).toMatchObject({ source: 'peer', word: 'declared' });
  });

  it('is served on the lockfile’s word where upstream is not asked, and given to nobody else', async () => {
    near = [has(sha256(small))];
    const { body, line } = (await get('small', sha256(small), { ...asker, offline: 'PYRSIA_OFFLINE' }))!;
    expect([body.equals(small), line.word, requests]).toEqual([true, 'claimed', []]);
    await artifacts.settled();
    expect(cache.offered(sha256(small))).toBeUndefined();
  });
});

describe('what upstream has begun to send', () => {
  it('is gone on with from peers who are found meanwhile, where it is known what it is', async () => {
    far = [has(sha256(large), large)];
    logged.set('pkg:npm/large@1.0', sha256(large));
    const { body, line } = (await get('large', sha256(large)))!;
    expect(body.equals(large)).toBe(true);
    const [own, theirs] = line.given!;
    expect([own!.peer, theirs!.peer, own!.bytes + theirs!.bytes]).toEqual([
      undefined,
      PEER,
      large.byteLength,
    ]);
    expect(line.source).toBe('peer');
  });

  it('is given to nobody, neither while it arrives nor then, where its registry is private', async () => {
    const own = { ...asker.upstream, public: false, name: 'http://own/' };
    await get('large', sha256(large), { ...asker, upstream: own });
    expect(cache.pathOf(sha256(large))).toBeDefined();
    expect(cache.offered(sha256(large))).toBeUndefined();
  });

  it('is not, where only a lockfile names it: then upstream’s own bytes say what it is', async () => {
    far = [has(sha256(large), large)];
    const { line } = (await get('large', sha256(large)))!;
    expect([line.source, line.word, line.given]).toEqual(['upstream', 'declared', undefined]);
  });
});

describe('a neighbour that lies', () => {
  it.each(['small', 'large'] as const)('is passed over for upstream, and told of (%s)', async (name) => {
    const bytes = name === 'small' ? small : large;
    const lie = Buffer.from(bytes);
    lie[7]! ^= 1;
    near = [has(sha256(bytes), lie.subarray(0, name === 'small' ? undefined : 8 * 2 ** 20))];
    const { body, line } = (await get(name, sha256(bytes)))!;
    expect(body.equals(bytes)).toBe(true);
    expect(line).toMatchObject({ passedOver: [{ source: 'peer' }] });
    expect(wrong).toBe(name === 'small' ? 1 : wrong);
    expect(requests).toContain(`/${name}/1.0/file`);
  });
});

describe('a neighbour that claims to have everything', () => {
  it('has no client begin a reply with a length that it made up', async () => {
    near = [has(sha256(small), randomBytes(9 * 2 ** 20))];
    const { body, line } = (await get('small', sha256(small)))!;
    expect(body.equals(small)).toBe(true);
    expect(line).toMatchObject({ source: 'upstream', passedOver: [{ source: 'peer' }] });
    expect(wrong).toBe(1);
  });
});

describe('peers', () => {
  it('who are far are asked when upstream cannot be, and only then', async () => {
    far = [has(sha256(small))];
    await get('large', sha256(large));
    expect(asked).toEqual([`near ${sha256(large)}`]);
    upstream.close();
    upstream.closeAllConnections();
    const { body } = (await get('small', sha256(small)))!;
    expect(body.equals(small)).toBe(true);
    expect(asked.slice(1)).toEqual([`near ${sha256(small)}`, `far ${sha256(small)}`]);
  });

  it.each([
    ['is private', () => sha256(small), { public: false }, false],
    ['only a weak digest names', () => digestOf(small, 'sha1'), {}, false],
    ['somebody wants who wants no peers', () => sha256(small), {}, true],
  ])('are asked for nothing that %s', async (_, claimed, of: { public?: boolean }, alone) => {
    near = [has(sha256(small))];
    far = near;
    const { body } = (await get('small', claimed(), {
      ...asker,
      alone,
      upstream: { ...asker.upstream, ...of },
    }))!;
    expect([body.equals(small), asked]).toEqual([true, []]);
  });

  it('that fail say nothing of what upstream has', async () => {
    near = [has(sha256(small), randomBytes(3))];
    delete shelf['/small/1.0/file'];
    expect(await get('small', sha256(small))).toBeUndefined();
    expect(asked).toEqual([`near ${sha256(small)}`]);
  });

  it('are not asked with a login for what may be its owner’s alone', async () => {
    const authorization = 'Bearer mine';
    const claimed = sha256(small);
    const ask = async (name: string) => {
      const coordinates = { ecosystem: 'npm', name, version: '1.0' } as const;
      const delivery = await artifacts
        .deliver({ ...asker, authorization }, { coordinates, path: '/small/1.0/file', claimed })
        .catch(() => undefined);
      if (delivery) for await (const _ of delivery.chunks);
    };
    await ask('@owner/small');
    expect(asked).toEqual([]);
    near = [has(claimed)];
    await artifacts.settled();
    asked.length = 0;
    await cache.content.delete(claimed);
    await ask('small');
    expect(asked).not.toEqual([]);
  });
});
