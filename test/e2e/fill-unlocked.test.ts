/**
 * npm's own cache, filled while npm chooses versions without a lockfile: what the real npm then asks for, and
 * that nothing is put there but what it installs.
 *
 * @module
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestFromIntegrity, hexOf } from '../../src/content/digest.ts';
import type { Receipt } from '../../src/resolve/report.ts';
import { makePackage, type PackageSpec } from '../fixtures/registry/package.ts';
import type { Finished, RunOptions } from '../support/command.ts';
import type { Project, ProjectSpec } from '../support/project.ts';
import { openWorld, type World, type WorldOptions } from './everyday-world.ts';

/**
 * Has npm wait, for half a minute at most, where it looks for a package that is about to be put there. Which of two
 * processes is quicker is measured elsewhere; here it is what is put there in the end.
 */
const PATIENT = `
const fs = require('node:fs/promises');
const { existsSync } = require('node:fs');
const awaited = (process.env.PYRSIA_TEST_AWAITED ?? '').split(' ');
const { stat } = fs;
fs.stat = async (path, ...rest) => {
  const [, digest = ''] = String(path).split(/content-v2.sha512./);
  const isAwaited = awaited.includes(digest.replaceAll(/[^0-9a-f]/g, ''));
  const until = Date.now() + 30_000;
  while (isAwaited && !existsSync(path) && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return stat(path, ...rest);
};
`;

interface Unlocked extends World {
  readonly project: Project;
  /** Runs a command in the project through us, npm's own cache empty and to be filled. */
  run(command: readonly string[], env?: RunOptions['env']): Promise<Finished>;
  /** As {@link Unlocked.run}, with an npm that does not overtake us at what is in our cache from the beginning. */
  patiently(command: readonly string[]): Promise<Finished>;
  /** Takes away what the last command installed and locked. */
  restart(): void;
}

