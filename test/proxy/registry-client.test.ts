import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authorize } from '../../src/proxy/registry-tokens.ts';
import { openRegistryClient } from '../../src/proxy/registry-client.ts';
import type { UpstreamRequest, Upstreams } from '../../src/proxy/upstream.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';
import { chunked } from '../support/streams.ts';
import { type Registry, startTlsServer, startPlainServer, type Asked } from '../support/registry-servers.ts';

const connection = { strictSsl: true };
const me = { username: 'me', password: 'secret' };

describe('A token', () => {
  let asked: (UpstreamRequest & { readonly sent?: string })[];
  let answer: { status: number; body: string };
  const ask: Upstreams['ask'] = async (request) => {
    asked.push({ ...request, ...(request.body && { sent: await text(request.body) }) });
    return {
      status: answer.status,
      headers: {},
      body: chunked(Buffer.from(answer.body)),
      url: request.url.href,
      discard: async () => Promise.resolve(),
    };
  };
  const from = async (
    realm: string,
    more: object = {},
    registry = 'https://registry.gitlab.example.com/v2/',
  ) =>
    authorize(
      ask,
      `Bearer realm="${realm}",service="registry",scope="repository:a/b:pull"`,
      { registry: new URL(registry), connection, ...more },
      () => 1000,
    );

  beforeEach(() => {
    asked = [];
    answer = { status: 200, body: '{"token":"t","expires_in":300}' };
  });

  it('is asked for with what the registry names, and holds as long as it says', async () => {
    expect(await from('https://auth.example.com/token?a=b')).toEqual({
      value: 'Bearer t',
      until: 1000 + 295_000,
    });
    expect(asked[0]!.url.href).toBe(
      'https://auth.example.com/token?a=b&service=registry&scope=repository%3Aa%2Fb%3Apull',
    );
    expect(asked[0]!.headers).toEqual({});
  });

  it('holds for a minute where that is not said', async () => {
    answer.body = '{"access_token":"u"}';
    expect(await from('https://auth.example.com/token')).toEqual({ value: 'Bearer u', until: 1000 + 55_000 });
  });

  it.each([
    ['https://registry.gitlab.example.com/jwt', true],
    ['https://gitlab.example.com/jwt', true],
    ['https://auth.example.com/jwt', true],
    ['https://example.org/jwt', false],
    ['https://gitlab.example.com.evil.org/jwt', false],
    ['http://gitlab.example.com/jwt', false],
  ])('from %s is asked for with a credential: %s', async (realm, isShown) => {
    await from(realm, { credential: me }).catch(() => undefined);
    const shown = asked.filter(({ headers }) => headers?.['authorization'] !== undefined);
    expect(shown).toHaveLength(isShown ? 1 : 0);
  });

  it('of a stranger on a domain that many share is none of its neighbours’', async () => {
    const asking = from('https://b.github.io/token', { credential: me }, 'https://a.github.io/v2/');
    await expect(asking).rejects.toMatchObject({ code: 'CREDENTIALS_NEEDED' });
  });

  it('is got by another one where that is the credential', async () => {
    await from('https://auth.example.com/token', {
      credential: { username: '', password: 'refresh', isToken: true },
    });
    expect(asked[0]).toMatchObject({
      method: 'POST',
      sent: expect.stringContaining('refresh_token=refresh'),
    });
    expect(asked[0]!.url.search).toBe('');
  });

  it.each([
    [500, '', 'UPSTREAM_FAILED'],
    [200, 'no JSON', 'UPSTREAM_FAILED'],
    [200, '{"token":""}', 'UPSTREAM_FAILED'],
    [200, '{"token":"a b\\r\\nx: y"}', 'UPSTREAM_FAILED'],
    [200, '{"token":"t"}'.padEnd(2 ** 20 + 1), 'UPSTREAM_FAILED'],
  ])('is not what comes with %i %.40j', async (status, body, code) => {
    answer = { status, body };
    await expect(from('https://auth.example.com/token')).rejects.toMatchObject({ code });
  });

  it.each([401, 403])('is not given with %i', async (status) => {
    answer = { status, body: '' };
    expect(await from('https://auth.example.com/token')).toBeUndefined();
  });

  it('is not asked of what is no address', async () => {
    expect(await from('file:///etc/passwd')).toBeUndefined();
    expect(await from('nonsense')).toBeUndefined();
    expect(asked).toEqual([]);
  });
});

describe('A registry', () => {
  let upstreams: Upstreams;
  beforeEach(() => {
    upstreams = openUpstreams({ silenceMs: 2000 });
  });
  afterEach(async () => upstreams[Symbol.asyncDispose]());

  it.each([
    ['without TLS', startPlainServer],
    ['with a certificate of its own', startTlsServer],
  ])('that may be insecure is found %s, once', async (_, open) => {
    await using server: Registry = await open();
    const ask = openRegistryClient(upstreams, Date.now).as({ insecure: true });
    for (let times = 0; times < 2; times++) {
      const reply = await ask({ url: new URL(`https://${server.host}/v2/a/manifests/1`), connection });
      expect(reply.status).toBe(200);
      await reply.discard();
    }
    expect(server.asked.map(({ url }: Asked) => url)).toEqual([
      '/v2/',
      '/v2/a/manifests/1',
      '/v2/a/manifests/1',
    ]);
  });

  it.each([
    ['without TLS', startPlainServer],
    ['with a certificate of its own', startTlsServer],
  ])('that is %s is not asked where that may not be', async (_, open) => {
    await using server: Registry = await open();
    const ask = openRegistryClient(upstreams, Date.now).as({ insecure: false });
    await expect(
      ask({ url: new URL(`https://${server.host}/v2/a/manifests/1`), connection }),
    ).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
    });
    expect(server.asked).toEqual([]);
  });
});
