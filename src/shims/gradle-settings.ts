/**
 * Whom Gradle would ask in one directory: the repositories that it ships the addresses of, and those whose addresses stand in
 * the build. What a build works out while it runs nobody can read; that is asked without us.
 *
 * @module
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { calledGradle } from '../ecosystems/maven/gradle.ts';
import type { MavenRepository } from '../ecosystems/maven/mirrors.ts';
import { jvmConnection, type JvmProxy } from './jvm-connection.ts';
import type { ConnectionSettings, ToolContext, ToolSettings, UpstreamSettings } from './settings.ts';

/** Jars of a Gradle, and of those the classes in which addresses of repositories stand. */
const SHIPPED: readonly (readonly [RegExp, RegExp])[] = [
  [
    /^gradle-core-api-[\d.]+(?:-\w+)*\.jar$/,
    /^org\/gradle\/api\/artifacts\/ArtifactRepositoryContainer\.class$/,
  ],
  [
    /^gradle-(?:dependency-management|software-diagnostics)-[\d.]+(?:-\w+)*\.jar$/,
    /^org\/gradle\/api\/internal\/artifacts\/.*RepositoryFactory\.class$/,
  ],
];

/** What a script of a build is called. */
const SCRIPT = /\.gradle(?:\.kts)?$/;
/** Folders without any. */
const SKIPPED = /^(?:\.|build$|src$|node_modules$|out$|target$)/;

const DEPTH_LIMIT = 6;
const SCRIPTS_LIMIT = 1000;
const SCRIPT_BYTES_LIMIT = 2 ** 20;
const REPOSITORIES_LIMIT = 100;

/** A literal URL, as scripts and classes have it. */
const URLS = /https?:\/\/[^\s"'`$\\\0-\x20\x7f-\xff]+/g;

/** Addresses by the jar that they stand in, as it was then. */
const known = new Map<string, Promise<readonly string[]>>();

/** Reads whom a call of Gradle may ask. */
export async function readGradleSettings(
  context: ToolContext & { readonly executable?: string },
): Promise<ToolSettings> {
  const { cwd, args, env, executable } = context;
  const project = resolve(cwd, valueOf(args, ['-p', '--project-dir']) ?? '.');
  const root = await rootOf(project);
  const home = valueOf(args, ['-g', '--gradle-user-home']) ?? env['GRADLE_USER_HOME'];
  const user = home ? resolve(cwd, home) : join(env['HOME'] || homedir(), '.gradle');
  const shipped = executable === undefined ? [] : await shippedBy(await librariesOf(executable, user));
  const scripts = [...(await scriptsIn(root)), ...(await scriptsIn(join(user, 'init.d')))];
  const named = (
    await Promise.all(scripts.map(async (path) => urlsOf(await readFile(path, 'latin1'))))
  ).flat();
  const properties = await Promise.all(
    [join(user, 'gradle.properties'), join(root, 'gradle.properties')].map(async (path) =>
      readFile(path, 'utf8').catch(() => ''),
    ),
  );
  return {
    upstreams: upstreamsOf(shipped, named),
    connection: connectionOf(properties.join('\n')),
    globalConfig: '',
    sources: [],
    lockedHosts: [],
  };
}

function urlsOf(text: string): readonly string[] {
  return (text.match(URLS) ?? []).map((url) => url.replace(/[).,;]+$/, ''));
}

function upstreamsOf(shipped: readonly string[], named: readonly string[]): readonly UpstreamSettings[] {
  const [central] = shipped;
  const all = [...new Set([...shipped, ...named].map((url) => `${url.replace(/\/*$/, '')}/`))];
  return all.slice(0, REPOSITORIES_LIMIT).flatMap((text): UpstreamSettings[] => {
    const url = URL.parse(text);
    if (!url || url.username !== '' || url.search !== '' || url.hash !== '') return [];
    const repository: MavenRepository = { id: text, url: text };
    return [{ url: repository.url, scope: repository.id, shipped: text === central }];
  });
}

/**
 * Where the Gradle that is started has its jars: beside it, or where a project's own `gradlew` has unpacked the one that it names;
 * nowhere before it has.
 *
 * @see https://docs.gradle.org/current/userguide/gradle_wrapper.html
 */
