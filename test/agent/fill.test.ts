import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fill } from '../../src/agent/fill.ts';
import type { Plan } from '../../src/agent/sessions.ts';
import type { Cache } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf, hexOf, integrityOf } from '../../src/content/digest.ts';
import { npm } from '../../src/ecosystems/npm/npm.ts';
import type { ArtifactService } from '../../src/proxy/artifact-service.ts';
import { openArtifacts } from '../../src/proxy/artifacts.ts';
import type { Asker } from '../../src/proxy/asker.ts';
import { openDocuments } from '../../src/proxy/documents.ts';
import { openUpstreams, type Upstreams } from '../../src/proxy/upstream.ts';
import { openReporter, type Reporter } from '../../src/resolve/reporter.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import type { LogWord } from '../../src/verify/logged.ts';

const [tool] = npm.tools;
const sha512 = (bytes: Uint8Array) => digestOf(bytes, 'sha512');

let directory: string;
let cache: Cache;
let upstreams: Upstreams;
let artifacts: ArtifactService;
let reporter: Reporter;
let plan: Plan;
let askers: Record<string, Asker | undefined>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-fill-'));
  cache = await openCache(join(directory, 'cache'));
  upstreams = openUpstreams({ silenceMs: 1000 });
  artifacts = artifactsBy();
  reporter = openReporter({ launch: 'L', command: ['npm', 'ci'], cwd: '/', startedAt: 1, policy: 'observe' });
  askers = { default: asker('https://public.example/', 'npm'), '@corp': asker('https://corp.example/npm/') };
  const install = {
    cache: join(directory, 'npm'),
    lockfiles: [join(directory, 'npm-shrinkwrap.json'), join(directory, 'package-lock.json')],
    omit: [],
    os: 'linux',
    cpu: 'x64',
    connections: 0,
  };
  plan = {
    session: { reporter, askers: new Map(), receipt: (endedAt) => reporter.receipt(endedAt) },
    settings: {
      upstreams: [],
      connection: { strictSsl: true },
      globalConfig: '',
      sources: [],
      lockedHosts: [],
      install,
    },
    notes: [],
    askerFor: (scope) => (scope !== undefined && scope in askers ? askers[scope] : askers['default']),
    filling: { how: 'link', limit: 1e9 },
    redirection: { env: {} },
  };
});
afterEach(async () => {
  await upstreams[Symbol.asyncDispose]();
  await cache[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function artifactsBy(log?: LogWord): ArtifactService {
  return openArtifacts({
    cache,
    upstreams,
    resolver: openResolver(cache),
    documents: openDocuments(cache.documents, upstreams, Date.now),
    now: Date.now,
    onContradiction: () => {},
    ...(log && { log }),
  });
}

/** A log that says of these, once it was asked for them, that they are other bytes; nothing of what it was not asked for. */
function contradicting(...names: readonly string[]): LogWord {
  const asked = new Set<string>();
  const digest = digestOf(Buffer.from('what others were given'), 'sha256');
  return {
    lookUp: async (purls) => Promise.resolve(purls.forEach((purl) => asked.add(purl))),
    finding(purl) {
      if (!asked.has(purl)) return { kind: 'unasked', reason: 'it was not asked yet' };
      const isOther = names.some((name) => purl.startsWith(`pkg:npm/${name}@`));
      return isOther ? { kind: 'logged', digest, entry: 7 } : { kind: 'unknown' };
    },
    told: () => ({ origin: 'log.example', old: false }),
    notes: () => [],
    prove: async () => Promise.resolve(undefined),
  };
}

function asker(url: string, name = url): Asker {
  const upstream = { url: new URL(url), name, public: name === 'npm', ecosystem: npm };
  return {
    upstream,
    connection: { strictSsl: true },
    policy: 'observe',
    get reporter() {
      return reporter;
    },
  };
}

/** Bytes in our cache, bound to these coordinates at `upstream`, unless that is left out. */
async function have(
  name: string,
  upstream?: string,
  length = 1000,
  { size = length }: { readonly size?: number | undefined } = {},
): Promise<Buffer> {
  const bytes = randomBytes(length);
  const { digests } = await cache.content.put({ digests: [sha512(bytes)] }, [bytes]);
  const coordinates = { ecosystem: 'npm', name, version: '1.0.0' } as const;
  if (upstream !== undefined)
    await cache.bindings.put({
      upstream,
      coordinates,
      digests,
      ...(size > 0 && { size }),
      private: upstream !== 'npm',
      seenAt: 1,
    });
  return bytes;
}

/** npm is led to us by its default registry, and takes what its lockfile has at the host `replaces` from there. */
function leads(replaces: string): void {
  plan = {
    ...plan,
    redirection: { env: { npm_config_registry: 'http://127.0.0.1:4001/' } },
    settings: { ...plan.settings, replacing: { replaces, isUsers: false } },
  };
}

const base = (name: string): string => name.split('/').pop()!;
function lock(
  packages: Record<string, { bytes: Uint8Array; host?: string; resolved?: string }>,
  file = 'package-lock.json',
) {
  const entries = Object.entries(packages).map(([name, { bytes, host = 'public.example', resolved }]) => [
    `node_modules/${name}`,
    {
      version: '1.0.0',
      resolved: resolved ?? `https://${host}/${name}/-/${base(name)}-1.0.0.tgz`,
      integrity: integrityOf(sha512(bytes)),
    },
  ]);
  writeFileSync(
    join(directory, file),
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { dependencies: Object.fromEntries(Object.keys(packages).map((name) => [name, '*'])) },
        ...Object.fromEntries(entries),
      },
    }),
  );
}

