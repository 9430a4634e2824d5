import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../src/proxy/failure.ts';
import {
  openUpstreams,
  statusOf,
  type UpstreamReply,
  type UpstreamRequest,
} from '../../src/proxy/upstream.ts';
import type { ConnectionSettings } from '../../src/shims/settings.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, type RegistryOptions, startRegistry } from '../fixtures/registry/registry.ts';
import { bytesOf } from '../support/streams.ts';

const direct: ConnectionSettings = { strictSsl: true };
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

function upstreams(options: { silenceMs?: number; now?: () => number } = {}) {
  const made = openUpstreams({ silenceMs: 300, ...options });
  opened.unshift(made);
  const ask = async (url: string, more: Partial<UpstreamRequest> = {}) => {
    const reply = await made.ask({ url: new URL(url), connection: direct, ...more });
    return { ...reply, text: Buffer.from(await bytesOf(reply.body)).toString() };
  };
  const begin = async (url: string) => made.ask({ url: new URL(url), connection: direct });
  return { ...made, ask, begin };
}

async function registry(options: RegistryOptions = {}): Promise<Registry> {
  const started = await startRegistry({
    packages: [makePackage({ name: 'left', version: '1.0.0', size: 3000 })],
    ...options,
  });
  opened.push(started);
  return started;
}

const failing = (reason: string | RegExp) => ({
  code: 'UPSTREAM_FAILED',
  details: { reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) },
});

describe('Asking an upstream', () => {
  it('passes headers on and gives back status, headers and body', async () => {
    const { url, log } = await registry();
    const reply = await upstreams().ask(`${url}left?x=1`, { headers: { accept: 'text/x' } });
    expect(reply).toMatchObject({
      status: 200,
      url: `${url}left`,
      headers: { 'content-type': 'application/json' },
    });
    expect(JSON.parse(reply.text)).toMatchObject({ name: 'left' });
    expect(log.all[0]?.headers).toMatchObject({ accept: 'text/x' });
    expect(await upstreams().ask(`${url}nobody`)).toMatchObject({ status: 404 });
  });

  it.each([500, 502, 503, 429])('tries again after %d, three times in all', async (status) => {
    const { url, log, misbehave } = await registry();
    misbehave({ kind: 'status', status, times: 2 });
    expect(await upstreams().ask(`${url}left`)).toMatchObject({ status: 200 });
    misbehave({ kind: 'status', status });
    expect(await upstreams().ask(`${url}left`)).toMatchObject({ status });
    expect(log.all.map((each) => each.status)).toEqual([status, status, 200, status, status, status]);
  });

  it('does not try again what is no failure, or has a body', async () => {
    const { url, log, misbehave } = await registry();
    misbehave({ kind: 'status', status: 403, times: 1 });
    expect(await upstreams().ask(`${url}left`)).toMatchObject({ status: 403 });
    misbehave({ kind: 'status', status: 500 });
    expect(
      await upstreams().ask(`${url}-/post`, { method: 'POST', body: Readable.from(['{}']) }),
    ).toMatchObject({
      status: 500,
    });
    expect(log.all).toHaveLength(2);
  });

  it('waits for as long as upstream asks for, unless that is long', async () => {
    const { url, log, misbehave, behave } = await registry();
    misbehave({ kind: 'status', status: 429, retryAfter: 1, times: 1 });
    expect(await upstreams().ask(`${url}left`)).toMatchObject({ status: 200 });
    const [first, second] = log.all;
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(990);
    for (const retryAfter of [3600, new Date(Date.now() + 3_600_000)]) {
      behave();
      log.clear();
      misbehave({ kind: 'status', status: 503, retryAfter });
      const reply = await upstreams().ask(`${url}left`);
      expect(statusOf(reply)).toMatch(/^status 503, Retry-After: (3600|\w{3}, )/);
      expect(log.all).toHaveLength(1);
    }
  });

  it('reads Retry-After as seconds or as a date', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(retryAfterMs(undefined, now)).toBeUndefined();
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs(new Date(now + 5000).toUTCString(), now)).toBe(5000);
    expect(retryAfterMs(new Date(now - 5000).toUTCString(), now)).toBe(0);
    expect(retryAfterMs('soon', now)).toBeUndefined();
  });

  it('gives up what its caller gives up', async () => {
    const { url, misbehave } = await registry();
    misbehave({ kind: 'hang' });
    const asking = upstreams({ silenceMs: 60_000 }).ask(`${url}left`, { signal: AbortSignal.timeout(50) });
    await expect(asking).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(upstreams().ask(`${url}left`, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });

  it('says in words why a body broke off', async () => {
    const { url, misbehave, behave } = await registry();
    const asking = async () => upstreams().ask(`${url}left/-/left-1.0.0.tgz`);
    misbehave({ kind: 'cut-short' });
    await expect(asking()).rejects.toThrow('connection closed before the answer was complete');
    behave();
    misbehave({ kind: 'hang-in-body' });
    await expect(asking()).rejects.toThrow('nothing more for 0.3 s');
  });

  it('refuses headers that are too large', async () => {
    const { url, misbehave } = await registry();
    misbehave({ kind: 'huge-header' });
    await expect(upstreams().ask(`${url}left`)).rejects.toMatchObject(failing('reply headers too large'));
  });
});

