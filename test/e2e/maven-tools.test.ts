import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { pathsOf } from '../../src/paths.ts';
import { publish, publishSnapshot } from '../support/maven-repository.ts';
import { canUnshareNetwork } from '../support/network.ts';
import {
  contentOf,
  EXTENSION,
  type MavenWorld,
  mvn,
  openMavenWorld,
  projectPom,
  write,
} from './maven-world.ts';

const hasMaven = spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0;

let world: MavenWorld;
beforeAll(async () => void (world = await openMavenWorld()));
afterAll(async () => world[Symbol.asyncDispose]());

/** Has a zip, as the machine's own central repository has it. */
async function pulled(reference: string): Promise<string> {
  const { sandbox, settings } = world;
  const zip = join(sandbox.root, `${reference.replaceAll(/[^\w.]/g, '-')}.zip`);
  const before = readFileSync(settings, 'utf8');
  write(settings, '<settings/>');
  const { code, stderr } = await sandbox.pyrsia(['pull', `maven:${reference}`, '-o', zip], {
    timeoutMs: 240_000,
  });
  expect(code, stderr).toBe(0);
  write(settings, before);
  return zip;
}

const zipOf = async (version: string): Promise<string> =>
  pulled(`org.apache.maven:apache-maven:${version}:zip:bin`);

/** A Maven for projects with `mvnw`, and that script. */
async function theWrapped(version: string): Promise<{ readonly zip: string; readonly script: Uint8Array }> {
  const wrapper = await pulled('org.apache.maven.wrapper:maven-wrapper-distribution:3.3.2:zip:only-script');
  const { mvnw } = unzipSync(readFileSync(wrapper));
  return { zip: await zipOf(version), script: mvnw! };
}

/** Installs the Maven of this version; resolves to its `mvn`. */
async function maven(version: string): Promise<string> {
  const { sandbox } = world;
  const zip = await zipOf(version);
  for (const [name, content] of Object.entries(unzipSync(readFileSync(zip)))) {
    const path = join(sandbox.root, 'mavens', name);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/'))
      writeFileSync(path, content, { mode: name.endsWith('/bin/mvn') ? 0o755 : 0o644 });
  }
  return join(sandbox.root, 'mavens', `apache-maven-${version}`, 'bin', 'mvn');
}

const wrapped = (to: string): string[] => ['./mvnw', ...mvn(to).slice(1)];

