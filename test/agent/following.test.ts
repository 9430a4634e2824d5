import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFollowings } from '../../src/agent/following.ts';
import type { Plan } from '../../src/agent/sessions.ts';
import type { StoredDocument } from '../../src/cache/cache.ts';
import { digestOf, integrityOf } from '../../src/content/digest.ts';
import { npm } from '../../src/ecosystems/npm/npm.ts';
import type { PinnedContent } from '../../src/ecosystems/ecosystem.ts';
import type { Asker } from '../../src/proxy/asker.ts';
import { openReporter } from '../../src/resolve/reporter.ts';

const [tool] = npm.tools;
const upstream = { url: new URL('https://public.example/'), name: 'npm', public: true, ecosystem: npm };
const headers = { 'user-agent': 'npm/11.0.0 node/v20.0.0' };

let directory: string;
let over: AbortController;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-following-'));
  over = new AbortController();
});
afterEach(() => {
  over.abort();
  rmSync(directory, { recursive: true });
});

/** A launch whose call names these packages, and its asker. */
function launch(named: readonly string[], how: 'link' | 'off' = 'link'): { plan: Plan; asker: Asker } {
  const about = { launch: 'L', command: ['npm', 'i'], cwd: '/', startedAt: 1, policy: 'observe' } as const;
  const reporter = openReporter(about);
  const connection = { strictSsl: true };
  const install = {
    cache: join(directory, 'npm'),
    lockfiles: [join(directory, 'package-lock.json')],
    omit: [],
    os: 'linux',
    cpu: 'x64',
    choice: { named, peers: true, manifest: join(directory, 'package.json') },
  };
  const settings = { upstreams: [], connection, globalConfig: '', sources: [], lockedHosts: [], install };
  const asker: Asker = { upstream, connection, policy: 'observe', reporter };
  const plan: Plan = {
    session: { reporter, askers: new Map(), receipt: (endedAt) => reporter.receipt(endedAt) },
    settings,
    notes: [],
    askerFor: () => asker,
    filling: { how, limit: 1e9 },
    redirection: { env: {} },
  };
  return { plan, asker };
}

/** The document of a package with one version, of `size` bytes at least. */
function documentOf(name: string, { size = 0, encoding = 'identity' } = {}): StoredDocument {
  const integrity = integrityOf(digestOf(Buffer.from(name), 'sha512'));
  const dist = { integrity, tarball: `https://public.example/${name}/-/${name}-1.0.0.tgz` };
  const versions = { '1.0.0': { name, version: '1.0.0', dist } };
  const text = JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions, readme: 'x'.repeat(size) });
  const body = encoding === 'gzip' ? gzipSync(text) : Buffer.from(text);
  const about = {
    upstream: upstream.url.href,
    path: `/${name}`,
    accept: '*/*',
    checkedAt: 1,
    private: false,
  };
  return { ...about, headers: { 'content-encoding': encoding }, body };
}

const delivered = (document: StoredDocument) => ({
  address: { path: document.path, accept: document.accept },
  what: document.path.slice(1),
  document,
  headers,
});

/** The names of what is found out next, up to `count` documents. */
async function next(followed: AsyncIterable<readonly PinnedContent[]>, count: number): Promise<string[]> {
  const names: string[] = [];
  for await (const content of followed) {
    names.push(...content.flatMap(({ packages }) => packages.map(({ name }) => name)));
    if ((count -= 1) === 0) break;
  }
  return names;
}

describe('A launch is followed', () => {
  it('by the documents that it was given itself', async () => {
    const followings = openFollowings({ atHand: async () => undefined });
    const [mine, other] = [launch(['left', 'right']), launch(['left'])];
    const followed = followings.open(tool!, mine.plan, over.signal)!;
    followings.open(tool!, other.plan, over.signal);
    followings.given(other.asker, delivered(documentOf('left')));
    followings.given(mine.asker, delivered(documentOf('right', { encoding: 'gzip' })));
    expect(await next(followed, 1)).toEqual(['right']);
  });

  it('until it is over', async () => {
    const { plan } = launch(['left']);
    const followed = openFollowings({ atHand: async () => undefined }).open(tool!, plan, over.signal)!;
    const found = next(followed, 1);
    over.abort();
    expect(await found).toEqual([]);
  });

  it('also where so many documents wait that some are read again', async () => {
    const names = Array.from({ length: 6 }, (_, at) => `package-${at}`);
    const read: string[] = [];
    const followings = openFollowings({
      async atHand(_, { path }) {
        read.push(path.slice(1));
        return documentOf(path.slice(1));
      },
    });
    const { plan, asker } = launch(names);
    const followed = followings.open(tool!, plan, over.signal)!;
    for (const name of names) followings.given(asker, delivered(documentOf(name, { size: 4_000_000 })));
    expect(await next(followed, 6)).toEqual(names);
    expect(read).toEqual(names.slice(4));
  });

  it('with room for those that come when others have had their turn', async () => {
    let again = 0;
    const atHand = async () => void (again += 1);
    const followings = openFollowings({ atHand });
    const { plan, asker } = launch(['left']);
    const found = followings.open(tool!, plan, over.signal)![Symbol.asyncIterator]();
    for (let round = 0; round < 6; round++) {
      followings.given(asker, delivered(documentOf('right', { size: 4_000_000 })));
      expect(await found.next()).toMatchObject({ value: [] });
    }
    followings.given(asker, delivered(documentOf('left', { size: 4_000_000 })));
    expect(await found.next()).toMatchObject({ value: [{ packages: [{ name: 'left' }] }] });
    expect(again).toBe(0);
  });

  it('by the project’s manifest and lockfile', async () => {
    writeFileSync(join(directory, 'package.json'), '{"dependencies":{"left":"1","right":"1"}}');
    writeFileSync(
      join(directory, 'package-lock.json'),
      '{"lockfileVersion":3,"packages":{"node_modules/left":{"version":"1.0.0"}}}',
    );
    const followings = openFollowings({ atHand: async () => undefined });
    const { plan, asker } = launch([]);
    const followed = followings.open(tool!, plan, over.signal)!;
    for (const name of ['left', 'right']) followings.given(asker, delivered(documentOf(name)));
    expect(await next(followed, 2)).toEqual(['right']);
  });

  it.each([
    ['too long', documentOf('left', { size: 17 * 2 ** 20 })],
    ['too long once it is unpacked', documentOf('left', { size: 17 * 2 ** 20, encoding: 'gzip' })],
    ['in an encoding that nobody knows', { ...documentOf('left'), headers: { 'content-encoding': 'mine' } }],
  ])('without a document that is %s', async (_, document) => {
    const followings = openFollowings({ atHand: async () => undefined });
    const { plan, asker } = launch(['left', 'right']);
    const followed = followings.open(tool!, plan, over.signal)!;
    for (const each of [document, documentOf('right')]) followings.given(asker, delivered(each));
    expect(await next(followed, 2)).toEqual(['right']);
  });

  it('not where its cache is not to be filled', () => {
    const { plan } = launch(['left'], 'off');
    expect(openFollowings({ atHand: async () => undefined }).open(tool!, plan, over.signal)).toBeUndefined();
  });
});