async function librariesOf(executable: string, user: string): Promise<readonly string[]> {
  const path = await realpath(executable).catch(() => executable);
  if (basename(path) !== calledGradle.wrapper) return [join(dirname(dirname(path)), 'lib')];
  const properties = join(dirname(path), 'gradle', 'wrapper', 'gradle-wrapper.properties');
  const [, name = ''] =
    /^\s*distributionUrl\s*[=:].*[/:]([\w.+-]+)\.zip\s*$/m.exec(
      await readFile(properties, 'utf8').catch(() => ''),
    ) ?? [];
  if (name === '') return [];
  const found: string[] = [];
  const unpacked = join(user, 'wrapper', 'dists', name);
  // Below a hash of the address.
  for (const hash of await readdir(unpacked).catch(() => []))
    for (const home of await readdir(join(unpacked, hash)).catch(() => []))
      found.push(join(unpacked, hash, home, 'lib'));
  return found;
}

/** The addresses that an installation ships, its central repository's first; none where it is not to be found. */
async function shippedBy(libraries: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [jar, classes] of SHIPPED) {
    for (const directory of libraries.flatMap((lib) => [lib, join(lib, 'plugins')])) {
      const name = (await readdir(directory).catch(() => [])).find((each) => jar.test(each));
      if (name !== undefined) found.push(...(await addressesIn(join(directory, name), classes)));
    }
  }
  return [...new Set(found)];
}

async function addressesIn(jar: string, classes: RegExp): Promise<readonly string[]> {
  const file = await stat(jar);
  const key = `${jar} ${file.mtimeMs}`;
  let addresses = known.get(key);
  if (!addresses) known.set(key, (addresses = readAddresses(jar, classes)));
  return addresses;
}

async function readAddresses(jar: string, classes: RegExp): Promise<readonly string[]> {
  const { unzipSync } = await import('fflate');
  try {
    const found = unzipSync(await readFile(jar), { filter: ({ name }) => classes.test(name) });
    return Object.values(found).flatMap((content) => urlsOf(Buffer.from(content).toString('latin1')));
  } catch {
    return []; // No jar, or none that we can read.
  }
}

/** Where the build begins: the nearest directory with settings, at or above `directory`. */
async function rootOf(directory: string): Promise<string> {
  for (let at = directory; ; at = dirname(at)) {
    const names = await readdir(at).catch(() => []);
    if (names.some((name) => /^settings\.gradle(?:\.kts)?$/.test(name))) return at;
    if (dirname(at) === at) return directory;
  }
}

/** Scripts of a build, and its list of versions. */
async function scriptsIn(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  let level = [root];
  for (let depth = 0; depth < DEPTH_LIMIT && level.length > 0; depth++) {
    const next: string[] = [];
    for (const directory of level) {
      for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
        const path = join(directory, entry.name);
        if (entry.isDirectory() && !SKIPPED.test(entry.name)) next.push(path);
        if (!entry.isFile() || !SCRIPT.test(entry.name) || found.length >= SCRIPTS_LIMIT) continue;
        if ((await stat(path)).size <= SCRIPT_BYTES_LIMIT) found.push(path);
      }
    }
    level = next.slice(0, SCRIPTS_LIMIT);
  }
  return found;
}

/** Its proxies stand in properties. */
function connectionOf(properties: string): ConnectionSettings {
  const value = (name: string): string | undefined =>
    new RegExp(String.raw`^\s*systemProp\.${name.replaceAll('.', String.raw`\.`)}\s*[=:]\s*(\S+)`, 'm').exec(
      properties,
    )?.[1];
  const proxyOf = (protocol: string): JvmProxy | undefined => {
    const host = value(`${protocol}.proxyHost`);
    if (host === undefined) return undefined;
    return {
      host,
      port: value(`${protocol}.proxyPort`) ?? '80',
      username: value(`${protocol}.proxyUser`),
      password: value(`${protocol}.proxyPassword`),
    };
  };
  const unproxied = value('http.nonProxyHosts')?.split('|') ?? [];
  return jvmConnection({ http: proxyOf('http'), https: proxyOf('https'), unproxied });
}

function valueOf(args: readonly string[], names: readonly string[]): string | undefined {
  for (const [at, arg] of args.entries()) {
    if (names.includes(arg)) return args[at + 1];
    const name = names.find((each) => arg.startsWith(`${each}=`));
    if (name !== undefined) return arg.slice(name.length + 1);
  }
  return undefined;
}