const run = async (signal = new AbortController().signal) => {
  await fill({ cache, artifacts, upstreams }, tool!, plan, signal);
  return reporter.receipt().artifacts.map(({ purl }) => purl.slice('pkg:npm/'.length));
};
const placed = (bytes: Uint8Array): string => {
  const hex = hexOf(sha512(bytes));
  return join(directory, 'npm/_cacache/content-v2/sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
};

describe('npm’s own cache is filled', () => {
  it('47: asks the log for all of it first, and leaves out what that contradicts', async () => {
    const [left, seen] = [await have('left', 'npm'), await have('seen', 'npm')];
    artifacts = artifactsBy(contradicting('seen'));
    lock({ left: { bytes: left }, seen: { bytes: seen } });
    expect(await run()).toEqual(['left@1.0.0']);
    expect([existsSync(placed(left)), existsSync(placed(seen))]).toEqual([true, false]);
  });

  it('with what is bound to what the lockfile says of it', async () => {
    const [left, large] = [await have('left', 'npm'), await have('large', 'npm', 3_000_000)];
    lock({ left: { bytes: left }, large: { bytes: large } });
    expect(await run()).toEqual(['left@1.0.0', 'large@1.0.0']);
    for (const bytes of [left, large]) {
      expect(readFileSync(placed(bytes)).equals(bytes)).toBe(true);
      expect(statSync(placed(bytes))).toMatchObject({ nlink: 2 });
    }
    expect(reporter.receipt()).toMatchObject({
      fill: { linked: 2, copied: 0, bytes: 3_001_000 },
      totals: { linked: 2, verified: 2, bytes: 3_001_000, saved: 3_001_000 },
    });
  });

  it('by copies where that is asked for, as many as fit', async () => {
    const [left, large] = [await have('left', 'npm'), await have('large', 'npm', 3_000_000)];
    lock({ large: { bytes: large }, left: { bytes: left } });
    plan = { ...plan, filling: { how: 'copy', limit: 2_000_000 } };
    expect(await run()).toEqual(['left@1.0.0']);
    expect(statSync(placed(left))).toMatchObject({ nlink: 1 });
    expect(existsSync(placed(large))).toBe(false);
  });

  it('by copies of no more than may be written, though nobody has measured it yet, and tells what was left', async () => {
    const [left, large] = [await have('left', 'npm'), await have('large', 'npm', 3_000_000, { size: 0 })];
    const of = { coordinates: { ecosystem: 'npm', name: 'large', version: '1.0.0' } as const };
    expect(artifacts.knownOf(askers['default']!, of)).not.toHaveProperty('size');
    lock({ large: { bytes: large }, left: { bytes: left } });
    plan = { ...plan, filling: { how: 'copy', limit: 2_000_000 } };
    expect(await run()).toEqual(['left@1.0.0']);
    expect(existsSync(placed(large))).toBe(false);
    const { fill: filled, artifacts: lines } = reporter.receipt();
    expect(filled).toMatchObject({ linked: 0, copied: 1, bytes: 1000, beyond: 1 });
    expect(lines).toMatchObject([{ outcome: 'linked', via: 'copied' }]);
  });

  it.each([
    [0o027, ['left@1.0.0'], undefined],
    [undefined, [], /^there is no /],
  ])('where nothing is above it yet, if the tool’s umask is known: %s', async (umask, filled, problem) => {
    const bytes = await have('left', 'npm');
    lock({ left: { bytes } });
    const { install } = plan.settings;
    plan = {
      ...plan,
      settings: { ...plan.settings, install: { ...install!, cache: join(directory, 'not/yet') } },
    };
    await fill(
      { cache, artifacts, upstreams, umask: () => umask },
      tool!,
      plan,
      new AbortController().signal,
    );
    const { artifacts: lines, fill: made } = reporter.receipt();
    expect(lines.map(({ purl }) => purl.slice('pkg:npm/'.length))).toEqual(filled);
    if (problem) expect(made?.problem).toMatch(problem);
    else expect(statSync(join(directory, 'not/yet')).mode & 0o777).toBe(0o750);
  });

  it('with a scope’s own registry’s packages, and those whose host npm replaces', async () => {
    const [ours, old] = [await have('@corp/a', 'https://corp.example/npm/'), await have('old', 'npm')];
    lock({
      '@corp/a': { bytes: ours, host: 'corp.example/npm' },
      old: { bytes: old, host: 'shipped.example' },
    });
    leads('shipped.example');
    expect(await run()).toEqual(['%40corp/a@1.0.0', 'old@1.0.0']);
    expect(reporter.receipt().artifacts).toMatchObject([
      { private: true, upstream: 'https://corp.example/npm/' },
      { private: false },
    ]);
  });

  it.each([
    ['shipped.example', 'shipped.example'],
    ['always', 'corp.example/npm'],
    ['corp.example', 'corp.example/npm'],
  ])(
    'where it replaces the host (%s), with what its default registry has, whatever the scope',
    async (replaces, host) => {
      const [theirs, ours] = [
        await have('@corp/a', 'https://corp.example/npm/'),
        await have('@corp/b', 'npm'),
      ];
      // Below a path this npm asks for another address than the lockfile's.
      const path = host.endsWith('/npm') ? 'corp.example' : host;
      lock({ '@corp/a': { bytes: theirs, host: path }, '@corp/b': { bytes: ours, host: path } });
      leads(replaces);
      expect(await run()).toEqual(['%40corp/b@1.0.0']);
    },
  );

  it('by npm-shrinkwrap.json where there is one', async () => {
    const [left, right] = [await have('left', 'npm'), await have('right', 'npm')];
    lock({ left: { bytes: left } });
    lock({ right: { bytes: right } }, 'npm-shrinkwrap.json');
    expect(await run()).toEqual(['right@1.0.0']);
  });
});

describe('npm has to ask for', () => {
  it.each<[string, () => Promise<void>]>([
    ['what is here, and nobody has bound', async () => lock({ left: { bytes: await have('left') } })],
    [
      'what is bound to other bytes',
      async () => {
        await have('left', 'npm');
        lock({ left: { bytes: await have('right', 'npm') } });
      },
    ],
    [
      'what shares its digest with a package that is not that',
      async () => {
        const bytes = await have('left', 'npm');
        lock({ left: { bytes }, lodash: { bytes } });
      },
    ],
    [
      'what was bound at another registry',
      async () => lock({ left: { bytes: await have('left', 'https://corp.example/npm/') } }),
    ],
    [
      'what the lockfile has from elsewhere',
      async () => lock({ left: { bytes: await have('left', 'npm'), host: 'elsewhere.example' } }),
    ],
    [
      'what the lockfile has from a path outside of the registry',
      async () => {
        const bytes = await have('@corp/a', 'https://corp.example/npm/');
        lock({ '@corp/a': { bytes, host: 'corp.example' } });
      },
    ],
    [
      'what the lockfile has from the address of another package',
      async () => {
        const resolved = 'https://public.example/right/-/right-1.0.0.tgz';
        lock({ left: { bytes: await have('left', 'npm'), resolved } });
      },
    ],
    [
      'what only npm itself may ask for',
      async () => {
        askers['@corp'] = undefined;
        const bytes = await have('@corp/a', 'https://corp.example/npm/');
        lock({ '@corp/a': { bytes, host: 'corp.example/npm' } });
      },
    ],
    [
      'what is not here any more',
      async () => {
        const bytes = await have('left', 'npm');
        lock({ left: { bytes } });
        await cache.content.delete(sha512(bytes));
      },
    ],
    [
      'all where it is not led to us',
      async () => {
        lock({ left: { bytes: await have('left', 'npm') } });
        const { redirection: _, ...unled } = plan;
        plan = unled;
      },
    ],
    [
      'all where the launch is over',
      async () => {
        lock({ left: { bytes: await have('left', 'npm') } });
        over = AbortSignal.abort();
      },
    ],
  ])('%s', async (_, given) => {
    over = undefined;
    await given();
    expect(await run(over)).toEqual([]);
    expect(existsSync(join(directory, 'npm'))).toBe(false);
    expect(reporter.receipt().fill).toBeUndefined();
  });
  let over: AbortSignal | undefined;

  it.each(['link', 'copy'] as const)(
    'what a weak digest binds to other bytes than the strong one that the lockfile names, to %s',
    async (how) => {
      plan = { ...plan, filling: { ...plan.filling, how } };
      const [left, evil] = [await have('left'), await have('evil', 'npm', 3_000_000)];
      const coordinates = { ecosystem: 'npm', name: 'left', version: '1.0.0' } as const;
      // What the cache never computed of its content contradicts nothing by itself.
      const seen = { upstream: 'npm', coordinates, private: false, seenAt: 1, reason: 'accepted' };
      await cache.bindings.put({ ...seen, digests: [digestOf(left, 'sha1')] });
      lock({ left: { bytes: evil } });
      expect(await run()).toEqual([]);
      expect(existsSync(placed(evil))).toBe(false);
      lock({ left: { bytes: left } });
      expect(await run()).toEqual(['left@1.0.0']);
    },
  );

  it('what is there already is nobody’s to count', async () => {
    const bytes = await have('left', 'npm');
    lock({ left: { bytes } });
    await run();
    const first = reporter.receipt();
    await fill({ cache, artifacts, upstreams }, tool!, plan, new AbortController().signal);
    expect(reporter.receipt()).toEqual(first);
  });

  it('the rest where the folder fails, and the reason is kept', async () => {
    const [left, right] = [await have('left', 'npm'), await have('right', 'npm')];
    lock({ left: { bytes: left }, right: { bytes: right } });
    mkdirSync(join(directory, 'npm', '_cacache', 'content-v2'), { recursive: true });
    writeFileSync(join(directory, 'npm', '_cacache', 'content-v2', 'sha512'), '');
    expect(await run()).toEqual([]);
    expect(reporter.receipt().fill).toMatchObject({
      linked: 0,
      problem: expect.stringContaining('is no directory'),
    });
  });
});
