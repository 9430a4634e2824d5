/** What a lockfile and npm's own cache may be like on a bad day, when that cache is to be filled. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unprivileged } from '../support/user.ts';
import { type FilledWorld, npmContentIn, openFilledWorld, unsound } from './filled-world.ts';

const isRoot = process.getuid?.() === 0;
const someone = unprivileged();
const specs = [
  { name: 'left', version: '1.0.0' },
  { name: '@acme/right', version: '2.0.0' },
  { name: 'large', version: '1.0.0', size: 1_500_000 },
];
const installed = ['node_modules/@acme/right', 'node_modules/large', 'node_modules/left'];

let world: FilledWorld;
let lockfile: string;
beforeAll(async () => {
  world = await openFilledWorld(specs, someone.possible ? { user: someone.user } : {});
  lockfile = world.project.read('package-lock.json');
});
afterAll(() => world[Symbol.asyncDispose]());
let undo: (() => void)[];
beforeEach(() => {
  undo = [() => world.project.write('package-lock.json', lockfile)];
});
afterEach(() => {
  for (const step of undo.toReversed()) step();
  rmSync(join(world.project.dir, 'node_modules'), { recursive: true, force: true });
});

/** The most memory that the agent has ever had, in bytes. */
async function peak(): Promise<number> {
  const { pid } = await world.status();
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) * 1024;
}

/** Installs, asking for everything: of the fill there is nothing, or a problem that why tells. */
async function installsByItself(problem?: string | RegExp): Promise<void> {
  const { code, stderr } = await world.run(['ci']);
  expect(code, stderr).toBe(0);
  expect(Object.keys(world.project.installed())).toEqual(installed);
  expect(stderr).not.toContain('could not be filled');
  const { totals, fill } = await world.last();
  expect(totals).toMatchObject({ artifacts: 3, cache: 3, linked: 0 });
  if (problem === undefined) return expect(fill).toBeUndefined();
  expect(fill).toMatchObject({ linked: 0, copied: 0, problem: expect.stringMatching(problem) as string });
  const { stdout } = await world.sandbox.pyrsia(['why', 'last']);
  expect(stdout).toContain(`npm's cache could not be filled: ${fill!.problem!}`);
}

describe('A lockfile', { timeout: 120_000 }, () => {
  beforeEach(() => world.sandbox.freshNpmCache());

  it('of 200 MB is npm’s to go through, not ours', async () => {
    const before = await peak();
    world.project.write('package-lock.json', lockfile + ' '.repeat(200e6 - lockfile.length));
    await installsByItself();
    expect(await peak()).toBeLessThan(before + 150e6);
  });

  it('with a million entries is not gone through', async () => {
    const { pid } = await world.status();
    const entries = Array.from({ length: 1_000_000 }, (_, n) => `"node_modules/a${n}":{}`).join(',');
    const before = await peak();
    world.project.write('package-lock.json', lockfile.replace('{', `{"packages":{${entries}},`));
    await installsByItself();
    expect((await world.status()).pid).toBe(pid);
    expect(await peak()).toBeLessThan(before + 150e6);
  });

  it.each(['../../..', 'node_modules/..', 'node_modules/../../climbs', '/climbs'])(
    'that names content at %s has it filled for nobody',
    async (path) => {
      const { lockfileVersion, packages, ...rest } = world.project.lockfile();
      const [left] = Object.entries(packages).find(([name]) => name.endsWith('/left'))!;
      const climbing = { ...packages, [path]: { ...packages[left], extraneous: true, optional: true } };
      world.project.write(
        'package-lock.json',
        JSON.stringify({ ...rest, lockfileVersion, packages: climbing }),
      );
      // Whatever npm makes of it.
      await world.run(['ci', '--ignore-scripts']);
      const { fill } = await world.last();
      expect(fill).toMatchObject({ linked: 2 });
      expect(
        existsSync(world.npmsOf(world.made[0]!)) && statSync(world.npmsOf(world.made[0]!)).nlink,
      ).not.toBe(2);
      expect(readdirSync(world.npmCache()).toSorted()).toEqual(expect.arrayContaining(['_cacache']));
    },
  );

  it('that changes while it is read fills what is sound, or nothing', async () => {
    const file = join(world.project.dir, 'package-lock.json');
    const without = JSON.stringify({ ...world.project.lockfile(), packages: {} });
    for (let round = 0; round < 3; round++) {
      world.sandbox.freshNpmCache();
      const ended = new AbortController();
      const running = world.run(['ci']).finally(() => ended.abort());
      for (let n = 0; !ended.signal.aborted; n++) {
        if (n % 3 === 0) writeFileSync(`${file}.new`, n % 2 === 0 ? lockfile : without);
        if (n % 3 === 0) renameSync(`${file}.new`, file);
        else writeFileSync(file, lockfile.slice(0, (lockfile.length / 3) * (n % 3)));
        await turn();
      }
      await running; // npm reads it, too, and may well fail.
      expect(unsound(world.npmCache())).toEqual([]);
    }
    world.project.write('package-lock.json', lockfile);
    expect(await world.again()).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ totals: { linked: 3 } });
  });
});

