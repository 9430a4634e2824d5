import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MavenRepository, publish } from '../support/maven-repository.ts';
import { canUnshareNetwork } from '../support/network.ts';
import { startProxy } from '../support/proxy.ts';
import type { Sandbox } from '../support/sandbox.ts';
import { contentOf, EXTENSION, type MavenWorld, mvn, openMavenWorld, write } from './maven-world.ts';

const hasMaven = spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0;

let world: MavenWorld;
let sandbox: Sandbox;
let repository: MavenRepository;
let project: string;
let settings: string;
let local: MavenWorld['local'];
let direct: MavenWorld['direct'];
let through: MavenWorld['through'];
let cut: MavenWorld['cut'];

beforeEach(async () => {
  world = await openMavenWorld();
  ({ sandbox, repository, project, settings, local, direct, through, cut } = world);
});
afterEach(async () => world[Symbol.asyncDispose]());

describe.skipIf(!hasMaven)('mvn through pyrsia exec', { timeout: 480_000 }, () => {
  it('fetches once, and fills its local repository as it does without us', async () => {
    const [first, second, without] = [local(), local(), local()];
    // Nothing is looked for there, since what depends on it is found before.
    publish(repository, 'library', '2.0', {
      more: '<repositories><repository><id>deep</id><url>http://127.0.0.1:9/</url></repository></repositories>',
    });
    const cold = await through(mvn(first));
    expect([cold.code, cold.stdout + cold.stderr]).toEqual([
      0,
      expect.stringContaining('6 artifacts · 6 upstream · 6 verified'),
    ]);
    expect(cold.stderr).toContain(
      '1 repository that only poms of dependencies name is not asked through us: deep (127',
    );
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
      expect.stringMatching(
        /pyrsia: .*; pyrsia pull pkg:maven\/org\.example\/extension@1\.1\?type=pom brings it/,
      ),
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

  it('takes nothing for absent when upstream goes in the middle', async () => {
    const to = local();
    repository.fail(503, 3);
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

  it('asks by way of the proxy that its user has, and us without it', async () => {
    await using proxy = await startProxy();
    const { hostname, port } = new URL(proxy.url);
    const before = readFileSync(settings, 'utf8');
    const proxies = `<proxies><proxy><protocol>http</protocol><host>${hostname}</host><port>${port}</port></proxy></proxies>`;
    write(settings, before.replace('<mirrors>', `${proxies}<mirrors>`));
    const [first, without] = [local(), local()];
    const { code, stdout, stderr } = await through(mvn(first));
    expect([code, stderr], stdout).toEqual([0, expect.stringContaining('6 upstream · 6 verified')]);
    expect([...new Set([...proxy.tunnels, ...proxy.fetched])]).toEqual([new URL(repository.url).host]);
    expect(await direct(mvn(without))).toMatchObject({ code: 0 });
    expect(contentOf(first)).toEqual(contentOf(without));
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

const [BOOT, MODULES] = ['org.springframework.boot', ['core', 'web', 'tool']];

const build = (to: string, ...args: string[]): string[] => mvn(to, '-T', '8', ...args).slice(0, -1);
const jarOf = (name: string): Buffer => readFileSync(join(project, name, `target/${name}-1.0.jar`));

/** What ran of the tests of a module, as surefire reports it. */
const testedIn = (name: string): string =>
  readFileSync(join(project, name, 'target/surefire-reports/org.example.MainTest.txt'), 'utf8');

/** A project of Spring Boot's in modules, each of which compiles a class and runs a test of it. */
function writeBootProject(): void {
  const parent = `<groupId>${BOOT}</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.2.0</version><relativePath/>`;
  write(
    join(project, 'pom.xml'),
    `<project><modelVersion>4.0.0</modelVersion><parent>${parent}</parent>
<groupId>org.example</groupId><artifactId>project</artifactId><version>1.0</version><packaging>pom</packaging>
<modules>${MODULES.map((name) => `<module>${name}</module>`).join('')}</modules></project>`,
  );
  for (const name of MODULES) {
    write(
      join(project, name, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion>
<parent><groupId>org.example</groupId><artifactId>project</artifactId><version>1.0</version></parent><artifactId>${name}</artifactId>
<dependencies><dependency><groupId>${BOOT}</groupId><artifactId>spring-boot-starter${name === 'web' ? '-json' : ''}</artifactId></dependency>
<dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><scope>test</scope></dependency></dependencies></project>`,
    );
    const main = `package org.example; @${BOOT}.autoconfigure.SpringBootApplication class Main {}\n`;
    write(join(project, name, 'src/main/java/org/example/Main.java'), main);
    write(
      join(project, name, 'src/test/java/org/example/MainTest.java'),
      'package org.example; class MainTest { @org.junit.jupiter.api.Test void isThere() { new Main(); } }\n',
    );
  }
}

describe.skipIf(!hasMaven)(
  'mvn through pyrsia exec, as the machine has it configured',
  { timeout: 480_000 },
  () => {
    it.skipIf(!canUnshareNetwork())(
      'compiles, tests, packages and deploys a project with eight threads, and builds it again where there is no network',
      async () => {
        writeBootProject();
        write(settings, '<settings/>');
        const cold = await through(
          build(local(), 'deploy', `-DaltDeploymentRepository=target::${repository.url}deployed`),
        );
        expect(cold.code, cold.stdout + cold.stderr).toBe(0);
        const [, count] = /pyrsia: (\d+) artifacts · \1 upstream · \1 verified/.exec(cold.stderr) ?? [];
        expect(Number(count), cold.stderr).toBeGreaterThan(200);
        for (const name of MODULES) {
          const deployed = repository.files.get(`/deployed/org/example/${name}/1.0/${name}-1.0.jar`);
          expect(deployed?.equals(jarOf(name)), name).toBe(true);
          expect(testedIn(name)).toContain('Tests run: 1, Failures: 0, Errors: 0, Skipped: 0');
          rmSync(join(project, name, 'target'), { recursive: true });
        }

        const offline = await cut(build(local(), 'package'));
        expect(offline.code, offline.stdout + offline.stderr).toBe(0);
        expect(offline.stderr).toMatch(/pyrsia: \d+ artifacts · \d+ cache · /);
        for (const name of MODULES) {
          expect(jarOf(name).length).toBeGreaterThan(1000);
          // What runs tests is fetched only when they are there to be run.
          expect(testedIn(name)).toContain('Tests run: 1, Failures: 0, Errors: 0, Skipped: 0');
        }
      },
    );

    it('pulls what mvn says that an artifact depends on', async () => {
      write(settings, '<settings/>');
      const jars = join(sandbox.root, 'jars');
      write(join(jars, '.keep'), '');
      const args = ['pull', 'maven:org.slf4j:slf4j-simple:2.0.17', '--with-dependencies', '-o', jars];
      const pulled = await direct(sandbox.pyrsiaCommand([...args, '--json']));
      expect(pulled.code, pulled.stderr).toBe(0);
      expect(JSON.parse(pulled.stdout)).toMatchObject([
        { purl: 'pkg:maven/org.slf4j/slf4j-simple@2.0.17', word: 'declared' },
        { purl: 'pkg:maven/org.slf4j/slf4j-api@2.0.17', word: 'declared' },
      ]);
      const written = ['slf4j-api-2.0.17.jar', 'slf4j-simple-2.0.17.jar'];
      expect(globSync('*', { cwd: jars }).toSorted()).toEqual(written);
      expect(pulled.stderr).toMatch(/\d{2,} files more came through us/);
    });
  },
);
