import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finished } from '../support/command.ts';
import {
  type MavenRepository,
  pomOf,
  publish,
  sha1Of,
  startMavenRepository,
} from '../support/maven-repository.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from '../support/network.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const hasMaven = spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0;

const BOM = '<packaging>pom</packaging>';
const EXTENSION = '/org/example/extension/1.0/extension-1.0';

let sandbox: Sandbox;
let repository: MavenRepository;
let project: string;
let settings: string;
let locals = 0;

beforeEach(async () => {
  sandbox = openSandbox();
  repository = await startMavenRepository();
  repository.put('/org/example/parent/1.0/parent-1.0.pom', pomOf('parent', '1.0', BOM));
  publish(repository, 'library', '2.0');
  // What Maven gives each extension that does not ask for another one.
  publish(repository, 'plexus-utils', '1.1', { group: 'org.codehaus.plexus' });
  publish(repository, 'extension', '1.0', {
    more: '<dependencies><dependency><groupId>org.example</groupId><artifactId>library</artifactId><version>2.0</version></dependency></dependencies>',
  });
  repository.requests.length = 0;
  project = join(sandbox.root, 'project');
  settings = join(sandbox.home, '.m2', 'settings.xml');
  // No plugin is needed for this: what is fetched is what the project itself wants.
  write(
    join(project, 'pom.xml'),
    `<project><modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>1.0</version><relativePath/></parent>
  <artifactId>project</artifactId><packaging>pom</packaging>
  <repositories><repository><id>ours</id><url>${repository.url}</url></repository></repositories>
  <pluginRepositories><pluginRepository><id>ours</id><url>${repository.url}</url></pluginRepository></pluginRepositories>
  <build><extensions><extension><groupId>org.example</groupId><artifactId>extension</artifactId><version>1.0</version></extension></extensions></build>
</project>`,
  );
  // Nothing is asked of the world.
  write(
    settings,
    '<settings><mirrors><mirror><id>world</id><mirrorOf>central</mirrorOf><url>http://127.0.0.1:9/</url><blocked>true</blocked></mirror></mirrors></settings>',
  );
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await repository[Symbol.asyncDispose]();
});

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** An empty local repository. */
const local = (): string => join(sandbox.root, `local-${(locals += 1)}`);
const mvn = (to: string, ...args: string[]): string[] => [
  'mvn',
  '-B',
  '-q',
  `-Dmaven.repo.local=${to}`,
  ...args,
  'validate',
];
/** Java compiles less, and is there sooner. */
const env = (): Record<string, string> => ({
  MAVEN_OPTS: `-Duser.home=${sandbox.home} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC`,
});
const timeoutMs = 240_000;
const direct = async (command: string[]): Promise<Finished> =>
  sandbox.run(command[0]!, command.slice(1), { cwd: project, env: env(), timeoutMs });
const through = async (command: string[], more: Record<string, string> = {}): Promise<Finished> =>
  sandbox.pyrsia(['exec', '--', ...command], { cwd: project, env: { ...env(), ...more }, timeoutMs });

