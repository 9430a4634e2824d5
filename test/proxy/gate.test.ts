import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import {
  createServer,
  request as open,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { ArtifactService, Contradiction } from '../../src/proxy/artifact-service.ts';
import { openArtifacts } from '../../src/proxy/artifacts.ts';
import type { Asker } from '../../src/proxy/asker.ts';
import { openDocuments } from '../../src/proxy/documents.ts';
import { type GateParts, openGate } from '../../src/proxy/gate.ts';
import type { Gate } from '../../src/proxy/server.ts';
import { openUpstreams, type Upstreams } from '../../src/proxy/upstream.ts';
import { openReporter, type Reporter } from '../../src/resolve/reporter.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import { ask, type Question, type Reply } from '../support/ask.ts';
import { start } from '../support/command.ts';
import { PyrsiaError } from '../../src/errors.ts';
import { plain } from '../support/plain-ecosystem.ts';
import { asUser, unprivileged } from '../support/user.ts';

const LAUNCH = '00000000-0000-4000-8000-000000000000';
const apple = randomBytes(20_000);
const pear = randomBytes(10 * 2 ** 20);
const digest = digestOf(apple, 'sha256');

/** What upstream has, by path, and the requests that it got. */
let shelf: Record<string, Buffer | ((request: IncomingMessage, response: ServerResponse) => void)>;
let requests: string[];
let upstream: Server;
let directory: string;
let cache: Cache;
let upstreams: Upstreams;
let artifacts: ArtifactService;
let gate: Gate;
const about = { launch: LAUNCH, command: ['plain'], cwd: '/', startedAt: 0, policy: 'observe' } as const;
let reporter: Reporter;
let asker: Asker;
let admit: GateParts['admit'];
let contradictions: Contradiction[];
/** Happens whenever content is going to be looked for. */
let arriving: () => Promise<void>;

beforeEach(async () => {
  const listing = { name: 'apple', versions: { '1.0': digest, '3.0': digestOf(pear, 'sha256') } };
  shelf = {
    '/apple': Buffer.from(JSON.stringify(listing)),
    '/apple/1.0/file': apple,
    '/pear/1.0/file': pear,
  };
  requests = [];
  upstream = createServer((request, response) => {
    requests.push(
      `${request.method} ${request.url}${request.headers.authorization ? ' with credential' : ''}`,
    );
    const found = shelf[request.url!];
    if (typeof found === 'function') found(request, response);
    else if (found) response.end(found);
    else response.writeHead(404, { 'x-from': 'upstream' }).end('no such thing');
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');

  directory = await mkdtemp(join(tmpdir(), 'gate-'));
  cache = await openCache(join(directory, 'cache'));
  upstreams = openUpstreams({ silenceMs: 2000 });
  const documents = openDocuments(cache.documents, upstreams, Date.now);
  contradictions = [];
  arriving = async () => {};
  const resolver = openResolver(cache);
  artifacts = openArtifacts({
    cache,
    documents,
    upstreams,
    resolver: {
      async resolve(...asked) {
        await arriving();
        return resolver.resolve(...asked);
      },
    },
    now: Date.now,
    onContradiction: (found) => contradictions.push(found),
  });
  reporter = openReporter(about, { report: join(directory, 'report') });
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
  admit = async (credential) => (credential === LAUNCH ? asker : undefined);
  gate = await openGate(
    {
      artifacts,
      documents,
      upstreams,
      admit: async (credential) => admit(credential),
      refuse: plain.registry.refuse,
      log: () => {},
    },
    { host: '127.0.0.1' },
  );
});

afterEach(async () => {
  await gate[Symbol.asyncDispose]();
  await artifacts.settled();
  await upstreams[Symbol.asyncDispose]();
  await cache[Symbol.asyncDispose]();
  upstream.close();
  upstream.closeAllConnections();
  await rm(directory, { recursive: true });
});

const get = async (path: string, { headers, ...rest }: Question = {}): Promise<Reply> =>
  ask(new URL(path, gate.base), { ...rest, headers: { authorization: `Bearer ${LAUNCH}`, ...headers } });
const expecting = (named: string): Question => ({ headers: { 'x-expects': named } });
const reported = () => reporter.receipt().artifacts;
const weak = (bytes: Buffer) => digestOf(bytes, 'sha1');
const descriptors = async () => (await readdir('/proc/self/fd')).length;

describe('an artifact', () => {
  it('comes from upstream once, and is reported before its last byte', async () => {
    const first = await get('/apple/1.0/file', expecting(digest));
    expect(first).toMatchObject({ status: 200, complete: true });
    expect(first.body.equals(apple)).toBe(true);
    expect(reported()).toMatchObject([
      {
        purl: 'pkg:npm/apple@1.0',
        source: 'upstream',
        word: 'declared',
        by: 'the registry',
        digest,
        bytes: 20_000,
      },
    ]);
    await artifacts.settled();
    reporter = openReporter(about);
    asker = { ...asker, reporter };
    expect((await get('/apple/1.0/file', expecting(digest))).body.equals(apple)).toBe(true);
    expect(reported()[0]).toMatchObject({ source: 'cache', by: 'the bytes seen before' });
    expect(requests).toEqual(['GET /apple/1.0/file']);
  });

  it('is not complete for the client until it stands in the report', async () => {
    let isComplete = false;
    const add: Reporter['add'] = async (line) => {
      await sleep(50); // Time enough for a reply that does not wait.
      expect(isComplete).toBe(false);
      return reporter.add(line);
    };
    asker = { ...asker, reporter: { ...reporter, add } };
    const { complete } = await get('/apple/1.0/file', expecting(digest));
    isComplete = complete;
    expect([complete, reported().length]).toEqual([true, 1]);
  });

  it('of more than 8 MiB is streamed, and shared by those who want it at the same time', async () => {
    const named = expecting(digestOf(pear, 'sha256'));
    const replies = await Promise.all([1, 2, 3].map(async () => get('/pear/1.0/file', named)));
    for (const { body, complete } of replies) expect([complete, body.equals(pear)]).toEqual([true, true]);
    expect(requests).toEqual(['GET /pear/1.0/file']);
  });

  it('of which the client names no digest is measured by what the registry declares', async () => {
    shelf['/apple/1.0/file'] = randomBytes(20_000);
    const reply = await get('/apple/1.0/file');
    expect(reply.status).toBe(403);
    expect(reply.text).toContain(digest);
    expect(reported()).toMatchObject([{ outcome: 'refused' }]);
  });

  it('is not what a lockfile says it is when the registry says otherwise', async () => {
    const other = digestOf(pear, 'sha256');
    await get('/pear/1.0/file', expecting(other));
    await artifacts.settled();
    const reply = await get('/apple/1.0/file', expecting(other));
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.text).why).toMatch(new RegExp(`${digest} .the registry.*${other} .the lockfile`));
    expect(
      cache.bindings.get({
        upstream: 'npm',
        coordinates: { ecosystem: 'npm', name: 'apple', version: '1.0' },
      }),
    ).toBeUndefined();
    expect(contradictions).toEqual([]);
  });

  it('stays what it was at first use', async () => {
    await get('/apple/1.0/file', expecting(digest));
    await artifacts.settled();
    const other = digestOf(pear, 'sha256');
    const reply = await get('/apple/1.0/file', expecting(other));
    expect(reply.status).toBe(403);
    expect(reply.text).toContain(digest);
    expect(reply.text).toContain(other);
    expect(contradictions).toEqual([]);
    // Once the registry itself says so it is a change, which a human may accept.
    shelf['/apple'] = Buffer.from(JSON.stringify({ name: 'apple', versions: { '1.0': other } }));
    expect((await get('/apple/1.0/file', expecting(other))).status).toBe(403);
    expect(contradictions).toMatchObject([{ expected: digest, actual: other }]);
  });

  it('is refused when other bytes come than at first use, which a human may accept', async () => {
    await get('/apple/1.0/file', expecting(digest));
    await artifacts.settled();
    await cache.content.delete(digest);
    const other = randomBytes(20_000);
    shelf['/apple/1.0/file'] = other;
    const reply = await get('/apple/1.0/file');
    expect(reply.status).toBe(403);
    expect(reply.text).toContain('pyrsia trust accept pkg:npm/apple@1.0');
    expect(contradictions).toMatchObject([{ expected: digest, actual: digestOf(other, 'sha256') }]);
  });

  it('named by the client alone is delivered offline under observe, and refused under locked', async () => {
    await cache.content.put({ digests: [] }, [apple]);
    asker = { ...asker, offline: 'it was asked for' };
    expect((await get('/apple/1.0/file', expecting(digest))).status).toBe(200);
    expect(reported()[0]).toMatchObject({ word: 'claimed', by: 'the lockfile', rung: 'none' });
    await artifacts.settled();
    expect(cache.bindings.find({ digest })).toEqual([]);
    asker = { ...asker, policy: 'locked' };
    expect((await get('/apple/1.0/file', expecting(digest))).status).toBe(403);
    expect(requests).toEqual([]);
  });

  it('is not what a lockfile says it is either when the bytes have arrived meanwhile', async () => {
    const other = digestOf(pear, 'sha256');
    // They come for another package just after it was looked whether they are here.
    arriving = async () => void (await cache.content.put({ digests: [] }, [pear]));
    const reply = await get('/apple/1.0/file', expecting(other));
    expect(reply.status).toBe(403);
    expect(reply.text).toContain(digest);
  });

  it('is remembered as private where its registry is, and as public where that is', async () => {
    await get('/apple/1.0/file', expecting(digest));
    asker = { ...asker, upstream: { ...asker.upstream, name: 'http://corp.example/', public: false } };
    await get('/pear/1.0/file', expecting(digestOf(pear, 'sha256')));
    await artifacts.settled();
    const remembered = ['apple', 'pear'].map((name) => cache.bindings.find({ ecosystem: 'npm', name }));
    expect(remembered).toMatchObject([[{ private: false }], [{ private: true }]]);
    expect(reported().map((line) => line.private)).toEqual([false, true]);
  });

  it('is fetched and kept whole, also for who wants only a part of it', async () => {
    shelf['/apple/1.0/file'] = (request, response) =>
      request.headers.range ? response.writeHead(206).end(apple.subarray(0, 9)) : response.end(apple);
    const { headers } = expecting(digest);
    const reply = await get('/apple/1.0/file', { headers: { ...headers, range: 'bytes=0-8' } });
    expect(reply).toMatchObject({ status: 200, body: apple });
  });

  it('that is nowhere is unavailable in the words of its ecosystem', async () => {
    asker = { ...asker, offline: 'it was asked for' };
    const reply = await get('/apple/1.0/file', expecting(digest));
    expect(reply.status).toBe(503);
    expect(reply.text).toContain('pkg:npm/apple@1.0');
  });

  it("is not found only when upstream says so, with upstream's own reply", async () => {
    const reply = await get('/apple/9.9/file', expecting(digest));
    expect(reply).toMatchObject({ status: 404, text: 'no such thing', headers: { 'x-from': 'upstream' } });
    expect(reported()).toMatchObject([{ outcome: 'not found' }]);
  });

  it("is asked for with the user's credential only after it was refused without, and then not kept", async () => {
    shelf['/secret/1.0/file'] = (request, response) =>
      request.headers.authorization === 'Bearer mine' ? response.end(apple) : response.writeHead(401).end();
    asker = { ...asker, authorization: 'Bearer mine' };
    expect((await get('/secret/1.0/file', expecting(digest))).body.equals(apple)).toBe(true);
    expect(requests[0]).toBe('GET /secret/1.0/file');
    expect(requests.at(-1)).toBe('GET /secret/1.0/file with credential');
    expect(reported()).toMatchObject([{ outcome: 'passed' }]);
    await artifacts.settled();
    expect(cache.artifacts()).toEqual([]);
    expect(reported()[0]).toMatchObject({ private: true });
  });

  it.each([
    ['does not know it', 404],
    ['wants credentials', 401],
  ])(
    'is not exchanged by an upstream that %s first, and gives other bytes when it is asked again',
    async (_, status) => {
      await get('/apple/1.0/file', expecting(digest));
      await artifacts.settled();
      await cache.content.delete(digest);
      const other = randomBytes(20_000);
      let asked = 0;
      shelf['/apple/1.0/file'] = (_request, response) =>
        asked++ === 0 ? response.writeHead(status).end() : response.writeHead(203).end(other);
      const reply = await get('/apple/1.0/file');
      expect(reply.status).toBe(403);
      expect(reply.text).toContain('pyrsia trust accept pkg:npm/apple@1.0');
      expect(reported().at(-1)).toMatchObject({ outcome: 'refused' });
    },
  );

  it('that nobody names is not passed on where the policy asks for more', async () => {
    shelf['/secret/1.0/file'] = (request, response) =>
      request.headers.authorization ? response.end(apple) : response.writeHead(401).end();
    asker = { ...asker, authorization: 'Bearer mine', policy: 'locked' };
    expect(await get('/secret/1.0/file')).toMatchObject({ status: 403 });
    expect(await get('/secret/1.0/file', expecting(digest))).toMatchObject({ status: 200, body: apple });
  });

  it('is not what another one left half-way, though its end is the same', async () => {
    const [size, half] = [3 * 2 ** 20, 2 * 2 ** 20];
    const fig = randomBytes(size);
    const evil = Buffer.concat([randomBytes(half), fig.subarray(half)]);
    const evilDigest = digestOf(evil, 'sha256');
    const partial = await cache.partial({ digests: [evilDigest] });
    await partial.write(evil.subarray(0, half));
    await partial.suspend(new Error('the client has gone'));

    shelf['/fig'] = Buffer.from(
      JSON.stringify({ name: 'fig', versions: { '1.0': digestOf(fig, 'sha256') } }),
    );
    shelf['/fig/1.0/file'] = ({ headers }, response) => {
      const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
      if (from) response.writeHead(206, { 'content-range': `bytes ${from}-${size - 1}/${size}` });
      response.end(fig.subarray(Number(from ?? 0)));
    };
    expect(await get('/fig/1.0/file', expecting(evilDigest))).toMatchObject({ status: 403 });
    await artifacts.settled();
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'fig' })).toEqual([]);
  });

  it('is not remembered by a digest that only a lockfile names', async () => {
    const listing = { name: 'apple', versions: { '1.0': weak(apple) } };
    shelf['/apple'] = Buffer.from(JSON.stringify(listing));
    // It is here, and nobody has ever computed its sha1.
    const other = randomBytes(5_000);
    await cache.content.put({ digests: [] }, [other]);
    const claimed = digestOf(other, 'sha256');
    const reply = await get('/apple/1.0/file', expecting(claimed));
    expect(reply.status).toBe(403);
    for (const named of [weak(apple), weak(other)]) expect(reply.text).toContain(named);
    await artifacts.settled();
    expect(cache.bindings.find({ ecosystem: 'npm', name: 'apple' })).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'gives up for a client that has gone before it was known who it is',
    async () => {
      await get('/pear/1.0/file', expecting(digestOf(pear, 'sha256')));
      await artifacts.settled();
      const before = await descriptors();
      const headers = { authorization: `Bearer ${LAUNCH}` };
      for (let i = 0; i < 30; i++) {
        const request = open(new URL('/pear/1.0/file', gate.base), { headers, agent: false });
        request.on('error', () => {}).end();
        await once(request, 'socket').then(async ([socket]) => once(socket, 'connect'));
        request.destroy();
      }
      await expect.poll(descriptors, { timeout: 5_000 }).toBeLessThan(before + 10);
    },
  );
});

