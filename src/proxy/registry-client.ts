/**
 * Asking a registry of images: over TLS or, where that may be, without it, and with the tokens that it wants.
 *
 * @module
 */
import { Readable } from 'node:stream';
import { isPyrsiaError } from '../errors.ts';
import type { RegistryCredential } from '../shims/registry-credentials.ts';
import { type Authorization, authorize } from './registry-tokens.ts';
import type { UpstreamReply, UpstreamRequest, Upstreams } from './upstream.ts';

/** Whom to ask, and as whom. */
export interface RegistryAsker {
  /** Whether it may be spoken to without TLS, or with a certificate of anybody's. */
  readonly insecure: boolean;
  /** Read when the registry wants it; absent: it is asked as anybody may. */
  readonly credential?: (this: void) => Promise<RegistryCredential | undefined>;
}

/** Ways to registries, with what was learned of them. */
export interface RegistryClient {
  /** A way of asking. What it has learned is its own: tokens are one asker's. */
  as(asker: RegistryAsker): Upstreams['ask'];
}

/** Nothing is known so far. */
export function openRegistryClient(upstreams: Upstreams, now: () => number): RegistryClient {
  /** By host: whether it speaks TLS. Only of those that need not. */
  const schemes = new Map<string, Promise<'https:' | 'http:'>>();

  async function schemeOf(url: URL, connection: UpstreamRequest['connection']): Promise<'https:' | 'http:'> {
    let scheme = schemes.get(url.host);
    if (!scheme) {
      schemes.set(url.host, (scheme = find(url, connection)));
      scheme.catch(() => schemes.delete(url.host));
    }
    return scheme;
  }

  /** As docker does: with TLS, whosever the certificate is, and when nobody speaks it, without. */
  async function find(url: URL, connection: UpstreamRequest['connection']): Promise<'https:' | 'http:'> {
    const root = new URL('/v2/', url);
    try {
      await (await upstreams.ask({ url: root, connection })).discard();
      return 'https:';
    } catch (error) {
      const isOut = upstreams.unreachable().includes(root.origin);
      if (!isPyrsiaError(error, 'UPSTREAM_FAILED') || isOut) throw error;
      root.protocol = 'http:';
      await (await upstreams.ask({ url: root, connection })).discard();
      return 'http:';
    }
  }

  return {
    as({ insecure, credential }) {
      /** By what they let in to. */
      const given = new Map<string, Authorization>();
      const asking = new Map<string, Promise<Authorization | undefined>>();

      return async (asked) => {
        const connection = insecure ? { ...asked.connection, strictSsl: false } : asked.connection;
        const url = new URL(asked.url);
        if (insecure) url.protocol = await schemeOf(url, connection);
        const place = `${url.host} ${repositoryIn(url)}`;

        const known = given.get(place);
        const first = known && known.until > now() ? known : undefined;
        const ask = async (authorization?: Authorization): Promise<UpstreamReply> =>
          upstreams.ask({
            ...asked,
            url,
            connection,
            headers: { ...asked.headers, ...(authorization && { authorization: authorization.value }) },
          });
        const reply = await ask(first);
        const header = reply.headers['www-authenticate'];
        // Of whoever we were sent on to this registry's own word is none.
        const isTheirs = reply.url.startsWith(`${url.origin}/`);
        if (reply.status !== 401 || header === undefined || !isTheirs || asked.body) return reply;

        await reply.discard();
        let next = asking.get(`${place} ${header}`);
        if (!next) {
          next = (async () => {
            const own = await credential?.();
            const who = { registry: url, connection, ...(own ? { credential: own } : {}) };
            return authorize(upstreams.ask, header, who, now);
          })();
          asking.set(`${place} ${header}`, next);
          void next.catch(() => undefined).finally(() => asking.delete(`${place} ${header}`));
        }
        const authorization = await next;
        if (!authorization) return { ...reply, body: Readable.from([]) };
        given.set(place, authorization);
        const second = await ask(authorization);
        if (second.status === 401) given.delete(place);
        return second;
      };
    },
  };
}

/** The repository that a path is about: tokens are for one. */
function repositoryIn({ pathname }: URL): string {
  return /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(pathname)?.[1] ?? '';
}