/** What a local repository holds: its files, and which repository each is from. */
function contentOf(directory: string): Record<string, string> {
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

describe.skipIf(!hasMaven)('mvn through pyrsia exec', { timeout: 480_000 }, () => {
  it('fetches once, and fills its local repository as it does without us', async () => {
    const [first, second, without] = [local(), local(), local()];
    const cold = await through(mvn(first));
    expect([cold.code, cold.stdout + cold.stderr]).toEqual([
      0,
      expect.stringContaining('6 artifacts · 6 upstream · 6 verified'),
    ]);
    const asked = [...repository.files.keys()].filter((path) => !/sha1$|plexus.*pom$/.test(path));
    expect(repository.requests.toSorted()).toEqual(
      asked.flatMap((path) => [path, `${path}.sha1`]).toSorted(),
    );

    repository.requests.length = 0;
    expect(await through(mvn(second))).toMatchObject({ code: 0, stderr: expect.stringContaining('6 cache') });
    expect(repository.requests).toEqual([]);

    expect(await direct(mvn(without))).toMatchObject({ code: 0 });
    expect(contentOf(first)).toEqual(contentOf(without));
    expect(contentOf(second)).toEqual(contentOf(without));
    expect(await direct(mvn(first, '-o'))).toMatchObject({ code: 0 });
    expect(JSON.stringify(globSync(`${sandbox.root}/run/**/*settings.xml`))).toBe('[]');
  });

  it.skipIf(!canUnshareNetwork())('builds where there is no network, and names what is missing', async () => {
    expect(await through(mvn(local()))).toMatchObject({ code: 0 });
    const cut = async (command: string[]): Promise<Finished> => {
      const [program, ...args] = inNamespaceWithoutNetwork(sandbox.pyrsiaCommand(['exec', '--', ...command]));
      return sandbox.run(program, args, { cwd: project, env: env(), timeoutMs });
    };
    repository.requests.length = 0;
    const to = local();
    expect(await cut(mvn(to))).toMatchObject({ code: 0, stderr: expect.stringContaining('6 cache') });

    const pom = readFileSync(join(project, 'pom.xml'), 'utf8');
    writeFileSync(
      join(project, 'pom.xml'),
      pom.replace('<version>1.0</version></extension>', '<version>1.1</version></extension>'),
    );
    publish(repository, 'extension', '1.1');
    const missed = await cut(mvn(to));
    expect([missed.code, missed.stdout]).toEqual([
      1,
      expect.stringMatching(/pyrsia: .*org\/?\.?example\/extension.*1\.1/),
    ]);
    expect(repository.requests).toEqual([]);
    // Nobody has taken that for its absence.
    expect(await through(mvn(to))).toMatchObject({ code: 0 });
  });

  it('does not get a jar with one flipped byte, which it takes without us', async () => {
    const jar = Buffer.from(repository.files.get(`${EXTENSION}.jar`)!);
    jar[40]! ^= 1;
    repository.files.set(`${EXTENSION}.jar`, jar);
    const [first, without] = [local(), local()];
    const refused = await through(mvn(first));
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('does not match its digest')]);
    expect(existsSync(join(first, EXTENSION.replace('/', ''), '..', 'extension-1.0.jar'))).toBe(false);
    const taken = await direct(mvn(without).filter((arg) => arg !== '-q'));
    expect(taken.stdout).toContain('Checksum validation failed');
    expect(existsSync(join(without, `${EXTENSION}.jar`))).toBe(true);
  });

  it('takes nothing for absent while upstream is gone', async () => {
    const to = local();
    repository.fail(503);
    const gone = await through(mvn(to));
    expect([gone.code, gone.stdout]).toEqual([1, expect.stringContaining('status 503')]);
    repository.fail(undefined);
    expect(await through(mvn(to))).toMatchObject({ code: 0 });
  });

  it('runs twice at once, and upstream is asked once', async () => {
    const all = await Promise.all([through(mvn(local(), '-T', '8')), through(mvn(local()))]);
    expect(all.map(({ code }) => code)).toEqual([0, 0]);
    expect(repository.requests).toHaveLength(new Set(repository.requests).size);
  });

  it("asks as a mirror of its user's, under its name", async () => {
    write(
      settings,
      `<settings><servers><server><id>other</id><password>{COQLCE6DU6GtcS5P=}</password></server></servers>
<mirrors><mirror><id>inside</id><mirrorOf>*</mirrorOf><url>${repository.url}inside</url></mirror></mirrors></settings>`,
    );
    const before = new Map(repository.files);
    for (const [path, content] of before) {
      repository.files.set(`/inside${path}`, content);
      repository.files.delete(path);
    }
    const [first, without] = [local(), local()];
    expect(await through(mvn(first))).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('6 upstream'),
    });
    expect(await direct(mvn(without))).toMatchObject({ code: 0 });
    expect(contentOf(first)).toEqual(contentOf(without));
    expect(JSON.stringify(contentOf(first))).toContain('>inside=');
  });

  it('runs without us where its settings cannot be read, and one line names the file', async () => {
    write(settings, '<settings><mirrors></settings>');
    const { code, stdout, stderr } = await through(mvn(local()));
    expect(stderr.split('\n').filter((line) => line.startsWith('pyrsia'))).toEqual([
      expect.stringMatching(/settings\.xml: 1:\d+: .*mvn runs without pyrsia/),
    ]);
    expect([code, stdout]).toEqual([1, expect.stringContaining('settings.xml')]);
  });
});

describe.skipIf(!hasMaven)(
  'mvn through pyrsia exec, as the machine has it configured',
  { timeout: 480_000 },
  () => {
    it('reads a parent with all that it imports, and again where there is no network', async () => {
      write(
        join(project, 'pom.xml'),
        `<project><modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.2.0</version><relativePath/></parent>
  <groupId>org.example</groupId><artifactId>project</artifactId><packaging>pom</packaging></project>`,
      );
      write(settings, '<settings/>');
      const first = local();
      const cold = await through(mvn(first));
      expect(cold.code, cold.stdout + cold.stderr).toBe(0);
      const [, count] = /pyrsia: (\d+) artifacts · \1 upstream · \1 verified/.exec(cold.stderr) ?? [];
      expect(Number(count)).toBeGreaterThan(30);
      const offline = await through(mvn(local()), { PYRSIA_OFFLINE: '1' });
      expect([offline.code, offline.stderr]).toEqual([
        0,
        expect.stringContaining(`${count} artifacts · ${count} cache`),
      ]);
    });
  },
);
