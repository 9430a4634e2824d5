/** What a shim does on a bad day: the tool runs, whatever is wrong with us, and nobody else is believed. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findTool } from '../../src/shims/find-tool.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { ask } from '../support/ask.ts';
import type { Project } from '../support/project.ts';
import { unprivileged } from '../support/user.ts';
import { openShimmedWorld, type ShimmedWorld } from './shimmed-world.ts';

const names = ['one', 'two', 'three'];
const packages = () => names.map((name) => makePackage({ name, version: '1.0.0', size: 20_000 }));
const dependencies = Object.fromEntries(names.map((name) => [name, '1.0.0']));
const added = { code: 0, stdout: expect.stringContaining('added 3 packages') as string };

const someone = unprivileged();
const other = process.getuid?.() === 0 && someone.possible ? someone.user : undefined;

let world: ShimmedWorld;
let project: Project;
beforeAll(async () => {
  world = await openShimmedWorld({ packages: packages() });
  project = await world.sandbox.project({ dependencies });
  const first = await world.typeAfresh(['npm', 'ci'], { cwd: project.dir });
  expect(first, first.stderr).toMatchObject(added);
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  world.registry.log.clear();
  world.starts();
});

const shim = (): string => join(world.paths.shims, 'npm');
const install = (env: Record<string, string | undefined> = {}, cwd = project.dir) =>
  world.typeAfresh(['npm', 'ci'], { cwd, env });
const pathOf = (...entries: string[]): string => entries.join(delimiter);

/** The agent that runs; it is the only process in the sandbox. */
const agentPid = (): number => {
  const [agent, ...rest] = world.sandbox.processes();
  expect(rest).toEqual([]);
  return agent!.pid;
};
const stopAgent = () => world.sandbox.pyrsia(['agent', 'stop']);

describe('a home', () => {
  it.each([`the ho'me of "$x" \\ & co`, 'ho*me [a] {b} (c) #d %25 €', '-n'])(
    'may be called %s',
    async (name) => {
      await using own = await openShimmedWorld({
        packages: packages(),
        env: ({ root, home, env }) => {
          const strange = join(root, name);
          mkdirSync(strange, { mode: 0o700 });
          writeFileSync(join(strange, '.npmrc'), readFileSync(join(home, '.npmrc')));
          const config = join(strange, '.config', 'pyrsia');
          mkdirSync(config, { recursive: true });
          const set = join(env['XDG_CONFIG_HOME']!, 'pyrsia', 'config.json');
          writeFileSync(join(config, 'config.json'), readFileSync(set), { mode: 0o600 });
          return {
            HOME: strange,
            XDG_CACHE_HOME: undefined,
            XDG_STATE_HOME: undefined,
            XDG_CONFIG_HOME: undefined,
          };
        },
      });
      const { dir: cwd } = await own.sandbox.project({ dependencies });
      for (const way of ['slow', 'quick'] as const) {
        await own.prepare(way);
        const done = await own.typeAfresh(['npm', 'ci'], { cwd });
        expect(done, done.stderr).toMatchObject({ ...added, stderr: '' });
        expect(own.starts()).toHaveLength(way === 'quick' ? 0 : 1);
      }
      own.registry.log.clear();
      expect(await own.typeAfresh(['npm', 'ci'], { cwd })).toMatchObject(added);
      expect(own.registry.log.all).toEqual([]);
    },
  );
});

/** Puts a tool into a directory that says where it is and what its arguments are. */
function placeTool(dir: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'npm'), '#!/bin/sh\necho "$0" "$@"\n', { mode: 0o755 });
}

