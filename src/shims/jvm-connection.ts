/**
 * How tools of the JVM reach others: they trust what the system does, and have their own words for proxies.
 *
 * @module
 */
import type { ConnectionSettings } from './settings.ts';

/** A proxy, and as whom it is asked. */
export interface JvmProxy {
  readonly host: string;
  readonly port: number | string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** A connection through these proxies, but not to hosts that one of the patterns in `unproxied` fits. */
export function jvmConnection({
  http,
  https,
  unproxied,
}: {
  readonly http: JvmProxy | undefined;
  readonly https: JvmProxy | undefined;
  /** With `*` at their beginnings. */
  readonly unproxied: readonly string[];
}): ConnectionSettings {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return {
    strictSsl: true,
    ca: getCACertificates('system'),
    ...(http && { httpProxy: urlOf(http) }),
    ...(https && { httpsProxy: urlOf(https) }),
    ...(unproxied.length > 0 && { noProxy: unproxied.map((host) => host.replace(/^\*/, '')).join(',') }),
  };
}

function urlOf({ host, port, username, password = '' }: JvmProxy): string {
  const who =
    username === undefined ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  return `http://${who}${host}:${port}`;
}
