/**
 * Whom npm would ask in one directory, with which credentials, and how it would connect.
 *
 * @module
 */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import type { NpmConfig, NpmContext } from './npm-config.ts';
import { loadNpmConfig } from './npm-config.ts';
import { authorizationFor } from './npm-credentials.ts';
import { npmInstall } from './npm-install.ts';
import { lockedHosts } from './npm-lockfile.ts';
import type { ConnectionSettings, ToolSettings, UpstreamSettings } from './settings.ts';

/** The most scopes that may have registries of their own: each registry costs a port. */
const SCOPES_LIMIT = 100;

/** Who sets one of these decides who can answer in a registry's place; the last two name files that may. */
const TRUST = ['strict-ssl', 'ca', 'cafile', 'proxy', 'https-proxy', 'userconfig', 'globalconfig'];

/**
 * Reads what npm is configured to do for this call. Nothing is kept between calls.
 *
 * @throws PyrsiaError `CONFIG_INVALID`, never naming a value, which may be a secret
 */
export async function readNpmSettings(context: NpmContext): Promise<ToolSettings> {
  const config = await loadNpmConfig(context);
  const scopes = config.keys.flatMap((key) => /^(@[^:]+):registry$/.exec(key)?.[1] ?? []);
  if (scopes.length > SCOPES_LIMIT) {
    const problem = `npm's configuration: ${scopes.length} scopes have registries of their own, more than ${SCOPES_LIMIT}`;
    throw new PyrsiaError('CONFIG_INVALID', { problems: [problem] });
  }
  const upstreams = [undefined, ...scopes].map((scope) => upstreamOf(config, scope));
  const shippedHost = new URL(String(config.shipped('registry'))).host;
  const replaces = said(config.get('replace-registry-host')) ?? shippedHost;
  const replacesByItself = replaces === config.shipped('replace-registry-host') || replaces === shippedHost;
  const install = npmInstall(config, context.env);
  return {
    upstreams,
    connection: await connectionOf(config, context),
    ...(TRUST.some(config.isProjects) ? { ownTrust: true } : {}),
    globalConfig: (await textOf(String(config.get('globalconfig')))) ?? '',
    sources: config.sources,
    lockedHosts: config.get('global') === true ? [] : await lockedHosts(config.project),
    ...(replacesByItself ? { replacedHost: shippedHost } : {}),
    replacing: {
      replaces: replacesByItself ? shippedHost : replaces,
      isUsers: !replacesByItself,
      // Only one thing depends on it.
      ...(new URL(upstreams[0]!.url).pathname === '/' ? {} : await config.version()),
    },
    ...(install && { install }),
  };
}

function upstreamOf(config: NpmConfig, scope: string | undefined): UpstreamSettings {
  const key = scope === undefined ? 'registry' : `${scope}:registry`;
  const value = config.get(key);
  if (typeof value !== 'string' || !URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new PyrsiaError('CONFIG_INVALID', {
      problems: [`npm's configuration: ${key} is not an http(s) URL`],
    });
  }
  const configured = new URL(value);
  const url = `${configured.origin}${configured.pathname.replace(/\/*$/, '/')}`;
  const authorization = authorizationFor(config, configured);
  const certificate = authorization.certificate || (config.get('cert') && config.get('key'));
  return {
    url,
    ...(scope === undefined ? {} : { scope }),
    shipped: url === config.shipped('registry'),
    ...(authorization.value === undefined ? {} : { authorization: authorization.value }),
    ...(certificate ? { unsupported: 'a client certificate' } : {}),
  };
}

/** A proxy that npm is configured with serves both protocols; else its environment says which serves which. */
async function connectionOf(config: NpmConfig, { cwd, env }: NpmContext): Promise<ConnectionSettings> {
  const lower = new Map(Object.entries(env).map(([name, value]) => [name.toLowerCase(), value]));
  const both = said(config.get('https-proxy')) ?? said(config.get('proxy'));
  const httpsProxy = both ?? said(lower.get('https_proxy'));
  const httpProxy = httpsProxy ?? said(lower.get('http_proxy')) ?? said(lower.get('proxy'));
  const noProxy =
    said([config.get('noproxy')].flat().filter(Boolean).join(',')) ?? said(lower.get('no_proxy'));

  const extra = env['NODE_EXTRA_CA_CERTS'];
  const cafile = said(config.get('cafile'));
  const pems = [
    ...[config.get('ca')].flat(),
    cafile && (await textOf(cafile, 'cafile')),
    extra && (await textOf(resolve(cwd, extra))), // Node, too, goes on without it
  ];
  const ca = pems.flatMap(
    (pem) => said(pem)?.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [],
  );
  return {
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    ...(noProxy === undefined ? {} : { noProxy }),
    ...(ca.length === 0 ? {} : { ca }),
    strictSsl: config.get('strict-ssl') !== false,
  };
}

function said(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The text of a file; undefined when there is none, or none can be read. With `setting`, the latter is an error. */
async function textOf(file: string, setting?: string): Promise<string | undefined> {
  try {
    const found = await stat(file);
    if (found.isFile() || found.isDirectory()) return await readFile(file, 'utf8');
    throw Object.assign(new Error('It might never end'), { code: 'it is no file' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (setting === undefined || code === 'ENOENT') return undefined;
    throw new PyrsiaError('CONFIG_INVALID', {
      problems: [`npm's configuration: cannot read ${setting}: ${code}`],
    });
  }
}
