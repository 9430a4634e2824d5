/**
 * The connections to upstreams, as the user's own settings want them to be made.
 *
 * @module
 */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { buildConnector, Dispatcher } from 'undici';
import { digestOf } from '../content/digest.ts';
import type { ConnectionSettings } from '../shims/settings.ts';
import { CONNECTIONS } from './connections.ts';
import { landingOf } from './landing.ts';

/** How long a connection may take to be made, in milliseconds. */
const CONNECT_MS = 5_000;

const keys = new WeakMap<ConnectionSettings, string>();

/** Equal for equal settings, and short: a company's certificates may be hundreds of kilobytes. */
export function keyOf(connection: ConnectionSettings): string {
  let key = keys.get(connection);
  if (key === undefined)
    keys.set(connection, (key = digestOf(Buffer.from(JSON.stringify(connection)), 'sha256')));
  return key;
}

/** What connections are made with. */
export type Undici = Awaited<ReturnType<typeof load>>;

/** It takes long to import, and an agent that has just been started is waited for. */
const importUndici = async () => (await import('undici')).default;

let loading: ReturnType<typeof importUndici> | undefined;

/** Bundled, each import of it would copy all that it exports. */
export async function load(): ReturnType<typeof importUndici> {
  return (loading ??= importUndici());
}

/** Connections on these terms. `silenceMs`: how long making one may take at most. */
export function dispatcherOf(undici: Undici, connection: ConnectionSettings, silenceMs: number): Dispatcher {
  const tls = {
    rejectUnauthorized: connection.strictSsl,
    ...(connection.ca?.length || connection.identity ? { secureContext: contextOf(connection) } : {}),
  };
  const connect = { ...tls, timeout: Math.min(CONNECT_MS, silenceMs) };
  const options = { connections: CONNECTIONS, pipelining: 1 };
  if (!connection.httpProxy && !connection.httpsProxy)
    return new undici.Agent({ ...options, connect: connectorOf(undici, connect) });
  return new undici.EnvHttpProxyAgent({
    ...options,
    connect,
    requestTls: tls,
    httpProxy: connection.httpProxy ?? '',
    httpsProxy: connection.httpsProxy ?? '',
    noProxy: connection.noProxy ?? '',
  });
}

/** Plain connections read into memory that is used again; what is encrypted is copied in any case. */
function connectorOf(
  { buildConnector: connectorWith }: Undici,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  const secure = connectorWith(options);
  return (about, done) => {
    if (about.protocol === 'https:') return secure(about, done);
    let socket: Socket | undefined;
    const onread = landingOf(() => socket!);
    connectorWith({ ...options, onread })(about, (...outcome) => {
      if (outcome[1]) [, socket] = outcome;
      done(...outcome);
    });
  };
}

/** One for all connections: to read all certificates for each takes 10 ms. */
function contextOf({ ca = [], identity }: ConnectionSettings): SecureContext {
  const { createSecureContext, rootCertificates } = process.getBuiltinModule('node:tls');
  return createSecureContext({
    ca: [...rootCertificates, ...ca],
    ...(identity && { cert: identity.certificate, key: identity.key }),
  });
}

const anonymous = new WeakMap<ConnectionSettings, ConnectionSettings>();

/** The same settings, without what is to be shown to another host. */
export function shownTo({ host }: URL, connection: ConnectionSettings): ConnectionSettings {
  const { identity, ...others } = connection;
  if (!identity || identity.host === host) return connection;
  const known = anonymous.get(connection) ?? others;
  anonymous.set(connection, known);
  return known;
}
