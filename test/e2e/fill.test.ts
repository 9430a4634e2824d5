/**
 * npm's own cache, filled while npm starts: what the real npm then asks for, and what it finds on bad days.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestFromIntegrity, hexOf } from '../../src/content/digest.ts';
import { makePackage, type Package, type PackageSpec } from '../fixtures/registry/package.ts';
import type { Finished, RunOptions } from '../support/command.ts';
import type { ProjectSpec } from '../support/project.ts';
import { snapshot } from '../support/snapshot.ts';
import { openWorld, type World, type WorldOptions } from './everyday-world.ts';
import { lockedTo } from './locked.ts';

const isRoot = process.getuid?.() === 0;
const FILL = { PYRSIA_FILL: 'link' };

/** A world with these packages and a project that has been installed once, so that all of it is in our cache. */
async function installed(
  specs: readonly PackageSpec[],
  {
    project: about,
    ...options
  }: WorldOptions & { readonly project?: (made: readonly Package[]) => ProjectSpec } = {},
) {
  const made = await Promise.all(specs.map(makePackage));
  const world = await openWorld({ packages: made, ...options });
  const project = await world.sandbox.project(about?.(made) ?? lockedTo(world.registry, made));
  const run = async (args: readonly string[], env: RunOptions['env'] = {}): Promise<Finished> =>
    world.through(['npm', ...args], { cwd: project.dir, env: { ...FILL, ...env } });
  const first = await world.afresh(['npm', 'ci'], { cwd: project.dir });
  expect(first.code, first.stderr).toBe(0);
  const cache = () => world.sandbox.env['npm_config_cache']!;
  /** Installs again with npm's own cache empty. */
  const again = async (env: RunOptions['env'] = {}, args = ['ci']): Promise<Finished> => {
    world.sandbox.freshNpmCache();
    world.registry.log.clear();
    return run(args, env);
  };
  return {
    ...world,
    made,
    project,
    run,
    again,
    cache,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const hexOfPackage = ({ dist }: Package): string => hexOf(digestFromIntegrity(dist.integrity!)!);
const within = (cache: string, hex: string): string =>
  join(cache, '_cacache', 'content-v2', 'sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
const ours = ({ sandbox }: Pick<World, 'sandbox'>): string[] =>
  globSync(join(sandbox.env['XDG_CACHE_HOME']!, 'pyrsia/content/content-v2/sha256/*/*/*'));
const damage = (file: string): void => {
  chmodSync(file, 0o644);
  const bytes = readFileSync(file);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(file, bytes);
};

/** Does something while a file system of its own is mounted there. */
const mounted = async (at: string, options: string, work: () => Promise<void>): Promise<void> => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at]);
  try {
    await work();
  } finally {
    execFileSync('umount', ['--lazy', at]);
  }
};

const left = { name: 'left', version: '1.0.0' };
const three = [
  left,
  { name: '@acme/right', version: '2.0.0' },
  { name: 'large', version: '1.0.0', size: 3_000_000 },
];

