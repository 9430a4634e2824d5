import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openImageSession } from '../../src/agent/image-sessions.ts';
import type { Cache } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { digestOf } from '../../src/content/digest.ts';
import { openArtifacts } from '../../src/proxy/artifacts.ts';
import { openDocuments } from '../../src/proxy/documents.ts';
import { openImageGate } from '../../src/proxy/image-gate.ts';
import { openImages } from '../../src/proxy/images.ts';
import { openRegistryClient } from '../../src/proxy/registry-client.ts';
import type { Gate } from '../../src/proxy/server.ts';
import { openUpstreams, type Upstreams } from '../../src/proxy/upstream.ts';
import type { Receipt } from '../../src/resolve/report.ts';
import { openResolver } from '../../src/resolve/resolve.ts';
import {
  type Front,
  has,
  imageTools,
  type ImageRegistry,
  startFront,
  startRegistry,
  tokens,
} from '../support/image-registry.ts';
import { Layout, type Described, type MadeImage } from '../support/oci-layout.ts';
import { start } from '../support/command.ts';
import { asUser, unprivileged } from '../support/user.ts';

const bytesOf = async (reply: Response) => Buffer.from(await reply.arrayBuffer());
const errorOf = async (reply: Response) => {
  const { errors } = (await reply.json()) as { errors: { code: string; message: string }[] };
  return { status: reply.status, ...errors[0] };
};
const someone = unprivileged();
const anotherUser = process.getuid?.() === 0 && someone.possible ? someone.user : undefined;
const LARGE = randomBytes(9 * 2 ** 20);

