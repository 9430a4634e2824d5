/** Disks that are full, small, read-only or somebody else's: npm gets its packages all the same, and one line says why they are not kept. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pathsOf } from '../../src/paths.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import type { RunOptions } from '../support/command.ts';
import type { Project } from '../support/project.ts';
import { unprivileged } from '../support/user.ts';
import { openWorld, type World } from './everyday-world.ts';

const MB = 1_000_000;
const small = { name: 'small', version: '1.0.0', size: 200_000 };
const large = { name: 'large', version: '1.0.0', size: 3 * MB };
const huge = { name: 'huge', version: '1.0.0', size: 12 * MB };

const dependenciesOn = (...specs: readonly { name: string; version: string }[]) =>
  Object.fromEntries(specs.map(({ name, version }) => [name, version]));

const someone = unprivileged();
const user = someone.possible ? someone.user : undefined;
const isRoot = process.getuid?.() === 0;

let world: World;
let undo: (() => void)[];
beforeEach(() => (undo = []));
afterEach(async () => {
  for (const step of undo) step();
  await world[Symbol.asyncDispose]();
});

/** Lines of ours on stderr, but for the receipt. */
function said(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('pyrsia: ') && !line.includes('pyrsia why last'));
}

/** Installs from an empty npm cache. npm succeeds; what we say besides the receipt is returned. */
async function install(project: Project, env: RunOptions['env'] = {}): Promise<string[]> {
  const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir, env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(Object.keys(project.installed())).toEqual(
    Object.keys(project.lockfile().packages).filter(Boolean).toSorted(),
  );
  return said(stderr);
}

/** Puts a file system of its own, of `size`, where `directory` is, until the end of the test. */
function mount(directory: string, size: string, ...options: string[]): void {
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    [`size=${size}`, 'mode=700', ...options].join(),
    'tmpfs',
    directory,
  ]);
  undo.push(() => execFileSync('umount', ['--lazy', directory]));
}

describe.runIf(isRoot)('a disk that is full', { timeout: 60_000 }, () => {
  const many = Array.from({ length: 12 }, (_, n) => ({ ...small, name: `small-${n}` }));
  it.each([
    ['small and huge', '3m', '1GB', [small, huge]],
    ['large', '2m', '1GB', [large]],
    ['many small', '1m', '1GB', many],
    ['many small and huge', '2m', 'auto', [...many, huge]],
  ])('keeps nobody from %s packages (%s, limit %s)', async (_, size, limit, specs) => {
    world = await openWorld({ packages: specs.map(makePackage) });
    mount(world.sandbox.env['XDG_CACHE_HOME']!, size);
    await world.sandbox.pyrsia(['config', 'set', 'cache.limit', limit]);
    const project = await world.sandbox.project({ dependencies: dependenciesOn(...specs) });
    expect(await install(project)).toEqual([
      expect.stringMatching(
        /^pyrsia: (not everything|nothing) is stored: .*(ENOSPC|full|fit|disk I\/O|unable to open)/,
      ),
    ]);
    expect(await world.verify()).toMatchObject({ code: 0 });

    // What did fit comes from the cache, and the rest from upstream again.
    expect(await install(project)).toEqual([
      expect.stringMatching(/^pyrsia: (not everything|nothing) is stored: /),
    ]);
    const { totals } = await world.last();
    expect(totals).toMatchObject({ artifacts: specs.length, upstream: specs.length - totals.cache });
    if (limit !== 'auto' && specs.length > 1) expect(totals.cache).toBeGreaterThan(0);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('of the state directory costs the receipt that is kept, not the install', async () => {
    world = await openWorld({ packages: [makePackage(small)] });
    const state = world.sandbox.env['XDG_STATE_HOME']!;
    mount(state, '64k');
    writeFileSync(join(state, 'filler'), Buffer.alloc(60_000));
    const project = await world.sandbox.project({ dependencies: dependenciesOn(small) });
    for (const source of ['upstream', 'cache']) {
      const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir });
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`1 ${source}`) });
    }
  });

  it('where the runtime directory is costs us, not the install', async () => {
    world = await openWorld({ packages: [makePackage(small)] });
    const runtime = world.sandbox.env['XDG_RUNTIME_DIR']!;
    mount(runtime, '4k', 'nr_inodes=2');
    const project = await world.sandbox.project({ dependencies: dependenciesOn(small) });
    expect(await install(project)).toEqual([
      expect.stringMatching(
        /^pyrsia: .*(no space|ENOSPC|exit code 1).*; npm runs without pyrsia \(pyrsia doctor\)$/,
      ),
    ]);
  });
});

describe.runIf(isRoot)('a disk that is read-only', { timeout: 60_000 }, () => {
  it('serves what it has, and npm gets the rest from upstream', async () => {
    world = await openWorld({ packages: [small, large].map(makePackage) });
    const { sandbox } = world;
    const cacheHome = sandbox.env['XDG_CACHE_HOME']!;
    mount(cacheHome, '30m');
    const first = await sandbox.project({ dependencies: dependenciesOn(small) });
    expect(await world.afresh(['npm', 'ci'], { cwd: first.dir })).toMatchObject({ code: 0 });
    await sandbox.pyrsia(['agent', 'stop']);
    execFileSync('mount', ['-o', 'remount,ro', cacheHome]);

    const both = await sandbox.project({ dependencies: dependenciesOn(small, large) });
    expect(await install(both)).toEqual([
      expect.stringMatching(/^pyrsia: nothing is stored: .*(EROFS|read-only|readonly)/i),
    ]);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 2, cache: 1, upstream: 1 } });
  });
});

