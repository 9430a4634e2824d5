/**
 * A registries.conf that leads podman, buildah and skopeo to us, with everything in force that the user's own says.
 *
 * @module
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'smol-toml';
import { canonical, DEFAULT_REGISTRY, split } from '../ecosystems/oci/names.ts';
import { type ImageReference, parseImage } from '../ecosystems/oci/reference.ts';
import { type RegistryRule, ruleFor } from '../ecosystems/oci/registries.ts';
import { PyrsiaError } from '../errors.ts';
import type { RegistriesConf } from './registries-conf.ts';

/** The most bytes of a Containerfile that are looked at: 1 MiB. */
const BUILD_FILE_LIMIT = 2 ** 20;

/** How an engine is led to us. */
export interface Mirroring {
  /** Registries, and repositories of theirs, that are likely to be asked for. */
  readonly wanted: readonly string[];
  /** Where one of them is, at our address; undefined where it cannot be there. */
  readonly mirrorOf: (registry: string) => string | undefined;
  /** Whether the registry itself is not to be asked when we do not deliver. */
  readonly instead: boolean;
}

/**
 * Writes the user's configuration with us in front of everybody in it. What stands in another file for the very
 * prefix that we have here takes its place; that is why repositories are named besides their registries.
 */
export function mirroredConf(conf: RegistriesConf, { wanted, mirrorOf, instead }: Mirroring): string {
  const named = conf.rules.map(({ prefix }) => prefix).filter((prefix) => !prefix.startsWith('*.'));
  const prefixes = [...new Set([...named, ...wanted, ...conf.search, DEFAULT_REGISTRY])];
  const led = prefixes.map((prefix) => {
    const { host, path } = parts(prefix);
    // What is said of all its images, where nothing is said of these.
    const own = conf.rules.find((rule) => rule.prefix === prefix) ?? ruleFor(conf.rules, host, path || 'x');
    const at = own?.blocked ? undefined : mirrorOf(canonical(host));
    const ours = at === undefined ? undefined : `${at}${path === '' ? '' : `/${path}`}`;
    return tableOf(own ? narrowed(own, prefix) : { ...plain, prefix, location: prefix }, ours, instead);
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

/** What a rule says of the images below a longer prefix. */
function narrowed(rule: RegistryRule, prefix: string): RegistryRule {
  const covered = rule.prefix.startsWith('*.') ? parts(prefix).host.length : rule.prefix.length;
  const below = (location: string): string => `${location}${prefix.slice(covered)}`;
  const mirrors = rule.mirrors.map((mirror) => ({ ...mirror, location: below(mirror.location) }));
  return { ...rule, prefix, location: rule.location === '' ? prefix : below(rule.location), mirrors };
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

/**
 * What a call is likely to ask for: the images of its arguments and of the files that it builds from, and their
 * registries; and those of all short names.
 */
export async function wantedBy(
  { aliases, search }: Pick<RegistriesConf, 'aliases' | 'search'>,
  { args, cwd }: { readonly args: readonly string[]; readonly cwd: string },
): Promise<readonly string[]> {
  const named = [...args, ...(await builtFrom(args, cwd))].flatMap((word) => {
    const name = word.replace(/^(--[\w-]+=)?(docker:\/\/)?/, '');
    const alias = Object.hasOwn(aliases, name.replace(/[:@].*$/, ''))
      ? aliases[name.replace(/[:@].*$/, '')]
      : undefined;
    const isShort = split(name).domain === undefined;
    return isShort ? [alias ?? [], search.map((registry) => `${registry}/${name}`), name].flat() : [name];
  });
  const images = named.flatMap((name) => imageIn(name) ?? []);
  const short = Object.values(aliases).flatMap((name) => imageIn(name)?.registry ?? []);
  const repositories = images.map(({ registry, repository }) => `${registry}/${repository}`);
  return [...new Set([...repositories, ...images.map(({ registry }) => registry), ...short])];
}

function imageIn(name: string): ImageReference | undefined {
  try {
    return parseImage(name);
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