describe('a PATH', () => {
  it('with our directory twice, with a slash, by a link or relative, leads to the tool all the same', async () => {
    const link = join(world.sandbox.home, 'a link');
    symlinkSync(world.paths.shims, link);
    const { shims, plainPath } = { ...world.paths, plainPath: world.plainPath };
    for (const path of [
      pathOf(shims, shims, plainPath, shims),
      pathOf(`${shims}/`, `${shims}//`, `${shims}/../${basename(shims)}`, plainPath),
      pathOf(link, shims, plainPath),
      pathOf(`../..${shims}`, shims, plainPath),
    ]) {
      for (const at of ['first', 'second']) {
        world.registry.log.clear();
        const done = await install({ PATH: path });
        expect(done, `${at}, ${path}`).toMatchObject({ ...added, stderr: '' });
        expect(world.registry.log.all).toEqual([]);
      }
    }
  });

  it('that is relative, or has an empty entry, counts from where one is', async () => {
    const { dir: cwd } = await world.sandbox.project({ lockfile: 'none' });
    placeTool(join(cwd, 'bin'));
    placeTool(cwd);
    const { shims } = world.paths;
    const said = async (path: string, ...args: string[]) =>
      (
        await world.type(['npm', ...args], { cwd, env: { PATH: pathOf(shims, path, '/usr/bin', '/bin') } })
      ).stdout.replace(/^(\S+)/, (tool) => resolve(cwd, tool));
    for (const args of [['ls'], ['ci'], ['config', 'ls', 'a  b', '']]) {
      for (const path of ['bin', './bin', 'bin/', './/bin'])
        expect(await said(path, ...args)).toBe(`${cwd}/bin/npm ${args.join(' ')}\n`);
      for (const path of ['', '.', './'])
        expect(await said(path, ...args)).toBe(`${cwd}/npm ${args.join(' ')}\n`);
    }
  });

  it.each([
    ['that is empty', ''],
    ['that has nothing but us', 'ours'],
    ['without the tool', 'without'],
  ])('%s has no npm: 127, and one line', async (_, which) => {
    const bare = join(world.sandbox.home, 'bare');
    mkdirSync(bare, { recursive: true });
    mkdirSync(join(bare, 'npm'), { recursive: true }); // a directory is no tool
    const PATH =
      which === 'ours' ? world.paths.shims : which === 'without' ? pathOf(bare, world.paths.shims) : which;
    for (const args of [['ci'], ['ls'], ['whoami'], ['no-such-command']]) {
      const { code, stdout, stderr } = await world.type([shim(), ...args], { env: { PATH } });
      expect({ code, stdout }).toEqual({ code: 127, stdout: '' });
      expect(stderr).toMatch(/^pyrsia: npm: command not found.*\n$/);
    }
  });

  it('need not have our directory: the shim may be called by its path', async () => {
    for (const PATH of [world.plainPath, world.path]) {
      world.registry.log.clear();
      world.sandbox.freshNpmCache();
      const done = await world.type([shim(), 'ci'], { cwd: project.dir, env: { PATH } });
      expect(done).toMatchObject({ ...added, stderr: '' });
      expect(world.registry.log.all).toEqual([]);
    }
    const { dir: cwd } = await world.sandbox.project({ dependencies, lockfile: project.lockfile() });
    symlinkSync(shim(), join(cwd, 'npm')); // and by a link to it, on the PATH, too
    const linked = { cwd, env: { PATH: pathOf(cwd, world.path) } };
    expect(await world.typeAfresh(['npm', 'ci'], linked)).toMatchObject({ ...added, stderr: '' });
    expect(await world.typeAfresh(['./npm', 'ci'], linked)).toMatchObject({ ...added, stderr: '' });
    expect(world.registry.log.all).toEqual([]);
  });
});

describe('a directory that was deleted under the shell', () => {
  it.each(['npm --version', 'npm ci', 'npm whoami', 'npx --yes one'])(
    'makes %s end as without us',
    async (typed) => {
      const ends = async (path: string) => {
        const { dir } = await world.sandbox.project({ lockfile: 'none' });
        const script = `cd '${dir}' && rm -r '${dir}' && ${typed}`;
        const { code, stdout } = await world.type(['bash', '-c', script], { env: { PATH: path } });
        return { code, stdout };
      };
      expect(await ends(world.path)).toEqual(await ends(world.plainPath));
    },
  );
});