/** A world with these packages, all of which are in our cache, and a project without a lockfile. */
async function unlocked(
  specs: readonly PackageSpec[],
  project: ProjectSpec = {},
  options: WorldOptions = {},
): Promise<Unlocked> {
  const made = await Promise.all(specs.map(makePackage));
  const world = await openWorld({ packages: made, ...options });
  const { sandbox, registry } = world;
  const pulled = await sandbox.pyrsia(['pull', ...made.map(({ name, version }) => `npm:${name}@${version}`)]);
  expect(pulled.code, pulled.stderr).toBe(0);
  registry.log.clear();
  const opened = await sandbox.project({ lockfile: 'none', ...project });
  const patient = join(sandbox.root, 'patient.cjs');
  writeFileSync(patient, PATIENT);
  const awaited = made.map(({ dist }) => hexOf(digestFromIntegrity(dist.integrity!)!));
  const run: Unlocked['run'] = async (command, env = {}) =>
    world.afresh(command, { cwd: opened.dir, env: { PYRSIA_FILL: 'link', ...env } });
  return {
    ...world,
    project: opened,
    run,
    patiently: async (command) =>
      run(command, { NODE_OPTIONS: `--require=${patient}`, PYRSIA_TEST_AWAITED: awaited.join(' ') }),
    restart: () => {
      for (const name of ['node_modules', 'package-lock.json'])
        rmSync(join(opened.dir, name), { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const of = ({ artifacts }: Receipt, outcome: string): string[] =>
  artifacts
    .filter((line) => line.outcome === outcome)
    .map(({ purl }) => decodeURIComponent(purl.slice('pkg:npm/'.length)))
    .toSorted();
const NAMED = /^(?:.*node_modules\/)?(.*)$/;
/** What npm has unpacked, by its own account. */
function unpacked(project: Project): string[] {
  const entries = Object.entries(project.lockfile().packages).filter(([path]) => path !== '');
  const installed = project.installed();
  const found = entries
    .filter(([path, { inBundle }]) => path in installed && !inBundle)
    .map(
      ([path, { name, version }]) =>
        `${name ?? NAMED.exec(path.split('node_modules/').at(-1)!)![1]}@${version}`,
    );
  return [...new Set(found)].toSorted();
}

const left = { name: 'left', version: '1.0.0' };
const right = { name: '@acme/right', version: '2.0.0', dependencies: { left: '^1.0.0' } };
/** A command of its own, which depends on something. */
const tool = {
  name: 'tool',
  version: '3.0.0',
  dependencies: { '@acme/right': '>=1' },
  bin: { tool: 'index.js' },
  files: { 'index.js': '#!/usr/bin/env node\nconsole.log(require("@acme/right"));\n' },
};

/** What ranges, tags, engines and platforms choose from. */
const forest: readonly PackageSpec[] = [
  left,
  { name: 'left', version: '1.5.0', tags: [] },
  { name: 'left', version: '2.0.0', dependencies: { middle: '~1.1.0' }, tags: ['next'] },
  right,
  { name: 'middle', version: '1.1.0', tags: [] },
  { name: 'middle', version: '1.1.7', tags: [] },
  { name: 'middle', version: '1.2.0' },
  { name: 'old', version: '1.0.0', tags: [] },
  { name: 'old', version: '1.1.0', manifest: { deprecated: 'no more' } },
  { name: 'modern', version: '1.0.0', tags: [] },
  { name: 'modern', version: '1.1.0', manifest: { engines: { node: '>=99' } } },
  { name: 'beta', version: '1.0.0-beta.1', tags: [] },
  { name: 'beta', version: '1.0.0-beta.2', tags: ['latest', 'beta'] },
  { name: 'host', version: '4.0.0', manifest: { peerDependencies: { plugged: '>=1' } } },
  { name: 'plugged', version: '1.0.0', tags: [] },
  { name: 'plugged', version: '2.0.0' },
  {
    name: 'shy',
    version: '1.0.0',
    manifest: { peerDependencies: { nobody: '*' }, peerDependenciesMeta: { nobody: { optional: true } } },
  },
  { name: 'nobody', version: '1.0.0' },
  {
    name: 'native',
    version: '1.0.0',
    manifest: { optionalDependencies: { 'native-here': '1.0.0', 'native-there': '1.0.0' } },
  },
  { name: 'native-here', version: '1.0.0', manifest: { os: [process.platform] } },
  {
    name: 'native-there',
    version: '1.0.0',
    manifest: { os: [`!${process.platform}`] },
    dependencies: { there: '*' },
  },
  { name: 'there', version: '1.0.0' },
  {
    name: 'bundler',
    version: '1.0.0',
    dependencies: { nobody: '*', left: '1' },
    manifest: { bundleDependencies: ['nobody'] },
    files: { 'node_modules/nobody/package.json': '{"name":"nobody","version":"0.0.1"}' },
  },
  { name: 'cycle', version: '1.0.0', dependencies: { 'cycle-back': '*' } },
  { name: 'cycle-back', version: '1.0.0', dependencies: { cycle: '^1' } },
  { name: 'exact', version: '1.0.0', dependencies: { left: '1.0.0' } },
  tool,
];

const everything: ProjectSpec = {
  dependencies: {
    '@acme/right': '*',
    left: '^2.0.0',
    'also-left': 'npm:left@~1.5.0',
    old: '^1.0.0',
    modern: '1.x',
    beta: 'beta',
    host: '^4',
    shy: '>=1 <2',
    native: '1',
    bundler: '^1.0.0',
    cycle: '1.0.0 || 2',
    exact: '',
  },
  devDependencies: { tool: '3' },
};

describe('An install without a lockfile', { timeout: 120_000 }, () => {
  it('asks for nothing that we have, and nothing is put there but what it installs', async () => {
    await using world = await unlocked(forest, everything);
    const { code, stderr } = await world.patiently(['npm', 'install']);
    expect(code, stderr).toBe(0);
    const receipt = await world.last();
    expect(of(receipt, 'linked')).toEqual(unpacked(world.project));
    expect(of(receipt, 'delivered')).toEqual([]);
    expect(unpacked(world.project)).toEqual(
      expect.arrayContaining([
        'left@1.5.0',
        'left@2.0.0',
        'old@1.0.0',
        'modern@1.0.0',
        'native-here@1.0.0',
        'plugged@2.0.0',
      ]),
    );
  });

  it('asks for what has come here since, and for the rest not', async () => {
    await using world = await unlocked([left, tool, right], { dependencies: { tool: '*' } });
    const newer = await makePackage({ name: 'left', version: '1.1.0' });
    await world.registry.publish(newer);
    const { code, stderr } = await world.patiently(['npm', 'install']);
    expect(code, stderr).toBe(0);
    const receipt = await world.last();
    expect(of(receipt, 'linked')).toEqual(['@acme/right@2.0.0', 'tool@3.0.0']);
    expect(of(receipt, 'delivered')).toEqual(['left@1.1.0']);
  });

  it('leaves out what npm is told to leave out', async () => {
    await using world = await unlocked(forest, everything);
    const { code, stderr } = await world.patiently([
      'npm',
      'install',
      '--omit=dev',
      '--omit=optional',
      '--omit=peer',
    ]);
    expect(code, stderr).toBe(0);
    const linked = of(await world.last(), 'linked');
    expect(linked).toEqual(unpacked(world.project));
    expect(linked).not.toContain('tool@3.0.0');
    expect(linked).not.toContain('native-here@1.0.0');
    expect(linked).not.toContain('plugged@2.0.0');
  });

  it('of a package besides what a lockfile has asks for neither', async () => {
    await using world = await unlocked(forest, { dependencies: { '@acme/right': '*' } });
    expect(await world.run(['npm', 'install'])).toMatchObject({ code: 0 });
    rmSync(join(world.project.dir, 'node_modules'), { recursive: true });
    const { code, stderr } = await world.patiently(['npm', 'install', 'left@next']);
    expect(code, stderr).toBe(0);
    const receipt = await world.last();
    expect(of(receipt, 'linked')).toEqual(['@acme/right@2.0.0', 'left@1.0.0', 'left@2.0.0', 'middle@1.1.7']);
    expect(of(receipt, 'delivered')).toEqual([]);
    expect(unpacked(world.project)).toEqual(of(receipt, 'linked'));
  });

  it('puts nothing there of what is installed already', async () => {
    await using world = await unlocked(forest, { dependencies: { '@acme/right': '*' } });
    expect(await world.run(['npm', 'install'])).toMatchObject({ code: 0 });
    const { code, stderr } = await world.patiently(['npm', 'install', 'cycle', 'left@1']);
    expect(code, stderr).toBe(0);
    const receipt = await world.last();
    expect(of(receipt, 'linked')).toEqual(['cycle-back@1.0.0', 'cycle@1.0.0']);
    expect(of(receipt, 'delivered')).toEqual([]);
  });

  it('is the same in nobody’s project, for everybody and by npx', async () => {
    await using world = await unlocked([left, right, tool]);
    const prefix = join(world.sandbox.root, 'prefix');
    const all = ['@acme/right@2.0.0', 'left@1.0.0', 'tool@3.0.0'];
    for (const command of [
      ['npm', 'install', '--global', `--prefix=${prefix}`, 'tool'],
      ['npm', 'exec', '--yes', '--package=tool@3', '--', 'tool'],
      ['npx', '-y', 'tool@^3'],
      ['npx', '-y', '-p', 'tool', 'tool'],
    ]) {
      const { code, stdout, stderr } = await world.run(command, { npm_config_yes: 'true' });
      expect(code, `${command.join(' ')}: ${stderr}`).toBe(0);
      if (!command.includes('--global')) expect(stdout).toBe('@acme/right@2.0.0\n');
      const receipt = await world.last();
      const [linked, delivered] = [of(receipt, 'linked'), of(receipt, 'delivered')];
      expect([...linked, ...delivered].toSorted(), command.join(' ')).toEqual(all);
      // Of so few, npm may look for the last one before it is there.
      expect(linked, command.join(' ')).toContain('tool@3.0.0');
    }
    // npm has it all now, and what is asked for all the same is not put there again.
    const { launch } = await world.last();
    const again = ['npx', '-y', '-p', 'tool', 'tool'];
    const options = { cwd: world.project.dir, env: { PYRSIA_FILL: 'link' } };
    expect(await world.through(again, options)).toMatchObject({ code: 0, stdout: '@acme/right@2.0.0\n' });
    expect((await world.last()).launch).toBe(launch);
  });
});

describe('npm’s own cache is left alone', { timeout: 120_000 }, () => {
  it.each([
    ['where documents are no longer what the registry says', { PYRSIA_OFFLINE: '1' }, []],
    ['where it is not to be filled', { PYRSIA_FILL: 'off' }, []],
    ['where npm chooses what was there at some time', {}, ['--before=2030-01-01']],
    ['where npm chooses by a tag of its own', {}, ['--tag=next']],
    ['where npm is to ask whatever it has', {}, ['--prefer-online']],
  ])('%s', async (_, env, args) => {
    await using world = await unlocked(forest, { dependencies: { '@acme/right': '*' } });
    // The documents are in our cache.
    expect(await world.run(['npm', 'install'], { PYRSIA_FILL: 'off' })).toMatchObject({ code: 0 });
    world.restart();
    const { code, stderr } = await world.run(['npm', 'install', ...args], env);
    expect(code, stderr).toBe(0);
    const receipt = await world.last();
    expect(of(receipt, 'linked')).toEqual([]);
    expect(of(receipt, 'delivered')).toEqual(unpacked(world.project));
    expect(receipt.fill).toBeUndefined();
  });

  it('where the project overrides what its packages want', async () => {
    await using world = await unlocked(forest, {
      dependencies: { '@acme/right': '*' },
      manifest: { overrides: { left: '2.0.0' } },
    });
    expect(await world.run(['npm', 'install'])).toMatchObject({ code: 0 });
    const receipt = await world.last();
    expect(of(receipt, 'linked')).toEqual([]);
    expect(of(receipt, 'delivered')).toContain('left@2.0.0');
  });

  it('by commands that install nothing', async () => {
    await using world = await unlocked(forest, { dependencies: { '@acme/right': '*', left: '1.0.0' } });
    expect(await world.run(['npm', 'install'])).toMatchObject({ code: 0 });
    // What fetches nothing leaves no receipt.
    const { launch } = await world.last();
    for (const command of [
      'outdated',
      'view left',
      'install --dry-run cycle',
      'install --package-lock-only exact',
    ]) {
      await world.run(['npm', ...command.split(' ')]);
      expect((await world.last()).launch, command).toBe(launch);
    }
  });
});
