import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MavenRepository, publish } from '../support/maven-repository.ts';
import type { Sandbox } from '../support/sandbox.ts';
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
const FILL = { PYRSIA_MAVEN_FILL: 'copy' };
const VERSION = 'org/example/extension/1.0';

let world: MavenWorld;
let sandbox: Sandbox;
let repository: MavenRepository;
let local: MavenWorld['local'];
let direct: MavenWorld['direct'];
const through = async (command: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  world.through(command, { ...FILL, ...more });

beforeEach(async () => {
  world = await openMavenWorld();
  ({ sandbox, repository, local, direct } = world);
});
afterEach(async () => world[Symbol.asyncDispose]());

/** Builds once, so that it is known what the project asks for. */
async function built(): Promise<void> {
  expect(await through(mvn(local()))).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('6 upstream'),
  });
  repository.requests.length = 0;
}

/** Files of a local repository besides what changes with the time, with where each is from. */
const bytesOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    globSync('**/*', { cwd: directory, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        const text = readFileSync(path, 'latin1');
        // Which line comes first depends on the Java that writes it.
        const lines = text.split('\n').map((line) => (/^#\w{3} /.test(line) ? '#' : line));
        return [
          path.slice(directory.length),
          name === '_remote.repositories' ? lines.toSorted().join('\n') : text,
        ];
      }),
  );

describe.skipIf(!hasMaven)("Maven's local repository", { timeout: 480_000 }, () => {
  it('is filled while mvn starts, byte for byte as mvn fills it, and works without us', async () => {
    await built();
    const [filled, own] = [local(), local()];
    const report = join(sandbox.root, 'report');
    const warm = await through(mvn(filled), { PYRSIA_REPORT: report });
    expect([warm.code, warm.stderr]).toEqual([
      0,
      expect.stringMatching(/6 artifacts · 6 cache · 6 copied into Maven's local repository · 6 verified/),
    ]);
    expect(repository.requests).toEqual([]);
    const lines = readFileSync(report, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      Array(6).fill(expect.objectContaining({ outcome: 'linked', via: 'copied', source: 'cache' })),
    );
    expect(await direct(mvn(own))).toMatchObject({ code: 0 });
    expect(bytesOf(filled)).toEqual(bytesOf(own));
    expect(await direct(mvn(filled, '-o'))).toMatchObject({ code: 0 });
    expect((await sandbox.pyrsia(['why', 'last'])).stdout).toContain("copied into Maven's local repository");
  });

  it('is complete where the project has changed', async () => {
    await built();
    publish(repository, 'extension', '1.1');
    writeFileSync(join(world.project, 'pom.xml'), projectPom(repository.url, { extension: '1.1' }));
    const [changed, own] = [local(), local()];
    const build = await through(mvn(changed));
    expect([build.code, build.stderr]).toEqual([0, expect.stringMatching(/2 upstream · 6 copied into/)]);
    expect(repository.requests.filter((path) => !path.includes('/extension/1.1/'))).toEqual([]);
    expect(await direct(mvn(own))).toMatchObject({ code: 0 });
    const [with1, without] = [contentOf(changed), contentOf(own)];
    expect(with1).toEqual(expect.objectContaining(without));
    repository.requests.length = 0;
    expect(await through(mvn(local()))).toMatchObject({ code: 0 });
    expect(repository.requests).toEqual([]);
  });

  it('gets nothing that mvn would not get from us: what is damaged, and what another repository has', async () => {
    await built();
    for (const path of globSync(`${sandbox.root}/cache/pyrsia/content/content-v2/sha256/**/*`, {
      withFileTypes: true,
    })) {
      const file = join(path.parentPath, path.name);
      if (!path.isFile() || !readFileSync(file).equals(repository.files.get(`${EXTENSION}.jar`)!)) continue;
      spawnSync('chmod', ['u+w', file]);
      writeFileSync(file, 'damaged');
    }
    const mended = local();
    expect(await through(mvn(mended))).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/5 cache · 1 upstream · 5 copied into/),
    });
    expect(readFileSync(join(mended, `${EXTENSION}.jar`))).toEqual(repository.files.get(`${EXTENSION}.jar`));

    // The same names at the same id, and another address.
    repository.requests.length = 0;
    for (const [path, content] of new Map(repository.files)) repository.files.set(`/moved${path}`, content);
    writeFileSync(join(world.project, 'pom.xml'), projectPom(`${repository.url}moved/`));
    const { code, stderr } = await through(mvn(local()));
    expect([code, stderr]).toEqual([0, expect.stringContaining('6 upstream')]);
    expect(stderr).not.toContain('copied into');
  });

  it('leaves alone what is there, and what is put together in another way', async () => {
    await built();
    const to = local();
    write(join(to, VERSION, 'mine'), 'mine');
    expect(await through(mvn(to))).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/6 cache · 4 copied into/),
    });
    expect(readFileSync(join(to, VERSION, 'mine'), 'utf8')).toBe('mine');
    const split = await through(mvn(local(), '-Daether.enhancedLocalRepository.split=true'));
    expect([split.code, split.stderr]).toEqual([0, expect.stringMatching(/6 cache · 6 verified/)]);
    expect(repository.requests).toEqual([]);
  });

  it('is filled by two at once', async () => {
    await built();
    const [both, own] = [local(), local()];
    const all = await Promise.all([through(mvn(both)), through(mvn(both)), through(mvn(both))]);
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(await direct(mvn(own))).toMatchObject({ code: 0 });
    expect(bytesOf(both)).toEqual(bytesOf(own));
    expect(await direct(mvn(both, '-o'))).toMatchObject({ code: 0 });
  });

  it('is sound when we are killed at any moment', async () => {
    await built();
    const own = local();
    expect(await direct(mvn(own))).toMatchObject({ code: 0 });
    for (const ms of [0, 5, 20]) {
      const to = local();
      mkdirSync(to);
      const { pid } = JSON.parse((await sandbox.pyrsia(['agent', 'status', '--json'])).stdout) as {
        pid: number;
      };
      const running = world.begin(mvn(to), FILL);
      for (let i = 0; i < 2000 && readdirSync(to).length === 0; i++) await sleep(1);
      await sleep(ms);
      process.kill(pid, 'SIGKILL');
      await running.result;
      // What is there is whole.
      const whole = bytesOf(own);
      const there = Object.entries(bytesOf(to)).filter(
        ([path]) => !path.startsWith('/.pyrsia-') && path in whole,
      );
      for (const [path, text] of there) expect([path, text]).toEqual([path, whole[path]]);
      expect(await through(mvn(to))).toMatchObject({ code: 0 });
      for (const path of Object.keys(whole)) expect([path, existsSync(join(to, path))]).toEqual([path, true]);
    }
  });
});
