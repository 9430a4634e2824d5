/**
 * Whom mvn would ask in one directory: the repositories of its own super POM, of settings and of the project, and the mirrors
 * that its user has for them.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type Digest, digestOf } from '../content/digest.ts';
import { type MavenMirror, type MavenRepository, mirrorOf } from '../ecosystems/maven/mirrors.ts';
import { type Pom, readPom } from '../ecosystems/maven/pom.ts';
import { type MavenProxy, type MavenSettings, readSettings } from '../ecosystems/maven/settings.ts';
import { PyrsiaError } from '../errors.ts';
import { deepRepositories } from './maven-deep.ts';
import { readMavenCall } from './maven-arguments.ts';
import { CENTRAL_PROPERTY, mavenHome } from './maven-home.ts';
import { localRepositoryOf } from './maven-local.ts';
import { readWrapper, WRAPPER } from './maven-wrapper.ts';
import { jvmConnection } from './jvm-connection.ts';
import type { ConnectionSettings, ToolContext, ToolSettings, UpstreamSettings } from './settings.ts';

/** The most poms of one project that are looked into, and the most repositories that are led: each costs a port. */
const POMS_LIMIT = 1000;
const REPOSITORIES_LIMIT = 100;

/** A settings.xml, and where it is. */
interface SettingsFile extends MavenSettings {
  readonly path: string;
  readonly exists: boolean;
  readonly text: string;
}

/** Who calls. */
interface MavenContext extends ToolContext {
  /** The mvn that is started, or a project's own script for it. */
  readonly executable?: string;
  /** What the project's script for mvn runs is looked for, too. */
  readonly forWrapper?: boolean;
}

/**
 * Reads what mvn is configured to do for this call. Nothing is kept between calls but where installations are.
 *
 * @throws PyrsiaError `CONFIG_INVALID`, naming the file
 */
