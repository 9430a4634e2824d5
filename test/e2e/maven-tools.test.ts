import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** Installs the Maven of this version, as the machine's own central repository has it; resolves to its `mvn`. */
async function maven(version: string): Promise<string> {
  const { sandbox } = world;
  const zip = join(sandbox.root, `maven-${version}.zip`);
  const pulled = await sandbox.pyrsia(
    ['pull', `maven:org.apache.maven:apache-maven:${version}:zip:bin`, '-o', zip],
    {
      timeoutMs: 240_000,
    },
  );
  expect(pulled.code, pulled.stderr).toBe(0);
  for (const [name, content] of Object.entries(unzipSync(readFileSync(zip)))) {
    const path = join(sandbox.root, 'mavens', name);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/'))
      writeFileSync(path, content, { mode: name.endsWith('/bin/mvn') ? 0o755 : 0o644 });
  }
  return join(sandbox.root, 'mavens', `apache-maven-${version}`, 'bin', 'mvn');
}

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
    'builds with snapshots and classifiers, and again where there is no network',
    async () => {
      const { repository, project, through, cut, local } = world;
      publish(repository, 'classified', '1.0', { classifier: 'linux' });
      const wanted =
        '<dependency><groupId>org.example</groupId><artifactId>classified</artifactId><version>1.0</version><classifier>linux</classifier></dependency>';
      publishSnapshot(repository, 'extension', '1.1', `<dependencies>${wanted}</dependencies>`);
      write(join(project, 'snapshots', 'pom.xml'), projectPom(repository.url, { extension: '1.1-SNAPSHOT' }));
      const [first, second] = [local(), local()];
      const args = ['-f', 'snapshots/pom.xml'];
      const cold = await through(mvn(first, ...args));
      expect(cold.code, cold.stdout + cold.stderr).toBe(0);
      const offline = await cut(mvn(second, ...args));
      expect(offline.code, offline.stdout + offline.stderr).toBe(0);
      const files = Object.keys(contentOf(second)).filter((path) => path.endsWith('.jar'));
      expect(files).toContain('/org/example/classified/1.0/classified-1.0-linux.jar');
      expect(files.some((path) => path.includes('extension-1.1-20260102.030405-1.jar'))).toBe(true);
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

  it.each(['3.9.9', '4.0.0-rc-4'])('of version %s is led as that of the machine is', async (version) => {
    const { settings, through, direct, local } = world;
    const blocked = readFileSync(settings, 'utf8');
    write(settings, '<settings/>');
    const program = await maven(version);
    write(settings, blocked);
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
