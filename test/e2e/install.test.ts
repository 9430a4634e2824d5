/**
 * From the packed package to a home as it was before, as an ordinary user would do it, under each Node that we
 * run on. The shell is a new one each time, which knows only what its files tell it.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makePackage } from '../fixtures/registry/package.ts';
import type { Finished } from '../support/command.ts';
import { nodeDirectory } from '../support/nodes.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { snapshot } from '../support/snapshot.ts';
import { unprivileged } from '../support/user.ts';
import { openWorld, type World } from './everyday-world.ts';

/** What belongs to whoever installs; a machine where only root is known has nobody else. */
const ordinary = unprivileged();
const as = ordinary.possible ? { user: ordinary.user } : {};

let packing: Sandbox;
let tarball: string;
let packed: {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
};
beforeAll(async () => {
  packing = openSandbox(as);
  const to = ['--pack-destination', packing.root, '--json', '--ignore-scripts'];
  const { stdout, code, stderr } = await packing.npm(['pack', resolve('.'), ...to]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  [packed] = Object.values(JSON.parse(stdout) as Record<string, typeof packed>) as [typeof packed];
  tarball = join(packing.root, `pyrsia-${manifest.version}.tgz`);
});
afterAll(() => packing[Symbol.asyncDispose]());

describe('the package', () => {
  it('is small, and runs nothing when it is installed', () => {
    const { scripts } = manifest;
    expect(
      Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$|^postprepare$/.test(name)),
    ).toEqual([]);
    expect(packed.size).toBeLessThan(2e6);
    expect(packed.unpackedSize).toBeLessThan(6e6);
    expect(packed.files.length).toBeLessThan(250);
  });
});

describe.each([22, 24, 26])('under Node %i', (major) => {
  let world: World;
  let before: Record<string, string>;
  let project: string;

  beforeAll(async () => {
    const node = nodeDirectory(major);
    world = await openWorld({
      ...as,
      public: false,
      packages: [
        makePackage({ name: 'left', version: '1.0.0', dependencies: { right: '^2.0.0' } }),
        makePackage({ name: 'right', version: '2.1.0' }),
      ],
    });
    const { sandbox } = world;
    ({ dir: project } = await sandbox.project({ dependencies: { left: '1.0.0' } }));
    // As a version manager and npm's own advice on permissions have it.
    const global = join(sandbox.root, 'global');
    await sandbox.run('mkdir', ['-p', join(global, 'bin'), join(global, 'lib', 'node_modules')]);
    const lines = [`export PATH="${global}/bin:${node}:$PATH"`, `export npm_config_prefix="${global}"`];
    await sandbox.run('sh', ['-c', 'cat > ~/.profile; printf "# no end" > ~/.bashrc; chmod 640 ~/.bashrc'], {
      input: lines.map((line) => `${line}\n`).join(''),
    });
    before = snapshot(sandbox.home);
  }, 300_000);
  afterAll(() => world[Symbol.asyncDispose]());

  /** What a shell is started with: nothing of what is set here, but where things that are not ours go. */
  const shell = (script: string): Promise<Finished> => {
    const { env, home, run } = world.sandbox;
    const own = {
      PATH: env['PATH'],
      HOME: home,
      TMPDIR: env['TMPDIR'],
      npm_config_cache: env['npm_config_cache'],
      SHELL: '/bin/bash',
    };
    const given = Object.entries(own).map(([name, value]) => `${name}=${value}`);
    return run('env', ['-i', ...given, 'bash', '-lc', script], { cwd: project, timeoutMs: 120_000 });
  };
  const succeeds = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await shell(script);
    expect(code, `${script}\n${stdout}${stderr}`).toBe(0);
    return stdout + stderr;
  };

  it('is installed, used, and gone again without a trace', { timeout: 300_000 }, async () => {
    await succeeds(`npm install --global ${tarball}`);
    expect(await succeeds('pyrsia --version')).toMatch(
      new RegExp(`^pyrsia/${manifest.version}\\S* \\S+ node-v${major}\\.`),
    );
    await succeeds('pyrsia shim install --yes');
    expect(await succeeds('command -v npm')).toBe(`${world.sandbox.home}/.local/share/pyrsia/shims/npm\n`);
    world.registry.log.clear();
    await succeeds('npm ci');
    expect(existsSync(join(project, 'node_modules', 'right', 'package.json'))).toBe(true);
    expect(await succeeds('pyrsia why last')).toContain('pkg:npm/right@2.1.0');

    await succeeds('pyrsia doctor');

    const said = await succeeds('pyrsia uninstall --purge --yes');
    expect(said).toMatch(/^pyrsia: To remove the program itself: npm rm -g pyrsia/m);
    await succeeds(/npm rm -g.*/.exec(said)![0]);
    expect(snapshot(world.sandbox.home)).toEqual(before);
    expect(world.sandbox.processes()).toEqual([]);
    const left = Object.keys(snapshot(world.sandbox.root)).filter((name) => name.includes('pyrsia'));
    expect(left).toEqual([]);
    expect(await shell('pyrsia --version')).toMatchObject({ code: 127 });
  });
});