describe('A second install', { timeout: 60_000 }, () => {
  it('with npm’s own cache empty asks for no package, and is the same', async () => {
    await using world = await installed(three);
    const { project, made, sandbox, cache, again, registry } = world;
    const tree = snapshot(join(project.dir, 'node_modules'));
    const { code, stderr } = await again({ PYRSIA_REPORT: sandbox.reportFile });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(
      /^pyrsia: 3 packages · 3 cache · 3 linked into npm's cache · 3 verified · 3(\.\d)? MB, 3(\.\d)? MB not downloaded · /m,
    );
    expect(registry.log.tarballs()).toEqual([]);
    expect(snapshot(join(project.dir, 'node_modules'))).toEqual(tree);

    for (const each of made) {
      const file = within(cache(), hexOfPackage(each));
      expect(readFileSync(file).equals(each.tarball), each.name).toBe(true);
      expect(statSync(file)).toMatchObject({ nlink: 2 });
    }
    const { totals, artifacts, fill, notes } = await world.last();
    expect(totals).toMatchObject({
      artifacts: 3,
      linked: 3,
      cache: 3,
      upstream: 0,
      verified: 3,
      saved: totals.bytes,
    });
    expect(fill).toMatchObject({ linked: 3, copied: 0, bytes: totals.bytes, ms: expect.any(Number) });
    expect(notes).toEqual([]);
    for (const line of artifacts) {
      expect(line).toMatchObject({
        outcome: 'linked',
        via: 'linked',
        source: 'cache',
        word: 'declared',
        upstream: 'npm',
      });
    }
    expect(
      sandbox
        .readReport()
        .map(({ purl }) => purl)
        .toSorted(),
    ).toEqual(artifacts.map(({ purl }) => purl).toSorted());
    expect((await sandbox.pyrsia(['why', 'last'])).stdout).toMatch(
      /filled +3 linked into npm's cache, 3(\.\d)? MB in .*\npkg:npm\/left@1\.0\.0 +cache, linked /s,
    );

    expect(await sandbox.npm(['cache', 'verify'])).toMatchObject({ code: 0 });
    expect(await world.verify()).toMatchObject({ code: 0 });
    expect(ours(world)).toHaveLength(3);
  });

  it('puts there what npm puts there itself', async () => {
    await using world = await installed(three);
    const { again, cache, project } = world;
    const contents = (): Record<string, string> =>
      Object.fromEntries(
        globSync('**/*', { cwd: join(cache(), '_cacache/content-v2') })
          .map((name) => [name, join(cache(), '_cacache/content-v2', name)] as const)
          .filter(([, path]) => statSync(path).isFile())
          .map(([name, path]) => [name, readFileSync(path, 'latin1')]),
      );
    world.sandbox.freshNpmCache();
    await world.sandbox.npm(['ci'], { cwd: project.dir });
    const direct = contents();
    await again({ PYRSIA_FILL: 'copy' });
    const copied = contents();
    expect(Object.keys(copied)).toHaveLength(3);
    for (const [name, bytes] of Object.entries(copied)) expect(direct[name] === bytes, name).toBe(true);
    expect(statSync(within(cache(), hexOfPackage(world.made[0]!))).mode & 0o777).toBe(0o644);
    expect(await world.last()).toMatchObject({ fill: { linked: 0, copied: 3 }, totals: { linked: 3 } });
  });

  it('takes no more than it installs', async () => {
    const specs = [
      left,
      { name: 'only-for-building', version: '1.0.0' },
      { name: 'elsewhere', version: '1.0.0', manifest: { os: ['sunos'] } },
      { name: 'aliased', version: '1.0.0' },
    ];
    await using world = await installed(specs, {
      project: () => ({
        dependencies: { left: '1.0.0', other: 'npm:aliased@1.0.0' },
        devDependencies: { 'only-for-building': '1.0.0' },
        manifest: { optionalDependencies: { elsewhere: '1.0.0' } },
      }),
    });
    const purls = async () =>
      (await world.last()).artifacts.map(({ purl }) => purl.slice('pkg:npm/'.length)).toSorted();
    expect(await world.again()).toMatchObject({ code: 0 });
    expect(await purls()).toEqual(['aliased@1.0.0', 'left@1.0.0', 'only-for-building@1.0.0']);
    expect(world.registry.log.tarballs()).toEqual([]);
    expect(await world.again({ NODE_ENV: 'production' })).toMatchObject({ code: 0 });
    expect(await purls()).toEqual(['aliased@1.0.0', 'left@1.0.0']);
    expect(await world.again({}, ['ci', '--omit=dev'])).toMatchObject({ code: 0 });
    expect(await purls()).toEqual(['aliased@1.0.0', 'left@1.0.0']);
    // Installed already.
    expect(await world.again({}, ['install'])).toMatchObject({ code: 0 });
    expect(await purls()).toEqual(['only-for-building@1.0.0']);
  });

  it('takes nothing that npm finds left over in the lockfile', async () => {
    await using world = await installed(
      ['left', 'orphan', 'behind'].map((name) => ({ name, version: '1.0.0' })),
    );
    const { project, registry, made } = world;
    const { '': root, ...locked } = project.lockfile().packages;
    const packages = {
      '': { ...root, dependencies: { left: '1.0.0' } },
      ...locked,
      'node_modules/orphan': { ...locked['node_modules/orphan'], dependencies: { behind: '1.0.0' } },
    };
    project.write('package.json', JSON.stringify(packages['']));
    project.write('package-lock.json', JSON.stringify({ ...project.lockfile(), packages }));
    for (const command of ['ci', 'install']) {
      rmSync(join(project.dir, 'node_modules'), { recursive: true });
      const { code, stderr } = await world.again({}, [command]);
      expect(code, stderr).toBe(0);
      expect(Object.keys(project.installed())).toEqual(['node_modules/left']);
      expect(registry.log.all).toEqual([]);
      expect((await world.last()).artifacts.map(({ purl }) => purl)).toEqual(['pkg:npm/left@1.0.0']);
      expect(existsSync(within(world.cache(), hexOfPackage(made[1]!)))).toBe(false);
    }
  });

  it('by a lockfile that leaves out where packages are from asks for all, whatever npm’s own cache holds', async () => {
    await using world = await installed(three);
    const { project, registry, made, sandbox } = world;
    // What npm itself looks up it replaces the host of only where that has no port.
    sandbox.npmrc({ 'replace-registry-host': 'always' });
    expect(await world.again()).toMatchObject({ code: 0 });
    const { packages, ...rest } = project.lockfile();
    const bare = Object.entries(packages).map(([path, entry]) => [path, { ...entry, resolved: undefined }]);
    project.write('package-lock.json', JSON.stringify({ ...rest, packages: Object.fromEntries(bare) }));
    for (const each of made) expect(existsSync(within(world.cache(), hexOfPackage(each)))).toBe(true);
    const { code, stderr } = await world.run(['ci']);
    expect(code, stderr).toBe(0);
    const { totals, fill } = await world.last();
    expect(totals).toMatchObject({ artifacts: 3, cache: 3, linked: 0 });
    expect(fill).toBeUndefined();
    expect(registry.log.tarballs()).toEqual([]);
  });

  it('of a workspace takes what the root’s lockfile names', async () => {
    await using world = await installed([left], {
      project: () => ({
        manifest: { workspaces: ['packages/*'] },
        files: {
          'packages/one/package.json': '{"name":"one","version":"1.0.0","dependencies":{"left":"1.0.0"}}',
        },
      }),
    });
    const cwd = join(world.project.dir, 'packages', 'one');
    const ran = await world.afresh(['npm', 'ci'], { cwd, env: FILL });
    expect(ran.code, ran.stderr).toBe(0);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 1, linked: 1 } });
  });

  it('from a registry that is private is filled for its own user as from any other', async () => {
    await using world = await installed([left], { public: false });
    expect(await world.again()).toMatchObject({ code: 0 });
    expect((await world.last()).artifacts).toMatchObject([
      { outcome: 'linked', private: true, upstream: world.registry.url },
    ]);
  });

  it('asks for all where that is switched off', async () => {
    await using world = await installed([left]);
    expect(await world.again({ PYRSIA_FILL: 'off' })).toMatchObject({ code: 0 });
    const receipt = await world.last();
    expect(receipt.totals).toMatchObject({ cache: 1, linked: 0 });
    expect(receipt.fill).toBeUndefined();
  });

  it('asks for what does not fit into what may be copied', async () => {
    await using world = await installed(three);
    await world.sandbox.pyrsia(['config', 'set', 'npm.fill', 'copy', 'npm.fill.max', '100kB']);
    expect(await world.again({ PYRSIA_FILL: undefined })).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({ totals: { linked: 2, cache: 3 }, fill: { copied: 2 } });
  });
});