/** Undoes what `mount` or `chattr` do, at the end of the test. */
function root(...[program, ...args]: [string, ...string[]]): void {
  execFileSync(program, args, { stdio: 'pipe' });
  if (program === 'mount') undo.push(() => execFileSync('umount', ['--lazy', args.at(-1)!]));
  if (program === 'chattr') undo.push(() => execFileSync(program, ['-i', ...args.slice(1)]));
}

/** A directory of the user whose npm it is. */
function folder(path: string): string {
  mkdirSync(path, { recursive: true });
  if (isRoot && someone.possible) execFileSync('chown', [`${someone.user.uid}:${someone.user.gid}`, path]);
  return path;
}

describe('A cache of npm’s', { timeout: 120_000 }, () => {
  let cache: string;
  let elsewhere: string;
  beforeEach(() => {
    cache = world.sandbox.freshNpmCache();
    elsewhere = folder(`${cache}-elsewhere`);
  });

  it('that is kept elsewhere by a link is filled there', async () => {
    symlinkSync(elsewhere, join(cache, '_cacache'));
    world.registry.log.clear();
    expect(await world.run(['ci'])).toMatchObject({ code: 0 });
    expect(world.registry.log.all).toEqual([]);
    expect(await world.last()).toMatchObject({ fill: { linked: 3 } });
    expect(readdirSync(elsewhere)).toContain('content-v2');
    for (const made of world.made) expect(statSync(world.npmsOf(made)).nlink).toBeGreaterThan(1);
  });

  it.each(['content-v2/sha512', 'the digests of one package'])(
    'with a link in its content, at %s, is not gone through',
    async (which) => {
      const sha512 = npmContentIn(cache);
      const at = which === 'content-v2/sha512' ? sha512 : dirname(dirname(world.npmsOf(world.made[0]!)));
      folder(dirname(at));
      for (let above = dirname(at); above !== cache; above = dirname(above)) folder(above);
      symlinkSync(elsewhere, at);
      expect(await world.run(['ci'])).toMatchObject({ code: 0 });
      expect((await world.last()).fill).toMatchObject({ problem: `${at} is a link` });
      // npm itself goes there; nothing of that is ours.
      const there = readdirSync(elsewhere, { recursive: true, withFileTypes: true });
      for (const each of there.filter((entry) => entry.isFile()))
        expect(statSync(join(each.parentPath, each.name)).nlink).toBe(1);
    },
  );

  it('that is a file, or has one where a directory belongs, is npm’s to complain about', async () => {
    for (const at of [cache, join(cache, '_cacache'), npmContentIn(cache), join(cache, '_cacache', 'tmp')]) {
      rmSync(cache, { recursive: true });
      if (at !== cache)
        for (let above = dirname(at); above.startsWith(cache); above = dirname(above)) folder(above);
      writeFileSync(at, 'mine');
      const without = await world.run(['ci'], { env: { PYRSIA_FILL: 'off' } });
      const { code, stderr } = await world.run(['ci']);
      expect({ at, code }, stderr).toEqual({ at, code: without.code });
      expect((await world.last()).fill).toMatchObject({ linked: 0, problem: `${at} is no directory` });
      if (statSync(at).isFile()) expect(readFileSync(at, 'utf8')).toBe('mine');
    }
  });

  it.runIf(isRoot)('to which no file of ours can be linked is filled by copies', async () => {
    // A mount of the same device: there is no hard link from one mount to another.
    root('mount', '--bind', elsewhere, cache);
    world.registry.log.clear();
    expect(await world.run(['ci'])).toMatchObject({ code: 0 });
    expect(world.registry.log.all).toEqual([]);
    expect(await world.last()).toMatchObject({ totals: { linked: 3 }, fill: { linked: 0, copied: 3 } });
    for (const made of world.made) expect(statSync(world.npmsOf(made)).nlink).toBe(1);
    expect(unsound(cache)).toEqual([]);
  });

  it.runIf(isRoot)('is filled by a copy of the one file that cannot be linked', async () => {
    root('chattr', '+i', world.oursOf(world.made[0]!));
    expect(await world.run(['ci'])).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ totals: { linked: 3 }, fill: { linked: 2, copied: 1 } });
  });

  it.runIf(isRoot)('whose temporary files are on another device is filled by copies', async () => {
    const temporaries = join(cache, '_cacache', 'tmp');
    folder(dirname(temporaries));
    folder(temporaries);
    const { uid, gid } = statSync(cache);
    root('mount', '-t', 'tmpfs', '-o', `size=20m,uid=${uid},gid=${gid}`, 'tmpfs', temporaries);
    expect(await world.run(['ci'])).toMatchObject({ code: 0 });
    expect((await world.last()).fill).toMatchObject({ linked: 0 });
    expect(unsound(cache)).toEqual([]);
  });

  it.runIf(someone.possible)('that may not be written is npm’s to complain about', async () => {
    for (const at of [cache, npmContentIn(cache)]) {
      for (let above = at; above.startsWith(cache); above = dirname(above)) folder(above);
      chmodSync(at, 0o500);
      undo.push(() => chmodSync(at, 0o700));
      const without = await world.run(['ci'], { env: { PYRSIA_FILL: 'off' } });
      rmSync(join(world.project.dir, 'node_modules'), { recursive: true, force: true });
      const { code, stderr } = await world.run(['ci']);
      expect({ at, code }, stderr).toEqual({ at, code: without.code });
      expect((await world.last()).fill).toMatchObject({
        linked: 0,
        problem: expect.stringMatching(/EACCES/),
      });
      chmodSync(at, 0o700);
    }
  });

  it('that has gone when npm starts is made anew', async () => {
    rmSync(cache, { recursive: true });
    expect(await world.run(['ci'])).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ totals: { linked: 3 } });
    const deep = join(cache, 'a', 'b');
    const env = { npm_config_cache: deep };
    const made = () =>
      ['..', '.', '_cacache', '_cacache/tmp', '_cacache/content-v2', '_cacache/content-v2/sha512'].map(
        (name) => {
          const { mode, uid, gid } = statSync(join(deep, name));
          return { name, mode, uid, gid };
        },
      );
    rmSync(cache, { recursive: true });
    expect(await world.sandbox.npm(['ci'], { cwd: world.project.dir, env })).toMatchObject({ code: 0 });
    const byNpm = made();
    rmSync(cache, { recursive: true });
    expect(await world.run(['ci'], { env: { ...env, PYRSIA_FILL: 'copy' } })).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ fill: { copied: 3 }, totals: { linked: 3 } });
    expect(made()).toEqual(byNpm);
  });
});
