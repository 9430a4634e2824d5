/**
 * The proxies that the user's environment names.
 *
 * @module
 */
import type { ConnectionSettings } from './settings.ts';

/** As tools read them, capitals first; what is empty counts as unset. */
export function proxiesIn(
  env: Readonly<Record<string, string | undefined>>,
): Pick<ConnectionSettings, 'httpProxy' | 'httpsProxy' | 'noProxy'> {
  const said = (name: string): string | undefined => env[name.toUpperCase()] || env[name] || undefined;
  const [httpProxy, httpsProxy, noProxy] = ['http_proxy', 'https_proxy', 'no_proxy'].map(said);
  return {
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    ...(noProxy === undefined ? {} : { noProxy }),
  };
}