describe('bytes at an address that tells no version', () => {
  it('pass under observe, which the receipt says, and under no stricter policy', async () => {
    shelf['/loose'] = apple;
    expect((await get('/loose')).body.equals(apple)).toBe(true);
    expect(reporter.receipt().notes).toEqual(['/loose tells no version, so it was passed on unverified']);
    asker = { ...asker, policy: 'locked' };
    expect(await get('/loose')).toMatchObject({ status: 403 });
    expect(requests).toEqual(['GET /loose']);
  });
});

describe('a document', () => {
  it('is passed on byte for byte with an ETag, and not sent again to who has it', async () => {
    const reply = await get('/apple');
    expect(reply.body).toEqual(shelf['/apple']);
    const again = await get('/apple', { headers: { 'if-none-match': reply.headers.etag! } });
    expect(again).toMatchObject({ status: 304, text: '' });
  });

  it('is served from the cache, marked stale, when upstream has gone', async () => {
    await get('/apple');
    upstream.close();
    upstream.closeAllConnections();
    const reply = await get('/apple');
    expect(reply.body).toEqual(shelf['/apple']);
    expect(reply.headers['warning']).toMatch(/^110 .*connection refused/);
    expect(reporter.receipt().documents).toEqual({ upstream: 1, unchanged: 0, stale: 1 });
  });

  it('that is none of this registry is not passed on', async () => {
    shelf['/apple'] = Buffer.from('<html>Please log in</html>');
    const reply = await get('/apple');
    expect(reply.status).toBe(503);
    expect(reply.text).not.toContain('html');
  });
});

