import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  jarOf,
  type MavenRepository,
  publish,
  publishSnapshot,
  startMavenRepository,
} from '../support/maven-repository.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let sandbox: Sandbox;
let repositories: MavenRepository[];
let env: Record<string, string>;

const JAR = '/org/example/app/1.0/app-1.0.jar';

beforeAll(async () => {
  sandbox = openSandbox();
  repositories = [await startMavenRepository(), await startMavenRepository()];
  const [first, second] = repositories;
  publish(second!, 'app', '1.0');
  second!.put(JAR.replace('.jar', '-sources.jar'), second!.files.get(JAR)!);
  second!.put(
    '/org/example/app/maven-metadata.xml',
    '<metadata><groupId>org.example</groupId><artifactId>app</artifactId><versioning><release>1.0</release><versions><version>1.0</version></versions></versioning></metadata>',
  );
  const settings = join(sandbox.home, '.m2', 'settings.xml');
  mkdirSync(dirname(settings), { recursive: true });
  const named = [first!, second!].map(
    ({ url }, at) => `<repository><id>r${at}</id><url>${url}</url></repository>`,
  );
  writeFileSync(
    settings,
    `<settings><mirrors><mirror><id>world</id><mirrorOf>central</mirrorOf><url>http://127.0.0.1:9/</url><blocked>true</blocked></mirror></mirrors>
<profiles><profile><repositories>${named.join('')}</repositories></profile></profiles></settings>`,
  );
  env = { MAVEN_OPTS: `-Duser.home=${sandbox.home}` };
});
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]();
  for (const repository of repositories) await repository[Symbol.asyncDispose]();
});

const pull = async (...args: string[]) => sandbox.pyrsia(['pull', ...args], { env });

it('brings a file from the first repository that has it, and writes it', async () => {
  const pulled = await pull('maven:org.example:app:1.0', '-o', sandbox.home, '--json');
  expect(pulled.code, pulled.stderr).toBe(0);
  const [, second] = repositories;
  expect(JSON.parse(pulled.stdout)).toMatchObject([
    { purl: 'pkg:maven/org.example/app@1.0', upstream: second!.url, word: 'declared', source: 'upstream' },
  ]);
  expect(readFileSync(join(sandbox.home, 'app-1.0.jar')).equals(second!.files.get(JAR)!)).toBe(true);
});

it('tells its SHA-1 from what is strong', async () => {
  await pull('maven:org.example:app:1.0');
  const why = await sandbox.pyrsia(['why', 'maven:org.example:app:1.0'], { env });
  expect(why.stdout).toMatch(/sha256:[0-9a-f]{64}\n/);
  expect(why.stdout).toMatch(/sha1:[0-9a-f]{40} \(weak\)/);
});

it.each([
  ['maven:org.example:app', 'pkg:maven/org.example/app@1.0'],
  ['maven:org.example:app:1.0:pom', 'pkg:maven/org.example/app@1.0?type=pom'],
  ['maven:org.example:app:1.0:jar:sources', 'pkg:maven/org.example/app@1.0?classifier=sources'],
  ['pkg:maven/org.example/app@1.0?type=pom', 'pkg:maven/org.example/app@1.0?type=pom'],
])('brings %s', async (reference, purl) => {
  const { code, stdout, stderr } = await pull(reference, '--json');
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([{ purl }]);
});

it('brings the latest build of a snapshot, and offline the one that came last', async () => {
  const [, second] = repositories;
  const builds = [
    'pkg:maven/org.example/daily@1.0-20260102.030405-1',
    'pkg:maven/org.example/daily@1.0-20260102.030405-2',
  ];
  for (const [at, purl] of builds.entries()) {
    publishSnapshot(second!, 'daily', '1.0', '', at + 1);
    const pulled = await pull('maven:org.example:daily:1.0-SNAPSHOT', '--json');
    expect(pulled.code, pulled.stderr).toBe(0);
    expect(JSON.parse(pulled.stdout)).toMatchObject([{ purl, word: 'declared', source: 'upstream' }]);
  }
  const offline = await sandbox.pyrsia(['pull', 'maven:org.example:daily:1.0-SNAPSHOT', '--json'], {
    env: { ...env, PYRSIA_OFFLINE: '1' },
  });
  expect(JSON.parse(offline.stdout)).toMatchObject([{ purl: builds[1], source: 'cache' }]);
});

it('brings a snapshot that is called so itself anew each time', async () => {
  const [, second] = repositories;
  const at = '/org/example/nightly/1.0-SNAPSHOT';
  second!.put(
    `${at}/maven-metadata.xml`,
    '<metadata><groupId>org.example</groupId><artifactId>nightly</artifactId><version>1.0-SNAPSHOT</version></metadata>',
  );
  for (const night of ['first', 'second']) {
    const jar = jarOf(night);
    second!.put(`${at}/nightly-1.0-SNAPSHOT.jar`, jar);
    const pulled = await pull(
      'maven:org.example:nightly:1.0-SNAPSHOT',
      '-o',
      join(sandbox.home, night),
      '--json',
    );
    expect(pulled.code, pulled.stderr).toBe(0);
    expect(readFileSync(join(sandbox.home, night)).equals(jar)).toBe(true);
  }
});

it('says what no repository has, and what is not here when nobody is asked', async () => {
  expect(await pull('maven:org.example:app:2.0')).toMatchObject({ code: 5 });
  expect(await pull('maven:org.example:other')).toMatchObject({ code: 5 });
  const offline = await sandbox.pyrsia(['pull', 'maven:org.example:app:2.0'], {
    env: { ...env, PYRSIA_OFFLINE: '1' },
  });
  expect([offline.code, offline.stderr]).toEqual([6, expect.stringContaining('org.example/app@2.0')]);
});

it('says of whom nobody computes what it depends on', async () => {
  const { code, stderr } = await pull('npm:lodash', '--with-dependencies');
  expect([code, stderr]).toEqual([1, expect.stringContaining('only of maven: it')]);
});

it('names the command that brings what is missing', async () => {
  const { stderr } = await sandbox.pyrsia(['pull', 'maven:org.example:app:2.0:pom'], {
    env: { ...env, PYRSIA_OFFLINE: '1' },
  });
  expect(stderr).toContain('; pyrsia pull pkg:maven/org.example/app@2.0?type=pom brings it');
});
