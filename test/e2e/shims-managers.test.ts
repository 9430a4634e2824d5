/** Whoever else puts stand-ins for npm on the PATH: each goes on doing its work, and none of us runs in circles. */
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findTool } from '../../src/shims/find-tool.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { findMise } from '../support/mise.ts';
import type { Project } from '../support/project.ts';
import { openShimmedWorld, type ShimmedWorld } from './shimmed-world.ts';

const packages = () => ['left', 'right'].map((name) => makePackage({ name, version: '1.0.0' }));
const dependencies = { left: '1.0.0', right: '1.0.0' };
const mise = findMise();

/** npm prints which Node it runs on. */
const WHICH = `npm exec -c 'node -p process.execPath'`;

let world: ShimmedWorld;
let project: Project;
let lockfile: ReturnType<Project['lockfile']>;
beforeAll(async () => {
  world = await openShimmedWorld({ packages: packages() });
  project = await world.sandbox.project({ dependencies });
  lockfile = project.lockfile();
  expect(await world.typeAfresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  world.registry.log.clear();
  world.starts();
});

/** A directory as Node's own archives have it: a Node, and an npm that runs on the first Node of the PATH. */
function nodeInstall(dir: string): string {
  const npm = dirname(dirname(realpathSync(findTool('npm', world.plainPath)!)));
  mkdirSync(join(dir, 'bin'), { recursive: true });
  mkdirSync(join(dir, 'lib', 'node_modules'), { recursive: true });
  place(process.execPath, join(dir, 'bin', 'node'));
  symlinkSync(npm, join(dir, 'lib', 'node_modules', 'npm'));
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(dir, 'bin', name));
  return dir;
}

/** Not a symbolic link, which Node would not take for where it is. */
function place(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** Below the home, so that every test has its own. */
let places = 0;
const newPlace = () => join(world.sandbox.home, `place-${(places += 1)}`);

/** How often `npm ci` installed through us, as one launch and without a word, in two tries; it is the only thing that fetches. */
async function installsThroughUs(env: Record<string, string>, cwd = project.dir): Promise<number> {
  let times = 0;
  for (const round of ['first', 'second']) {
    world.registry.log.clear();
    const { code, stdout, stderr } = await world.typeAfresh(['npm', 'ci'], { cwd, env });
    expect({ code, stdout, stderr }, round).toEqual({
      code: 0,
      stdout: expect.stringContaining('added 2 packages') as string,
      stderr: '',
    });
    expect(world.registry.log.all, round).toEqual([]);
    const last = await world.last();
    expect(last, round).toMatchObject({ cwd, totals: { artifacts: 2, cache: 2, verified: 2 } });
    times += 1;
  }
  return times;
}

function program(file: string, ...lines: string[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, [...lines, ''].join('\n'), { mode: 0o755 });
}

const pathOf = (...entries: string[]): { PATH: string } => ({ PATH: entries.join(delimiter) });

/** Gives a Node a global npmrc that names `registry`, and the user one that does not; both as if they had long been there. */
function configuredGlobally(node: string, registry: Registry): { npm_config_userconfig: string } {
  const userconfig = join(node, 'npmrc-of-the-user');
  const files = { [join(node, 'etc', 'npmrc')]: `registry=${registry.url}\n`, [userconfig]: 'fund=false\n' };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    utimesSync(file, 1_600_000_000, 1_600_000_000);
  }
  return { npm_config_userconfig: userconfig };
}

describe('nvm', () => {
  it('changes the PATH in the middle of a session, and its npm runs on its Node, through us', async () => {
    const nvm = newPlace();
    const [old, young] = ['v22', 'v24'].map((name) => nodeInstall(join(nvm, 'versions', 'node', name)));
    const session = [
      `nvm() { case ":$PATH:" in *":${nvm}/"*) PATH=$(printf %s "$PATH" | sed "s#${nvm}/versions/node/[^/]*/bin#${nvm}/versions/node/$2/bin#") ;; *) PATH="${nvm}/versions/node/$2/bin:$PATH" ;; esac; }`,
      'PATH="$PLAIN"; nvm use v22',
      `PATH="${world.paths.shims}:$PATH"`,
      `${WHICH}; npm ci --silent; npm ci --silent; ${WHICH}`,
      `nvm use v24; hash -r`,
      `${WHICH}; npm ci --silent; ${WHICH}; npm ci --silent`,
      `nvm use v22; hash -r`,
      WHICH,
    ];
    const { code, stdout, stderr } = await world.typeAfresh(['bash', '-c', session.join('\n')], {
      cwd: project.dir,
      env: { PLAIN: world.plainPath },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n').filter(Boolean)).toEqual(
      [old, old, young, young, old].map((each) => join(each!, 'bin', 'node')),
    );
    expect(world.registry.log.all).toEqual([]);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 2, cache: 2 } });
  });

  it('that is in front of us is as if we were not there', async () => {
    const node = nodeInstall(newPlace());
    const env = pathOf(join(node, 'bin'), world.path);
    const { code, stderr } = await world.typeAfresh(['npm', 'ci'], { cwd: project.dir, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(world.registry.log.tarballs()).toHaveLength(2);
    expect(world.starts()).toEqual([]);
  });

  it('has a global npmrc for each Node, which holds', async () => {
    await using other = await startRegistry({ packages: packages() });
    const node = nodeInstall(newPlace());
    const env = {
      ...pathOf(world.paths.shims, join(node, 'bin'), world.plainPath),
      ...configuredGlobally(node, other),
    };
    for (const starts of [1, 0]) {
      const { dir: cwd } = await world.sandbox.project({ dependencies, lockfile: 'none' });
      expect(await world.typeAfresh(['npm', 'i'], { cwd, env })).toMatchObject({ code: 0, stderr: '' });
      expect(world.starts()).toHaveLength(starts);
      expect(world.registry.log.all).toEqual([]);
      expect(await world.last()).toMatchObject({
        artifacts: [{ upstream: other.url }, { upstream: other.url }],
      });
    }
  });
});

