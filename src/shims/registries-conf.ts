/**
 * The user's registries.conf, as podman, buildah and skopeo read it.
 *
 * @see https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
 * @see https://github.com/containers/image/blob/main/docs/containers-registries.conf.d.5.md
 * @module
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { Mirror, RegistryRule } from '../ecosystems/oci/registries.ts';
import type { ShortNameRules } from '../ecosystems/oci/short-names.ts';
import { PyrsiaError } from '../errors.ts';

/** What all its files say together. */
export interface RegistriesConf extends ShortNameRules {
  readonly rules: readonly RegistryRule[];
  readonly credentialHelpers?: readonly string[];
}

/** The environment that tells where the files are. */
type Places = Readonly<Record<string, string | undefined>>;

type Toml = Readonly<Record<string, unknown>>;

/**
 * Reads the configuration that holds for a user. What is not there says nothing.
 *
 * @param system - where the machine's own files lie
 * @param choices - where engines write down which image a short name is
 * @throws PyrsiaError `CONFIG_INVALID`, naming the file
 */
export async function readRegistriesConf(
  env: Places,
  system = '/etc/containers',
  choices = choicesOf(env),
): Promise<RegistriesConf> {
  const users = env['HOME'] ? join(env['HOME'], '.config', 'containers') : undefined;
  const named = env['CONTAINERS_REGISTRIES_CONF'] || undefined;
  const usersOwn = named === undefined && users ? await read(join(users, 'registries.conf')) : undefined;
  const main = usersOwn ?? (await read(named ?? join(system, 'registries.conf')));
  // Whoever has a file of their own does not get the machine's additions.
  const folders = [usersOwn ? undefined : system, users].flatMap((folder) =>
    folder === undefined ? [] : [join(folder, 'registries.conf.d')],
  );
  let all = main ?? nothing;
  for (const folder of folders) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.conf'));
    for (const name of names.toSorted()) all = added(all, (await read(join(folder, name))) ?? nothing);
  }
  // That says more than any of these.
  const chosen = await read(choices);
  const aliases = Object.entries({ ...all.aliases, ...chosen?.aliases });
  // Without a value a name is no alias any more.
  return { ...all, aliases: Object.fromEntries(aliases.filter(([, value]) => value !== '')) };
}

function choicesOf(env: Places): string {
  const own = env['XDG_CACHE_HOME'] || (env['HOME'] && join(env['HOME'], '.cache'));
  const folder = process.geteuid?.() === 0 || !own ? '/var/cache' : own;
  return join(folder, 'containers', 'short-name-aliases.conf');
}

const nothing: RegistriesConf = { rules: [], search: [], aliases: {} };

/** What a later file says of the same prefix, or of where to search, replaces what an earlier one said. */
function added(before: RegistriesConf, more: RegistriesConf): RegistriesConf {
  const { rules, search, aliases, ...others } = more;
  return {
    ...before,
    ...others,
    rules: [...before.rules.filter((rule) => !rules.some(({ prefix }) => prefix === rule.prefix)), ...rules],
    search: search.length > 0 ? search : before.search,
    aliases: { ...before.aliases, ...aliases },
  };
}

async function read(file: string): Promise<RegistriesConf | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw invalid(file, error);
  }
  return parseRegistriesConf(text, file);
}

function invalid(file: string, error: unknown): PyrsiaError<'CONFIG_INVALID'> {
  const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const at = error instanceof TomlError ? ` (line ${error.line})` : '';
  return new PyrsiaError('CONFIG_INVALID', { problems: [`${file}: ${reason}${at}`] }, { cause: error });
}

/**
 * Reads what stands in one `file` of this kind.
 *
 * @throws PyrsiaError `CONFIG_INVALID`
 */
export function parseRegistriesConf(text: string, file: string): RegistriesConf {
  try {
    return confIn(parse(text));
  } catch (error) {
    throw invalid(file, error);
  }
}

function confIn(toml: Toml): RegistriesConf {
  const helpers = strings(toml['credential-helpers']);
  const mode = toml['short-name-mode'];
  const aliases = Object.entries(tableIn(toml['aliases'])).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  const rules = tablesIn(toml['registry']).map(ruleIn);
  const old = tableIn(toml['registries']);
  return {
    rules: rules.length > 0 ? rules : oldRules(old),
    search:
      strings(toml['unqualified-search-registries']) ?? strings(tableIn(old['search'])['registries']) ?? [],
    aliases: Object.fromEntries(aliases),
    ...(typeof mode === 'string' ? { shortNameMode: mode } : {}),
    ...(helpers ? { credentialHelpers: helpers } : {}),
  };
}

function ruleIn(table: Toml): RegistryRule {
  const said = textIn(table, 'location');
  const prefix = trimmed(textIn(table, 'prefix') ?? said ?? '');
  if (prefix === '') throw new Error('a registry has neither a prefix nor a location');
  if (said === undefined && !prefix.startsWith('*.'))
    throw new Error(`the registry of prefix ${JSON.stringify(prefix)} has no location`);
  const digestOnly = flagIn(table, 'mirror-by-digest-only');
  return {
    prefix,
    location: trimmed(said ?? ''),
    insecure: flagIn(table, 'insecure'),
    blocked: flagIn(table, 'blocked'),
    mirrors: tablesIn(table['mirror']).map((mirror) => mirrorIn(mirror, digestOnly)),
  };
}

function mirrorIn(table: Toml, digestOnly: boolean): Mirror {
  const location = trimmed(textIn(table, 'location') ?? '');
  if (location === '') throw new Error('a mirror has no location');
  const pulls = textIn(table, 'pull-from-mirror') ?? 'all';
  if (pulls !== 'all' && pulls !== 'digest-only' && pulls !== 'tag-only')
    throw new Error(`${JSON.stringify(pulls)} is no value of pull-from-mirror`);
  return { location, insecure: flagIn(table, 'insecure'), pulls: digestOnly ? 'digest-only' : pulls };
}

/** As such files were before 2018, which are still read. */
function oldRules(old: Toml): RegistryRule[] {
  const named = (table: string): readonly string[] => strings(tableIn(old[table])['registries']) ?? [];
  const [insecure, blocked] = [named('insecure'), named('block')];
  return [...new Set([...insecure, ...blocked])].map((prefix) => ({
    prefix: trimmed(prefix),
    location: trimmed(prefix),
    insecure: insecure.includes(prefix),
    blocked: blocked.includes(prefix),
    mirrors: [],
  }));
}

function trimmed(location: string): string {
  if (location.includes('://'))
    throw new Error(`${JSON.stringify(location)} is a URL, where a host is written`);
  return location.replace(/\/+$/, '');
}

function tableIn(value: unknown): Toml {
  return isTable(value) ? value : {};
}

function tablesIn(value: unknown): readonly Toml[] {
  return Array.isArray(value) ? value.filter(isTable) : [];
}

function isTable(value: unknown): value is Toml {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function strings(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : undefined;
}

function textIn(table: Toml, name: string): string | undefined {
  const value = table[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new Error(`${name} is no text`);
}

function flagIn(table: Toml, name: string): boolean {
  const value = table[name];
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new Error(`${name} is neither true nor false`);
}
