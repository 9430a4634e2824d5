/**
 * Where a Maven is installed, and the repository that it asks when nobody says otherwise: Maven 3 has it in the POM that
 * all others inherit from, in one of its own jars, Maven 4 in its properties.
 *
 * @see https://maven.apache.org/ref/3.9.9/maven-model-builder/super-pom.html
 * @module
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { MavenRepository } from '../ecosystems/maven/mirrors.ts';
import { readPom } from '../ecosystems/maven/pom.ts';
import { readWrapper } from './maven-wrapper.ts';

const run = promisify(execFile);

/** The jar that holds it. */
const JARS = /^maven-model-builder-.*\.jar$/;
const ENTRY = 'org/apache/maven/model/pom-4.0.0.xml';

/** How long a Maven may take to say where it is: 20 s. */
const PATIENCE_MS = 20_000;

/** One installation. */
export interface MavenHome {
  readonly path: string;
  /** What every project asks that does not say otherwise. */
  readonly repositories: readonly MavenRepository[];
  /** The URL of what it ships as central, whatever the environment says. */
  readonly central?: string;
}

/** Installations by their `mvn`, as it was then. */
const known = new Map<string, Promise<MavenHome | undefined>>();

/** The installation that `executable` runs; undefined when that cannot be found out. Asked once. */
export async function mavenHome(
  executable: string,
  env: Readonly<Record<string, string>>,
): Promise<MavenHome | undefined> {
  const wrapped = await readWrapper(executable, env);
  const named = wrapped ? join(wrapped.home, 'bin', 'mvn') : executable;
  const path = await realpath(named).catch(() => named);
  const found = await stat(path).catch(() => undefined);
  const key = [path, found?.mtimeMs, env['JAVA_HOME'], env['MAVEN_REPO_CENTRAL']].join(' ');
  let home = known.get(key);
  if (!home) known.set(key, (home = find(path, env)));
  return home;
}

async function find(mvn: string, env: Readonly<Record<string, string>>): Promise<MavenHome | undefined> {
  const beside = dirname(dirname(mvn));
  const own = await shipped(beside, env);
  if (own) return own;
  // A version manager stands in for it, or a wrapper.
  const said = await run(mvn, ['--version'], { env: { ...env }, cwd: '/', timeout: PATIENCE_MS }).catch(
    () => undefined,
  );
  const [, path] = /^Maven home: (.+)$/m.exec(said?.stdout ?? '') ?? [];
  return path === undefined ? undefined : shipped(path.trim(), env);
}

/** What of the properties of Maven 4 stands for the central repository. */
export const CENTRAL_PROPERTY = 'maven.repo.central';

async function shipped(home: string, env: Readonly<Record<string, string>>): Promise<MavenHome | undefined> {
  const properties = await readFile(join(home, 'conf', 'maven.properties'), 'utf8').catch(() => '');
  const line = properties.split('\n').find((each) => each.startsWith(`${CENTRAL_PROPERTY} `));
  const value = line?.slice(line.indexOf('=') + 1).trim();
  // `${env.MAVEN_REPO_CENTRAL:-https://…}`
  const [, name = '', otherwise] = /^\$\{env\.(\w+):-(.*)\}$/.exec(value ?? '') ?? [];
  const central = otherwise ?? value;
  if (central !== undefined) {
    const url = env[name] || central;
    return { path: home, central, repositories: [{ id: 'central', url }] };
  }
  const repositories = await superPom(home);
  const [first] = repositories ?? [];
  return (
    repositories && { path: home, repositories, ...(first?.id === 'central' ? { central: first.url } : {}) }
  );
}

async function superPom(home: string): Promise<readonly MavenRepository[] | undefined> {
  const lib = join(home, 'lib');
  const names = await readdir(lib).catch(() => []);
  for (const name of names.filter((each) => JARS.test(each))) {
    const { unzipSync } = await import('fflate');
    try {
      const jar = unzipSync(await readFile(join(lib, name)), { filter: (file) => file.name === ENTRY });
      const { [ENTRY]: pom } = jar;
      if (pom) return unique(readPom(Buffer.from(pom).toString()).repositories);
    } catch {
      // No jar, or none that we can read: another one may have it.
    }
  }
  return undefined;
}

function unique(repositories: readonly MavenRepository[]): readonly MavenRepository[] {
  return [...new Map(repositories.map((each) => [`${each.id} ${each.url}`, each])).values()];
}