/** Its shims are one program that starts the real one as a child, on a PATH without itself. */
function volta(dir: string, image?: string): string {
  const bin = join(dir, 'bin');
  for (const name of ['npm', 'npx', 'node'])
    program(
      join(bin, name),
      '#!/bin/sh',
      'rest=; IFS=:',
      `for entry in $PATH; do [ "$entry" = '${bin}' ] || rest="$rest\${rest:+:}$entry"; done; unset IFS`,
      `PATH="${image === undefined ? '' : `${image}/bin:`}$rest" ${name} "$@"`,
      'exit $?',
    );
  return bin;
}

describe('volta', () => {
  it('runs the npm of its own Node, through us', async () => {
    const image = nodeInstall(newPlace());
    const env = pathOf(world.paths.shims, volta(newPlace(), image), world.plainPath);
    expect(await installsThroughUs(env)).toBe(2);
    const { stdout } = await world.type(['bash', '-c', WHICH], { env, cwd: project.dir });
    expect(stdout).toBe(`${image}/bin/node\n`);
  });

  it('without a Node of its own finds us again, and the npm behind it', async () => {
    const env = pathOf(world.paths.shims, volta(newPlace()), world.plainPath);
    expect(await installsThroughUs(env)).toBe(2);
  });

  it('in front of us leads to its Node as ever, or without one to us', async () => {
    const image = nodeInstall(newPlace());
    const first = pathOf(volta(newPlace(), image), world.path);
    const { stdout } = await world.type(['bash', '-c', WHICH], { env: first, cwd: project.dir });
    expect(stdout).toBe(`${image}/bin/node\n`);
    expect(await installsThroughUs(pathOf(volta(newPlace()), world.path))).toBe(2);
  });
});

/** Their shims exec a program that looks for the version that the directory wants. */
function asdf(dir: string): string {
  const shims = join(dir, 'shims');
  const exec = join(dir, 'libexec', 'exec');
  program(
    exec,
    '#!/usr/bin/env bash',
    'set -e',
    'name=$1; shift; at=$PWD; version=system',
    'while [ -n "$at" ]; do if [ -f "$at/.tool-versions" ]; then read -r _ version < "$at/.tool-versions"; break; fi; at=${at%/*}; done',
    `if [ "$version" != system ]; then export PATH="${dir}/installs/$version/bin:$PATH"; exec "${dir}/installs/$version/bin/$name" "$@"; fi`,
    `path=$(printf %s "$PATH" | tr : '\\n' | grep -vxF '${shims}' | paste -sd:)`,
    'exec "$(PATH="$path" type -P "$name")" "$@"',
  );
  for (const name of ['npm', 'npx', 'node'])
    program(join(shims, name), '#!/usr/bin/env bash', 'set -e', `exec "${exec}" "\${0##*/}" "$@"`);
  return shims;
}