describe('A redirect', () => {
  it('is followed, with credentials to the same origin only', async () => {
    const [here, there] = [await registry(), await registry()];
    const headers = { authorization: 'Bearer secret', cookie: 'a=b', accept: 'text/x' };
    here.misbehave({ kind: 'redirect', to: here.url, times: 1 });
    expect(await upstreams().ask(`${here.url}left`, { headers })).toMatchObject({ status: 200 });
    expect(here.log.authorized()).toHaveLength(2);

    here.misbehave({ kind: 'redirect', to: there.url });
    there.misbehave({ kind: 'redirect', to: here.url, times: 1, match: '/elsewhere' });
    expect(await upstreams().ask(`${here.url}left`, { headers })).toMatchObject({
      status: 200,
      url: `${there.url}left`,
    });
    expect(there.log.all).toMatchObject([{ headers: { accept: 'text/x' } }]);
    expect(there.log.authorized()).toEqual([]);
    expect(there.log.all[0]?.headers).not.toHaveProperty('cookie');
  });

  it('does not lead in circles, to other protocols, or from https to http', async () => {
    const plain = await registry();
    plain.misbehave({ kind: 'redirect-loop', match: '/left' });
    plain.misbehave({ kind: 'redirect', to: 'file:///etc/passwd' });
    const { ask, unreachable } = upstreams();
    await expect(ask(`${plain.url}left`)).rejects.toMatchObject(failing('more than 10 redirects'));
    expect(plain.log.all).toHaveLength(11);
    await expect(ask(`${plain.url}right`)).rejects.toMatchObject(failing(/^redirected to "file:/));

    const safe = await registry({ tls: true });
    safe.misbehave({ kind: 'redirect', to: plain.url });
    const connection = { ...direct, ca: [safe.ca!] };
    await expect(ask(`${safe.url}left`, { connection })).rejects.toMatchObject(
      failing('redirected from https to http'),
    );
    expect(plain.log.all).toHaveLength(12);
    // All of them did answer.
    expect(unreachable()).toEqual([]);
  });

  it('to a host that is not there leaves the one that sent there alone', async () => {
    const [here, there] = [await registry(), await registry()];
    await there.pause();
    here.misbehave({ kind: 'redirect', to: there.url, times: 3 });
    const { ask, unreachable } = upstreams();
    await expect(ask(`${here.url}left`)).rejects.toMatchObject({
      details: { url: `${there.url}left`, reason: 'connection refused' },
    });
    expect(unreachable()).toEqual([new URL(there.url).origin]);
    expect(await ask(`${here.url}left`)).toMatchObject({ status: 200 });
  });
});

describe('An upstream that does not answer', () => {
  it('rests no longer because the clock was set back', async () => {
    let time = 1e9;
    const here = await registry();
    const { ask, unreachable } = upstreams({ now: () => time });
    await here.pause();
    await expect(ask(`${here.url}left`)).rejects.toMatchObject(failing('connection refused'));
    await here.resume();
    time = 0;
    expect(unreachable()).toEqual([]);
    expect(await ask(`${here.url}left`)).toMatchObject({ status: 200 });
  });

  it('rests, but for one probe at a time, and is back at once when it answers', async () => {
    let time = 0;
    const here = await registry();
    const { origin } = new URL(here.url);
    const { ask, unreachable } = upstreams({ now: () => time });
    await here.pause();
    await expect(ask(`${here.url}left`)).rejects.toMatchObject(failing('connection refused'));
    expect(unreachable()).toEqual([origin]);
    await here.resume();
    time = 4_999;
    await expect(ask(`${here.url}left`)).rejects.toMatchObject(failing('connection refused'));
    expect(here.log.all).toHaveLength(0);

    time = 5_000;
    expect(unreachable()).toEqual([]);
    here.misbehave({ kind: 'hang', times: 1 });
    const [probe, other] = await Promise.allSettled([ask(`${here.url}left`), ask(`${here.url}left`)]);
    expect(probe).toMatchObject({ reason: failing('no answer within 0.3 s') });
    expect(other).toMatchObject({ reason: failing('connection refused') });
    expect(here.log.all).toHaveLength(1);

    time = 10_000;
    expect(await ask(`${here.url}left`)).toMatchObject({ status: 200 });
    expect(await ask(`${here.url}left`)).toMatchObject({ status: 200 });
    expect(unreachable()).toEqual([]);
  });

  it('does not rest for one request when it has answered others meanwhile', async () => {
    const { url, misbehave } = await registry();
    const { ask, unreachable } = upstreams();
    misbehave({ kind: 'hang', match: '/hangs' });
    const hanging = Promise.allSettled([ask(`${url}hangs`)]);
    await sleep(20);
    expect(await ask(`${url}left`)).toMatchObject({ status: 200 });
    expect(await hanging).toMatchObject([{ reason: failing('no answer within 0.3 s') }]);
    expect(unreachable()).toEqual([]);
  });

  it('may be one that cannot be found', async () => {
    const asking = upstreams().ask('http://nobody.invalid/left');
    await expect(asking).rejects.toMatchObject(failing(/^host (not found|name could not be looked up)$/));
  });
});

describe('TLS', () => {
  it('is checked, against the user’s authorities besides Node’s own, unless the user says not to', async () => {
    const { url, ca } = await registry({ tls: true });
    const { ask, unreachable } = upstreams();
    await expect(ask(`${url}left`)).rejects.toMatchObject(failing(/self.signed/));
    expect(unreachable()).toEqual([]);
    expect(await ask(`${url}left`, { connection: { strictSsl: true, ca: [ca!] } })).toMatchObject({
      status: 200,
    });
    expect(await ask(`${url}left`, { connection: { strictSsl: false } })).toMatchObject({ status: 200 });
  });
});

/** A proxy that keeps what it was asked: `GET http://…` for http, `CONNECT host:port` for https. */
async function proxy() {
  const asked: string[] = [];
  const authorized: (string | undefined)[] = [];
  const note = (request: IncomingMessage): void => {
    asked.push(`${request.method} ${request.url}`);
    authorized.push(request.headers['proxy-authorization']);
  };
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    note(request);
    httpRequest(request.url!, { headers: request.headers }, (reply) => {
      response.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(response);
    }).end();
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', (request, socket: Socket) => {
    note(request);
    const { hostname, port } = new URL(`tcp://${request.url}`);
    const far = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(far).pipe(socket);
    });
    for (const each of [far, socket]) each.on('error', () => far.destroy());
    sockets.add(far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, authorized };
}

