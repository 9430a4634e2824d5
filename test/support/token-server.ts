/**
 * Who gives out tokens for a docker-registry, as docker's hub has one: signed, for a repository, and soon over.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 * @module
 */
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as whole } from 'node:stream/consumers';
import { selfSigned } from '../fixtures/registry/certificate.ts';

/** What stands for "me", where tokens are got by another one. */
export const REFRESH_TOKEN = 'refresh-of-me';

/** How long docker-registry takes a token that is over, in seconds. */
const LEEWAY_S = 60;

/** A running token server. */
export interface TokenServer extends AsyncDisposable {
  /** What a registry names as its realm. */
  readonly realm: string;
  /** Who signs: what a registry trusts, as PEM. */
  readonly certificate: string;
  readonly issuer: string;
  readonly service: string;
  /** For what was asked, and by whom: `repository:a/b:pull by nobody`. */
  readonly requests: string[];
  /** All tokens that were given out. */
  readonly given: readonly string[];
  /** How long tokens hold, in seconds, of which nobody is told the truth: they say five minutes. */
  lifetime: number;
  /** When the last one is over, in milliseconds since 1970. */
  readonly overAt: number;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Starts one that lets "me" with "secret" do everything, and anybody else pull what is not below `private/`. */
export async function startTokenServer(): Promise<TokenServer> {
  const { key, cert } = selfSigned();
  const chain = [new X509Certificate(cert).raw.toString('base64')];
  const signed = (claims: object): string => {
    const text = `${encoded({ typ: 'JWT', alg: 'ES256', x5c: chain })}.${encoded(claims)}`;
    const privateKey = { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' } as const;
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
  };
  let overAt = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = new URLSearchParams(request.method === 'POST' ? await whole(request) : '');
    const searchParams =
      request.method === 'POST' ? form : new URL(request.url ?? '/', 'http://token.invalid').searchParams;
    const [, shown = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const refresh = form.get('grant_type') === 'refresh_token' ? form.get('refresh_token') : null;
    const who =
      refresh === null ? Buffer.from(shown, 'base64').toString().split(':')[0]! : `the token ${refresh}`;
    const isMe = shown === Buffer.from('me:secret').toString('base64') || refresh === REFRESH_TOKEN;
    const scopes = searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    requests.push(`${scopes.join(' ')} by ${who || 'nobody'}`);
    if (who !== '' && !isMe) {
      response.writeHead(401).end();
      return;
    }
    const access = scopes.flatMap((scope) => {
      const [type = '', name = '', actions = ''] = scope.split(':');
      if (isMe) return { type, name, actions: actions.split(',') };
      return name.startsWith('private/') ? [] : { type, name, actions: ['pull'] };
    });
    const exp = Math.floor(Date.now() / 1000) - LEEWAY_S + running.lifetime;
    overAt = (exp + LEEWAY_S + 1) * 1000;
    const token = signed({
      iss: running.issuer,
      aud: running.service,
      sub: who,
      jti: randomUUID(),
      exp,
      nbf: exp - 600,
      iat: exp - 600,
      access,
    });
    given.push(token);
    const named = refresh === null ? { token } : { access_token: token };
    response.end(JSON.stringify({ ...named, expires_in: 300 }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const requests: string[] = [];
  const given: string[] = [];
  const running: TokenServer = {
    realm: `http://127.0.0.1:${port}/token`,
    certificate: cert,
    issuer: 'test',
    service: 'registry',
    requests,
    given,
    lifetime: 600,
    get overAt() {
      return overAt;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
  return running;
}
