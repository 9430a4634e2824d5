/**
 * A registries.conf that leads podman, buildah and skopeo to us, with everything in force that the user's own says.
 *
 * @module
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'smol-toml';
import { canonical, DEFAULT_REGISTRY, isRegistry, split } from '../ecosystems/oci/names.ts';
import { parseImage } from '../ecosystems/oci/reference.ts';
import { type RegistryRule, ruleFor } from '../ecosystems/oci/registries.ts';
import { PyrsiaError } from '../errors.ts';
import type { RegistriesConf } from './registries-conf.ts';

/** The most bytes of a Containerfile that are looked at: 1 MiB. */
const BUILD_FILE_LIMIT = 2 ** 20;

/** How an engine is led to us. */
export interface Mirroring {
  /** Registries that are likely to be asked for. */
  readonly registries: readonly string[];
  /** Where one of them is, at our address; undefined where it cannot be there. */
  readonly mirrorOf: (registry: string) => string | undefined;
  /** Whether the registry itself is not to be asked when we do not deliver. */
  readonly instead: boolean;
}

/** Writes the user's configuration with us in front of everybody in it. */
export function mirroredConf(conf: RegistriesConf, { registries, mirrorOf, instead }: Mirroring): string {
  const named = conf.rules.map(({ prefix }) => prefix).filter((prefix) => !prefix.startsWith('*.'));
  const prefixes = [...new Set([...named, ...registries, ...conf.search, DEFAULT_REGISTRY])];
  const led = prefixes.map((prefix) => {
    const { host, path } = parts(prefix);
    // What is said of all its images, where nothing is said of these.
    const own = conf.rules.find((rule) => rule.prefix === prefix) ?? ruleFor(conf.rules, host, path || 'x');
    const location =
      own === undefined ? prefix : own.prefix === prefix ? own.location : own.location || prefix;
    const at = mirrorOf(canonical(host));
    const ours = at === undefined || own?.blocked ? undefined : `${at}${path === '' ? '' : `/${path}`}`;
    return tableOf({ ...(own ?? plain), prefix, location }, ours, instead);
  });
  const patterns = conf.rules.filter(({ prefix }) => prefix.startsWith('*.'));
  return stringify({
    ...(conf.search.length > 0 ? { 'unqualified-search-registries': conf.search } : {}),
    ...(conf.shortNameMode === undefined ? {} : { 'short-name-mode': conf.shortNameMode }),
    ...(conf.credentialHelpers ? { 'credential-helpers': conf.credentialHelpers } : {}),
    aliases: conf.aliases,
    registry: [...led, ...patterns.map((rule) => tableOf(rule, undefined, false))],
  });
}

const plain: Omit<RegistryRule, 'prefix' | 'location'> = { insecure: false, blocked: false, mirrors: [] };

function tableOf(
  { prefix, location, insecure, blocked, mirrors }: RegistryRule,
  ours: string | undefined,
  instead: boolean,
): Record<string, unknown> {
  if (ours !== undefined && instead) return { prefix, location: ours, insecure: true };
  // We follow all of them. Of those for some pulls only not every version has heard.
  const theirs = mirrors.filter(({ pulls }) => pulls === 'all');
  return {
    prefix,
    ...(location === '' ? {} : { location }),
    insecure,
    blocked,
    mirror: [
      ...(ours === undefined ? [] : [{ location: ours, insecure: true }]),
      ...theirs.map((mirror) => ({ location: mirror.location, insecure: mirror.insecure })),
    ],
  };
}

function parts(prefix: string): { readonly host: string; readonly path: string } {
  const at = prefix.indexOf('/');
  return at < 0 ? { host: prefix, path: '' } : { host: prefix.slice(0, at), path: prefix.slice(at + 1) };
}

/** The registries that a call is likely to ask: those of its arguments, of the files it builds from, and of short names. */
export async function registriesOf(
  { aliases }: RegistriesConf,
  { args, cwd }: { readonly args: readonly string[]; readonly cwd: string },
): Promise<readonly string[]> {
  const names = [...args, ...Object.values(aliases), ...(await builtFrom(args, cwd))];
  return [...new Set(names.flatMap((name) => registryIn(name) ?? []))];
}

function registryIn(name: string): string | undefined {
  const bare = name.replace(/^(--[\w-]+=)?(docker:\/\/)?/, '');
  const { domain } = split(bare);
  if (domain === undefined || !isRegistry(domain.toLowerCase())) return undefined;
  try {
    return parseImage(bare).registry;
  } catch (error) {
    if (error instanceof PyrsiaError) return undefined;
    throw error;
  }
}

/** Images that Containerfiles name, in the directories and files among `args`. */
async function builtFrom(args: readonly string[], cwd: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const arg of args.map((each) => resolve(cwd, each.replace(/^--file=/, '')))) {
    const inside = await readdir(arg).catch(() => undefined);
    const files = inside
      ? inside.filter((name) => /^(Containerfile|Dockerfile)/.test(name)).map((name) => join(arg, name))
      : /(Containerfile|Dockerfile)[^/]*$/.test(arg)
        ? [arg]
        : [];
    for (const file of files) {
      const text = (await readFile(file, 'utf8').catch(() => '')).slice(0, BUILD_FILE_LIMIT);
      for (const [, from, copied] of text.matchAll(
        /^\s*(?:FROM\s+(?:--\S+\s+)*(\S+)|COPY\s.*--from=(\S+))/gim,
      ))
        found.push(from ?? copied ?? '');
    }
  }
  return found;
}
