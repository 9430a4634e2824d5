import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fill } from '../../src/agent/fill.ts';
import type { HeadStart } from '../../src/agent/head-start.ts';
import type { Plan } from '../../src/agent/sessions.ts';
import type { Cache } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import type { Wanted } from '../../src/content/descriptor.ts';
import { type Digest, digestFromIntegrity, digestOf, hexOf } from '../../src/content/digest.ts';
import { npm } from '../../src/ecosystems/npm/npm.ts';
import type { Peers } from '../../src/p2p/contract.ts';
import type { ArtifactService } from '../../src/proxy/artifact-service.ts';
import { openArtifacts } from '../../src/proxy/artifacts.ts';
import type { Asker, Upstream } from '../../src/proxy/asker.ts';
import { openDocuments } from '../../src/proxy/documents.ts';
import { openUpstreams, type Upstreams } from '../../src/proxy/upstream.ts';
import { openReporter, type Reporter } from '../../src/resolve/reporter.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import type { InstallSettings } from '../../src/shims/settings.ts';
import { lockedTo } from '../e2e/locked.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import { type Registry, type RegistryOptions, startRegistry } from '../fixtures/registry/registry.ts';
import type { LockedPackage } from '../support/project.ts';

let directory: string;
let cache: Cache;
let upstreams: Upstreams;
let artifacts: ArtifactService;
let reporter: Reporter;
let registry: Registry;
let over: AbortController;
let peers: ReturnType<typeof having> | undefined;
let asker: Asker;
/** What the head start was told. */
let headStarts: string[];

beforeEach(() => {
  headStarts = [];
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-fill-cold-'));
  over = new AbortController();
  reporter = openReporter({ launch: 'L', command: ['npm', 'ci'], cwd: '/', startedAt: 1, policy: 'observe' });
});
afterEach(async () => {
  over.abort();
  await upstreams[Symbol.asyncDispose]();
  await cache[Symbol.asyncDispose]();
  await registry.close();
  rmSync(directory, { recursive: true });
});

/** A registry with these packages, a lockfile that pins them, and an agent that has none of them. */
async function open(
  packages: readonly Package[],
  {
    readOnly,
    askedAs = {},
    instead,
    ...options
  }: RegistryOptions & { readOnly?: string; askedAs?: Partial<Asker>; instead?: LockedPackage } = {},
) {
  registry = await startRegistry({ packages, ...options });
  cache = await openCache(join(directory, 'cache'), readOnly === undefined ? {} : { readOnly });
  upstreams = openUpstreams({ silenceMs: 20_000 });
  artifacts = openArtifacts({
    cache,
    upstreams,
    resolver: openResolver(cache),
    documents: openDocuments(cache.documents, upstreams, Date.now),
    now: Date.now,
    onContradiction: () => {},
    ...(peers && { peers }),
  });
  asker = {
    upstream: { url: new URL(registry.url), name: 'npm', public: true, ecosystem: npm },
    connection: { strictSsl: true },
    policy: 'observe',
    reporter,
    ...askedAs,
  };
  const { lockfile } = lockedTo(registry, packages, instead);
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lockfile));
}

/** Peers who have these, and what they were asked. */
function having(
  packages: readonly Package[],
  prepared: Digest[],
): Pick<Peers, 'prepare' | 'knows' | 'near' | 'far'> {
  const found = ({ digests }: Wanted): Uint8Array | undefined =>
    packages.find(({ tarball }) => digests.includes(digestOf(tarball, 'sha512')))?.tarball;
  const near: Peers['near'] = async (wanted) => {
    const bytes = found(wanted);
    if (!bytes) return undefined;
    const given = [{ peer: 'neighbour', bytes: bytes.byteLength, chunks: 1 }];
    const chunks = (async function* () {
      yield Uint8Array.from(bytes);
    })();
    return {
      size: bytes.byteLength,
      peers: ['neighbour'],
      fetch: () => ({ chunks, given: () => given, wrong() {} }),
    };
  };
  return {
    prepare: async (digests) => void prepared.push(...digests),
    knows: (wanted) => found(wanted) !== undefined,
    near,
    far: near,
  };
}