describe('no agent', () => {
  const nowhere = '/dev/null/nowhere';
  const places = { XDG_RUNTIME_DIR: nowhere, TMPDIR: nowhere };

  it('that can start costs one line, and with PYRSIA_STRICT=1 the run', async () => {
    await world.prepare('quick');
    const open = await install(places);
    expect(open).toMatchObject(added);
    expect(open.stderr).toMatch(/^pyrsia: .*; npm runs without pyrsia \(pyrsia doctor\)\n$/);
    expect(world.registry.log.tarballs()).toHaveLength(3);
    const closed = await install({ ...places, PYRSIA_STRICT: '1' });
    expect(closed).toMatchObject({ code: 125, stdout: '' });
    expect(closed.stderr).toMatch(/^pyrsia: npm: not run, since PYRSIA_STRICT=1: .*\n$/);
    // What does not fetch is not ours to stop.
    const ls = await world.type(['npm', 'ls', '--parseable'], {
      cwd: project.dir,
      env: { ...places, PYRSIA_STRICT: '1' },
    });
    expect(ls).toMatchObject({ code: 0, stderr: '' });
  });

  it('and eight shims at once: one is started, and every package fetched once', async () => {
    await using own = await openShimmedWorld({ packages: packages() });
    const { sandbox, registry } = own;
    const lockfile = project.lockfile();
    const projects = await Promise.all(
      Array.from({ length: 8 }, () => sandbox.project({ dependencies, lockfile: locked(lockfile, own) })),
    );
    const all = await Promise.all(
      projects.map(({ dir }, at) =>
        own.type(['npm', 'ci'], {
          cwd: dir,
          env: { npm_config_cache: join(sandbox.root, 'tmp', `npm-${at}`) },
        }),
      ),
    );
    for (const done of all) expect(done, done.stderr).toMatchObject({ ...added, stderr: '' });
    expect(sandbox.processes()).toHaveLength(1);
    expect(
      registry.log
        .tarballs()
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(names.map((name) => `/${name}/-/${name}-1.0.0.tgz`).toSorted());
    for (const each of projects) expect(Object.keys(each.installed())).toHaveLength(3);
    expect(await own.verify()).toMatchObject({ code: 0 });
  });
});

/** The lockfile with another world's registry. */
function locked(
  lockfile: ReturnType<Project['lockfile']>,
  to: ShimmedWorld,
): ReturnType<Project['lockfile']> {
  return JSON.parse(
    JSON.stringify(lockfile).replaceAll(world.registry.url, to.registry.url),
  ) as typeof lockfile;
}

async function killAgents(): Promise<void> {
  for (const { pid } of world.sandbox.processes()) process.kill(pid, 'SIGKILL');
  await expect.poll(() => world.sandbox.processes()).toEqual([]);
}

describe('an agent', () => {
  beforeEach(() => world.prepare('quick'));

  it('that was killed is not believed to live: the next call starts another', async () => {
    const pid = agentPid();
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => world.sandbox.processes()).toEqual([]);
    world.starts();
    expect(await install()).toMatchObject({ ...added, stderr: '' });
    expect(world.starts()).toHaveLength(1);
    expect(world.registry.log.all).toEqual([]);
    expect(agentPid()).not.toBe(pid);
    await world.prepare('quick');
    expect(await install()).toMatchObject({ ...added, stderr: '' });
    expect(world.starts()).toEqual([]);
  });

  it('that is dead, and whose pid is somebody else’s now, is not believed to live', async () => {
    const file = join(world.paths.runtime, 'quick-npm');
    const stale = readFileSync(file, 'utf8');
    process.kill(agentPid(), 'SIGKILL');
    await expect.poll(() => world.sandbox.processes()).toEqual([]);
    const stranger = world.sandbox.start(['sleep', '60']);
    try {
      writeFileSync(file, stale.replace(/\n\d+\n/, `\n${stranger.pid}\n`), { mode: 0o600 });
      world.starts();
      expect(await install()).toMatchObject({ ...added, stderr: '' });
      expect(world.starts()).toHaveLength(1);
      expect(world.registry.log.all).toEqual([]);
    } finally {
      stranger.kill();
      await stranger.result;
    }
  });

  it('that hangs is not waited for by the slow way: npm runs without us, and one line says so', async () => {
    const pid = agentPid();
    await world.prepare('slow');
    process.kill(pid, 'SIGSTOP');
    try {
      const done = await install();
      expect(done).toMatchObject(added);
      expect(done.stderr).toMatch(/^pyrsia: .*; npm runs without pyrsia \(pyrsia doctor\)\n$/);
      expect(world.registry.log.tarballs()).toHaveLength(3);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await install()).toMatchObject({ ...added, stderr: '' });
  });

  it('that hangs holds up npm the quick way, which goes on when it does', async () => {
    const pid = agentPid();
    process.kill(pid, 'SIGSTOP');
    let done: Awaited<ReturnType<typeof install>> | undefined;
    const running = install().then((result) => (done = result));
    try {
      const launches = join(world.paths.runtime, 'launch');
      await expect.poll(() => readdirSync(launches).length, { timeout: 20_000 }).toBeGreaterThan(0);
      await sleep(500);
      expect(done).toBeUndefined();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await running).toMatchObject({ ...added, stderr: '' });
    expect(world.starts()).toEqual([]);
    expect(world.registry.log.all).toEqual([]);
  });

  it('that ends when a shim has its answer in hand already is not relied on', async () => {
    const text = readFileSync(shim(), 'utf8');
    const waiting = text.replace(/^ *printf '%s\\0' pyrsia-launch/m, (line) => `kill -STOP $$\n${line}`);
    expect(waiting).not.toBe(text);
    writeFileSync(shim(), waiting);
    try {
      world.sandbox.freshNpmCache();
      const npm = world.sandbox.start(['npm', 'ci'], { cwd: project.dir, env: { PATH: world.path } });
      const state = () => readFileSync(`/proc/${npm.pid}/stat`, 'utf8').split(') ')[1]![0];
      await expect.poll(state, { timeout: 20_000 }).toBe('T');
      expect(await stopAgent()).toMatchObject({ code: 0 });
      process.kill(npm.pid, 'SIGCONT');
      expect(await npm.result).toMatchObject({ ...added, stderr: '' });
      expect(world.starts()).toHaveLength(1);
      expect(world.registry.log.all).toEqual([]);
    } finally {
      writeFileSync(shim(), text);
    }
  });

  it('that was tidied away under npm’s feet is replaced', async () => {
    rmSync(join(world.paths.runtime, 'launch'), { recursive: true });
    expect(await install()).toMatchObject(added);
    rmSync(world.paths.runtime, { recursive: true });
    const done = await install();
    expect(done, done.stderr).toMatchObject(added);
    await killAgents();
    expect(await install()).toMatchObject({ ...added, stderr: '' });
  });
});