describe.runIf(user)('as an ordinary user', { timeout: 60_000 }, () => {
  const reasons = /^pyrsia: nothing is stored: .*(EACCES|permission denied)/i;

  it('a cache directory that cannot be written is said once', async () => {
    world = await openWorld({ user: user!, packages: [small, huge].map(makePackage) });
    const { sandbox } = world;
    chmodSync(sandbox.env['XDG_CACHE_HOME']!, 0o500);
    const project = await sandbox.project({ dependencies: dependenciesOn(small, huge) });
    expect(await install(project)).toEqual([expect.stringMatching(reasons)]);
    expect((await world.status()).readOnly).toMatch(/EACCES/);
  });

  it('a cache that became read-only still serves what it has', async () => {
    world = await openWorld({ user: user!, packages: [small, large].map(makePackage) });
    const { sandbox } = world;
    const { cache } = pathsOf(sandbox.env);
    const first = await sandbox.project({ dependencies: dependenciesOn(small) });
    expect(await world.afresh(['npm', 'ci'], { cwd: first.dir })).toMatchObject({ code: 0 });
    await sandbox.pyrsia(['agent', 'stop']);
    execFileSync('chmod', ['-R', 'a-w', cache]);
    undo.push(() => execFileSync('chmod', ['-R', 'u+w', cache]));

    const both = await sandbox.project({ dependencies: dependenciesOn(small, large) });
    expect(await install(both)).toEqual([
      expect.stringMatching(/^pyrsia: nothing is stored: .*(EACCES|permission denied|readonly)/i),
    ]);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 2, cache: 1, upstream: 1 } });
  });

  it.runIf(isRoot)(
    'a cache that is somebody else’s is neither read nor written, nor called empty',
    async () => {
      world = await openWorld({ user: user!, packages: [makePackage(small)] });
      const { sandbox } = world;
      const { cache } = pathsOf(sandbox.env);
      mkdirSync(cache, { mode: 0o700 });
      const listed = await sandbox.pyrsia(['cache', 'ls']);
      expect(listed).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`Cannot read the cache at ${cache}: EACCES`),
      });
      const project = await sandbox.project({ dependencies: dependenciesOn(small) });
      expect(await install(project)).toEqual([expect.stringMatching(reasons)]);
    },
  );

  it('a cache directory that is a file is left alone', async () => {
    world = await openWorld({ user: user!, packages: [makePackage(small)] });
    const { sandbox } = world;
    const { cache } = pathsOf(sandbox.env);
    writeFileSync(cache, 'mine');
    if (isRoot) chownSync(cache, user!.uid, user!.gid);
    const project = await sandbox.project({ dependencies: dependenciesOn(small) });
    expect(await install(project)).toEqual([
      expect.stringMatching(/^pyrsia: nothing is stored: .*(EEXIST|ENOTDIR)/),
    ]);
    expect(readFileSync(cache, 'utf8')).toBe('mine');
  });

  it('a home that is read-only needs nothing in it', async () => {
    world = await openWorld({ user: user!, packages: [small, huge].map(makePackage) });
    const { sandbox } = world;
    const project = await sandbox.project({ dependencies: dependenciesOn(small, huge) });
    chmodSync(sandbox.home, 0o500);
    const bare = Object.fromEntries(
      ['XDG_CACHE_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR'].map((name) => [
        name,
        undefined,
      ]),
    );
    expect(await install(project, bare)).toEqual([expect.stringMatching(reasons)]);
  });

  it('a state directory that cannot be written costs the kept receipt, not the install', async () => {
    world = await openWorld({ user: user!, packages: [makePackage(small)] });
    const { sandbox } = world;
    chmodSync(sandbox.env['XDG_STATE_HOME']!, 0o500);
    const project = await sandbox.project({ dependencies: dependenciesOn(small) });
    for (const source of ['upstream', 'cache']) {
      const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir });
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`1 ${source}`) });
    }
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});

/** What `du` counts below a directory, in bytes. */
function diskUse(directory: string): number {
  return Number(execFileSync('du', ['-s', '--block-size=1', directory], { encoding: 'utf8' }).split('\t')[0]);
}

describe('a limit', { timeout: 120_000 }, () => {
  it('of 20 MB holds while 30 MB are installed, and what was used lately survives', async () => {
    const specs = Array.from({ length: 20 }, (_, n) => ({
      name: `package-${String(n).padStart(2, '0')}`,
      version: '1.0.0',
      size: 1.5 * MB,
    }));
    world = await openWorld({ packages: specs.map(makePackage) });
    const { sandbox } = world;
    const { cache } = pathsOf(sandbox.env);
    await sandbox.pyrsia(['config', 'set', 'cache.limit', '20MB']);
    const [early, late] = [specs.slice(0, 4), specs.slice(4)];

    const favourites = await sandbox.project({ dependencies: dependenciesOn(...early) });
    expect(await world.afresh(['npm', 'ci'], { cwd: favourites.dir })).toMatchObject({ code: 0 });
    for (const part of [late.slice(0, 6), late.slice(6, 12)]) {
      const others = await sandbox.project({ dependencies: dependenciesOn(...part) });
      expect(await world.afresh(['npm', 'ci'], { cwd: others.dir })).toMatchObject({ code: 0 });
      expect(diskUse(cache)).toBeLessThanOrEqual(20 * MB);
      expect(await world.afresh(['npm', 'ci'], { cwd: favourites.dir })).toMatchObject({ code: 0 });
    }
    expect(await world.last()).toMatchObject({ totals: { artifacts: 4, cache: 4 } });

    const all = await sandbox.project({ dependencies: dependenciesOn(...specs) });
    expect(await world.afresh(['npm', 'ci'], { cwd: all.dir })).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('npm error'),
    });
    expect(Object.keys(all.installed())).toHaveLength(specs.length);
    expect(diskUse(cache)).toBeLessThanOrEqual(20 * MB);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});
