/** npm's own cache filled while others use it, clean it or are killed: what is kept is right, and npm fails no more than alone. */
import { existsSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Verification } from '../../src/cache/cache.ts';
import type { Project } from '../support/project.ts';
import { snapshot } from '../support/snapshot.ts';
import { type FilledWorld, leftovers, npmContentIn, openFilledWorld, unsound } from './filled-world.ts';

const specs = Array.from({ length: 60 }, (_, n) => ({
  name: `package-${n}`,
  version: '1.0.0',
  size: 2_000 + 20_000 * (n % 10),
}));

let world: FilledWorld;
let other: Project;
let tree: Record<string, string>;
beforeAll(async () => {
  world = await openFilledWorld(specs);
  other = await world.sandbox.project({
    dependencies: Object.fromEntries(specs.map(({ name, version }) => [name, version])),
    lockfile: world.project.lockfile(),
  });
  const { code, stderr } = await world.again();
  expect(code, stderr).toBe(0);
  tree = snapshot(join(world.project.dir, 'node_modules'));
}, 120_000);
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  for (const { dir } of [world.project, other])
    rmSync(join(dir, 'node_modules'), { recursive: true, force: true });
});

/** Whether the first of npm's content is there, or about to be. */
function hasBegun(): boolean {
  const cache = world.npmCache();
  return existsSync(npmContentIn(cache)) || leftovers(cache).length > 0;
}

/** All that is kept is what it is called, here and with npm, and nothing of ours lies about for ever. */
async function expectSound(): Promise<void> {
  expect(unsound(world.npmCache())).toEqual([]);
  expect(await world.json<Verification>(['cache', 'verify'])).toMatchObject({ damaged: [] });
  expect(await world.sandbox.npm(['cache', 'verify'])).toMatchObject({ code: 0 });
  expect(leftovers(world.npmCache())).toEqual([]);
}

describe('Two installs at once', { timeout: 120_000 }, () => {
  it.each(['the same cache of npm’s', 'one each'])('with %s ask for no package', async (which) => {
    for (const fill of ['link', 'copy']) {
      const cache = world.sandbox.freshNpmCache();
      world.registry.log.clear();
      const both = await Promise.all(
        [world.project, other].map(({ dir }, n) =>
          world.run(['ci'], {
            cwd: dir,
            env: {
              PYRSIA_FILL: fill,
              npm_config_cache: which === 'one each' ? join(cache, String(n)) : cache,
            },
          }),
        ),
      );
      for (const { code, stderr } of both) expect(code, stderr).toBe(0);
      expect(world.registry.log.all).toEqual([]);
      for (const { dir } of [world.project, other]) {
        expect(snapshot(join(dir, 'node_modules'))).toEqual(tree);
        rmSync(join(dir, 'node_modules'), { recursive: true });
      }
      if (which === 'one each') for (const name of ['0', '1']) expect(unsound(join(cache, name))).toEqual([]);
      else
        expect(
          readdirSync(npmContentIn(cache), { recursive: true, withFileTypes: true }).filter((each) =>
            each.isFile(),
          ),
        ).toHaveLength(specs.length);
      await expectSound();
    }
  });
});

describe('Clean-ups all the time', { timeout: 240_000 }, () => {
  const ROUNDS = 4;

  /** How often npm fails of some installs, while `meanwhile` is done over and over. */
  async function failures(
    install: () => Promise<{ readonly code: number | null; readonly stderr: string }>,
    meanwhile: readonly (() => Promise<unknown>)[],
  ): Promise<number> {
    const over = new AbortController();
    const cleaners = meanwhile.map(async (work) => {
      while (!over.signal.aborted) await work();
    });
    let failed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      rmSync(join(world.project.dir, 'node_modules'), { recursive: true, force: true });
      const { code, stderr } = await install();
      if (code === 0) continue;
      failed += 1;
      expect(stderr).toMatch(/ENOENT|ENOTEMPTY|EEXIST/);
    }
    over.abort();
    await Promise.all(cleaners);
    return failed;
  }

  it('by npm, and of ours, make npm fail no more than it does alone', async () => {
    const { sandbox, project } = world;
    sandbox.freshNpmCache();
    const byNpm = async () => {
      await sandbox.npm(['cache', 'clean', '--force']);
      await sandbox.npm(['cache', 'verify']);
    };
    const ofOurs = async () => {
      await sandbox.pyrsia(['config', 'set', 'cache.limit', '20MB']);
      await sandbox.pyrsia(['cache', 'gc']);
      await sandbox.pyrsia(['cache', 'rm', '*', '--yes']);
    };
    const alone = await failures(() => sandbox.npm(['ci'], { cwd: project.dir }), [byNpm]);
    const filled = await failures(() => world.run(['ci']), [byNpm, ofOurs]);
    // npm fails of itself in every third round or so, and chance has a say in few of them.
    expect(filled).toBeLessThanOrEqual(alone + ROUNDS - 1);

    await expectSound();
    await sandbox.pyrsia(['config', 'unset', 'cache.limit']);
    expect(await world.again()).toMatchObject({ code: 0 });
    expect(snapshot(join(project.dir, 'node_modules'))).toEqual(tree);
  });
});

describe('kill -9 in the middle of a fill', { timeout: 240_000 }, () => {
  const victims = { agent: /dist\/agent\.c?js/, npm: /^npm ci|\/npm(-cli\.js)? ci$/ };

  it.each([
    ['npm', 'link'],
    ['agent', 'copy'],
    ['agent and npm', 'copy'],
  ])('of %s (%s) leaves nothing wrong behind', async (whom, fill) => {
    const { sandbox, project } = world;
    // What an earlier test has dropped.
    expect(await world.again()).toMatchObject({ code: 0 });
    for (let round = 0; round < 2; round++) {
      rmSync(join(project.dir, 'node_modules'), { recursive: true, force: true });
      sandbox.freshNpmCache();
      const running = sandbox.start(sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']), {
        cwd: project.dir,
        env: { PYRSIA_FILL: fill },
      });
      while (!hasBegun()) await sleep(1);
      for (const name of whom.split(' and ') as (keyof typeof victims)[]) {
        const found = () => sandbox.processes().find(({ command }) => victims[name].test(command));
        await expect.poll(found, { interval: 1 }).toBeDefined();
        process.kill(found()!.pid, 'SIGKILL');
      }
      await running.result;
      expect(unsound(world.npmCache())).toEqual([]);
    }

    // What was begun is tidied up by the next copy, once nobody can be at it any more.
    const old = Date.now() / 1000 - 24 * 60 * 60;
    for (const name of leftovers(world.npmCache())) utimesSync(join(world.npmCache(), name), old, old);
    rmSync(npmContentIn(world.npmCache()), { recursive: true, force: true });
    expect(await world.run(['ci'], { env: { PYRSIA_FILL: 'copy' } })).toMatchObject({ code: 0 });
    expect(leftovers(world.npmCache())).toEqual([]);
    expect(snapshot(join(project.dir, 'node_modules'))).toEqual(tree);
    await expectSound();
  });
});
