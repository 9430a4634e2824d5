/**
 * Somebody who builds with Maven: a home with settings.xml, a project whose parent, extension and what that needs lie in a
 * repository of ours, and as many empty local repositories as are wanted.
 *
 * @module
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finished, Running } from '../support/command.ts';
import {
  type MavenRepository,
  pomOf,
  publish,
  sha1Of,
  startMavenRepository,
} from '../support/maven-repository.ts';
import { inNamespaceWithoutNetwork } from '../support/network.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const BOM = '<packaging>pom</packaging>';
const TIMEOUT_MS = 240_000;

/** Where the extension of the project lies, without what follows the version. */
export const EXTENSION = '/org/example/extension/1.0/extension-1.0';

/** An open world. */
export interface MavenWorld extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** Of the id `ours`; the central one is blocked by the settings. */
  readonly repository: MavenRepository;
  readonly project: string;
  /** Path of the user's settings.xml. */
  readonly settings: string;
  /** Path of a local repository that is not there yet. */
  local(this: void): string;
  /** Runs a command in the project; `more` is added to its environment. */
  direct(this: void, command: readonly string[], more?: Readonly<Record<string, string>>): Promise<Finished>;
  /** The same through `pyrsia exec`. */
  through(this: void, command: readonly string[], more?: Readonly<Record<string, string>>): Promise<Finished>;
  /** As {@link MavenWorld.through}, left to the test. */
  begin(this: void, command: readonly string[], more?: Readonly<Record<string, string>>): Running;
  /** As {@link MavenWorld.through}, where there is no network. */
  cut(this: void, command: readonly string[], more?: Readonly<Record<string, string>>): Promise<Finished>;
}

const exec = (command: readonly string[]): readonly string[] => ['exec', '--', ...command];

/** Opens one. No plugin is needed for `validate` in its project: what is fetched is what the project itself wants. */
export async function openMavenWorld(): Promise<MavenWorld> {
  const sandbox = openSandbox();
  const repository = await startMavenRepository();
  repository.put('/org/example/parent/1.0/parent-1.0.pom', pomOf('parent', '1.0', BOM));
  publish(repository, 'library', '2.0');
  // What Maven gives each extension that does not ask for another one.
  publish(repository, 'plexus-utils', '1.1', { group: 'org.codehaus.plexus' });
  publish(repository, 'extension', '1.0', {
    more: '<dependencies><dependency><groupId>org.example</groupId><artifactId>library</artifactId><version>2.0</version></dependency></dependencies>',
  });
  repository.requests.length = 0;
  const project = join(sandbox.root, 'project');
  const settings = join(sandbox.home, '.m2', 'settings.xml');
  write(join(project, 'pom.xml'), projectPom(repository.url));
  // Nothing is asked of the world.
  write(
    settings,
    '<settings><mirrors><mirror><id>world</id><mirrorOf>central</mirrorOf><url>http://127.0.0.1:9/</url><blocked>true</blocked></mirror></mirrors></settings>',
  );
  let locals = 0;
  // Java compiles less, and is there sooner.
  const env = { MAVEN_OPTS: `-Duser.home=${sandbox.home} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC` };
  const options = (more: Readonly<Record<string, string>> = {}): Parameters<Sandbox['run']>[2] => ({
    cwd: project,
    env: { ...env, ...more },
    timeoutMs: TIMEOUT_MS,
  });
  return {
    sandbox,
    repository,
    project,
    settings,
    local: () => join(sandbox.root, `local-${(locals += 1)}`),
    direct: async ([program = '', ...args], more) => sandbox.run(program, args, options(more)),
    through: async (command, more) => sandbox.pyrsia(exec(command), options(more)),
    begin: (command, more) => sandbox.start(sandbox.pyrsiaCommand(exec(command)), options(more)),
    async cut(command, more) {
      const [program, ...args] = inNamespaceWithoutNetwork(sandbox.pyrsiaCommand(exec(command)));
      return sandbox.run(program, args, options(more));
    },
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
}

/** A project's pom.xml; `extension` is the version of what it builds with, `parent` that of its parent. */
export function projectPom(url: string, { extension = '1.0', parent = '1.0' } = {}): string {
  const ours = `<id>ours</id><url>${url}</url><snapshots><enabled>true</enabled></snapshots>`;
  return `<project><modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>${parent}</version><relativePath/></parent>
  <artifactId>project</artifactId><packaging>pom</packaging>
  <repositories><repository>${ours}</repository></repositories>
  <pluginRepositories><pluginRepository>${ours}</pluginRepository></pluginRepositories>
  <build><extensions><extension><groupId>org.example</groupId><artifactId>extension</artifactId><version>${extension}</version></extension></extensions></build>
</project>`;
}

/** The command by which `program` reads the project, with the local repository at `to`. */
export const mvn = (to: string, ...args: readonly string[]): string[] => [
  'mvn',
  '-B',
  '-q',
  `-Dmaven.repo.local=${to}`,
  ...args,
  'validate',
];

/** Writes a file, and the folders that it lies in. */
export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** What a local repository holds: its files, and which repository each is from. */
export function contentOf(directory: string): Record<string, string> {
  const entries = globSync('**/*', { cwd: directory, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const content = readFileSync(path);
      const lines = content
        .toString()
        .split('\n')
        .filter((line) => !line.startsWith('#'));
      const isIndex = name === '_remote.repositories';
      return [path.slice(directory.length), isIndex ? lines.toSorted().join(' ') : sha1Of(content)];
    }),
  );
}