describe('an agent that ends of itself', () => {
  const ROUNDS = 15;
  it('at the very moment of a quick launch takes no npm with it', { timeout: 240_000 }, async () => {
    await using own = await openShimmedWorld({ packages: packages() });
    const { dir: cwd } = await own.sandbox.project({ dependencies });
    const env = { PYRSIA_IDLE: '200ms' };
    const ways = new Set<string>();
    for (let at = 0; at < ROUNDS; at++) {
      own.starts();
      const done = await own.typeAfresh(['npm', 'ci'], { cwd, env });
      expect(done, `round ${at}: ${done.stderr}`).toMatchObject({ ...added, stderr: '' });
      ways.add(own.starts().length === 0 ? 'quick' : 'slow');
      await sleep(100 + ((at * 7) % ROUNDS) * (1200 / ROUNDS)); // its end is noticed within a second
    }
    expect([...ways].toSorted()).toEqual(['quick', 'slow']);
    expect(await own.verify()).toMatchObject({ code: 0 });
  });
});

describe('a shim', () => {
  let text: string;
  beforeEach(() => {
    text = readFileSync(shim(), 'utf8');
    return () => writeFileSync(shim(), text);
  });

  it.each([
    ['the recorded Node', (script: string) => script.replaceAll(/'[^']*node-that-counts'/g, "'/gone/node'")],
    ['our own program', (script: string) => script.replaceAll(/'[^']*shim\.js'/g, "'/gone/shim.js'")],
  ])('without %s still goes the quick way, else runs npm and says so', async (_, without) => {
    await world.prepare('quick');
    writeFileSync(shim(), without(text));
    expect(readFileSync(shim(), 'utf8')).not.toBe(text);
    expect(await install()).toMatchObject({ ...added, stderr: '' });
    expect(world.registry.log.all).toEqual([]);

    await world.prepare('slow');
    const slow = await install();
    expect(slow).toMatchObject(added);
    expect(slow.stderr).toMatch(/^pyrsia: .* is gone; npm runs without pyrsia.*pyrsia doctor.*\n$/);
    expect(world.registry.log.tarballs()).toHaveLength(3);
    const strict = await install({ PYRSIA_STRICT: '1' });
    expect(strict).toMatchObject({ code: 125, stdout: '' });
    expect(strict.stderr).toMatch(/^pyrsia: .*\n$/);
    expect(await world.type(['npm', 'ls', '--parseable'], { cwd: project.dir })).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});

describe('an environment', () => {
  it('without HOME runs npm, through us', async () => {
    await world.prepare('quick');
    const userconfig = join(world.sandbox.home, '.npmrc');
    const env = { HOME: undefined, npm_config_userconfig: userconfig };
    expect(await install(env)).toMatchObject({ ...added, stderr: '' });
    expect(world.registry.log.all).toEqual([]);
  });

  it('in which bash would read ~/.bashrc does not make it talk', async () => {
    const rc = join(world.sandbox.home, '.bashrc');
    const kept = readFileSync(rc, 'utf8');
    writeFileSync(rc, `echo 'Welcome!'; echo 'Welcome!' >&2\n${kept}`);
    try {
      const direct = await world.direct(['npm', 'ls', '--parseable'], { cwd: project.dir });
      for (const way of ['slow', 'quick'] as const) {
        await world.prepare(way);
        const env = { SSH_CLIENT: '192.0.2.1 1234 22', SHLVL: undefined };
        expect(await install(env)).toMatchObject({
          stdout: expect.stringMatching(/^\nadded/) as string,
          stderr: '',
        });
        const ls = await world.type(['npm', 'ls', '--parseable'], { cwd: project.dir, env });
        expect(ls).toMatchObject({ stdout: direct.stdout, stderr: '' });
      }
    } finally {
      writeFileSync(rc, kept);
    }
  });

  it('with nothing in it but a PATH runs npm', async () => {
    const command = ['env', '-i', `PATH=${world.path}`, 'npm', '--version'];
    const direct = await world.direct(['npm', '--version']);
    expect(await world.type(command)).toMatchObject({ code: 0, stdout: direct.stdout, stderr: '' });
  });

  it('with another runtime directory has an agent of its own, and the cache stays whole', async () => {
    const elsewhere = join(world.sandbox.root, 'another-run');
    mkdirSync(elsewhere, { mode: 0o700 });
    for (const env of [
      { XDG_RUNTIME_DIR: elsewhere },
      {},
      { XDG_RUNTIME_DIR: undefined },
      { XDG_RUNTIME_DIR: elsewhere },
    ]) {
      const done = await install(env);
      expect(done, done.stderr).toMatchObject(added);
      expect(world.registry.log.tarballs()).toEqual([]);
    }
    expect(await world.verify()).toMatchObject({ code: 0 });
    for (const XDG_RUNTIME_DIR of [elsewhere, undefined])
      await world.sandbox.pyrsia(['agent', 'stop'], { env: { XDG_RUNTIME_DIR } });
  });
});

const bareProc = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'];
const canHideProc = spawnSync(bareProc[0]!, [...bareProc.slice(1), 'true']).status === 0;

describe.skipIf(!canHideProc)('without /proc', () => {
  it('npm runs, through us, the slow way', async () => {
    await world.prepare('quick');
    world.sandbox.freshNpmCache();
    const done = await world.type([...bareProc, 'npm', 'ci'], { cwd: project.dir });
    expect(done, done.stderr).toMatchObject({ ...added, stderr: '' });
    expect(world.starts()).toHaveLength(1);
    expect(world.registry.log.all).toEqual([]);
  });
});

const give = (path: string): void => chownSync(path, other!.uid, other!.gid);

/** A runtime directory that is all right but for `what`, with an answer that leads to nowhere. */
async function planted(what: 'base' | 'directory' | 'file' | 'link' | 'nothing') {
  await world.prepare('quick');
  const tmp = join(world.sandbox.root, `tmp-${what}`);
  const base = join(tmp, `pyrsia-${process.getuid!()}`);
  const directory = join(base, basename(world.paths.runtime));
  mkdirSync(join(directory, 'launch'), { recursive: true, mode: 0o700 });
  chmodSync(tmp, 0o1777);
  const real = readFileSync(join(world.paths.runtime, 'quick-npm'), 'utf8');
  const evil = real.replace(/^(\$npm_config_registry=).*$/m, '$1http://127.0.0.1:9/');
  expect(evil).not.toBe(real);
  // A living process of theirs, whose directory is the one that they offer.
  const decoy = world.sandbox.start(['sleep', '60'], { cwd: directory });
  writeFileSync(join(directory, 'quick-npm'), evil.replace(/\n\d+\n/, `\n${decoy.pid}\n`), { mode: 0o644 });
  if (what === 'base') give(base);
  if (what === 'directory') give(directory);
  if (what === 'file') give(join(directory, 'quick-npm'));
  if (what === 'link') {
    renameSync(directory, `${directory}-theirs`);
    symlinkSync(`${directory}-theirs`, directory);
  }
  return { env: { TMPDIR: tmp, XDG_RUNTIME_DIR: undefined }, decoy };
}

describe.skipIf(other === undefined)('somebody else', () => {
  it.each(['base', 'directory', 'file', 'link'] as const)(
    'who planted an answer is not believed (their %s)',
    async (what) => {
      const { env, decoy } = await planted(what);
      try {
        const done = await install(env);
        expect(done, done.stderr).toMatchObject(added);
        expect(world.starts()).toHaveLength(1);
      } finally {
        decoy.kill();
        await world.sandbox.pyrsia(['agent', 'stop'], { env });
      }
    },
  );

  it('who were the user would be believed', async () => {
    const { env, decoy } = await planted('nothing');
    const done = await install({ ...env, npm_config_fetch_retries: '0' });
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain('http://127.0.0.1:9/');
    expect(world.starts()).toEqual([]);
    decoy.kill();
  });

  it('who planted a launch file gets nothing for it', async () => {
    await world.prepare('quick');
    const id = '0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11';
    const name = '1b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c12';
    const npm = findTool('npm', world.plainPath)!;
    const fields = ['pyrsia-launch-2', name, '', '', process.pid, project.dir, 'npm', npm, 1, 'ci'];
    const variables = [`HOME=${world.sandbox.home}`, `PATH=${world.plainPath}`, 'end'];
    const file = join(world.paths.runtime, 'launch', id);
    const [port] = Object.values((await world.status()).ports!);
    const authorization = `Bearer ${id}`;
    const asked = () => ask(`http://127.0.0.1:${port}/one/-/one-1.0.0.tgz`, { headers: { authorization } });
    const made = join(world.sandbox.root, 'launch-of-theirs');
    writeFileSync(made, [...fields, ...variables].map((field) => `${field}\0`).join(''), { mode: 0o644 });
    give(made);
    renameSync(made, file);
    expect(await asked()).toMatchObject({ status: 401 });
    expect((await world.status()).launches).toBe(0);
    chownSync(file, process.getuid!(), process.getgid!()); // the same, were it ours
    expect(await asked()).toMatchObject({ status: 200 });
    rmSync(file, { force: true });
    await expect.poll(async () => (await world.status()).launches).toBe(0);
  });
});

describe.skipIf(!someone.possible)('for an ordinary user', () => {
  it('directories that cannot be written cost nothing but our help', async () => {
    if (!someone.possible) return;
    await using own = await openShimmedWorld({ packages: packages(), user: someone.user });
    const { sandbox } = own;
    const { dir: cwd } = await sandbox.project({ dependencies });
    const first = await own.typeAfresh(['npm', 'ci'], { cwd });
    expect(first, first.stderr).toMatchObject({ ...added, stderr: '' });
    await own.prepare('quick');

    // The launch directory: the quick way cannot be taken, nor the slow one.
    const launches = join(own.paths.runtime, 'launch');
    chmodSync(launches, 0o500);
    const unlaunched = await own.typeAfresh(['npm', 'ci'], { cwd });
    expect(unlaunched, unlaunched.stderr).toMatchObject(added);
    expect(unlaunched.stderr).toMatch(/^pyrsia: .*\n$/);
    chmodSync(launches, 0o700);
    expect(await own.typeAfresh(['npm', 'ci'], { cwd })).toMatchObject({ ...added, stderr: '' });
    await sandbox.pyrsia(['agent', 'stop']);

    // The runtime directory.
    chmodSync(dirname(own.paths.runtime), 0o500);
    rmSync(own.paths.runtime, { recursive: true, force: true });
    const unreachable = await own.typeAfresh(['npm', 'ci'], { cwd });
    expect(unreachable, unreachable.stderr).toMatchObject(added);
    chmodSync(dirname(own.paths.runtime), 0o700);

    // The cache.
    chmodSync(own.paths.cache, 0o500);
    const unkept = await own.typeAfresh(['npm', 'ci'], { cwd });
    expect(unkept, unkept.stderr).toMatchObject(added);
    chmodSync(own.paths.cache, 0o700);
    expect(existsSync(own.paths.cache)).toBe(true);
  });
});