describe.skipIf(!has(...imageTools))('The gate of images', () => {
  let directory: string;
  let registry: ImageRegistry;
  let app: MadeImage;
  let index: Described;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'images-'));
    registry = await startRegistry();
    const layout = new Layout(join(directory, 'layout'));
    app = await layout.image({ layers: [{ 'bin/app': 'app' }, { 'bin/large': LARGE }] }, 'app');
    const arm = await layout.image({
      layers: [{ 'bin/app': 'arm' }],
      platform: { os: 'linux', architecture: 'arm64' },
      compression: 'zstd',
    });
    index = layout.index([app, arm], 'all');
    await layout.image({ layers: [{ secret: 'secret' }] }, 'secret');
    await registry.push(layout.directory, 'app', 'org/app:1');
    await registry.push(layout.directory, 'all', 'org/app:all');
    await registry.push(layout.directory, 'secret', 'private/secret:1');
  });

  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  let front: Front;
  let home: string;
  let cache: Cache;
  let upstreams: Upstreams;
  let gate: Gate;
  let receipt: () => Receipt;
  let env: Record<string, string>;
  let fresh: () => Promise<void>;

  beforeEach(async () => {
    front = await startFront(registry.host);
    home = mkdtempSync(join(directory, 'home-'));
    env = { HOME: home, XDG_RUNTIME_DIR: home, CONTAINERS_REGISTRIES_CONF: join(home, 'registries.conf') };
    writeFileSync(env['CONTAINERS_REGISTRIES_CONF']!, '');
    cache = await openCache(join(home, 'cache'));
    upstreams = openUpstreams({ silenceMs: 5000 });
    const documents = openDocuments(cache.documents, upstreams, Date.now);
    const artifacts = openArtifacts({
      cache,
      resolver: openResolver(cache),
      documents,
      upstreams,
      now: Date.now,
      onContradiction: () => undefined,
    });
    const images = openImages({ cache, artifacts, documents, upstreams, now: Date.now });
    const client = openRegistryClient(upstreams, Date.now);
    let session: Awaited<ReturnType<typeof openImageSession>>['session'];
    fresh = async () => {
      await artifacts.settled();
      const caller = { cwd: '/', env, args: [], command: ['test'] };
      const parts = {
        client,
        imageBase: async () => Promise.resolve(gate.base),
        shims: '/nowhere',
      };
      ({ session } = await openImageSession(parts, caller));
      receipt = () => session.receipt();
    };
    gate = await openImageGate(
      { images, admit: async () => Promise.resolve(session.images), log: () => undefined },
      { host: '127.0.0.1' },
    );
    await fresh();
  });

  afterEach(async () => {
    await gate[Symbol.asyncDispose]();
    await upstreams[Symbol.asyncDispose]();
    await cache[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
  });

  const at = (name: string) => `${gate.base}v2/${front.host.replace(':', '__')}/${name}`;
  const get = async (name: string, init?: RequestInit) => fetch(at(name), init);
  const named = async (path: string, ns: string) =>
    fetch(`${gate.base}v2/${path}${path.includes('?') ? '&' : '?'}ns=${ns}`);
  const copy = async (name: string, ...args: string[]) => {
    const to = mkdtempSync(join(home, 'copy-'));
    const from = `docker://${new URL(gate.base).host}/${front.host.replace(':', '__')}/${name}`;
    const command = ['skopeo', '--insecure-policy', 'copy', '-q', '--src-tls-verify=false', ...args] as const;
    return {
      ...(await start([...command, from, `dir:${to}`], { env: { ...process.env, HOME: home } }).result),
      to,
    };
  };

  it('says that it is one, and to whom it does not belong', async () => {
    expect((await fetch(`${gate.base}v2/`)).status).toBe(200);
    const launch = '00000000-0000-4000-8000-000000000000';
    expect(await errorOf(await fetch(`${gate.base}v2/${launch}/org/app/manifests/1`))).toMatchObject({
      status: 404,
      code: 'NAME_UNKNOWN',
    });
    expect((await fetch(`${gate.base}v2/`, { headers: { origin: 'http://page.example' } })).status).toBe(403);
    expect(await errorOf(await get('org/app/manifests/1', { method: 'PUT' }))).toMatchObject({ status: 405 });
  });

  it('takes a name without a registry for one of docker’s own, as its daemon asks a mirror', async () => {
    const rule = `[[registry]]\nprefix = "docker.io"\nlocation = "${front.host}"\ninsecure = true\n`;
    writeFileSync(env['CONTAINERS_REGISTRIES_CONF']!, rule);
    await fresh();
    const found = await fetch(`${gate.base}v2/org/app/manifests/1`, { headers: { accept: '*/*' } });
    expect([found.status, found.headers.get('docker-content-digest')]).toEqual([200, app.digest]);
    expect(front.requests.join()).toContain('/v2/org/app/manifests/1');
  });

  it.runIf(anotherUser)('turns another user away', async () => {
    const script = `fetch('${at('org/app/manifests/1')}').then(({ status }) => console.log(status))`;
    const { stdout } = await start(asUser(anotherUser!, [process.execPath, '-e', script])).result;
    expect(stdout.trim()).toBe('403');
    expect(front.requests).toEqual([]);
  });

  it('passes an index and all its images on, byte for byte', async () => {
    const direct = mkdtempSync(join(home, 'direct-'));
    const from = `docker://${registry.host}/org/app:all`;
    await start(
      ['skopeo', '--insecure-policy', 'copy', '--all', '-q', '--src-tls-verify=false', from, `dir:${direct}`],
      { env: process.env },
    ).result;
    const { code, stderr, to } = await copy('org/app:all', '--all');
    expect([code, stderr]).toEqual([0, '']);
    const same = await start(['diff', '-r', direct, to], { env: process.env }).result;
    expect(same.stdout).toBe('');
  });

  it('takes the registry that a client of containerd names besides', async () => {
    const reply = await named('org/app/manifests/1', encodeURIComponent(front.host));
    expect([reply.status, reply.headers.get('docker-content-digest')]).toEqual([200, app.digest]);
    expect((await named(`org/app/blobs/${app.config.digest}`, front.host)).status).toBe(200);
    expect(await (await named('org/app/tags/list?n=1', front.host)).json()).toMatchObject({
      name: 'org/app',
    });
    expect(front.requests.at(-1)).toBe('GET /v2/org/app/tags/list?n=1');
    for (const ns of ['no%20host', '', '%ff', '..'])
      expect(await errorOf(await named('org/app/manifests/1', ns))).toMatchObject({
        status: 404,
        code: 'NAME_UNKNOWN',
      });
  });

  it('asks of a tag once what it means, and of nothing else when that is here', async () => {
    expect((await copy('org/app:1')).code).toBe(0);
    front.requests.length = 0;
    await fresh();
    expect((await copy('org/app:1')).code).toBe(0);
    expect(front.requests).toEqual(['HEAD /v2/org/app/manifests/1']);
    expect(receipt().totals).toMatchObject({ upstream: 0, cache: 3, verified: 3 });
  });

  it('serves what it has while upstream is down, and says so', async () => {
    expect((await copy('org/app:1')).code).toBe(0);
    await front.down();
    await fresh();
    expect((await copy('org/app:1')).code).toBe(0);
    expect(receipt().documents.stale).toBeGreaterThan(0);
    expect(receipt().notes.join()).toContain('org/app:1 is what it was');
    const missing = await errorOf(await get('org/app/manifests/all'));
    expect(missing).toMatchObject({
      status: 424,
      code: 'UNAVAILABLE',
      message: expect.stringContaining('connection refused'),
    });
  });

  it('asks nobody where it is not to', async () => {
    expect((await copy('org/app:1')).code).toBe(0);
    front.requests.length = 0;
    env['PYRSIA_OFFLINE'] = '1';
    await fresh();
    expect((await copy('org/app:1')).code).toBe(0);
    expect(await errorOf(await get('org/app/manifests/all'))).toMatchObject({
      status: 424,
      code: 'UNAVAILABLE',
    });
    expect(await errorOf(await get(`org/app/blobs/sha256:${'0'.repeat(64)}`))).toMatchObject({ status: 424 });
    expect(front.requests).toEqual([]);
  });

  it('tells of a manifest what a registry does', async () => {
    const reply = await get('org/app/manifests/1');
    const body = await bytesOf(reply);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': app.mediaType,
      'docker-content-digest': app.digest,
      'content-length': String(body.byteLength),
    });
    expect(digestOf(body, 'sha256')).toBe(app.digest);
    const head = await get(`org/app/manifests/${app.digest}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(body.byteLength)]);
    const etag = reply.headers.get('etag')!;
    expect((await get('org/app/manifests/1', { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('sends every client all of a blob, however slowly it reads', async () => {
    const { digest } = app.layers[1]!;
    const address = at(`org/app/blobs/${digest}`);
    const whole = await bytesOf(await fetch(address));
    const waiting = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const [reply] = (await once(ask(address, { agent: false }).end(), 'response')) as [Readable];
        return reply;
      }),
    );
    // What has not left for those who wait must stay as it is.
    for (let i = 0; i < 2; i++) expect((await bytesOf(await fetch(address))).equals(whole)).toBe(true);
    for (const reply of waiting) expect((await buffer(reply)).equals(whole)).toBe(true);
  });

  it('sends a part of a blob', async () => {
    const { digest, size } = app.layers[1]!;
    const whole = await bytesOf(await get(`org/app/blobs/${digest}`));
    expect(whole.byteLength).toBe(size);
    const part = await get(`org/app/blobs/${digest}`, { headers: { range: 'bytes=1000-1999' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-1999/${size}`]);
    expect(whole.subarray(1000, 2000).equals(await bytesOf(part))).toBe(true);
    const end = await get(`org/app/blobs/${digest}`, { headers: { range: 'bytes=-10' } });
    expect(whole.subarray(-10).equals(await bytesOf(end))).toBe(true);
    const beyond = await get(`org/app/blobs/${digest}`, { headers: { range: `bytes=${size}-` } });
    expect(beyond.status).toBe(416);
  });

  it('tells of a blob without fetching it', async () => {
    const { digest, size } = app.layers[1]!;
    const head = await get(`org/app/blobs/${digest}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)]);
    expect(front.requests).toContain(`HEAD /v2/org/app/blobs/${digest}`);
    expect(cache.pathOf(digest)).toBeUndefined();
  });

  it('says of what is not there that it is unknown', async () => {
    const nothing = `sha256:${'0'.repeat(64)}`;
    expect(await errorOf(await get('org/app/manifests/none'))).toMatchObject({
      status: 404,
      code: 'MANIFEST_UNKNOWN',
    });
    expect(await errorOf(await get(`org/app/manifests/${nothing}`))).toMatchObject({
      status: 404,
      code: 'MANIFEST_UNKNOWN',
    });
    expect(await errorOf(await get(`org/app/blobs/${nothing}`))).toMatchObject({
      status: 404,
      code: 'BLOB_UNKNOWN',
    });
    expect(await errorOf(await get('org/none/tags/list'))).toMatchObject({
      status: 404,
      code: 'NAME_UNKNOWN',
    });
    expect((await get(`org/app/blobs/${nothing}`, { method: 'HEAD' })).status).toBe(404);
  });

  it('lists tags, page by page', async () => {
    expect(await (await get('org/app/tags/list')).json()).toEqual({
      name: 'org/app',
      tags: expect.arrayContaining(['1', 'all']),
    });
    // Debian's docker-registry names all tags at once, whatever is asked of it.
    front.instead = (request, response) => {
      if (!request.url!.includes('n=1')) return false;
      const isLast = request.url!.includes('last=1');
      const link = isLast ? {} : { link: '</v2/org/app/tags/list?n=1&last=1>; rel="next"' };
      response.writeHead(200, link).end(JSON.stringify({ name: 'org/app', tags: [isLast ? 'all' : '1'] }));
      return true;
    };
    const page = await get('org/app/tags/list?n=1');
    expect(await page.json()).toMatchObject({ tags: ['1'] });
    const [, next = ''] = /<(.*)>/.exec(page.headers.get('link') ?? '') ?? [];
    expect(next.startsWith(new URL(at('org/app/tags/list')).pathname)).toBe(true);
    const last = await fetch(new URL(next, gate.base));
    expect([await last.json(), last.headers.get('link')]).toEqual([{ name: 'org/app', tags: ['all'] }, null]);
  });

  it('lists what refers to a manifest, and passes on which of it was asked for', async () => {
    const list = { schemaVersion: 2, mediaType: index.mediaType, manifests: [] };
    front.instead = (request, response) => {
      if (!request.url!.includes('/referrers/')) return false;
      response.writeHead(200, { 'content-type': index.mediaType, 'oci-filters-applied': 'artifactType' });
      response.end(JSON.stringify({ ...list, annotations: { asked: request.url } }));
      return true;
    };
    const reply = await get(`org/app/referrers/${app.digest}?artifactType=application%2Fx`);
    expect([reply.headers.get('content-type'), reply.headers.get('oci-filters-applied')]).toEqual([
      index.mediaType,
      'artifactType',
    ]);
    const asked = `/v2/org/app/referrers/${app.digest}?artifactType=application%2Fx`;
    expect(await reply.json()).toEqual({ ...list, annotations: { asked } });
    front.instead = () => false;
    // Of a registry that knows no such lists a client goes on to ask for the tag that stands for it.
    expect((await get(`org/app/referrers/${index.digest}`)).status).toBe(404);
    expect((await get(`org/app/manifests/${index.digest.replace(':', '-')}`)).status).toBe(404);
  });

  it('never lets anybody have a complete layer whose bytes are wrong', async () => {
    let refused = 0;
    for (const { digest, size } of app.layers) {
      front.spoil = (path, body) => {
        if (path.endsWith(digest)) body[body.byteLength - 1]! ^= 1;
        return body;
      };
      const reply = await get(`org/app/blobs/${digest}`).catch(() => undefined);
      const body = reply?.ok ? await bytesOf(reply).catch(() => Buffer.alloc(0)) : Buffer.alloc(0);
      expect(body.byteLength).toBeLessThan(size);
      expect(cache.pathOf(digest)).toBeUndefined();
      await expect.poll(() => receipt().totals.refused).toBe((refused += 1));
    }
    expect((await copy('org/app:1')).code).not.toBe(0);
    expect(receipt().totals.refused).toBeGreaterThan(0);
    front.spoil = (_, body) => body;
    expect((await copy('org/app:1')).code).toBe(0);
  });

  it('refuses a manifest whose bytes are wrong', async () => {
    front.spoil = (path, body) =>
      path.includes('/manifests/sha256:') ? Buffer.concat([body, Buffer.from(' ')]) : body;
    expect(await errorOf(await get(`org/app/manifests/${app.digest}`))).toMatchObject({
      status: 403,
      code: 'DENIED',
    });
  });

  const served = async () => {
    const reply = await get('org/app/manifests/1');
    return [reply.headers.get('docker-content-digest'), digestOf(await bytesOf(reply), 'sha256')];
  };

  it('serves what a tag means now, or meant when it was asked', async () => {
    const other = index.digest;
    // It moves between HEAD and GET.
    front.instead = (request, response) => {
      if (request.method !== 'HEAD' || !request.url!.endsWith('/manifests/1')) return false;
      response.writeHead(200, { 'docker-content-digest': other, 'content-type': index.mediaType }).end();
      return true;
    };
    expect(await served()).toEqual([other, other]);
    front.instead = () => false;
    expect(await served()).toEqual([app.digest, app.digest]);
  });

  it('fetches once what two want at the same time', async () => {
    const copies = await Promise.all([copy('org/app:1'), copy('org/app:1')]);
    expect(copies.map(({ code }) => code)).toEqual([0, 0]);
    const fetched = front.requests.filter(
      (request) => request.startsWith('GET') && request.includes('/blobs/'),
    );
    expect(fetched).toHaveLength(new Set(fetched).size);
  });

  it('lets the second of two read along', async () => {
    const { digest, size } = app.layers[1]!;
    const layer = await readFile(join(directory, 'layout/blobs/sha256', digest.slice('sha256:'.length)));
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    let asked = 0;
    front.instead = async (request, response) => {
      if (!request.url!.endsWith(digest)) return false;
      asked++;
      response.writeHead(200, { 'content-length': size });
      response.write(layer.subarray(0, size / 2));
      await over;
      response.end(layer.subarray(size / 2));
      return true;
    };
    const bodies = [];
    for (let client = 0; client < 2; client++) {
      const { body } = await get(`org/app/blobs/${digest}`);
      const reader = body!.getReader();
      bodies.push({ reader, first: (await reader.read()).value! });
    }
    end();
    for (const { reader, first } of bodies) {
      const parts = [first];
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read())
        parts.push(value!);
      expect(layer.equals(Buffer.concat(parts))).toBe(true);
    }
    expect(asked).toBe(1);
  });

  const tooMuch = (after: string, times = Infinity) => {
    let left = times;
    front.instead = (_, response) => {
      if (left-- <= 0) return false;
      response.writeHead(429, { 'retry-after': after }).end();
      return true;
    };
  };

  it('passes on that upstream has had enough, and for how long', async () => {
    await get('org/app/manifests/all');
    tooMuch('3600');
    const reply = await get('org/app/manifests/1');
    expect(reply.headers.get('retry-after')).toBe('3600');
    expect(await errorOf(reply)).toMatchObject({ status: 429, code: 'TOOMANYREQUESTS' });
    // What is here is what it was.
    const known = await get('org/app/manifests/all');
    expect([known.status, known.headers.get('docker-content-digest')]).toEqual([200, index.digest]);
  });

  it('waits as long as upstream says where that is not long', async () => {
    // Whether it speaks TLS is found out before.
    await get('org/app/manifests/all');
    tooMuch('1', 1);
    const startedAt = performance.now();
    expect((await get('org/app/manifests/1')).headers.get('docker-content-digest')).toBe(app.digest);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  it('refuses a manifest without end', async () => {
    front.spoil = (path, body) =>
      path.includes('/manifests/sha256:') ? Buffer.alloc(100_000_000, ' ') : body;
    expect(await errorOf(await get(`org/app/manifests/${app.digest}`))).toMatchObject({
      message: expect.stringContaining('larger than'),
    });
  });

  const logIn = (auths: object) => writeFileSync(join(home, 'auth.json'), JSON.stringify({ auths }));

  describe('where a token is wanted', () => {
    const me = { auth: Buffer.from('me:secret').toString('base64') };

    beforeEach(() => {
      env['REGISTRY_AUTH_FILE'] = join(home, 'auth.json');
      front.instead = tokens(`http://${front.host}/token`);
    });

    it('gets one as anybody may', async () => {
      logIn({ [front.host]: me });
      await fresh();
      expect((await copy('org/app:1')).code).toBe(0);
      expect(front.requests.filter((request) => request.includes('(Basic)'))).toEqual([]);
      expect(front.requests.filter((request) => request.includes('/token'))).toHaveLength(1);
    });

    it('gets another one when it expires in mid-pull', async () => {
      front.instead = tokens(`http://${front.host}/token`, { uses: 1 });
      expect((await copy('org/app:all', '--all')).code).toBe(0);
      expect(front.requests.filter((request) => request.includes('/token')).length).toBeGreaterThan(1);
    });

    it("uses the user's own credential for what is theirs", async () => {
      expect(await errorOf(await get('private/secret/manifests/1'))).toMatchObject({
        status: 403,
        code: 'DENIED',
      });
      logIn({ [`${front.host}/private`]: me });
      await fresh();
      expect((await copy('private/secret:1')).code).toBe(0);
      expect(cache.artifacts().every((each) => each.private)).toBe(true);
      front.requests.length = 0;
      await fresh();
      await front.down();
      expect((await copy('private/secret:1')).code).toBe(0);
    });

    it('asks for each repository with the credential that is for it, whatever its user is called', async () => {
      const wrong = { auth: Buffer.from('me:wrong').toString('base64') };
      logIn({ [`${front.host}/private/other`]: wrong, [`${front.host}/private/secret`]: me });
      await fresh();
      expect((await get('private/other/manifests/1')).status).toBe(403);
      expect((await get('private/secret/manifests/1')).status).toBe(200);
    });

    it('shows it to nobody else', async () => {
      await using stranger = await startFront(registry.host);
      stranger.instead = tokens('');
      logIn({ [front.host]: me });
      front.instead = tokens(`http://localhost:${stranger.host.split(':')[1]}/token`);
      await fresh();
      expect(await errorOf(await get('private/secret/manifests/1'))).toMatchObject({
        status: 403,
        message: expect.stringContaining('localhost'),
      });
      expect(stranger.requests.filter((request) => request.includes('(Basic)'))).toEqual([]);
      expect(stranger.requests.length).toBeGreaterThan(0);
    });

    it('does not serve what is private under a name that is not', async () => {
      logIn({ [front.host]: me });
      await fresh();
      expect((await copy('private/secret:1')).code).toBe(0);
      const secret = cache.artifacts().filter((each) => each.file === 'blob');
      expect(secret.length).toBeGreaterThan(0);
      for (const offline of [false, true]) {
        if (offline) env['PYRSIA_OFFLINE'] = '1';
        await fresh();
        for (const { digest } of secret) {
          expect((await get(`org/app/blobs/${digest}`)).status).toBe(offline ? 424 : 404);
          expect((await get(`org/app/blobs/${digest}`, { method: 'HEAD' })).status).toBe(offline ? 424 : 404);
        }
      }
      rmSync(join(home, 'auth.json'));
      await fresh();
      for (const { digest } of secret) expect((await get(`private/secret/blobs/${digest}`)).status).toBe(424);
    });
  });

  const configure = async (text: string): Promise<void> => {
    writeFileSync(env['CONTAINERS_REGISTRIES_CONF']!, text);
    await fresh();
  };
  const hub = async (name: string) => fetch(`${gate.base}v2/docker.io/${name}`);

  describe("the user's registries.conf", () => {
    it('says where a registry is really asked', async () => {
      await configure(`[[registry]]\nprefix = "docker.io/org"\nlocation = "${front.host}/org"\n`);
      const reply = await hub('org/app/manifests/1');
      expect([reply.status, reply.headers.get('docker-content-digest')]).toEqual([200, app.digest]);
      expect(receipt().artifacts.map(({ purl }) => purl)).toEqual([`pkg:docker/org/app@${app.digest}`]);
      expect(receipt().artifacts.every((line) => line.private)).toBe(true);
    });

    it('names mirrors, the next of which is asked when one does not have it', async () => {
      await using empty = await startRegistry();
      await using dead = await startFront(registry.host);
      await dead.down();
      const mirrors = [dead.host, empty.host, front.host].map(
        (host) => `[[registry.mirror]]\nlocation = "${host}"\n`,
      );
      await configure(`[[registry]]\nlocation = "docker.io"\n${mirrors.join('')}`);
      expect((await hub('org/app/manifests/1')).headers.get('docker-content-digest')).toBe(app.digest);
      const { digest } = app.layers[0]!;
      expect(digestOf(await bytesOf(await hub(`org/app/blobs/${digest}`)), 'sha256')).toBe(digest);
    });

    it('says what is not to be asked for', async () => {
      await configure(`[[registry]]\nlocation = "docker.io"\nblocked = true\n`);
      expect(await errorOf(await hub('org/app/manifests/1'))).toMatchObject({ status: 403, code: 'DENIED' });
    });
  });

  it('keeps a layer in a file that nobody may change', async () => {
    const { digest } = app.layers[1]!;
    await bytesOf(await get(`org/app/blobs/${digest}`));
    await fresh();
    expect(digestOf(await readFile(cache.pathOf(digest)!), 'sha256')).toBe(digest);
  });
});