async function run(about: Partial<InstallSettings> = {}): Promise<readonly string[]> {
  const plan: Plan = {
    session: { reporter, askers: new Map(), receipt: (endedAt) => reporter.receipt(endedAt) },
    settings: {
      upstreams: [],
      connection: { strictSsl: true },
      globalConfig: '',
      sources: [],
      lockedHosts: [],
      install: {
        cache: join(directory, 'npm'),
        lockfiles: [join(directory, 'package-lock.json')],
        omit: [],
        os: 'linux',
        cpu: 'x64',
        ...about,
      },
    },
    notes: [],
    askerFor: () => asker,
    filling: { how: 'link', limit: 1e9 },
    redirection: { env: {} },
  };
  const headStart: HeadStart = {
    over: Promise.resolve(),
    lack: (count) => void headStarts.push(`${count} are lacking`),
    came: () => void headStarts.push('one came'),
    end: () => void headStarts.push('over'),
  };
  await fill({ cache, artifacts, upstreams, ...(peers && { peers }) }, npm.tools[0]!, plan, over.signal, {
    headStart,
  });
  return reporter.receipt().artifacts.map(({ purl }) => purl.slice('pkg:npm/'.length));
}

const make = async (...names: readonly string[]): Promise<readonly Package[]> =>
  Promise.all(names.map(async (name) => makePackage({ name, version: '1.0.0' })));
const many = async (count: number): Promise<readonly Package[]> =>
  make(...Array.from({ length: count }, (_, i) => `package-${String(i).padStart(2, '0')}`));
