/**
 * Calls of npm that install packages: on which terms, and where npm's own cache is.
 *
 * @see https://github.com/npm/cli/blob/latest/workspaces/config/lib/definitions/definitions.js
 * @module
 */
import { createHash } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { CLEAN_INSTALLS, EXECS, INSTALLS } from '../ecosystems/npm/calls.ts';
import type { NpmConfig } from './npm-config.ts';
import type { InstallSettings } from './settings.ts';

/** The install that npm was called for; undefined for any other call, and where npm would not look into its cache. */
export function npmInstall(
  config: NpmConfig,
  env: Readonly<Record<string, string>>,
): InstallSettings | undefined {
  const [command = '', ...words] = config.words;
  const isExec = EXECS.includes(command);
  const isClean = CLEAN_INSTALLS.includes(command);
  if (!isExec && !isClean && !INSTALLS.includes(command)) return undefined;
  const says = (key: string): boolean => config.get(key) === true;
  const isGlobal = (says('global') || config.get('location') === 'global') && !isExec;
  const named = isExec ? executed(config, words) : isClean ? [] : words;
  if (isGlobal ? isClean || named.length === 0 : isClean && words.length > 0) return undefined;
  if (['dry-run', 'prefer-online'].some(says) || (says('package-lock-only') && !isExec)) return undefined;
  if (isClean && config.get('package-lock') === false) return undefined;
  const cache = text(config.get('cache'));
  if (cache === undefined || !isAbsolute(cache)) return undefined;
  const libc = text(config.get('libc'));
  const connections = connectionsOf(config);
  const isLocal = !isExec && !isGlobal;
  const hasLockfile = isLocal && config.get('package-lock') !== false;
  const modules = isLocal ? config.project : isExec ? join(cache, '_npx', npxFolder(named)) : undefined;
  const isChoosing = !isClean && (named.length > 0 || isLocal) && isFollowed(config);
  return {
    cache,
    lockfiles: hasLockfile
      ? ['npm-shrinkwrap.json', 'package-lock.json'].map((name) => join(config.project, name))
      : [],
    ...(isClean || modules === undefined
      ? {}
      : { installed: join(modules, 'node_modules', '.package-lock.json') }),
    omit: omitted(config, env),
    os: text(config.get('os')) ?? process.platform,
    cpu: text(config.get('cpu')) ?? process.arch,
    ...(libc === undefined ? {} : { libc }),
    ...(connections === undefined ? {} : { connections }),
    ...(isChoosing && {
      choice: {
        named,
        peers: !says('legacy-peer-deps'),
        ...(isLocal && { manifest: join(config.project, 'package.json') }),
      },
    }),
  };
}

/** Whether npm chooses versions as it does by default, of which anybody can tell what it will choose. */
function isFollowed(config: NpmConfig): boolean {
  const isUnset = (key: string): boolean => config.get(key) === null || config.get(key) === undefined;
  return (
    config.get('tag') === 'latest' &&
    config.get('prefer-dedupe') !== true &&
    isUnset('before') &&
    isUnset('min-release-age')
  );
}

/** The packages of which npm runs something: those that an option names, or else the first word. */
function executed(config: NpmConfig, words: readonly string[]): readonly string[] {
  const packages = [config.get('package')].flat().filter((each) => typeof each === 'string' && each !== '');
  return packages.length > 0 || text(config.get('call')) !== undefined
    ? packages.map(String)
    : words.slice(0, 1);
}

/** What npm calls the folder in which it keeps these packages to run them again. */
function npxFolder(packages: readonly string[]): string {
  const name = packages.toSorted((a, b) => a.localeCompare(b, 'en')).join('\n');
  return createHash('sha512').update(name).digest('hex').slice(0, 16);
}

/** How many connections the user allows npm, where they say so. */
function connectionsOf(config: NpmConfig): number | undefined {
  if (config.get('offline') === true) return 0;
  const most = config.get('maxsockets');
  return config.setBy('maxsockets') !== 'default' && typeof most === 'number' && most > 0 ? most : undefined;
}

/** What is left out, by every setting that has a say in it. */
function omitted(config: NpmConfig, env: Readonly<Record<string, string>>): readonly string[] {
  const omit = new Set([config.get('omit')].flat());
  if (config.setBy('omit') === 'default') {
    omit.clear(); // npm's default is made from its own process's environment, which is not ours.
    if (env['NODE_ENV'] === 'production') omit.add('dev');
  }
  const include = new Set([config.get('include')].flat());
  const production = config.get('production');
  if (production === true || /^prod(uction)?$/.test(String(config.get('only')))) omit.add('dev');
  else if (production === false) include.add('dev');
  if (config.get('dev') === true || String(config.get('also')).startsWith('dev')) include.add('dev');
  const optional = config.get('optional');
  if (optional === false) omit.add('optional');
  else if (optional === true) include.add('optional');
  return [...omit].filter((type) => typeof type === 'string').filter((type) => !include.has(type));
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
