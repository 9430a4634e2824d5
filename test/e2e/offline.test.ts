/** Work goes on when upstream does not: by itself, on demand, and where there is no network at all. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from '../support/network.ts';
import type { Project } from '../support/project.ts';
import { openWorld, type World } from './everyday-world.ts';

const packages = () => [
  makePackage({ name: '@acme/right', version: '2.0.0' }),
  makePackage({ name: 'left', version: '1.0.0', dependencies: { '@acme/right': '^2.0.0' } }),
  makePackage({ name: 'unseen', version: '1.2.3' }),
];
const both = { 'node_modules/@acme/right': '2.0.0', 'node_modules/left': '1.0.0' };

let world: World;
/** Installed before. */
let project: Project;
/** Needs a package that was never fetched. */
let further: Project;

beforeAll(async () => {
  world = await openWorld({ packages: packages() });
  const { sandbox } = world;
  project = await sandbox.project({ dependencies: { left: '^1.0.0' } });
  further = await sandbox.project({ dependencies: { left: '^1.0.0', unseen: '^1.0.0' } });
  expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
  const unlocked = await sandbox.project({ dependencies: { left: '^1.0.0' }, lockfile: 'none' });
  expect(await world.afresh(['npm', 'i'], { cwd: unlocked.dir })).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.registry.log.clear());

describe('while upstream is unreachable', { timeout: 60_000 }, () => {
  beforeAll(() => world.registry.pause());
  afterAll(() => world.registry.resume());

  it('npm ci works, and nobody had to say that we are offline', async () => {
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir });
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^pyrsia: 2 packages · 2 cache · 2 verified · /),
    });
    expect(project.installed()).toEqual(both);
  });

  it('npm i resolves from the documents at hand, and the receipt calls them stale', async () => {
    const unlocked = await world.sandbox.project({ dependencies: { left: '^1.0.0' }, lockfile: 'none' });
    const { code, stderr } = await world.afresh(['npm', 'i'], { cwd: unlocked.dir });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^pyrsia: 2 packages · 2 cache · 2 verified · 2 stale documents · /m);
    expect(unlocked.lockfile()).toEqual(project.lockfile());
    expect(await world.last()).toMatchObject({ documents: { upstream: 0, unchanged: 0, stale: 2 } });
  });

  it('npm i of an unchanged, locked project works', async () => {
    expect(await world.afresh(['npm', 'i'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(project.installed()).toEqual(both);
  });

  it('a package that is not there fails within three seconds, by its name', async () => {
    const { code, stderr, ms } = await world.afresh(['npm', 'ci'], { cwd: further.dir });
    expect(code).toBe(1);
    expect(stderr).toContain('unseen');
    expect(stderr).toContain('pkg:npm/unseen@1.2.3');
    expect(stderr).toContain('connection refused');
    expect(ms).toBeLessThan(3_000);
    expect(await world.last()).toMatchObject({ totals: { unavailable: 1 } });
  });

  it('a package that was never heard of fails within three seconds, by its name', async () => {
    const { code, stderr, ms } = await world.afresh(['npm', 'i', 'unheard'], { cwd: project.dir });
    expect(code).toBe(1);
    expect(stderr).toMatch(/npm error .*unheard/);
    expect(stderr).toContain('connection refused');
    expect(ms).toBeLessThan(3_000);
  });

  it('pyrsia pull takes what is here, and says what is not', async () => {
    const { sandbox } = world;
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.0.0'])).toMatchObject({ code: 0 });
    expect(await sandbox.pyrsia(['pull', 'npm:left@^1'])).toMatchObject({ code: 0 });
    const missing = await sandbox.pyrsia(['pull', 'npm:unseen@1.2.3']);
    expect(missing).toMatchObject({ code: 6, stderr: expect.stringContaining('unseen') });
  });

  it('the agent says whom it cannot reach', async () => {
    expect((await world.status()).unreachable).toEqual([new URL(world.registry.url).origin]);
  });
});

describe('when upstream is back', { timeout: 60_000 }, () => {
  it('everything is fetched from there again', async () => {
    const fresh = await world.sandbox.project({ dependencies: { unseen: '^1.0.0' } });
    await expect
      .poll(async () => (await world.afresh(['npm', 'ci'], { cwd: fresh.dir })).code, { timeout: 20_000 })
      .toBe(0);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 1, upstream: 1, verified: 1 } });
    expect((await world.status()).unreachable).toEqual([]);
  });
});

describe('with PYRSIA_OFFLINE=1', { timeout: 60_000 }, () => {
  const env = { PYRSIA_OFFLINE: '1' };

  it('nothing is asked of upstream, and everything at hand works', async () => {
    const { registry, sandbox } = world;
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir, env });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^pyrsia: 2 packages · 2 cache · 2 verified · offline: PYRSIA_OFFLINE=1 · /);
    const unlocked = await sandbox.project({ dependencies: { left: '^1.0.0' }, lockfile: 'none' });
    registry.log.clear();
    const installed = await world.afresh(['npm', 'i', '--audit'], { cwd: unlocked.dir, env });
    expect(installed).toMatchObject({ code: 0, stderr: expect.stringContaining('2 stale documents') });
    expect(await world.last()).toMatchObject({ offline: 'PYRSIA_OFFLINE=1', documents: { stale: 2 } });
    expect(await sandbox.pyrsia(['pull', 'npm:left@1.0.0'], { env })).toMatchObject({ code: 0 });
    expect(registry.log.all).toEqual([]);
  });

  it('what is missing is named', async () => {
    const { registry, sandbox } = world;
    await registry.publish(makePackage({ name: 'absent', version: '0.1.0' }));
    const needy = await sandbox.project({ dependencies: { absent: '0.1.0' } });
    registry.log.clear();
    const { code, stderr, ms } = await world.afresh(['npm', 'ci'], { cwd: needy.dir, env });
    expect(code).toBe(1);
    expect(stderr).toContain('Not in the cache: pkg:npm/absent@0.1.0 (PYRSIA_OFFLINE=1)');
    expect(ms).toBeLessThan(3_000);
    expect(await sandbox.pyrsia(['pull', 'npm:absent@0.1.0'], { env })).toMatchObject({ code: 6 });
    expect(await sandbox.pyrsia(['pull', 'npm:absent'], { env })).toMatchObject({ code: 6 });
    expect(registry.log.all).toEqual([]);
  });
});

describe('in a network namespace without network', { timeout: 60_000 }, () => {
  it.skipIf(!canUnshareNetwork())(
    'another agent serves the cache read-only, and the first one goes on',
    async () => {
      const { registry, sandbox } = world;
      const before = await world.status();
      sandbox.freshNpmCache();
      const [program, ...args] = inNamespaceWithoutNetwork(
        sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']),
      );
      const { code, stderr } = await sandbox.run(program, args, { cwd: project.dir });
      expect(code, stderr).toBe(0);
      expect(stderr).not.toContain('nothing is stored'); // There was nothing to store.
      expect(stderr).toMatch(/^pyrsia: 2 packages · 2 cache · 2 verified · /m);
      expect(project.installed()).toEqual(both);
      expect(registry.log.all).toEqual([]);

      expect(await world.status()).toMatchObject({ pid: before.pid, ports: before.ports! });
      expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
      expect(await world.last()).toMatchObject({ totals: { cache: 2 } });
    },
  );
});

describe('after all of this', { timeout: 60_000 }, () => {
  it('nothing in the cache is damaged', async () => {
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});