describe('other requests', () => {
  it('are answered, passed on or refused as the ecosystem says', async () => {
    shelf['/ask'] = Buffer.from('forty-two');
    expect(await get('/ask')).toMatchObject({ status: 200, text: 'forty-two' });
    expect(await get('/hello')).toMatchObject({ status: 200, text: '{"why":"hello"}' });
    expect(await get('/apple', { method: 'PUT', body: '{}' })).toMatchObject({ status: 403 });
    expect(requests).toEqual(['GET /ask']);
  });

  it('are turned away without a credential, and with a wrong one', async () => {
    for (const authorization of ['', 'Bearer 11111111-0000-4000-8000-000000000000', `Basic ${LAUNCH}`]) {
      expect(await get('/apple', { headers: { authorization } })).toMatchObject({ status: 401 });
    }
    expect(requests).toEqual([]);
  });

  it('are turned away when they may be a web page’s, with the right credential too', async () => {
    expect(await get('/ask', { headers: { host: 'evil.example' } })).toMatchObject({ status: 421 });
    expect(await get('/ask', { headers: { origin: 'http://evil.example' } })).toMatchObject({ status: 403 });
    expect(requests).toEqual([]);
  });

  const someone = unprivileged();
  const stranger = process.getuid?.() === 0 && someone.possible ? someone.user : undefined;
  it('wait until it is known who asks, and hold up nobody else', async () => {
    shelf['/ask'] = Buffer.from('forty-two');
    const known = Promise.withResolvers<Asker>();
    admit = async (credential) => (credential === LAUNCH ? known.promise : undefined);
    const asking = [get('/ask'), get('/ask')];
    expect(await get('/ask', { headers: { authorization: `Bearer ${'0'.repeat(36)}` } })).toMatchObject({
      status: 401,
    });
    expect(requests).toEqual([]);
    known.resolve(asker);
    for (const each of await Promise.all(asking)) expect(each.body.toString()).toBe('forty-two');
  });

  it('of a launch that cannot be served are refused in the words of its ecosystem', async () => {
    admit = () => Promise.reject(new PyrsiaError('CONFIG_INVALID', { problems: ['run it again'] }));
    const { status, body } = await get('/apple/1.0/file');
    expect({ status, said: JSON.parse(body.toString()) }).toEqual({
      status: 403,
      said: { why: 'run it again' },
    });
    expect(requests).toEqual([]);
  });

  it('that break what admits them are cut off', async () => {
    admit = () => Promise.reject(new Error('broken'));
    expect(await get('/ask')).toMatchObject({ status: 0, complete: false });
  });

  it.runIf(stranger)('of another user are turned away, with the right credential too', async () => {
    const headers = JSON.stringify({ authorization: `Bearer ${LAUNCH}` });
    const script = `fetch('${gate.base}ask', { headers: ${headers} }).then(({ status }) => console.log(status))`;
    const { stdout } = await start(asUser(stranger!, [process.execPath, '-e', script])).result;
    expect(stdout.trim()).toBe('403');
    expect(requests).toEqual([]);
  });

  it('ask upstream nothing while offline', async () => {
    asker = { ...asker, offline: 'it was asked for' };
    expect((await get('/ask')).status).toBe(503);
    expect(requests).toEqual([]);
  });

  it("go without the user's credential as long as upstream answers without", async () => {
    asker = { ...asker, authorization: 'Bearer mine' };
    shelf['/ask'] = Buffer.from('forty-two');
    expect(await get('/ask')).toMatchObject({ status: 200 });
    expect(requests).toEqual(['GET /ask']);
  });

  it('do not carry our credential to upstream', async () => {
    await get('/ask');
    await get('/apple');
    await get('/apple/1.0/file', expecting(digest));
    expect(requests.join()).not.toContain('with credential');
  });
});
