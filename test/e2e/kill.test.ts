/** The agent, the command and npm, killed whenever it hurts: what is kept is right, and the next install works. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Collected, Verification } from '../../src/cache/cache.ts';
import { openCache } from '../../src/cache/open-cache.ts';
import { pathsOf } from '../../src/paths.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import type { Project } from '../support/project.ts';
import type { Sandbox } from '../support/sandbox.ts';
import { openWorld, type World } from './everyday-world.ts';

const MB = 1_000_000;
const small = Array.from({ length: 18 }, (_, n) => ({
  name: `small-${n}`,
  version: '1.0.0',
  size: 2_000 * n,
}));
const large = [
  { name: 'large', version: '1.0.0', size: 3 * MB },
  { name: 'huge', version: '1.0.0', size: 12 * MB },
];
const specs = [...small, ...large];
const dependencies = Object.fromEntries(specs.map(({ name, version }) => [name, version]));

/** Names in one of our directories; none when it is not there. */
function namesIn(...path: string[]): string[] {
  return existsSync(join(...path)) ? readdirSync(join(...path)) : [];
}

/** Ends the agent, and asserts that it leaves nothing behind that only an agent needs. */
async function expectTidyEnd(sandbox: Sandbox): Promise<void> {
  expect(await sandbox.pyrsia(['agent', 'stop'])).toMatchObject({ code: 0 });
  const { runtime } = pathsOf(sandbox.env);
  expect(namesIn(runtime)).toEqual(['agent.lock', 'launch']);
  expect(namesIn(runtime, 'launch')).toEqual([]);
}

let world: World;
let project: Project;
beforeAll(async () => {
  world = await openWorld({ packages: specs.map(makePackage) });
  project = await world.sandbox.project({ dependencies });
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.registry.behave());

describe('the agent, killed in the middle of npm ci', { timeout: 120_000 }, () => {
  it.each(['large', 'huge'])('while %s arrives, costs that install and no other', async (name) => {
    const { registry, sandbox } = world;
    await sandbox.pyrsia(['cache', 'rm', '*', '--yes']);
    registry.log.clear();
    registry.misbehave({ kind: 'hang-in-body', match: `/${name}/-/${name}-1.0.0.tgz` });
    sandbox.freshNpmCache();
    const install = sandbox.start(sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']), { cwd: project.dir });
    const arrived = () => registry.log.tarballs().find(({ badDay }) => badDay)?.bytes ?? 0;
    await expect.poll(arrived, { timeout: 30_000 }).toBeGreaterThan(MB);
    const { pid } = await world.status();
    process.kill(pid!, 'SIGKILL');

    const { code, stderr } = await install.result;
    expect(code).not.toBe(0);
    expect(stderr).toMatch(
      /^pyrsia: The agent ended while npm was running; if that failed, run it again \(pyrsia agent logs may say why\)$/m,
    );
    expect(namesIn(pathsOf(sandbox.env).runtime, 'launch')).toEqual([]);

    registry.behave();
    const again = await world.afresh(['npm', 'ci'], { cwd: project.dir });
    expect(again).toMatchObject({ code: 0 });
    expect(Object.keys(project.installed())).toHaveLength(specs.length);
    expect(await world.verify()).toMatchObject({ code: 0 });
    await world.json<Collected>(['cache', 'gc']);
    expect(namesIn(pathsOf(sandbox.env).cache, 'partial')).toEqual([]);
    await expectTidyEnd(sandbox);
  });
});

const KILLS = 50;

/** The same moments and victims on every run, so that a red one can be repeated; `SEED=random` looks for new ones. */
const seed = process.env['SEED'] === 'random' ? Date.now() % 2 ** 31 : 1;

/** Numbers from 0 up to 1. @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
function randomFrom(start: number): () => number {
  let state = start;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

describe(`kill -9 at ${KILLS} random moments (seed ${seed})`, { timeout: 240_000 }, () => {
  it('leaves a cache in which all is right, and from which the next install comes', async () => {
    const { registry, sandbox } = world;
    const { cache } = pathsOf(sandbox.env);
    const random = randomFrom(seed);
    const over = new AbortController();

    // Two people who never stop installing, each with an empty npm cache; what succeeds is forgotten again.
    const someone = async (dir: string): Promise<void> => {
      while (!over.signal.aborted) {
        const { code } = await world.afresh(['npm', 'ci'], { cwd: dir });
        if (code === 0) await sandbox.pyrsia(['cache', 'rm', '*', '--yes']);
      }
    };
    const other = await sandbox.project({ dependencies, lockfile: project.lockfile() });
    const people = [project, other].map(({ dir }) => someone(dir));

    const victims = { agent: /dist\/agent\.cjs/, command: /bin\/run\.js exec /, npm: /^npm ci/ };
    const killed = { agent: 0, command: 0, npm: 0 };
    for (let kills = 0; kills < KILLS;) {
      await sleep(random() * 700);
      const name = (['agent', 'command', 'npm'] as const)[Math.floor(random() * 3)]!;
      const victim = sandbox.processes().find(({ command }) => victims[name].test(command));
      if (!victim) continue;
      try {
        process.kill(victim.pid, 'SIGKILL');
      } catch {
        continue; // It has just ended.
      }
      kills += 1;
      killed[name] += 1;
      await using seen = await openCache(cache, { readOnly: true });
      expect(await seen.verify()).toMatchObject({
        damaged: [],
        damagedDocuments: [],
      });
    }
    over.abort();
    await Promise.all(people);
    expect(Math.min(...Object.values(killed))).toBeGreaterThan(2);

    expect(await world.json<Verification>(['cache', 'verify'])).toMatchObject({
      damaged: [],
      damagedDocuments: [],
    });
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(await world.verify()).toMatchObject({ code: 0 });
    await world.json<Collected>(['cache', 'gc']);
    expect(namesIn(cache, 'partial')).toEqual([]);

    await registry.pause();
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(Object.keys(project.installed())).toHaveLength(specs.length);
    await registry.resume();
    await expectTidyEnd(sandbox);
  });
});