describe('asdf, pyenv and their like', () => {
  it.each(['behind', 'before'])(
    '%s us: each directory has its own Node, and the system’s npm is found, too',
    async (order) => {
      const dir = newPlace();
      const shims = asdf(dir);
      const env =
        order === 'behind'
          ? pathOf(world.paths.shims, shims, world.plainPath)
          : pathOf(shims, world.paths.shims, world.plainPath);
      const system = await world.direct(['bash', '-c', WHICH], { cwd: project.dir });
      for (const version of ['one', 'two', 'system']) {
        if (version !== 'system') nodeInstall(join(dir, 'installs', version));
        const own = await world.sandbox.project({
          dependencies,
          lockfile,
          files: { '.tool-versions': `nodejs ${version}\n` },
        });
        const { stdout, stderr } = await world.type(['bash', '-c', WHICH], { cwd: own.dir, env });
        expect({ stdout, stderr }).toEqual({
          stdout: version === 'system' ? system.stdout : `${dir}/installs/${version}/bin/node\n`,
          stderr: '',
        });
        if (order === 'behind' || version === 'system') {
          expect(await installsThroughUs(env, own.dir)).toBe(2);
        }
      }
    },
  );

  it('that know the tool’s name only, and call it on the same PATH, end at the real one', async () => {
    const bin = newPlace();
    program(join(bin, 'npm'), '#!/bin/sh', 'exec npm "$@"');
    expect(await installsThroughUs(pathOf(world.paths.shims, bin, world.plainPath))).toBe(2);
  });

  it('that find nobody but us say that there is no npm', async () => {
    const bin = newPlace();
    program(join(bin, 'npm'), '#!/bin/sh', 'exec npm "$@"');
    const { code, stdout, stderr } = await world.type(['npm', 'ci'], {
      cwd: project.dir,
      env: pathOf(world.paths.shims, bin),
    });
    expect({ code, stdout }).toEqual({ code: 127, stdout: '' });
    expect(stderr).toMatch(/^pyrsia: npm: command not found.*\n$/);
  });

  it('that never come to an end are ended, with one line', async () => {
    const bin = newPlace();
    // As a child, so that no trace of the first call is left but the depth.
    program(join(bin, 'npm'), '#!/bin/sh', `PATH='${world.paths.shims}:${bin}' npm "$@"; exit $?`);
    const { code, stderr } = await world.typeAfresh(['npm', 'ci'], {
      cwd: project.dir,
      env: pathOf(world.paths.shims, bin, world.plainPath),
    });
    expect(code).toBe(125);
    expect(stderr.match(/^pyrsia: .*/gm)).toHaveLength(1);
  });
});

describe('corepack', () => {
  it('is a script in Node’s place that runs an npm which lies elsewhere', async () => {
    const dir = newPlace();
    const npm = realpathSync(findTool('npm', world.plainPath)!);
    program(
      join(dir, 'lib', 'corepack', 'dist', 'npm.js'),
      '#!/usr/bin/env node',
      `process.argv[1] = ${JSON.stringify(npm)};`,
      `require(${JSON.stringify(npm)});`,
    );
    mkdirSync(join(dir, 'bin'));
    symlinkSync('../lib/corepack/dist/npm.js', join(dir, 'bin', 'npm'));
    const env = pathOf(world.paths.shims, join(dir, 'bin'), world.plainPath);
    expect(await installsThroughUs(env)).toBe(2);
  });
});

