/**
 * Calls of npm that install what a lockfile names: on which terms, and where npm's own cache is.
 *
 * @see https://github.com/npm/cli/blob/latest/workspaces/config/lib/definitions/definitions.js
 * @module
 */
import { isAbsolute, join } from 'node:path';
import { CLEAN_INSTALLS, INSTALLS } from '../ecosystems/npm/calls.ts';
import type { NpmConfig } from './npm-config.ts';
import type { InstallSettings } from './settings.ts';

/** The install that npm was called for; undefined for any other call, and where npm would not look into its cache. */
export function npmInstall(
  config: NpmConfig,
  env: Readonly<Record<string, string>>,
): InstallSettings | undefined {
  const [command = '', ...packages] = config.words;
  const isClean = CLEAN_INSTALLS.includes(command);
  if (packages.length > 0 || (!isClean && !INSTALLS.includes(command))) return undefined;
  const says = (key: string): boolean => config.get(key) === true;
  if (['global', 'dry-run', 'package-lock-only', 'prefer-online'].some(says)) return undefined;
  if (config.get('package-lock') === false) return undefined;
  const cache = text(config.get('cache'));
  if (cache === undefined || !isAbsolute(cache)) return undefined;
  const libc = text(config.get('libc'));
  return {
    cache,
    lockfiles: ['npm-shrinkwrap.json', 'package-lock.json'].map((name) => join(config.project, name)),
    ...(isClean ? {} : { installed: join(config.project, 'node_modules', '.package-lock.json') }),
    omit: omitted(config, env),
    os: text(config.get('os')) ?? process.platform,
    cpu: text(config.get('cpu')) ?? process.arch,
    ...(libc === undefined ? {} : { libc }),
  };
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
