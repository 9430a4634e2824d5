/**
 * Registries to which a client itself proves who its user is. What it sends for that goes on to this registry's own origin
 * and nowhere else, and nothing of it is kept; what is had by it belongs to a registry of its own, which is private.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7617
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Headers } from '../ecosystems/ecosystem.ts';
import { apart, type Asker, isOfConnection } from './asker.ts';
import type { Upstreams } from './upstream.ts';

/** Whoever asks with these headers; undefined: they have to show a name and a password first. */
export type Proven = (asker: Asker, headers: IncomingHttpHeaders) => Asker | undefined;

/** A password is shown only once a registry has refused to answer without. */
export function openProven(ask: Upstreams['ask']): Proven {
  const refusing = new Set<string>();

  return (asker, headers) => {
    const { proof, upstream } = asker;
    if (!proof || (!proof.byPassword && proof.headers.length === 0)) return asker;
    const own = headersIn(headers, proof.headers);
    const isOwn = proof.headers.includes('authorization');
    const { authorization: password } = isOwn ? {} : headers;
    if (proof.byPassword && !isOwn && password === undefined) return undefined;

    const url = apart(upstream.url, [upstream.url.href, ...(nameIn(password) ?? proof.headers)]);
    return {
      ...asker,
      upstream: { ...upstream, url, name: url.href, public: false },
      async ask(asked) {
        if (password === undefined) return ask({ ...asked, own });
        if (!refusing.has(url.href)) {
          const reply = await ask({ ...asked, own });
          if (reply.status !== 401) return reply;
          await reply.discard();
          refusing.add(url.href);
        }
        return ask({ ...asked, own: { ...own, authorization: password } });
      },
    };
  };
}

/** As whom: of the password nothing is looked at. */
function nameIn(authorization = ''): readonly [string] | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const [name = ''] = Buffer.from(encoded, 'base64').toString().split(':', 1);
  return [name];
}

function headersIn(headers: IncomingHttpHeaders, names: readonly string[]): Headers {
  return Object.fromEntries(
    names.flatMap((name) => {
      const { [name]: value } = headers;
      return value === undefined || isOfConnection(name)
        ? []
        : [[name, Array.isArray(value) ? value.join(', ') : value]];
    }),
  );
}
