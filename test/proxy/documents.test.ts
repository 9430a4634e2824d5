import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { DocumentKey, Documents, StoredDocument } from '../../src/cache/cache.ts';
import type { DocumentAddress } from '../../src/ecosystems/ecosystem.ts';
import { npm } from '../../src/ecosystems/npm/npm.ts';
import type { Asker } from '../../src/proxy/asker.ts';
import { decoded, DOCUMENT_LIMIT, openDocuments } from '../../src/proxy/documents.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';
import { openReporter } from '../../src/resolve/reporter.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type RegistryOptions, startRegistry } from '../fixtures/registry/registry.ts';

const left = () => makePackage({ name: 'left', version: '1.0.0' });
const [abbreviated, full] = npm.registry.listings({ name: 'left' }) as [DocumentAddress, DocumentAddress];

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

const keyOf = ({ upstream, path, accept }: DocumentKey): string => JSON.stringify([upstream, path, accept]);

/** Documents in memory; `put` fails while `full` is true. */
function shelf() {
  const kept = new Map<string, StoredDocument>();
  const touched: number[] = [];
  const state = { full: false };
  const documents: Documents = {
    get: async (key) => kept.get(keyOf(key)),
    async put(document) {
      if (state.full) throw new Error('no space left');
      kept.set(keyOf(document), document);
    },
    find: () => kept.values(),
    touch: (_, at) => void touched.push(at),
  };
  return { documents, kept, touched, state };
}

/** A service that asks `url`, and somebody who uses it. */
function serviceFor(url: string) {
  const upstreams = openUpstreams({ silenceMs: 300 });
  opened.unshift(upstreams);
  const held = shelf();
  let time = 1;
  const service = openDocuments(held.documents, upstreams, () => time);
  const reporter = openReporter({ launch: '', command: [], cwd: '/', startedAt: 0, policy: 'observe' });
  const asker: Asker = {
    upstream: { url: new URL(url), name: url, public: false, ecosystem: npm },
    connection: { strictSsl: true },
    policy: 'observe',
    reporter,
  };
  const get = async (address = abbreviated, more: Partial<Asker> = {}) =>
    service.get({ ...asker, ...more }, address);
  return { ...held, service, asker, reporter, get, at: (now: number) => void (time = now) };
}

async function world(options: RegistryOptions = {}) {
  const registry = await startRegistry({ packages: [left()], ...options });
  opened.push(registry);
  return { registry, ...serviceFor(registry.url) };
}

/** A server that answers everything in one way. */
async function always(answer: (response: ServerResponse, headers: IncomingHttpHeaders) => void) {
  const server = createServer(({ headers }, response) => answer(response, headers));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  });
  return serviceFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const nameIn = async (document: StoredDocument | undefined): Promise<unknown> =>
  JSON.parse(Buffer.from(await decoded(document!)).toString()) as unknown;

