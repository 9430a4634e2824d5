/**
 * How npm is led to us: by variables of its environment, which beat every npmrc, and by a global npmrc,
 * which alone carries the credential.
 *
 * @see https://github.com/npm/cli/blob/latest/docs/lib/content/using-npm/config.md
 * @module
 */
import type { Leading, Redirection, ToolCall } from '../ecosystem.ts';

const FILE = 'npmrc';

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
      ...(replaced === undefined ? {} : { npm_config_replace_registry_host: replaced }),
      ...(call.unproxied === undefined ? {} : { npm_config_noproxy: withHosts(call.unproxied, led) }),
    },
    files: { [FILE]: `${[...tokens].join('\n')}\n${globalConfig}` },
  };
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
 *   which npm 11 and later strip; earlier ones fetch these tarballs past us);
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
