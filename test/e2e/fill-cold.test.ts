/**
 * npm's own cache, filled while npm starts with what had to be fetched first: what the real npm then asks for,
 * and that upstream is asked no more than without us.
 *
 * @module
 */
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestFromIntegrity, hexOf } from '../../src/content/digest.ts';
import { makePackage, type Package, type PackageSpec } from '../fixtures/registry/package.ts';
import type { RunOptions } from '../support/command.ts';
import type { LockedPackage } from '../support/project.ts';
import { snapshot } from '../support/snapshot.ts';
import { openWorld, type WorldOptions } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

/** Has npm wait at its start until something is so, or for half a minute. */
const HELD = `
const { readdirSync, existsSync } = require('node:fs');
const { PYRSIA_TEST_LINKS: links, PYRSIA_TEST_GO: go, npm_config_cache: cache } = process.env;
const isNpm = /npm-cli\\.js$|[/]npm$/.test(process.argv[1] ?? '');
const count = () => {
  try {
    return readdirSync(cache + '/_cacache/content-v2/sha512', { recursive: true }).filter((name) => name.split('/').length === 3).length;
  } catch {
    return 0;
  }
};
const isReady = () => go ? existsSync(go) : count() >= Number(links);
const until = Date.now() + 30_000;
while (isNpm && Date.now() < until && !isReady()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
`;