export async function readMavenSettings(context: MavenContext): Promise<ToolSettings> {
  const { cwd, env, executable, forWrapper = false } = context;
  const home = executable === undefined ? undefined : await mavenHome(executable, env);
  const call = await readMavenCall(context);
  const globalPath = call.globalSettings ?? (home && join(home.path, 'conf', 'settings.xml'));
  const user = await settingsAt(call.settings);
  const global = globalPath === undefined ? await settingsAt('') : await settingsAt(globalPath);
  const isLed = user.isOurs || global.isOurs || call.offline;
  const known = context.args.some((arg) => arg.startsWith(`-D${CENTRAL_PROPERTY}`))
    ? undefined
    : home?.repositories[0]?.url;
  const project = isLed ? undefined : await projectAt(call.pom);
  const repositories = isLed
    ? []
    : [
        ...(home?.repositories ?? []),
        ...user.repositories,
        ...global.repositories,
        ...(project?.repositories ?? []),
      ];
  const local = project?.digest && (await localRepositoryOf({ cwd, env, call, settings: [user, global] }));
  const wrapped = forWrapper && !isLed ? await readWrapper(join(cwd, WRAPPER), env) : undefined;
  if (wrapped && !repositories.some(({ url }) => url.replace(/\/*$/, '/') === wrapped.repository))
    repositories.push({ id: WRAPPER, url: wrapped.repository });
  // Maven 4 names it so in its own settings.
  const named = repositories.map(({ id, url }) => ({
    id,
    url: known === undefined ? url : url.replace(`\${${CENTRAL_PROPERTY}}`, known),
  }));
  const proxies = [...user.proxies, ...global.proxies];
  const mirrors = mirrorsIn([user, global]);
  const upstreams = upstreamsOf(named, [user, global], proxies, home?.central);
  const behind = wrapped && named.find(({ url }) => url.replace(/\/*$/, '/') === wrapped.repository);
  const from = behind && (mirrorOf(behind, mirrors) ?? behind);
  const distribution = from && upstreams.find(({ scope }) => scope === from.id)?.url;
  return {
    upstreams,
    ...(distribution === undefined ? {} : { distribution }),
    ...(isLed ? {} : { namedIn: deepRepositories(named, mirrors) }),
    connection: connectionOf(proxies),
    globalConfig: global.text,
    userConfig: user.text,
    sources: [user, global].flatMap(({ path, exists }) => (path === '' ? [] : [{ path, exists }])),
    lockedHosts: [],
    ...(local === undefined || !project?.digest
      ? {}
      : { build: { local, project: call.pom, digest: project.digest } }),
  };
}

async function settingsAt(path: string): Promise<SettingsFile> {
  const text = path === '' ? undefined : await textOf(path);
  try {
    return { ...readSettings(text ?? ''), path, exists: text !== undefined, text: text ?? '' };
  } catch (error) {
    throw invalid(path, error);
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return textIn(await readFile(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw invalid(path, error);
  }
}

/** As the declaration says that it is encoded, where it does. */
function textIn(bytes: Uint8Array): string {
  const [, encoding = 'utf-8'] =
    /^<\?xml[^>]*\sencoding\s*=\s*["']([\w.-]+)["']/.exec(Buffer.from(bytes).toString('latin1', 0, 200)) ??
    [];
  return new TextDecoder(encoding).decode(bytes);
}

function invalid(path: string, error: unknown): PyrsiaError<'CONFIG_INVALID'> {
  const reason = error instanceof Error ? error.message : String(error);
  return new PyrsiaError('CONFIG_INVALID', { problems: [`${path}: ${reason}`] }, { cause: error });
}

/** What a project's poms say: its own, its parents on the disk, and its modules'. */
interface Project {
  readonly repositories: readonly MavenRepository[];
  /** Of all those poms, wherever they lie; undefined where there is none. */
  readonly digest?: Digest;
}

async function projectAt(first: string): Promise<Project> {
  const found: MavenRepository[] = [];
  const texts: (readonly [path: string, text: string])[] = [];
  const seen = new Set<string>();
  const open = [first];
  for (let path = open.pop(); path !== undefined && seen.size < POMS_LIMIT; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const read = await pomAt(path);
    if (!read) continue;
    const { pom, text } = read;
    texts.push([relative(dirname(first), path), text]);
    found.push(...pom.repositories);
    for (const other of pom.others) {
      const at = resolve(dirname(path), other);
      open.push(at.endsWith('.xml') ? at : join(at, 'pom.xml'));
    }
  }
  const digest = digestOf(Buffer.from(JSON.stringify(texts)), 'sha256');
  return { repositories: found, ...(texts.length > 0 && { digest }) };
}

/** Undefined where there is none that can be read: what is wrong with it Maven itself says. */
async function pomAt(path: string): Promise<{ readonly pom: Pom; readonly text: string } | undefined> {
  try {
    const text = textIn(await readFile(path));
    return { pom: readPom(text), text };
  } catch {
    return undefined;
  }
}

/** Mirrors in the order in which they hold. What the user's file says of an id counts. */
function mirrorsIn(files: readonly SettingsFile[]): readonly MavenMirror[] {
  const mirrors = new Set(
    new Map(files.toReversed().flatMap((file) => file.mirrors.map((each) => [each.id, each]))).values(),
  );
  return files.flatMap((file) => file.mirrors.filter((each) => mirrors.has(each)));
}

/** One upstream for each repository that is asked itself, and for each mirror that stands for one. */
function upstreamsOf(
  repositories: readonly MavenRepository[],
  files: readonly SettingsFile[],
  proxies: readonly MavenProxy[],
  central: string | undefined,
): readonly UpstreamSettings[] {
  const ordered = mirrorsIn(files);
  // What the user's own file says of an id counts.
  const servers = new Map(files.toReversed().flatMap((file) => file.servers.map((each) => [each.id, each])));
  const asked = new Map<string, Set<string>>();
  for (const repository of repositories) {
    const mirror = mirrorOf(repository, ordered);
    if (mirror?.blocked) continue;
    const { id, url }: MavenMirror | MavenRepository = mirror ?? repository;
    asked.set(id, (asked.get(id) ?? new Set()).add(url));
  }
  const ids = new Set(ordered.map(({ id }) => id));
  return [...asked].slice(0, REPOSITORIES_LIMIT).flatMap(([id, urls]) => {
    const [first = ''] = urls;
    const url = URL.parse(first);
    // A mirror is told by its id alone: what that may mean is left to Maven, and so is what a property may mean.
    const isOne = urls.size === 1 && !first.includes('${') && url !== null && /^https?:$/.test(url.protocol);
    const isTaken = ids.has(id) && !ordered.some((each) => each.id === id && each.url === first);
    if (!isOne || isTaken) return [];
    const unsupported =
      url.username !== ''
        ? 'credentials'
        : proxies.some(({ password = '' }) => password.startsWith('{'))
          ? 'a proxy whose password is encrypted'
          : undefined;
    const server = servers.get(id);
    return [
      {
        url: `${url.origin}${url.pathname.replace(/\/*$/, '/')}`,
        scope: id,
        shipped: id === 'central' && first === central,
        ...(server && { proof: { byPassword: server.hasName, headers: server.headers } }),
        ...(unsupported === undefined ? {} : { unsupported }),
      },
    ];
  });
}

function connectionOf(proxies: readonly MavenProxy[]): ConnectionSettings {
  const proxyOf = (protocol: string): MavenProxy | undefined => {
    const proxy = proxies.find((each) => each.protocol === protocol);
    return proxy?.host === '' ? undefined : proxy;
  };
  const http = proxyOf('http');
  const unproxied = proxies.flatMap(({ nonProxyHosts = '' }) => nonProxyHosts.split('|')).filter(Boolean);
  return jvmConnection({ http, https: proxyOf('https') ?? http, unproxied });
}