describe('The user’s proxy', () => {
  it('is asked for http as it is, with its own credential', async () => {
    const [{ url }, { url: proxyUrl, asked, authorized }] = [await registry(), await proxy()];
    const connection = { ...direct, httpProxy: proxyUrl.replace('//', '//me:secret@') };
    expect(await upstreams().ask(`${url}left`, { connection })).toMatchObject({ status: 200 });
    expect(asked).toEqual([`GET ${url}left`]);
    expect(authorized).toEqual([`Basic ${Buffer.from('me:secret').toString('base64')}`]);
  });

  it('is a tunnel for https, through which upstream’s certificate is checked', async () => {
    const [{ url, ca, port, log }, { url: httpsProxy, asked }] = [
      await registry({ tls: true }),
      await proxy(),
    ];
    const { ask } = upstreams();
    const trusting = { ...direct, httpsProxy, ca: [ca!] };
    expect(await ask(`${url}left`, { connection: trusting })).toMatchObject({ status: 200 });
    expect(asked).toEqual([`CONNECT 127.0.0.1:${port}`]);
    await expect(ask(`${url}left`, { connection: { ...direct, httpsProxy } })).rejects.toMatchObject(
      failing(/self.signed/),
    );
    expect(await ask(`${url}left`, { connection: { httpsProxy, strictSsl: false } })).toMatchObject({
      status: 200,
    });
    expect(log.all).toHaveLength(2);
  });

  it('is left out for the hosts that NO_PROXY names, and for the other protocol', async () => {
    const [{ url }, { url: proxyUrl, asked }] = [await registry(), await proxy()];
    const { ask } = upstreams();
    for (const connection of [
      { ...direct, httpProxy: proxyUrl, noProxy: 'example.com,127.0.0.1' },
      { ...direct, httpProxy: proxyUrl, noProxy: '*' },
      { ...direct, httpsProxy: proxyUrl },
    ]) {
      expect(await ask(`${url}left`, { connection })).toMatchObject({ status: 200 });
    }
    expect(asked).toEqual([]);
  });

  it('that is not there says nothing about upstream for who goes without', async () => {
    const { url } = await registry();
    const { ask } = upstreams();
    const gone = await startRegistry();
    await gone.close();
    const connection = { ...direct, httpProxy: gone.url };
    await expect(ask(`${url}left`, { connection })).rejects.toMatchObject(failing('connection refused'));
    expect(await ask(`${url}left`)).toMatchObject({ status: 200 });
  });
});