describe.skipIf(!hasMaven)('mvn', { timeout: 480_000 }, () => {
  it('goes through us when it is typed, once there is a stand-in, and past us where it is told to', async () => {
    const { sandbox, repository, direct, local } = world;
    const installed = await sandbox.pyrsia(['shim', 'install', 'mvn', '--no-path', '--yes']);
    expect(installed.code, installed.stderr).toBe(0);
    const PATH = [pathsOf(sandbox.env).shims, sandbox.env['PATH']].join(delimiter);
    const [typed, without] = [local(), local()];
    const report = join(sandbox.root, 'typed.jsonl');
    const ran = await direct(mvn(typed), { PATH, PYRSIA_REPORT: report });
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(sandbox.readReport(report).map(({ source }) => source)).toEqual(Array(6).fill('upstream'));
    // The agent sees that it has ended.
    await expect.poll(() => globSync(`${sandbox.env['XDG_RUNTIME_DIR']}/**/*settings.xml`)).toEqual([]);

    repository.requests.length = 0;
    expect(await direct(mvn(without), { PATH, PYRSIA: 'off' })).toMatchObject({ code: 0 });
    expect(repository.requests).toContain(`${EXTENSION}.jar`);
    expect(contentOf(typed)).toEqual(contentOf(without));

    // Nothing is fetched by this, so nobody is asked, and it says what the real one says.
    const version = await direct(['mvn', '--version'], { PATH });
    expect([version.code, version.stdout]).toEqual([0, expect.stringContaining('Apache Maven')]);
  });

  it.skipIf(!canUnshareNetwork())(
    'builds with snapshots, which are asked for as often as its user says, and classifiers; and again where there is no network',
    async () => {
      const { repository, project, through, cut, local } = world;
      publish(repository, 'classified', '1.0', { classifier: 'linux' });
      const wanted =
        '<dependency><groupId>org.example</groupId><artifactId>classified</artifactId><version>1.0</version><classifier>linux</classifier></dependency>';
      const publishBuild = (number: number): void =>
        publishSnapshot(repository, 'extension', '1.1', `<dependencies>${wanted}</dependencies>`, number);
      publishBuild(1);
      write(join(project, 'snapshots', 'pom.xml'), projectPom(repository.url, { extension: '1.1-SNAPSHOT' }));
      const [first, second] = [local(), local()];
      const args = ['-f', 'snapshots/pom.xml'];
      const cold = await through(mvn(first, ...args));
      expect(cold.code, cold.stdout + cold.stderr).toBe(0);
      // Once a day, unless somebody wants it now.
      publishBuild(2);
      repository.requests.length = 0;
      expect(await through(mvn(first, ...args))).toMatchObject({ code: 0 });
      expect(repository.requests).toEqual([]);
      const updated = await through(mvn(first, '-U', ...args));
      expect(updated.code, updated.stdout + updated.stderr).toBe(0);
      expect(repository.requests).toContain('/org/example/extension/1.1-SNAPSHOT/maven-metadata.xml');
      expect(repository.requests.some((path) => path.endsWith('-1.1-20260102.030405-2.jar'))).toBe(true);

      const offline = await cut(mvn(second, ...args));
      expect(offline.code, offline.stdout + offline.stderr).toBe(0);
      const files = Object.keys(contentOf(second)).filter((path) => path.endsWith('.jar'));
      expect(files).toContain('/org/example/classified/1.0/classified-1.0-linux.jar');
      expect(files.some((path) => path.includes('extension-1.1-20260102.030405-2.jar'))).toBe(true);
    },
  );

  it('leaves nothing half when it is interrupted, and is served the next time', async () => {
    const { sandbox, repository, project, begin, through, local } = world;
    publish(repository, 'extension', '1.2');
    write(join(project, 'interrupted', 'pom.xml'), projectPom(repository.url, { extension: '1.2' }));
    const to = local();
    const command = mvn(to, '-f', 'interrupted/pom.xml');
    const held = repository.hold('/org/example/extension/1.2/extension-1.2.jar');
    const running = begin(command);
    await Promise.race([
      held.begun,
      running.result.then(({ stdout, stderr }) => expect.fail(stdout + stderr)),
    ]);
    running.kill('SIGINT');
    const { code, signal } = await running.result;
    expect([code, signal]).toEqual([130, null]);
    expect(globSync('org/example/extension/1.2/*.jar', { cwd: to })).toEqual([]);
    held.release();

    const again = await through(command);
    expect(again.code, again.stdout + again.stderr).toBe(0);
    expect(globSync('org/example/extension/1.2/*.jar', { cwd: to })).toHaveLength(1);
    expect(globSync(`${sandbox.env['XDG_RUNTIME_DIR']}/**/*settings.xml`)).toEqual([]);
  });

  it.skipIf(!canUnshareNetwork())(
    'is fetched by a project with mvnw, too, and both again without a network',
    async () => {
      const { sandbox, repository, project, settings, through, cut, direct, local } = world;
      const { zip, script } = await theWrapped('3.9.9');
      const at = '/org/apache/maven/apache-maven/3.9.9/apache-maven-3.9.9-bin.zip';
      repository.put(at, readFileSync(zip));
      writeFileSync(join(project, 'mvnw'), script, { mode: 0o755 });
      const properties = join(project, '.mvn', 'wrapper', 'maven-wrapper.properties');
      const digest = digestOf(readFileSync(zip), 'sha256').slice('sha256:'.length);
      write(
        properties,
        `distributionUrl=${repository.url.slice(0, -1)}${at}\ndistributionSha256Sum=${digest}\n`,
      );
      const [first, second, place] = [local(), local(), join(sandbox.root, 'wrapped')];
      repository.requests.length = 0;
      const cold = await through(wrapped(first), { MAVEN_USER_HOME: place });
      expect(cold.code, cold.stdout + cold.stderr).toBe(0);
      expect(cold.stderr).toContain('pyrsia: Maven 3.9.9, which mvnw runs: upstream');
      expect(repository.requests.filter((path) => path === at)).toHaveLength(1);

      // The script itself finds it where it looks, and needs nobody.
      repository.requests.length = 0;
      const own = await direct([...wrapped(first), '-o'], { MAVEN_USER_HOME: place });
      expect([own.code, repository.requests], own.stdout + own.stderr).toEqual([0, []]);
      const offline = await cut(wrapped(second), { MAVEN_USER_HOME: `${place}-2` });
      expect([offline.code, offline.stderr], offline.stdout).toEqual([
        0,
        expect.stringContaining('which mvnw runs: cache'),
      ]);
      expect(existsSync(settings)).toBe(true);

      // What is not what the project says does not run.
      write(properties, readFileSync(properties, 'utf8').replace(digest, '0'.repeat(64)));
      const refused = await through(wrapped(second), { MAVEN_USER_HOME: `${place}-3` });
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining('does not match its digest'),
      ]);
      expect(globSync('**/mvn', { cwd: `${place}-3` })).toEqual([]);
    },
  );

  it.each(['3.9.9', '4.0.0-rc-4'])('of version %s is led as that of the machine is', async (version) => {
    const { through, direct, local } = world;
    const program = await maven(version);
    const [first, without] = [local(), local()];
    const using = (to: string): string[] => [program, ...mvn(to).slice(1)];
    const led = await through(using(first));
    expect([led.code, led.stderr], led.stdout).toEqual([
      0,
      expect.stringMatching(/pyrsia: \d+ artifacts · .*verified/),
    ]);
    expect(await direct(using(without))).toMatchObject({ code: 0 });
    expect(contentOf(first)).toEqual(contentOf(without));
  });
});