describe.skipIf(mise === undefined)('mise', () => {
  let shims: string;
  let installs: string;
  const inMise = { MISE_OFFLINE: '1' };
  const run = (...args: string[]) => world.sandbox.run(mise!, args, { env: inMise });
  const projects: Partial<Record<'one' | 'two' | 'none' | 'missing', Project>> = {};

  beforeAll(async () => {
    for (const name of ['one', 'two']) {
      const linked = await run('link', `node@${name}`, nodeInstall(newPlace()));
      expect(linked.code, linked.stderr).toBe(0);
    }
    const data = join(world.sandbox.home, '.local', 'share', 'mise');
    shims = join(data, 'shims');
    installs = join(data, 'installs', 'node');
    for (const name of ['one', 'two', 'none', 'missing'] as const) {
      const files = name === 'none' ? undefined : { 'mise.toml': `[tools]\nnode = "${name}"\n` };
      projects[name] = await world.sandbox.project({ dependencies, lockfile, ...(files && { files }) });
      expect((await run('trust', '--all', '--cd', projects[name].dir)).code).toBe(0);
    }
  });

  const nodeOf = (name: string): string => realpathSync(join(installs, name, 'bin', 'node'));

  /** What an interactive bash with these rc files prints when this is typed. */
  const session = async (rc: string, typed: readonly string[]) => {
    const file = join(world.sandbox.home, 'rc-of-mise');
    writeFileSync(file, rc);
    world.sandbox.freshNpmCache();
    return world.sandbox.run('bash', ['--noprofile', '--rcfile', file, '-i'], {
      env: { ...inMise, TERM: 'dumb', HISTFILE: '/dev/null' },
      input: [...typed, 'exit', ''].join('\n'),
    });
  };

  it('activated before us changes Node with the directory, and npm comes through us', async () => {
    const rc = `eval "$('${mise}' activate bash)"\nexport PATH="${world.paths.shims}:$PATH"\n`;
    const at = (name: 'one' | 'two' | 'none') => [
      `cd '${projects[name]!.dir}'`,
      WHICH,
      'npm ci --silent',
      'npm ci --silent',
      'type -P npm',
    ];
    const system = await world.direct(['bash', '-c', WHICH], { cwd: projects.none!.dir });
    const { stdout, stderr } = await session(rc, [...at('one'), ...at('two'), ...at('none'), ...at('one')]);
    const shim = join(world.paths.shims, 'npm');
    expect(stdout.split('\n').filter(Boolean), stderr).toEqual([
      nodeOf('one'),
      shim,
      nodeOf('two'),
      shim,
      system.stdout.trim(),
      shim,
      nodeOf('one'),
      shim,
    ]);
    expect(stderr).not.toContain('pyrsia:');
    expect(world.registry.log.all).toEqual([]);
    expect(await world.last()).toMatchObject({ cwd: projects.one!.dir, totals: { artifacts: 2, cache: 2 } });
  });

  it('activated after us is in front of us, and works as without us', async () => {
    const rc = `export PATH="${world.paths.shims}:$PATH"\neval "$('${mise}' activate bash)"\n`;
    const { stdout } = await session(rc, [`cd '${projects.two!.dir}'`, WHICH, 'npm ci --silent']);
    expect(stdout).toBe(`${nodeOf('two')}\n`);
    expect(world.registry.log.tarballs()).toHaveLength(2);
  });

  it.each(['behind', 'before'])('with its shims %s ours changes Node with the directory', async (order) => {
    const path = order === 'behind' ? [world.paths.shims, shims] : [shims, world.paths.shims];
    const env = { ...inMise, ...pathOf(...path, world.plainPath) };
    for (const name of ['one', 'two', 'one'] as const) {
      const { stdout } = await world.type(['bash', '-c', WHICH], { cwd: projects[name]!.dir, env });
      expect(stdout).toBe(`${nodeOf(name)}\n`);
      if (order === 'behind') {
        expect(await installsThroughUs(env, projects[name]!.dir)).toBe(2);
      }
    }
  });

  it.each(['behind', 'before'])(
    'with its shims %s ours, and no npm for the directory, looks on the PATH again',
    async (order) => {
      const path = order === 'behind' ? [world.paths.shims, shims] : [shims, world.paths.shims];
      const env = { ...inMise, ...pathOf(...path, world.plainPath) };
      expect(await installsThroughUs(env, projects.none!.dir)).toBe(2);
    },
  );

  it('says itself that a version is missing', async () => {
    const cwd = projects.missing!.dir;
    const without = { ...inMise, ...pathOf(shims, world.plainPath) };
    const direct = await world.direct(['npm', 'ci'], { cwd, env: without });
    expect(direct.code).not.toBe(0);
    const shimmed = await world.type(['npm', 'ci'], {
      cwd,
      env: { ...inMise, ...pathOf(world.paths.shims, shims, world.plainPath) },
    });
    expect(shimmed.code).toBe(direct.code);
    expect(shimmed.stderr).toContain('missing');
  });

  it('whose own environment for a project names a registry has the last word', async () => {
    await using other = await startRegistry({ packages: packages() });
    const toml = `[tools]\nnode = "one"\n[env]\nnpm_config_registry = "${other.url}"\n`;
    const env = { ...inMise, ...pathOf(world.paths.shims, shims, world.plainPath) };
    for (const round of ['first', 'second']) {
      const own = await world.sandbox.project({
        dependencies,
        lockfile: 'none',
        files: { 'mise.toml': toml },
      });
      await run('trust', '--all', '--cd', own.dir);
      const { code, stderr } = await world.typeAfresh(['npm', 'i'], { cwd: own.dir, env });
      expect({ code, stderr }, round).toEqual({ code: 0, stderr: '' });
      expect(other.log.documents().length, round).toBeGreaterThan(0);
      expect(world.registry.log.all, round).toEqual([]);
      other.log.clear();
    }
  });

  it('has a global npmrc for each Node, which holds', async () => {
    await using other = await startRegistry({ packages: packages() });
    const env = {
      ...inMise,
      ...pathOf(world.paths.shims, shims, world.plainPath),
      ...configuredGlobally(dirname(dirname(nodeOf('two'))), other),
    };
    const fresh = async () =>
      world.sandbox.project({
        dependencies,
        lockfile: 'none',
        files: { 'mise.toml': '[tools]\nnode = "two"\n' },
      });
    for (const round of ['first', 'second']) {
      const { dir: cwd } = await fresh();
      await run('trust', '--all', '--cd', cwd);
      const { code, stderr } = await world.typeAfresh(['npm', 'i'], { cwd, env });
      expect({ code, stderr }, round).toEqual({ code: 0, stderr: '' });
      // What holds elsewhere says nothing of here.
      expect(world.starts(), round).toHaveLength(1);
      expect(world.registry.log.all).toEqual([]);
      expect(await world.last()).toMatchObject({
        artifacts: [{ upstream: other.url }, { upstream: other.url }],
      });
    }
  });
});