describe('What nobody vouches for', { timeout: 60_000 }, () => {
  it('is not filled: a package under the digest of another one, be that one in the lockfile or not', async () => {
    await using world = await installed([{ name: 'evil', version: '1.0.0' }]);
    const { sandbox, registry, made } = world;
    const lodash = await makePackage({ name: 'lodash', version: '4.17.21' });
    await registry.publish(lodash);
    const { integrity = '' } = made[0]!.dist;
    for (const packages of [[lodash], [lodash, made[0]!]]) {
      const { dir: cwd } = await sandbox.project(lockedTo(registry, packages, { integrity }));
      const cache = sandbox.freshNpmCache();
      const { code, stderr } = await world.through(['npm', 'ci'], { cwd, env: FILL });
      expect(code, stderr).toBe(1);
      expect(stderr).toMatch(/Refused pkg:npm\/lodash@4\.17\.21: expected sha512:\w+ \(the registry\)/);
      expect(stderr).toContain('1 REFUSED');
      expect((await world.last()).fill).toBeUndefined();
      expect(existsSync(within(cache, hexOfPackage(made[0]!))) && packages.length === 1).toBe(false);
    }
  });

  it('is not filled: a lockfile that has it from another host, or from another package’s address', async () => {
    await using world = await installed([left]);
    const { sandbox, registry, made } = world;
    for (const resolved of [
      'http://elsewhere.example/left/-/left-1.0.0.tgz',
      `${registry.url}right/-/right-1.0.0.tgz`,
    ]) {
      const { dir: cwd } = await sandbox.project(lockedTo(registry, made, { resolved }));
      const cache = sandbox.freshNpmCache();
      await world.through(['npm', 'ci', '--fetch-timeout=1'], { cwd, env: FILL });
      expect(existsSync(within(cache, hexOfPackage(made[0]!))), resolved).toBe(false);
    }
  });

  it('is not filled: a lockfile that cannot be read', async () => {
    await using world = await installed([left]);
    world.project.write('package-lock.json', `${world.project.read('package-lock.json')}}`);
    const { code } = await world.again();
    expect(code).toBe(1);
    expect(existsSync(join(world.cache(), '_cacache', 'content-v2'))).toBe(false);
  });
});

