/**
 * Tokens: what a registry wants to see, and gets from the address that it names.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 * @module
 */
import { Readable } from 'node:stream';
import { type Challenge, parseChallenges } from '../ecosystems/oci/challenge.ts';
import { isLoopback } from '../ecosystems/oci/registries.ts';
import { PyrsiaError } from '../errors.ts';
import type { RegistryCredential } from '../shims/registry-credentials.ts';
import type { ConnectionSettings } from '../shims/settings.ts';
import { statusOf, type UpstreamReply, type Upstreams } from './upstream.ts';

/** How long a token holds that does not say so, in milliseconds: what the specification says. */
const LIFETIME_MS = 60_000;
/** A token that holds no longer than this is not used any more, in milliseconds. */
const MARGIN_MS = 5_000;
/** The most bytes of an answer with a token: 1 MiB. */
const TOKEN_LIMIT = 2 ** 20;

/** A value for Authorization, and until when it is any good. */
export interface Authorization {
  readonly value: string;
  /** In milliseconds since 1970. */
  readonly until: number;
}

/** Who asks for a token, and which registry wants it. */
export interface TokenRequest {
  /** The registry's address, as it is really asked. */
  readonly registry: URL;
  readonly credential?: RegistryCredential;
  readonly connection: ConnectionSettings;
  readonly signal?: AbortSignal;
}

/**
 * What lets a request in that was answered 401; undefined when nothing does that this asker has.
 *
 * @throws PyrsiaError `UPSTREAM_FAILED` when there is nobody to get a token from, `CREDENTIALS_NEEDED` when one is
 * asked for at a place that is not to see the user's credential
 */
export async function authorize(
  ask: Upstreams['ask'],
  header: string,
  asked: TokenRequest,
  now: () => number,
): Promise<Authorization | undefined> {
  const challenges = parseChallenges(header);
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  if (bearer) return tokenFor(ask, bearer, asked, now);
  const isBasic = challenges.some(({ scheme }) => scheme === 'basic');
  const { credential } = asked;
  if (!isBasic || !credential || credential.isToken) return undefined;
  return { value: basic(credential), until: Infinity };
}

async function tokenFor(
  ask: Upstreams['ask'],
  { parameters }: Challenge,
  { registry, credential, connection, signal }: TokenRequest,
  now: () => number,
): Promise<Authorization | undefined> {
  const realm = URL.parse(parameters['realm'] ?? '');
  // A token that passes by in the clear is everybody's, but where the registry itself is spoken to so.
  if (
    !realm ||
    !(realm.protocol === 'https:' || (realm.protocol === 'http:' && registry.protocol === 'http:'))
  )
    return undefined;
  if (credential && !(await maySee(realm, registry))) {
    const upstream = `${registry.host}, which sends for a token to ${realm.host}`;
    throw new PyrsiaError('CREDENTIALS_NEEDED', { what: registry.pathname, upstream });
  }
  const { service, scope } = parameters;
  const terms = { ...(service === undefined ? {} : { service }), ...(scope === undefined ? {} : { scope }) };
  const common = { connection, ...(signal ? { signal } : {}) };
  const reply = credential?.isToken
    ? await ask({
        ...common,
        method: 'POST',
        url: realm,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Readable.from([
          Buffer.from(
            new URLSearchParams({
              ...terms,
              grant_type: 'refresh_token',
              client_id: 'pyrsia',
              refresh_token: credential.password,
            }).toString(),
          ),
        ]),
      })
    : await ask({
        ...common,
        url: withQuery(realm, { ...terms, ...(credential ? { account: credential.username } : {}) }),
        headers: credential ? { authorization: basic(credential) } : {},
      });
  if (reply.status === 401 || reply.status === 403 || reply.status === 404) {
    await reply.discard();
    return undefined;
  }
  const { token, expires_in: seconds } = await answered(reply);
  const lifetime = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : LIFETIME_MS;
  return { value: `Bearer ${token}`, until: now() + lifetime - MARGIN_MS };
}

/** Whether what is meant for `registry` may be shown at `realm`: the same machine, or one of the same owner. */
async function maySee(realm: URL, registry: URL): Promise<boolean> {
  if (realm.hostname === registry.hostname) return true;
  if (isLoopback(realm.hostname) || isLoopback(registry.hostname)) return false;
  const { getDomain } = await import('tldts');
  const options = { allowPrivateDomains: true };
  const domain = getDomain(registry.hostname, options);
  return domain !== null && domain === getDomain(realm.hostname, options);
}

async function answered(
  reply: UpstreamReply,
): Promise<{ readonly token: string; readonly expires_in?: unknown }> {
  const failed = (reason: string) => new PyrsiaError('UPSTREAM_FAILED', { url: reply.url, reason });
  if (reply.status !== 200) {
    await reply.discard();
    throw failed(statusOf(reply));
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.body) {
    size += chunk.byteLength;
    if (size > TOKEN_LIMIT) throw failed('the token has no end');
    parts.push(chunk);
  }
  let said: unknown;
  try {
    said = JSON.parse(Buffer.concat(parts).toString());
  } catch {
    said = undefined;
  }
  if (typeof said === 'object' && said !== null) {
    const { token, access_token: other, expires_in }: Partial<Record<string, unknown>> = { ...said };
    const found = [token, other].find((each) => typeof each === 'string' && /^[\x21-\x7e]+$/.test(each));
    if (typeof found === 'string') return { token: found, expires_in };
  }
  throw failed('there is no token in its answer');
}

function withQuery(url: URL, parameters: Readonly<Record<string, string>>): URL {
  const whole = new URL(url);
  for (const [name, value] of Object.entries(parameters)) whole.searchParams.set(name, value);
  return whole;
}

function basic({ username, password }: RegistryCredential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