describe('A document', () => {
  it('is kept as it came over the wire, and asked for with a condition from then on', async () => {
    const { registry, get, kept, touched, at } = await world();
    const { document, status, from } = await get();
    expect({ status, from }).toEqual({ status: 200, from: 'upstream' });
    expect(document).toMatchObject({ checkedAt: 1, private: true, upstream: registry.url, path: '/left' });
    expect(document?.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'application/vnd.npm.install-v1+json',
      etag: expect.stringMatching(/^W\//),
    });
    expect([...(document?.body.subarray(0, 2) ?? [])]).toEqual([0x1f, 0x8b]);
    expect(await nameIn(document)).toMatchObject({ name: 'left' });

    at(2);
    expect(await get()).toMatchObject({ document: { body: document?.body }, status: 200, from: 'unchanged' });
    expect(touched).toEqual([2]);
    expect(registry.log.all.map(({ status: each }) => each)).toEqual([200, 304]);

    await registry.publish(makePackage({ name: 'left', version: '1.1.0' }));
    const fresh = await get();
    expect(fresh.from).toBe('upstream');
    expect(await nameIn(fresh.document)).toMatchObject({ 'dist-tags': { latest: '1.1.0' } });
    expect(kept.size).toBe(1);
  });

  it('is asked for by its date where there is no ETag, and anew where there is neither', async () => {
    const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
    const dated = await always((response, headers) => {
      if (headers['if-modified-since'] === date) return response.writeHead(304).end();
      return response.setHeader('last-modified', date).end('{"name":"left"}');
    });
    for (const from of ['upstream', 'unchanged']) expect(await dated.get()).toMatchObject({ from });
    const { registry, get } = await world({ plain: true });
    for (const from of ['upstream', 'upstream']) expect(await get()).toMatchObject({ from });
    expect(registry.log.all.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, undefined]);
  });

  it('is one for installing and another one in full', async () => {
    const { get, kept } = await world();
    expect(await nameIn((await get(abbreviated)).document)).not.toHaveProperty('readme');
    expect(await nameIn((await get(full)).document)).toHaveProperty('readme');
    expect(kept.size).toBe(2);
  });

  it('is of one registry, and private where that is not public', async () => {
    const [mine, theirs] = [await startRegistry({ packages: [left()] }), await startRegistry()];
    opened.push(mine, theirs);
    const { kept, get, asker, service } = serviceFor(mine.url);
    const upstream = { ...asker.upstream, url: new URL(theirs.url) };
    expect(await get()).toMatchObject({ status: 200, document: { private: true } });
    expect(await service.atHand({ ...asker, upstream }, abbreviated)).toBeUndefined();
    expect(await get(abbreviated, { upstream })).toMatchObject({ status: 404 });
    expect(await get(full, { upstream: { ...asker.upstream, public: true } })).toMatchObject({
      document: { private: false },
    });
    expect([...kept.values()].map((document) => document.private)).toEqual([true, false]);
  });

  it('is fetched once for all who ask at the same time', async () => {
    const { registry, get } = await world();
    const answers = await Promise.all(Array.from({ length: 8 }, () => get()));
    expect(new Set(answers.map(({ document }) => document)).size).toBe(1);
    expect(registry.log.all).toHaveLength(1);
  });

  it('is at hand without asking anybody', async () => {
    const { registry, service, asker, get } = await world();
    expect(await service.atHand(asker, abbreviated)).toBeUndefined();
    await get();
    registry.log.clear();
    expect(await service.atHand(asker, abbreviated)).toMatchObject({ path: '/left' });
    expect(registry.log.all).toEqual([]);
  });

  it('is given also when it cannot be kept, with a note why', async () => {
    const { get, state, reporter } = await world();
    state.full = true;
    expect(await get()).toMatchObject({ from: 'upstream', document: { path: '/left' } });
    expect(reporter.receipt().notes).toEqual([expect.stringContaining('no space left')]);
  });
});