/** A world with these packages, of which we have none, and a project that is locked to them. */
async function cold(
  specs: readonly PackageSpec[],
  { instead, ...options }: WorldOptions & { readonly instead?: LockedPackage } = {},
) {
  const made = await Promise.all(specs.map(makePackage));
  const world = await openWorld({ packages: made, ...options });
  const { sandbox, registry } = world;
  const project = await sandbox.project(lockedTo(registry, made, instead));
  const held = join(sandbox.root, 'held.cjs');
  writeFileSync(held, HELD);
  const go = join(sandbox.root, 'go');
  const optionsOf = ({ env, ...rest }: RunOptions = {}): RunOptions => ({
    cwd: project.dir,
    env: { PYRSIA_FILL: 'link', ...env },
    ...rest,
  });
  return {
    ...world,
    made,
    project,
    go: () => writeFileSync(go, ''),
    /** npm starts slowly: once there are so many links, or {@link go} is called. */
    held: (links?: number): Record<string, string> => ({
      NODE_OPTIONS: `--require=${held}`,
      ...(links === undefined ? { PYRSIA_TEST_GO: go } : { PYRSIA_TEST_LINKS: `${links}` }),
    }),
    run: async (env: RunOptions['env'] = {}) => world.afresh(['npm', 'ci'], optionsOf({ env })),
    start: (env: RunOptions['env'] = {}) => {
      sandbox.freshNpmCache();
      return sandbox.start(sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']), optionsOf({ env }));
    },
    asked: () => registry.log.tarballs().map(({ path }) => path.slice(1, path.indexOf('/-/'))),
    isPlaced: ({ dist }: Package): boolean => {
      const hex = hexOf(digestFromIntegrity(dist.integrity!)!);
      return existsSync(
        join(
          sandbox.env['npm_config_cache']!,
          '_cacache/content-v2/sha512',
          hex.slice(0, 2),
          hex.slice(2, 4),
          hex.slice(4),
        ),
      );
    },
  };
}

const named = (...names: readonly string[]): readonly PackageSpec[] =>
  names.map((name) => ({ name, version: '1.0.0' }));
const three: readonly PackageSpec[] = [
  ...named('left', '@acme/right'),
  { name: 'large', version: '1.0.0', size: 9_000_000 },
];
const many = (count: number): readonly PackageSpec[] =>
  named(...Array.from({ length: count }, (_, i) => `package-${i}`));

describe('A first install', { timeout: 120_000 }, () => {
  it('asks for nothing that has come while npm starts, and is the same as without us', async () => {
    await using world = await cold(three);
    const { project, sandbox, run, held, asked } = world;
    await sandbox.npm(['ci'], { cwd: project.dir });
    const direct = snapshot(join(project.dir, 'node_modules'));
    rmSync(join(project.dir, 'node_modules'), { recursive: true });
    world.registry.log.clear();

    const { code, stderr } = await run({ ...held(3), PYRSIA_REPORT: sandbox.reportFile });
    expect(code, stderr).toBe(0);
    expect(snapshot(join(project.dir, 'node_modules'))).toEqual(direct);
    expect(asked().toSorted()).toEqual(['@acme/right', 'large', 'left']);
    const { totals, artifacts, fill, notes } = await world.last();
    expect(totals).toMatchObject({ artifacts: 3, linked: 3, upstream: 3, cache: 0, verified: 3, saved: 0 });
    expect(fill).toMatchObject({ linked: 3, copied: 0, bytes: totals.bytes });
    expect(notes).toEqual([]);
    for (const line of artifacts)
      expect(line).toMatchObject({
        outcome: 'linked',
        source: 'upstream',
        word: 'declared',
        by: 'the registry',
      });
    expect(sandbox.readReport()).toHaveLength(3);
    expect(await sandbox.npm(['cache', 'verify'])).toMatchObject({ code: 0 });
    expect(await world.verify()).toMatchObject({ code: 0 });

    // All of it is ours now.
    expect(await run(held(3))).toMatchObject({ code: 0 });
    expect(asked()).toHaveLength(3);
    expect(await world.last()).toMatchObject({ totals: { cache: 3, linked: 3 } });
  });

  it('has upstream asked once for each package, whoever asks first', async () => {
    await using world = await cold(many(40));
    const { code, stderr } = await world.run();
    expect(code, stderr).toBe(0);
    expect(world.asked().toSorted()).toEqual(
      many(40)
        .map(({ name }) => name)
        .toSorted(),
    );
    expect(await world.last()).toMatchObject({ totals: { artifacts: 40, verified: 40 } });
  });

  it('has upstream asked once for each package by two at once', async () => {
    await using world = await cold(many(20));
    const other = await world.sandbox.project(lockedTo(world.registry, world.made));
    const [one, two] = await Promise.all([
      world.start(world.held(20)).result,
      world.through(['npm', 'ci'], { cwd: other.dir, env: { PYRSIA_FILL: 'link' } }),
    ]);
    expect([one.code, two.code], `${one.stderr}${two.stderr}`).toEqual([0, 0]);
    expect(world.asked()).toHaveLength(20);
  });

  it('takes what npm asks for meanwhile from the same transfer', async () => {
    await using world = await cold(named('left'));
    world.registry.misbehave({ kind: 'drip', bytes: 100, everyMs: 200 });
    const { code, stderr } = await world.run();
    expect(code, stderr).toBe(0);
    expect(world.asked()).toEqual(['left']);
  });

  it('of what is other bytes than the lockfile says is refused, the rest is there', async () => {
    await using world = await cold(named('left', 'right'));
    world.registry.misbehave({ kind: 'flipped-byte', match: /left-/ });
    const { code, stderr } = await world.run(world.held(1));
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('1 REFUSED');
    expect(world.made.map(world.isPlaced)).toEqual([false, true]);
  });

  it('under a name whose bytes the registry has otherwise is refused', async () => {
    await using world = await cold(named('evil'));
    const lodash = await makePackage({ name: 'lodash', version: '4.17.21' });
    await world.registry.publish(lodash);
    const [evil] = world.made;
    const locked = lockedTo(world.registry, [lodash], { integrity: evil!.dist.integrity! });
    world.project.write('package.json', JSON.stringify({ name: 'project', version: '1.0.0', ...locked }));
    world.project.write('package-lock.json', JSON.stringify(locked.lockfile));
    const { code, stderr } = await world.run();
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('1 REFUSED');
    expect(world.isPlaced(evil!)).toBe(false);
  });

  it('leaves what needs the user’s own credential to npm, and sends it nowhere before', async () => {
    await using world = await cold(named('left', 'secret'), { auth: { token: 't', packages: ['secret'] } });
    const { sandbox, registry } = world;
    sandbox.npmrc({ [`${registry.url.slice('http:'.length)}:_authToken`]: 't' });
    const { code, stderr } = await world.run(world.held(1));
    expect(code, stderr).toBe(0);
    expect(registry.log.authorized()).toHaveLength(1);
    expect(await world.last()).toMatchObject({ totals: { linked: 1, passed: 1 } });
  });

  it('asks nobody where that is not wanted', async () => {
    await using world = await cold(named('left'));
    expect(await world.run({ PYRSIA_OFFLINE: '1' })).toMatchObject({ code: 1 });
    expect(await world.run({ npm_config_offline: 'true' })).toMatchObject({ code: 1 });
    expect(world.registry.log.all).toEqual([]);
    world.go();
    expect(await world.run({ ...world.held(), PYRSIA_FILL: 'off' })).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ totals: { upstream: 1, linked: 0 } });
  });

  it('that ends before all has come has nothing more fetched', async () => {
    await using world = await cold(many(12));
    world.registry.misbehave({ kind: 'hang-in-body' });
    const running = world.start(world.held());
    await expect.poll(() => world.asked().length, { timeout: 30_000 }).toBe(4);
    running.kill('SIGINT');
    await running.result;
    await expect.poll(async () => (await world.status()).launches, { timeout: 30_000 }).toBe(0);
    world.registry.behave();
    expect(await world.sandbox.pyrsia(['agent', 'stop'])).toMatchObject({ code: 0 });
    expect(world.asked()).toHaveLength(4);
    expect(world.made.filter(world.isPlaced)).toEqual([]);

    world.go();
    expect(await world.run(world.held())).toMatchObject({ code: 0 });
    expect(globSync(join(world.sandbox.env['XDG_CACHE_HOME']!, 'pyrsia/partial/*'))).toEqual([]);
  });

  it('asks an upstream that wants to be asked less for nothing before npm does', async () => {
    await using world = await cold(many(12));
    world.registry.misbehave({ kind: 'status', status: 429, retryAfter: 1 });
    const running = world.start(world.held());
    const tooMuch = () => world.registry.log.tarballs().filter(({ status }) => status === 429);
    await expect.poll(() => tooMuch().length, { timeout: 30_000 }).toBeGreaterThan(0);
    world.registry.behave();
    // What was under way then is asked for once more, and comes. npm still waits.
    const begun = (): ReadonlySet<string> => new Set(world.asked());
    const isHalfway = (each: Package): boolean => begun().has(each.name) !== world.isPlaced(each);
    await expect.poll(() => world.made.filter(isHalfway), { timeout: 30_000 }).toEqual([]);
    const { size } = begun();
    expect(size).toBeLessThanOrEqual(4);
    world.go();
    const { code, stderr } = await running.result;
    expect(code, stderr).toBe(0);
    expect(begun().size).toBe(12);
    expect(world.asked()).toHaveLength(12 + tooMuch().length);
    expect(await world.last()).toMatchObject({ totals: { linked: size, upstream: 12 } });
  });
});
