/**
 * A registries.conf that leads podman, buildah and skopeo to us, with everything in force that the user's own says.
 *
 * @module
 */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'smol-toml';
import { baseImages } from '../ecosystems/oci/dockerfile.ts';
import { canonical, DEFAULT_REGISTRY, isRegistry, split } from '../ecosystems/oci/names.ts';
import { type ImageReference, parseImage } from '../ecosystems/oci/reference.ts';
import { type RegistryRule, ruleFor } from '../ecosystems/oci/registries.ts';
import { PyrsiaError } from '../errors.ts';
import { beginningOf } from './docker-bases.ts';
import type { RegistriesConf } from './registries-conf.ts';

/** The most hosts that are taken for registries because a call, or a file that it reads, mentions them. */
const HOSTS_LIMIT = 200;

const HOST = String.raw`(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+|localhost|[a-z0-9-]+(?=:\d)|\[[0-9a-f:]+\])(?::\d{1,5})?`;
const SLASHED = new RegExp(String.raw`(?<![\w.@-])${HOST}(?=\/|["']?:\s*$)`, 'gim');
const STOOD_FOR = new RegExp(String.raw`(?<==["']?)${HOST}(?=["']?\s*$)`, 'gim');

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
    registry: [
      ...led,
      // We cannot stand in for a host that we are not told. Where nobody is to be asked past us, it is not asked.
      ...patterns.map((rule) => tableOf(instead ? { ...rule, blocked: true } : rule, undefined, false)),
    ],
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
 * registries; those of all short names; and whatever else is mentioned there as a host that something is at.
 */
export async function wantedBy(
  { aliases, search }: Pick<RegistriesConf, 'aliases' | 'search'>,
  call: {
    readonly args: readonly string[];
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
  },
): Promise<readonly string[]> {
  const { args } = call;
  const texts = await filesOf(call);
  const terms = { args: buildArgsOf(call) };
  const bases = texts.flatMap((text) => baseImages(text, terms).map(({ name }) => name));
  const named = [...args, ...bases].flatMap((word) => {
    const name = word.replace(/^(--[\w-]+=)?([\w.-]+=)?(docker(-image)?:\/\/)?/, '');
    const alias = Object.hasOwn(aliases, name.replace(/[:@].*$/, ''))
      ? aliases[name.replace(/[:@].*$/, '')]
      : undefined;
    const isShort = split(name).domain === undefined;
    return isShort ? [alias ?? [], search.map((registry) => `${registry}/${name}`), name].flat() : [name];
  });
  const images = named.flatMap((name) => imageIn(name) ?? []);
  const short = Object.values(aliases).flatMap((name) => imageIn(name)?.registry ?? []);
  const repositories = images.map(({ registry, repository }) => `${registry}/${repository}`);
  const given = Object.entries(terms.args).map((pair) => pair.join('='));
  const hosts = [...args, ...given, ...texts].flatMap(hostsIn);
  return [
    ...new Set([
      ...repositories,
      ...images.map(({ registry }) => registry),
      ...short,
      ...[...new Set(hosts)].slice(0, HOSTS_LIMIT),
    ]),
  ];
}

function imageIn(name: string): ImageReference | undefined {
  try {
    return parseImage(name);
  } catch (error) {
    if (error instanceof PyrsiaError) return undefined;
    throw error;
  }
}

/**
 * Hosts in front of a slash, those that arguments stand for, and those that are keys, as skopeo's lists have them. To lead
 * one too many to us harms nobody.
 */
function hostsIn(text: string): readonly string[] {
  const found = [SLASHED, STOOD_FOR].flatMap((pattern) => [...text.matchAll(pattern)]);
  return found.flatMap(([each]) => {
    const registry = canonical(each);
    return isRegistry(registry) ? registry : [];
  });
}

/** The files that a call names, and in directories that it names those that are built from. */
async function filesOf({
  args,
  cwd,
}: {
  readonly args: readonly string[];
  readonly cwd: string;
}): Promise<readonly string[]> {
  const isBuild = args.some((arg) => ['build', 'build-using-dockerfile', 'bud'].includes(arg));
  const named = args.flatMap((arg) => [arg, arg.replace(/^--[\w-]+=|^-f/, '')]);
  const texts: string[] = [];
  for (const path of new Set([...named, ...(isBuild ? ['.'] : [])].map((each) => resolve(cwd, each)))) {
    const inside = await readdir(path).catch(() => undefined);
    const files = inside?.filter((name) => /^(Containerfile|Dockerfile)/.test(name)) ?? [];
    for (const file of inside ? files.map((name) => join(path, name)) : [path])
      texts.push((await beginningOf(file)) ?? '');
  }
  return texts;
}

/** `--build-arg NAME=VALUE`, or NAME, which then has the value that it has for whoever calls. */
function buildArgsOf({
  args,
  env = {},
}: {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [at, arg] of args.entries()) {
    const [, said] = /^--build-arg=(.*)$/s.exec(arg) ?? [];
    const given = arg === '--build-arg' ? args[at + 1] : said;
    const [, name = '', , value] = /^(\w+)(=(.*))?$/s.exec(given ?? '') ?? [];
    const meant = value ?? env[name];
    if (name !== '' && meant !== undefined) found[name] = meant;
  }
  return found;
}