describe('The copy of a document', () => {
  it.each(['PYRSIA_OFFLINE=1', 'on a train'])(
    'is served without asking when offline (%s)',
    async (offline) => {
      const { registry, get } = await world();
      await expect(get(abbreviated, { offline })).rejects.toMatchObject({
        code: 'OFFLINE_MISS',
        details: { reason: offline },
      });
      const { document } = await get();
      registry.log.clear();
      expect(await get(abbreviated, { offline })).toEqual({
        document,
        status: 200,
        from: 'stale',
        reason: offline,
      });
      expect(registry.log.all).toEqual([]);
    },
  );

  it('is served when upstream is not there', async () => {
    const { registry, get } = await world();
    await get();
    await registry.pause();
    expect(await get()).toMatchObject({
      from: 'stale',
      reason: 'connection refused',
      document: { path: '/left' },
    });
    await expect(get(full)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
  });

  it('is not served when upstream says that there is none, or asks who it is', async () => {
    const { registry, get } = await world();
    await get();
    for (const status of [401, 403, 404, 410]) {
      registry.misbehave({ kind: 'status', status, times: 1 });
      expect(await get()).toEqual({ status, from: 'upstream' });
    }
  });

  it.each([
    ['invalid-json', /^it ends too early \(\d+ bytes of application\/\S+ came\)$/],
    ['captive-portal', /^unexpected byte at 0 \(\d+ bytes of text\/html; charset=utf-8 came\)$/],
    ['broken-gzip', /^broken gzip: .+ \(\d+ bytes of application\/\S+ came\)$/],
    ['cut-short', /^broke off: connection closed before the answer was complete$/],
    ['hang-in-body', /^broke off: nothing more for 0.3 s$/],
    ['hang', /^no answer within 0.3 s$/],
    ['redirect-loop', /^more than 10 redirects$/],
  ] as const)('outlives %s, which without it is an error', async (kind, reason) => {
    const { registry, get, kept } = await world({ plain: true });
    registry.misbehave({ kind, match: '/left' });
    const failure = { details: { reason: expect.stringMatching(reason) } };
    await expect(get()).rejects.toMatchObject(failure);
    expect(kept.size).toBe(0);

    registry.behave();
    const other = serviceFor(registry.url);
    const { document } = await other.get();
    registry.misbehave({ kind, match: '/left' });
    expect(await other.get()).toEqual({
      document,
      status: 200,
      from: 'stale',
      reason: failure.details.reason,
    });
    expect([...other.kept.values()]).toEqual([document]);
  });

  it('outlives a document that is about another package, at a scoped name too', async () => {
    const { registry, get } = await world();
    registry.misbehave({ kind: 'renamed', to: 'evil' });
    await expect(get()).rejects.toMatchObject({
      code: 'DOCUMENT_INVALID',
      message: expect.stringContaining('it is about "evil"'),
    });
    registry.behave();
    await registry.publish(makePackage({ name: '@acme/left', version: '1.0.0' }));
    const coordinates = { ecosystem: 'npm', name: '@acme/left', version: '1.0.0' } as const;
    for (const address of [...npm.registry.listings(coordinates), npm.registry.document(coordinates)]) {
      expect(await get(address)).toMatchObject({ from: 'upstream' });
    }
  });
});

describe('A document that is too large', () => {
  const refused = { code: 'DOCUMENT_TOO_LARGE', details: { limit: DOCUMENT_LIMIT } };

  it('is refused by its length, before it is read', async () => {
    const { get } = await always((response) => {
      response.writeHead(200, { 'content-length': DOCUMENT_LIMIT + 1 });
      response.write('{');
    });
    await expect(get()).rejects.toMatchObject(refused);
  });

  it('is refused when it grows beyond the limit', async () => {
    const { registry, get, kept } = await world();
    registry.misbehave({ kind: 'huge-document', bytes: DOCUMENT_LIMIT + 32 * 2 ** 20 });
    await expect(get()).rejects.toMatchObject(refused);
    expect(registry.log.all[0]?.bytes).toBeLessThan(DOCUMENT_LIMIT + 8 * 2 ** 20);
    expect(kept.size).toBe(0);
  });

  it('is refused when it is small only as long as it is compressed', async () => {
    const bomb = gzipSync(Buffer.alloc(DOCUMENT_LIMIT + 1, ' '), { level: 1 });
    const { get, kept } = await always((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(bomb);
    });
    await expect(get()).rejects.toMatchObject(refused);
    expect(kept.size).toBe(0);
  });

  it.each(['zstd', 'constructor', 'gzip, gzip'])(
    'or encoded as %s, for which nobody asked, cannot be read',
    async (encoding) => {
      const { get } = await always((response) => {
        response.writeHead(200, { 'content-encoding': encoding });
        response.end('{}');
      });
      await expect(get()).rejects.toMatchObject({
        code: 'DOCUMENT_INVALID',
        message: expect.stringContaining(`encoded as "${encoding}"`),
      });
    },
  );
});
