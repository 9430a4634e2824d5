import type { NpmConfig } from './npm-config.ts';

/** What npm would prove itself with. */
export interface NpmCredentials {
  /** Value for an Authorization header. */
  readonly value?: string;
  /** Whether npm would show a client certificate. */
  readonly certificate: boolean;
}

/**
 * The user's credentials for a registry: userinfo in its URL, or settings for `//host/path/` or the
 * nearest path above it that has any, as npm-registry-fetch looks for them.
 */
export function authorizationFor(config: Pick<NpmConfig, 'get'>, registry: URL): NpmCredentials {
  let key = `//${registry.host}${registry.pathname.replace(/\/*$/, '/')}`;
  for (; key.length > '//'.length; key = key.replace(/([^/]+|\/)$/, '')) {
    const said = (name: string): string => {
      const value = config.get(`${key}:${name}`);
      return typeof value === 'string' ? value : '';
    };
    const certificate = said('certfile') !== '' && said('keyfile') !== '';
    const [token, auth, username, password] = ['_authToken', '_auth', 'username', '_password'].map(said);
    if (token) return { value: `Bearer ${token}`, certificate };
    if (auth) return { value: `Basic ${auth}`, certificate };
    if (username && password) {
      return { value: basic(username, Buffer.from(password, 'base64').toString()), certificate };
    }
    if (certificate) return { certificate };
  }
  const { username, password } = registry;
  if (username === '' && password === '') return { certificate: false };
  return { value: basic(decoded(username), decoded(password)), certificate: false };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function decoded(userinfo: string): string {
  try {
    return decodeURIComponent(userinfo);
  } catch {
    return userinfo;
  }
}