const placed = ({ dist }: Package): string => {
  const hex = hexOf(digestFromIntegrity(dist.integrity!)!);
  return join(directory, 'npm/_cacache/content-v2/sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
};
const asked = (): readonly string[] =>
  registry.log.tarballs().map(({ path }) => path.slice(1, path.indexOf('/-/')));

describe('What peers have', () => {
  afterEach(() => void (peers = undefined));

  it('is fetched from them, and bound by the registry; the rest is from upstream', async () => {
    const packages = await many(12);
    const prepared: Digest[] = [];
    peers = having(packages.slice(2), prepared);
    await open(packages);
    expect(await run()).toHaveLength(12);
    expect(prepared.toSorted()).toEqual(
      packages.map(({ tarball }) => digestOf(tarball, 'sha512')).toSorted(),
    );
    const { totals, artifacts: lines } = reporter.receipt();
    expect(totals).toMatchObject({ linked: 12, verified: 12, claimed: 0 });
    expect(totals.peer).toBeGreaterThan(0);
    for (const { word, by } of lines) expect([word, by]).toEqual(['declared', 'the registry']);
    expect(asked()).toEqual(expect.arrayContaining(['package-00', 'package-01']));
  });

  it.each([
    ['is private', { upstream: { name: 'https://npm.example/', public: false } }],
    ['is for somebody who wants no peers', { alone: true }],
  ])('is not heard of when it %s', async (_, how: { upstream?: Partial<Upstream>; alone?: boolean }) => {
    const packages = await many(3);
    const prepared: Digest[] = [];
    peers = having(packages, prepared);
    await open(packages);
    asker = { ...asker, ...how, upstream: { ...asker.upstream, ...how.upstream } };
    await run();
    expect(prepared).toEqual([]);
    expect(reporter.receipt().totals).toMatchObject({ peer: 0, upstream: 3 });
  });
});

describe('What is not here', () => {
  it('is fetched, bound, stored and linked, all of it once', async () => {
    const packages = [
      ...(await make('left', '@acme/right')),
      await makePackage({ name: 'middle', version: '1.0.0', size: 3_000_000 }),
      await makePackage({ name: 'large', version: '1.0.0', size: 10_000_000 }),
    ];
    await open(packages);
    expect((await run()).toSorted()).toEqual(
      ['%40acme/right', 'large', 'left', 'middle'].map((name) => `${name}@1.0.0`),
    );
    expect(asked().toSorted()).toEqual(['@acme/right', 'large', 'left', 'middle']);
    expect(registry.log.documents()).toEqual([]);
    for (const each of packages) {
      expect(readFileSync(placed(each)).equals(each.tarball), each.name).toBe(true);
      expect(statSync(placed(each))).toMatchObject({ nlink: 2 });
      const coordinates = { ecosystem: 'npm', name: each.name, version: '1.0.0' } as const;
      expect(cache.bindings.get({ upstream: 'npm', coordinates })).toMatchObject({
        size: each.tarball.byteLength,
        private: false,
      });
    }
    const { artifacts: lines, totals, fill: filled } = reporter.receipt();
    for (const line of lines)
      expect(line).toMatchObject({ outcome: 'linked', via: 'linked', source: 'upstream', word: 'declared' });
    expect(totals).toMatchObject({ artifacts: 4, upstream: 4, linked: 4, cache: 0, verified: 4, saved: 0 });
    expect(filled).toMatchObject({ linked: 4, copied: 0 });
  });

  it('is from upstream even for a tool that asks the moment that it is stored', async () => {
    const [left] = await make('left');
    await open([left!]);
    const { deliver } = artifacts;
    const eager: Cache = {
      ...cache,
      content: {
        ...cache.content,
        async put(...wanted) {
          const stored = await cache.content.put(...wanted);
          const claimed = digestFromIntegrity(left!.dist.integrity!)!;
          const coordinates = { ecosystem: 'npm', name: 'left', version: '1.0.0' } as const;
          const delivery = await deliver(asker, { coordinates, claimed, path: '/left/-/left-1.0.0.tgz' });
          for await (const _ of delivery!.chunks);
          await reporter.add(await delivery!.line());
          return stored;
        },
      },
    };
    artifacts = openArtifacts({
      cache: eager,
      upstreams,
      resolver: openResolver(eager),
      documents: openDocuments(cache.documents, upstreams, Date.now),
      now: Date.now,
      onContradiction: () => {},
    });
    await run();
    expect(reporter.receipt().artifacts).toMatchObject([{ outcome: 'delivered', source: 'upstream' }]);
    expect(asked()).toEqual(['left']);
  });

  it('gives the tool a later start where it is much', async () => {
    await open(await many(70));
    await run();
    const [first, ...rest] = headStarts;
    expect(first).toBe('70 are lacking');
    expect(rest.filter((each) => each === 'one came')).toHaveLength(70);
    expect(rest.at(-1)).toBe('over');
  });

  it('gives the tool no later start where most is here, or little is lacking', async () => {
    const packages = await many(130);
    await open(packages.slice(0, 64));
    await run();
    headStarts = [];
    const { lockfile } = lockedTo(registry, packages);
    writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lockfile));
    rmSync(join(directory, 'npm'), { recursive: true });
    await run();
    expect(headStarts[0]).toBe('over');

    headStarts = [];
    const { lockfile: short } = lockedTo(registry, packages.slice(100, 130));
    writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(short));
    await run();
    expect(headStarts[0]).toBe('over');
  });

  it('is fetched in the order in which npm asks: the last first', async () => {
    await open(await many(12));
    await run({ connections: 1 });
    expect(asked()).toEqual((await many(12)).map(({ name }) => name).toReversed());
  });

  it('is fetched on no more connections than the user allows', async () => {
    await open(await many(12));
    registry.misbehave({ kind: 'hang' });
    const filling = run({ connections: 2 });
    await expect.poll(() => asked().length, { timeout: 10_000 }).toBe(2);
    over.abort();
    await filling;
    expect(asked()).toHaveLength(2);
  });

  it('is fetched on few connections while nothing has come yet', async () => {
    await open(await many(12));
    registry.misbehave({ kind: 'hang' });
    const filling = run();
    await expect.poll(() => asked().length, { timeout: 10_000 }).toBe(4);
    over.abort();
    await filling;
    expect(asked()).toHaveLength(4);
  });

  it('is the same transfer that npm asks for meanwhile', async () => {
    const [left] = await make('left');
    await open([left!]);
    registry.misbehave({ kind: 'drip', bytes: 200, everyMs: 20 });
    const filling = run();
    await expect.poll(() => asked().length, { timeout: 10_000 }).toBe(1);
    const coordinates = { ecosystem: 'npm', name: 'left', version: '1.0.0' } as const;
    const delivery = await artifacts.deliver(asker, {
      coordinates,
      path: '/left/-/left-1.0.0.tgz',
      claimed: digestFromIntegrity(left!.dist.integrity!)!,
    });
    expect(delivery?.size).toBe(left!.tarball.byteLength);
    await filling;
    expect(asked()).toEqual(['left']);
  });

  it('is fetched where our copy is damaged, too', async () => {
    const [left] = await make('left');
    await open([left!]);
    await run();
    rmSync(join(directory, 'npm'), { recursive: true });
    const file = cache.pathOf(digestFromIntegrity(left!.dist.integrity!)!)!;
    rmSync(file);
    writeFileSync(file, Buffer.alloc(left!.tarball.byteLength));
    await run();
    expect(readFileSync(placed(left!)).equals(left!.tarball)).toBe(true);
    expect(asked()).toEqual(['left', 'left']);
  });
});