const spare = async (
  made: ReturnType<typeof upstreams>,
  url: string,
  signal = new AbortController().signal,
) => made.spare(new URL(url), direct, { most: 1, signal });

describe('A connection for what nobody waits for', () => {
  it.each<[string, (reply: UpstreamReply) => Promise<unknown>]>([
    ['has been read', async ({ body }) => bytesOf(body)],
    ['has been discarded', async ({ discard }) => discard()],
  ])('is to be had once the reply to whoever waits %s', async (_, end) => {
    const { url } = await registry();
    const made = upstreams({ silenceMs: 10_000 });
    const reply = await made.begin(`${url}left/-/left-1.0.0.tgz`);
    let isFree = false;
    const waiting = spare(made, url).then((found) => {
      isFree = found !== undefined;
      return found;
    });
    await made.ask(`${url}left`); // Others are answered meanwhile.
    expect(isFree).toBe(false);
    await end(reply);
    (await waiting)?.free();
    expect(isFree).toBe(true);
  });

  it('is to be had once the request of whoever waited has failed', async () => {
    const { url, misbehave, behave } = await registry();
    const made = upstreams();
    misbehave({ kind: 'hang' });
    await expect(made.ask(`${url}left`)).rejects.toMatchObject(failing(/no answer/));
    behave();
    expect(await spare(made, 'http://127.0.0.1:9/')).toBeDefined();
    // It rests, so nothing is fetched ahead there.
    expect(await spare(made, url)).toBeUndefined();
  });

  it('is not to be had where upstream has answered 429, until it wants to be asked again', async () => {
    const { url, misbehave, behave } = await registry();
    let now = Date.now();
    const made = upstreams({ now: () => now });
    misbehave({ kind: 'status', status: 429, retryAfter: 100 });
    expect(await made.ask(`${url}left`)).toMatchObject({ status: 429 });
    behave();
    now += 99_000;
    expect(await spare(made, url)).toBeUndefined();
    now += 2_000;
    expect(await spare(made, url)).toBeDefined();
  });
});