describe('Damage', { timeout: 60_000 }, () => {
  it('in our cache is not linked but removed and fetched anew, and npm gets sound bytes', async () => {
    await using world = await installed([left, three[2]!]);
    for (const file of ours(world)) damage(file);
    const { code, stderr } = await world.again();
    expect(code, stderr).toBe(0);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 2, upstream: 2, cache: 0 } });
    expect(world.registry.log.tarballs()).toHaveLength(2);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('done through the link is found at the next use, by npm as by us', async () => {
    await using world = await installed([left]);
    const file = within((await world.again(), world.cache()), hexOfPackage(world.made[0]!));
    damage(file);
    const healed = await world.run(['ci']);
    expect(healed.code, healed.stderr).toBe(0);
    expect(readFileSync(file).equals(world.made[0]!.tarball)).toBe(true);
    expect((await world.last()).artifacts).toMatchObject([{ outcome: 'delivered', source: 'upstream' }]);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('of npm’s own cache is npm’s to repair', async () => {
    await using world = await installed([left]);
    const file = within(world.sandbox.freshNpmCache(), hexOfPackage(world.made[0]!));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'bad');
    const { code, stderr } = await world.run(['ci']);
    expect(code, stderr).toBe(0);
    expect((await world.last()).artifacts).toMatchObject([{ outcome: 'delivered', source: 'cache' }]);
  });
});

describe('A cache of npm’s', { timeout: 120_000 }, () => {
  it.runIf(isRoot)('on another file system is filled by copies', async () => {
    await using world = await installed(three);
    await mounted(world.sandbox.freshNpmCache(), 'size=30m', async () => {
      world.registry.log.clear();
      expect(await world.run(['ci'])).toMatchObject({ code: 0 });
      expect(world.registry.log.tarballs()).toEqual([]);
      expect(await world.last()).toMatchObject({ totals: { linked: 3 }, fill: { linked: 0, copied: 3 } });
      const file = within(world.cache(), hexOfPackage(world.made[0]!));
      expect(statSync(file)).toMatchObject({ nlink: 1, mode: 0o100644 });
    });
  });

  it.runIf(isRoot)('that is full, or read-only, is as it is without us, and only why tells', async () => {
    await using world = await installed(three);
    const { project } = world;
    for (const options of ['size=400k', 'ro,size=4m']) {
      await mounted(world.sandbox.freshNpmCache(), options, async () => {
        const without = await world.run(['ci'], { PYRSIA_FILL: 'off' });
        // npm itself may end before anything was to be filled.
        await expect
          .poll(
            async () => {
              const filled = await world.run(['ci']);
              expect(filled.code, filled.stderr).toBe(without.code);
              expect(filled.stderr).not.toContain('could not be filled');
              return (await world.last()).fill?.problem;
            },
            { timeout: 40_000 },
          )
          .toMatch(/ENOSPC|EROFS/);
        expect(await world.sandbox.pyrsia(['why', 'last'])).toMatchObject({
          stdout: expect.stringMatching(/npm's cache could not be filled: (ENOSPC|EROFS)/),
        });
      });
    }
    rmSync(join(project.dir, 'node_modules'), { recursive: true, force: true });
  });

  it.runIf(isRoot)('that belongs to somebody else is left alone', async () => {
    await using world = await installed([left]);
    chownSync(world.sandbox.freshNpmCache(), 65534, 65534);
    expect(await world.run(['ci'])).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({
      totals: { linked: 0, cache: 1 },
      fill: { linked: 0, problem: expect.stringContaining('belongs to user 65534') },
    });
  });

  it('that is cleaned all the time is npm’s problem, and nothing of ours is lost', async () => {
    await using world = await installed(three);
    world.sandbox.freshNpmCache();
    const over = new AbortController();
    const cleaner = (async () => {
      while (!over.signal.aborted) {
        await world.sandbox.npm(['cache', 'clean', '--force']);
        await world.sandbox.npm(['cache', 'verify']);
      }
    })();
    const problems: unknown[] = [];
    for (let round = 0; round < 4; round++) {
      // npm alone fails like that, too.
      const { code, stderr } = await world.run(['ci']);
      if (code !== 0) expect(stderr).toMatch(/ENOENT|ENOTEMPTY|EEXIST/);
      problems.push((await world.last()).fill?.problem);
    }
    over.abort();
    await cleaner;
    expect(problems).toEqual(problems.map(() => undefined));
    expect(await world.verify()).toMatchObject({ code: 0 });
    expect(ours(world)).toHaveLength(3);
    expect(await world.again()).toMatchObject({ code: 0 });
  });
});