describe('npm has to ask for', () => {
  it('what is other bytes than the lockfile says, and is told why', async () => {
    const [left, right] = await make('left', 'right');
    await open([left!, right!]);
    registry.misbehave({ kind: 'flipped-byte', match: /left/ });
    expect(await run()).toEqual(['right@1.0.0']);
    expect(existsSync(placed(left!))).toBe(false);
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'left' })).toEqual([]);
  });

  it('what is bound to other bytes than the lockfile says, and nobody is asked', async () => {
    const [left, evil] = await make('left', 'evil');
    await open([left!]);
    await run();
    registry.log.clear();
    const { lockfile } = lockedTo(registry, [left!], { integrity: evil!.dist.integrity! });
    writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lockfile));
    await run();
    expect(existsSync(placed(evil!))).toBe(false);
    expect(registry.log.all).toEqual([]);
  });

  it('a package that the lockfile gives the digest of another one, be that one fetched or not', async () => {
    const [left, lodash] = await make('left', 'lodash');
    await open([left!, lodash!], { instead: { integrity: left!.dist.integrity! } });
    expect(await run()).toEqual([]);
    expect(existsSync(placed(left!))).toBe(false);
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'lodash' })).toEqual([]);
  });

  it('what is here, and is merely claimed to be that', async () => {
    const [left] = await make('left');
    await open([left!]);
    registry.misbehave({ kind: 'status', status: 500, match: '/left/1.0.0' });
    await cache.content.put({ digests: [digestFromIntegrity(left!.dist.integrity!)!] }, [left!.tarball]);
    expect(await run()).toEqual([]);
    expect(existsSync(placed(left!))).toBe(false);
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'left' })).toEqual([]);
  });

  it('what nobody but its user may have, and no credential is sent', async () => {
    await open(await make('secret', 'left'), {
      auth: { token: 't', packages: ['secret'] },
      askedAs: { authorization: 'Bearer t' },
    });
    expect(await run()).toEqual(['left@1.0.0']);
    expect(registry.log.authorized()).toEqual([]);
  });

  it.each<[string, Parameters<typeof open>[1], Partial<InstallSettings>]>([
    ['offline', { askedAs: { offline: 'PYRSIA_OFFLINE=1' } }, {}],
    ['told to ask nobody', {}, { connections: 0 }],
    ['unable to store anything', { readOnly: 'another agent writes it' }, {}],
  ])('all where we are %s', async (_, options, about) => {
    await open(await make('left'), options);
    expect(await run(about)).toEqual([]);
    expect(registry.log.all).toEqual([]);
  });

  it('all where its own cache cannot be filled', async () => {
    await open(await make('left'));
    writeFileSync(join(directory, 'npm'), 'no folder');
    expect(await run()).toEqual([]);
    expect(registry.log.all).toEqual([]);
  });

  it.each([429, 503])('the rest when upstream answers %d and when to ask again', async (status) => {
    await open(await many(12));
    registry.misbehave({ kind: 'status', status, retryAfter: 1 });
    expect(await run()).toEqual([]);
    // What was under way asks again, as late as it is told to, and nothing besides is begun.
    expect(new Set(asked()).size).toBeLessThanOrEqual(4);
    expect(asked().length).toBeLessThanOrEqual(12);
    const before = asked().length;
    registry.behave();
    // Until then nothing is fetched for other launches either.
    await run();
    expect(asked()).toHaveLength(before);
  });

  it('the rest when upstream fails again and again', async () => {
    await open(await many(20));
    registry.misbehave({ kind: 'status', status: 403 });
    expect(await run()).toEqual([]);
    expect(asked().length).toBeLessThanOrEqual(8);
  });

  it('the rest when the launch is over: what had begun is broken off, and can be had anew', async () => {
    const [left] = await make('left');
    await open([left!]);
    registry.misbehave({ kind: 'hang-in-body', times: 1 });
    const filling = run();
    await expect.poll(() => registry.log.bytes(), { timeout: 10_000 }).toBeGreaterThan(0);
    over.abort();
    await filling;
    over = new AbortController();
    expect(await run()).toEqual(['left@1.0.0']);
    expect(asked()).toEqual(['left', 'left']);
  });
});
