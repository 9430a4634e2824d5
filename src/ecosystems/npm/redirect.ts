/**
 * How npm is led to us: by variables of its environment, which beat every npmrc, and by a global npmrc,
 * which alone carries the credential.
 *
 * @see https://github.com/npm/cli/blob/latest/docs/lib/content/using-npm/config.md
 * @module
 */
import semver from 'semver';
import type { Leading, Redirection, Replacing, ToolCall } from '../ecosystem.ts';

const FILE = 'npmrc';

const REPLACES = 'npm_config_replace_registry_host';

/** The first npm that takes a URL, and not only the name of a host, for what it replaces. */
const TAKES_URLS = '11.18.0';

/** Leads one call of npm or npx to us; to nowhere else when `leading` is empty. */
export function redirect(call: ToolCall): Redirection {
  const { leading, credential, globalConfig } = call;
  const led = leading.filter(({ scope }) => scope === undefined || isSpellable(scope));
  if (led.length === 0) return { env: {} };

  const main = led.find(({ scope }) => scope === undefined);
  const replaced = main && replacedHost(main, call);
  // Ours stand first, so that a section of the user's file cannot swallow them.
  const tokens = new Set(
    led.map(({ base }) => `//${new URL(base).host}${new URL(base).pathname}:_authToken=${credential}`),
  );
  return {
    env: {
      ...Object.fromEntries(
        led.map(({ scope, base }) => [`npm_config_${scope ? `${scope}:` : ''}registry`, base]),
      ),
      npm_config_globalconfig: call.pathOf(FILE),
      ...(replaced === undefined ? {} : { [REPLACES]: replaced }),
      ...(call.unproxied === undefined ? {} : { npm_config_noproxy: withHosts(call.unproxied, led) }),
    },
    files: { [FILE]: `${[...tokens].join('\n')}\n${globalConfig}` },
  };
}

/**
 * Why npm, led so, does not ask us for what a lockfile has at `address`; undefined where it does. npm decides by
 * the name of the host, and maybe where the path begins, whatever registry the package is from.
 *
 * @see https://github.com/npm/cli/blob/latest/workspaces/arborist/lib/arborist/reify.js
 */
export function pastUs(redirection: Redirection, replacing: Replacing, address: URL): string | undefined {
  if (leads(redirection, replacing, address)) return undefined;
  const { registries, version = 'of an unknown version' } = replacing;
  const scoped = registries.find(
    ({ url, scope }) => scope !== undefined && new URL(url).host === address.host,
  );
  if (scoped) return `it is ${scoped.scope}'s registry, and npm can be led from the default one only`;
  const { [REPLACES]: replaced } = redirection.env;
  if (replaced === undefined && replacing.isUsers)
    return 'npm is configured to leave it as it is (replace-registry-host)';
  const [main] = registries;
  if (replaced !== undefined && !takesUrls(version) && URL.parse(replaced)?.host === address.host)
    return `npm ${TAKES_URLS} and later can be led from a registry below a path, npm ${version} cannot`;
  const led = replaced ?? replacing.replaces;
  const why = `npm can be led from one host only, here from ${URL.parse(led)?.host ?? led}`;
  if (!main || registries.length > 1 || new URL(main.url).pathname !== '/') return why;
  return `${why}; if ${main.url} has the same packages, \`npm config set replace-registry-host always\` leads it from all`;
}

function leads({ env }: Redirection, { version, replaces }: Replacing, address: URL): boolean {
  const replaced = env['npm_config_registry'] === undefined ? undefined : (env[REPLACES] ?? replaces);
  if (replaced === undefined) return false;
  if (replaced === 'always' || replaced === address.hostname || replaced === address.host) return true;
  const url = URL.parse(replaced);
  if (url?.hostname !== address.hostname) return false;
  if (!takesUrls(version)) return false;
  return `${address.pathname}/`.startsWith(`${url.pathname.replace(/\/$/, '')}/`);
}

function takesUrls(version: string | undefined): boolean {
  return semver.gte(semver.valid(version) ?? '0.0.0', TAKES_URLS);
}

/** Our own addresses are not for the user's proxy; npm sends it what is on the loopback, too. */
function withHosts(unproxied: string, led: readonly Leading[]): string {
  const own = led.map(({ base }) => new URL(base).hostname);
  return [...new Set([...unproxied.split(',').filter(Boolean), ...own])].join(',');
}

/** npm reads names of variables in lower case and every `_` as `-`: `@my_scope` would lead `@my-scope` astray. */
function isSpellable(scope: string): boolean {
  return !/[A-Z_]/.test(scope);
}

/**
 * What npm has to replace in the addresses of tarballs, of a lockfile or a document, so that they are asked
 * for at `main.base`. Undefined: as it is.
 *
 * By itself npm replaces one host, the public registry's. Naming another takes the place of that one, so it
 * is done only where nothing then comes from elsewhere than without us:
 * - the lockfile does not name the public registry: the user's own is named (by URL where it has a path,
 *   which npm 11.18 and later strip; earlier ones fetch these tarballs past us);
 *   Not where the registry is a mirror whose documents leave the public host in place;
 * - it names these two and no other host: `always`, unless the registry has a path, which `always` keeps;
 * - in any other mixture nothing changes, and the user's own registry's tarballs are fetched past us.
 *
 * npm compares names of hosts without ports, and whatever a package is: where another registry or address has
 * the same name, nothing changes either.
 */
function replacedHost(main: Leading, call: ToolCall): string | undefined {
  const { leading, besides, lockedHosts, artifactHost, replacedHost: byItself } = call;
  const own = new URL(main.upstream);
  if (byItself === undefined || own.host === byItself) return undefined;
  const path = own.pathname.replace(/\/$/, '');
  const others = [...leading.map(({ upstream }) => upstream), ...besides].filter(
    (url) => url !== main.upstream,
  );
  const isCaught = (url: URL): boolean =>
    url.hostname === own.hostname && url.pathname.startsWith(`${path}/`);
  if (others.some((url) => isCaught(new URL(url)))) return undefined;
  if (
    lockedHosts.some(
      (host) => host !== own.host && URL.parse(`${own.protocol}//${host}`)?.hostname === own.hostname,
    )
  ) {
    return undefined;
  }
  if (!lockedHosts.includes(byItself)) {
    if (artifactHost !== undefined && artifactHost !== own.host) return undefined;
    return path === '' ? own.hostname : `${own.origin}${path}`;
  }
  const alone = others.length === 0 && lockedHosts.length === 2 && lockedHosts.includes(own.host);
  return path === '' && alone ? 'always' : undefined;
}
