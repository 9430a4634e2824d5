/** What npm fetches itself though it is led to us: counted, and held against what each registry was asked for. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/resolve/report.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import type { RunOptions } from '../support/command.ts';
import type { Project } from '../support/project.ts';
import { openWorld, type World } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

let world: World;
/** Has packages of its own, and all of the world's. */
let other: Registry;
let left: Package;
let moved: readonly Package[];

beforeEach(async () => {
  left = await makePackage({ name: 'left', version: '1.0.0' });
  moved = await Promise.all(['moved', '@acme/moved'].map((name) => makePackage({ name, version: '1.0.0' })));
  world = await openWorld({ packages: [left, ...moved] });
  other = await startRegistry({ packages: [left, ...moved] });
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await other.close();
});

/** By another name than the world's registry, with which npm compares names of hosts. */
const elsewhere = (): { readonly url: string } => ({ url: other.url.replace('127.0.0.1', 'localhost') });
const hostOf = ({ url }: { readonly url: string }): string => new URL(url).host;

/** A project whose lockfile has `left` from the world's registry, and the others from `place`. */
async function mixed(place: { readonly url: string }, npmrc = ''): Promise<Project> {
  const parts = [lockedTo(world.registry, [left]), lockedTo(place, moved)];
  const dependencies = Object.assign({}, ...parts.map((part) => part.dependencies)) as Record<string, string>;
  const [packages] = parts
    .map(({ lockfile }) => (typeof lockfile === 'object' ? lockfile.packages : {}))
    .map((one, _, [, two]) => ({ ...one, ...two, '': { name: 'project', version: '1.0.0', dependencies } }));
  const lockfile = { name: 'project', version: '1.0.0', lockfileVersion: 3, packages: packages! };
  return world.sandbox.project({ dependencies, lockfile, files: { '.npmrc': npmrc } });
}

/** How many tarballs npm itself asked each registry for: what comes through us it asks at another address. */
const asked = () =>
  [world.registry, other].map(
    ({ log, url }) =>
      log
        .tarballs()
        .filter(({ headers }) => String(headers['pacote-pkg-id']).includes(`:${new URL(url).port}/`)).length,
  );
const told = async (): Promise<readonly [string | undefined, number][]> =>
  ((await world.last()).pastUs ?? []).map(({ host, packages }) => [host, packages]);

async function install(project: Project, options: RunOptions = {}, command = 'ci'): Promise<string> {
  for (const { log } of [world.registry, other]) log.clear();
  const { code, stderr } = await world.through(['npm', command], { cwd: project.dir, ...options });
  expect(code, stderr).toBe(0);
  return stderr;
}

describe('A lockfile of several hosts', { timeout: 60_000 }, () => {
  it('has those packages counted that npm fetches from another one itself', async () => {
    const project = await mixed(elsewhere());
    world.sandbox.freshNpmCache();
    const stderr = await install(project);
    expect(stderr).toMatch(/^pyrsia: 1 package · 1 upstream · 2 past us · 1 verified · /m);
    expect(asked()).toEqual([0, 2]);
    const receipt: Receipt = await world.last();
    expect(receipt.totals).toMatchObject({ artifacts: 1, passed: 0 });
    expect(receipt.pastUs).toEqual([
      {
        host: hostOf(elsewhere()),
        packages: 2,
        purls: expect.any(Array),
        reason: expect.stringContaining(`one host only, here from ${new URL(world.registry.url).hostname};`),
      },
    ]);
    expect((await world.sandbox.pyrsia(['why', 'last'])).stdout).toMatch(
      new RegExp(
        `^past us +2 from ${hostOf(elsewhere())} \\(pkg:npm/moved@1.0.0, pkg:npm/%40acme/moved@1.0.0\\): npm can be led from one host`,
        'm',
      ),
    );
  });

  it('has nothing counted that npm’s own cache held, nor what is installed already', async () => {
    const project = await mixed(elsewhere());
    world.sandbox.freshNpmCache();
    await install(project);
    expect(await install(project)).not.toContain('pyrsia:');
    expect(asked()).toEqual([0, 0]);
    world.sandbox.freshNpmCache();
    expect(await install(project, {}, 'install')).not.toContain('pyrsia:');
    expect(asked()).toEqual([0, 0]);
  });

  it('has those counted that are installed, and no others', async () => {
    const project = await mixed(elsewhere());
    const lockfile = project.lockfile();
    const { left: one, moved: two, ...dev } = lockfile.packages['']!.dependencies!;
    const root = { name: 'project', version: '1.0.0', dependencies: { left: one! } };
    const manifest = { ...root, optionalDependencies: { moved: two! }, devDependencies: dev };
    Object.assign(lockfile.packages, { '': manifest });
    Object.assign(lockfile.packages['node_modules/moved']!, { optional: true, os: ['sunos'] });
    Object.assign(lockfile.packages['node_modules/@acme/moved']!, { dev: true });
    project.write('package.json', JSON.stringify(manifest));
    project.write('package-lock.json', JSON.stringify(lockfile));
    world.sandbox.freshNpmCache();
    expect(await install(project)).toContain(' · 1 past us · ');
    expect(asked()).toEqual([0, 1]);
    world.sandbox.freshNpmCache();
    expect(await install(project, { env: { NODE_ENV: 'production' } })).not.toContain('past us');
    expect(asked()).toEqual([0, 0]);
  });

  it('that npm cannot tell apart goes past us as a whole, and that is said', async () => {
    const project = await mixed(other);
    world.sandbox.freshNpmCache();
    expect(await install(project)).toMatch(
      /^pyrsia: no package through us · 3 past us {2}\(pyrsia why last\)$/m,
    );
    expect(asked()).toEqual([1, 2]);
    expect(await told()).toEqual([
      [hostOf(other), 2],
      [hostOf(world.registry), 1],
    ]);
  });

  it('comes through us where the user says so, as the receipt advises', async () => {
    const project = await mixed(elsewhere());
    world.sandbox.freshNpmCache();
    await install(project);
    const { reason } = (await world.last()).pastUs![0]!;
    const [, name, value] = /`npm config set (\S+) (\S+)`/.exec(reason)!;
    expect(reason).toContain(`if ${world.registry.url} has`);
    world.sandbox.npmrc({ [name!]: value! });
    world.sandbox.freshNpmCache();
    expect(await install(project)).toMatch(/^pyrsia: 3 packages · 1 cache · 2 upstream · 3 verified · /m);
    expect(asked()).toEqual([0, 0]);
    expect(await told()).toEqual([]);
  });

  it('is left as it is where the user says that, and nothing of it is kept from them', async () => {
    const project = await mixed(elsewhere(), 'replace-registry-host=never\n');
    world.sandbox.freshNpmCache();
    expect(await install(project)).toContain('no package through us · 3 past us');
    expect(asked()).toEqual([1, 2]);
    expect((await world.last()).pastUs![0]!.reason).toContain('configured');
  });
});

describe('A scope’s own registry', { timeout: 60_000 }, () => {
  it('has its tarballs fetched by npm itself, and counted as past us, in whose name they are said', async () => {
    const project = await mixed(elsewhere(), `@acme:registry=${elsewhere().url}\n`);
    world.sandbox.freshNpmCache();
    expect(await install(project)).toContain(' · 2 past us · ');
    expect(asked()).toEqual([0, 2]);
    expect((await world.last()).pastUs![0]!.reason).toContain("it is @acme's registry");
  });
});
