/** `pyrsia exec --` is as if we were not there: what the tool is given, what it prints, how it ends. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import type { Command } from '../support/command.ts';
import type { Project } from '../support/project.ts';
import { unprivileged } from '../support/user.ts';
import { comparable, environmentIn, openWorld, type World } from './everyday-world.ts';

const names = ['one', 'two', 'three', 'four', 'five'];
const packages = () => names.map((name) => makePackage({ name, version: '1.0.0', size: 50_000 }));
const dependencies = Object.fromEntries(names.map((name) => [name, '1.0.0']));
const scripts = {
  env: 'env -0 > environment',
  seven: 'exit 7',
  echo: "node -e 'console.log(JSON.stringify(process.argv.slice(1)))' --",
  wait: "node -e 'process.on(`SIGINT`, () => process.exit(5)); fs.writeFileSync(`ready`, ``); setTimeout(() => {}, 60000)'",
  nested: 'npm ci --ignore-scripts && env -0 > environment',
};

describe('exec', { timeout: 60_000 }, () => {
  let world: World;
  let project: Project;
  beforeAll(async () => {
    world = await openWorld({ packages: packages() });
    project = await world.sandbox.project({ dependencies, manifest: { scripts } });
  }, 60_000);
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.registry.log.clear());

  it('gives scripts the same environment, but for the variables that lead npm, and says no secret aloud', async () => {
    const { sandbox, registry } = world;
    const cwd = project.dir;
    expect(await sandbox.npm(['run', 'env'], { cwd })).toMatchObject({ code: 0 });
    const direct = environmentIn(project.read('environment'));
    expect(await world.through(['npm', 'run', 'env'], { cwd })).toMatchObject({ code: 0 });
    const led = environmentIn(project.read('environment'));

    const ours = Object.keys(led).filter((name) => led[name] !== direct[name]);
    expect(ours.toSorted()).toEqual([
      // What we have set, so that what a script sets itself is told from it.
      'PYRSIA_LED_npm_config_globalconfig',
      'PYRSIA_LED_npm_config_registry',
      'PYRSIA_LED_npm_config_replace_registry_host',
      'PYRSIA_WAS_npm_config_globalconfig',
      'PYRSIA_WAS_npm_config_registry',
      'PYRSIA_WAS_npm_config_replace_registry_host',
      'npm_config_globalconfig',
      'npm_config_registry',
      'npm_config_replace_registry_host',
    ]);
    expect(Object.keys(direct).filter((name) => !(name in led))).toEqual([]);
    const { base, authorization, running, env } = await world.stay({ cwd });
    const token = authorization.replace('Bearer ', '');
    expect(Object.keys(env).filter((name) => env[name]!.includes(token))).toEqual([]);
    const argvs = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => text(`/proc/${pid}/cmdline`));
    expect(argvs.filter((argv) => argv.includes(token))).toEqual([]);
    expect(argvs.filter((argv) => argv.includes(base))).toEqual([]);
    running.kill('SIGTERM');
    await running.result;
    expect(registry.log.all).toEqual([]);
  });

  it('passes exit codes on', async () => {
    const { sandbox } = world;
    expect(await world.through(['npm', 'run', 'seven'], { cwd: project.dir })).toMatchObject({ code: 7 });
    expect(await world.through(['sh', '-c', 'exit 42'])).toMatchObject({ code: 42 });
    const unknown = await world.through(['no-such-command']);
    expect(unknown).toMatchObject({
      code: 127,
      stdout: '',
      stderr: 'pyrsia: no-such-command: command not found\n',
    });
    const file = join(sandbox.home, 'no-program');
    writeFileSync(file, 'x');
    expect(await world.through([file])).toMatchObject({ code: 126 });
    expect(await sandbox.pyrsia(['exec', '--'])).toMatchObject({ code: 2, stdout: '' });
  });

  it('passes signals on, and dies of what the tool died of', async () => {
    const { running, env } = await world.stay();
    process.kill(running.pid, 'SIGTERM');
    expect(await running.result).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(existsSync(env['npm_config_globalconfig']!)).toBe(false);

    const { sandbox } = world;
    const interrupt = async (command: Command) => {
      rmSync(join(project.dir, 'ready'), { force: true });
      const waiting = sandbox.start(command, { cwd: project.dir });
      while (!existsSync(join(project.dir, 'ready'))) await sleep(20);
      waiting.kill('SIGINT'); // to the whole group, as a terminal does
      const { code, signal } = await waiting.result;
      return { code, signal };
    };
    const direct = await interrupt(['npm', 'run', 'wait']);
    expect(await interrupt(sandbox.pyrsiaCommand(['exec', '--', 'npm', 'run', 'wait']))).toEqual(direct);
    expect(
      await interrupt(sandbox.pyrsiaCommand(['exec', '--', 'sh', '-c', `exec ${scripts.wait}`])),
    ).toEqual({
      code: 5,
      signal: null,
    });
    expect((await world.status()).launches).toBe(0);
  });

  it('leaves stdin, stdout and arguments alone', async () => {
    const { sandbox } = world;
    const piped = await world.through(['cat'], { input: 'one\ntwo\0three\n' });
    expect(piped).toMatchObject({ code: 0, stdout: 'one\ntwo\0three\n', stderr: '' });
    const args = ['npm', 'run', 'echo', '--', '--y', '-x', '', 'a b', '--', '$HOME', '--registry=theirs'];
    const direct = await sandbox.run('npm', args.slice(1), { cwd: project.dir });
    const led = await world.through(args, { cwd: project.dir });
    expect(led).toMatchObject({ code: 0, stdout: direct.stdout, stderr: direct.stderr });
    expect(led.stdout).toContain('["--y","-x","","a b","--","$HOME","--registry=theirs"]');
  });

  it('leads every npm below it, with itself in between or a shell', async () => {
    const { registry } = world;
    for (const command of [
      ['sh', '-c', 'npm ci'],
      ['npm', 'run', 'nested'],
      [...world.sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci'])],
    ]) {
      registry.log.clear();
      const { code, stderr } = await world.afresh(command, { cwd: project.dir });
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/pyrsia: 5 packages · 5 (upstream|cache) · 5 verified/);
      expect(Object.keys(project.installed())).toHaveLength(5);
    }
    expect(registry.log.all).toEqual([]);
  });

  it('without an agent runs the tool and says so, unless PYRSIA_STRICT=1', async () => {
    const { sandbox, registry } = world;
    const nowhere = '/dev/null/nowhere';
    const env = {
      XDG_RUNTIME_DIR: nowhere,
      XDG_STATE_HOME: nowhere,
      XDG_CACHE_HOME: nowhere,
      TMPDIR: nowhere,
    };
    const open = await world.afresh(['npm', 'ci'], { cwd: project.dir, env });
    expect(open.code, open.stderr).toBe(0);
    expect(open.stderr).toMatch(/^pyrsia: .*; npm runs without pyrsia \(pyrsia doctor\)\n$/);
    expect(registry.log.tarballs()).toHaveLength(5);
    const closed = await world.afresh(['npm', 'ci'], {
      cwd: project.dir,
      env: { ...env, PYRSIA_STRICT: '1' },
    });
    expect(closed).toMatchObject({ code: 125, stdout: '' });
    expect(closed.stderr).toMatch(/^pyrsia: npm: not run, since PYRSIA_STRICT=1: .*\n$/);
    expect(sandbox.processes()).toHaveLength(1); // the agent of before
  });

  it('tells with --json how the tool ended, and keeps what that prints apart', async () => {
    const { sandbox } = world;
    sandbox.freshNpmCache();
    const ran = await sandbox.pyrsia(['exec', '--json', '--', 'sh', '-c', 'npm ci; exit 3'], {
      cwd: project.dir,
    });
    expect(ran).toMatchObject({ code: 3, stderr: expect.stringContaining('added 5 packages') });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      code: 3,
      receipt: { totals: { artifacts: 5, cache: 5 } },
    });
  });

  it.each([
    ['PYRSIA=off', { PYRSIA: 'off' }, {}],
    ["a project's .pyrsia.json", {}, { '.pyrsia.json': '{"enabled": false}' }],
  ])('stays out of it with %s', async (_, env, files) => {
    const { sandbox, registry } = world;
    const off = await sandbox.project({ dependencies, files, lockfile: project.lockfile() });
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: off.dir, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(registry.log.tarballs()).toHaveLength(5);
  });

  it.each([
    ['npm whoami', ['whoami']],
    ['npm publish', ['publish']],
    ['npm login', ['login', '--auth-type=legacy']],
    ['npm config ls', ['config', 'ls']],
    ['npm config get registry', ['config', 'get', 'registry']],
    ['npm dist-tag add', ['dist-tag', 'add', 'one@1.0.0', 'next']],
    ['npm deprecate', ['deprecate', 'one@1.0.0', 'old']],
    ['npm unpublish', ['unpublish', 'one@1.0.0']],
  ])('%s is as without us, and reaches the registry itself', async (_, args) => {
    const { sandbox, registry } = world;
    sandbox.npmrc({ [`${registry.url.slice('http:'.length)}:_authToken`]: 'npm_mine' });
    const asked = () =>
      registry.log.all.map(({ method, path, headers }) => [method, path, headers['authorization']]);
    sandbox.freshNpmCache();
    const direct = await sandbox.npm(args, { cwd: project.dir });
    const askedDirectly = asked();
    registry.log.clear();
    const led = await world.afresh(['npm', ...args], { cwd: project.dir });
    expect(led.code).toBe(direct.code);
    expect(comparable(led.stdout)).toBe(comparable(direct.stdout));
    expect(comparable(led.stderr)).toBe(comparable(direct.stderr));
    expect(asked()).toEqual(askedDirectly);
  });

  it('npm publish puts to the registry with the user’s own token', async () => {
    const { sandbox, registry } = world;
    sandbox.npmrc({ [`${registry.url.slice('http:'.length)}:_authToken`]: 'npm_mine' });
    await world.through(['npm', 'publish'], { cwd: project.dir });
    const puts = registry.log.all.filter(({ method }) => method === 'PUT');
    expect(puts.map(({ path, headers }) => [path, headers['authorization']])).toEqual([
      ['/project', 'Bearer npm_mine'],
    ]);
  });
});

describe('eight at once with a cold cache', { timeout: 60_000 }, () => {
  it('start one agent, and fetch every tarball once', async () => {
    await using world = await openWorld({ packages: packages() });
    const { sandbox, registry } = world;
    const first = await sandbox.project({ dependencies });
    const lockfile = first.lockfile();
    const projects = await Promise.all(
      Array.from({ length: 8 }, () => sandbox.project({ dependencies, lockfile })),
    );
    registry.log.clear();
    const all = await Promise.all(
      projects.map(({ dir }, at) => {
        const npm_config_cache = join(sandbox.root, 'tmp', `npm-${at}`);
        return world.through(['npm', 'ci'], { cwd: dir, env: { npm_config_cache } });
      }),
    );
    for (const { code, stderr } of all) expect(code, stderr).toBe(0);
    expect(
      registry.log
        .tarballs()
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(names.map((name) => `/${name}/-/${name}-1.0.0.tgz`).toSorted());
    expect(registry.log.documents()).toEqual([]);
    for (const project of projects) expect(Object.keys(project.installed())).toHaveLength(5);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});

const who = unprivileged();

describe('for an ordinary user', { timeout: 60_000 }, () => {
  it.skipIf(!who.possible)('HOME may be read-only, or missing', async () => {
    if (!who.possible) return;
    await using world = await openWorld({ packages: packages(), user: who.user });
    const { sandbox, registry } = world;
    const project = await sandbox.project({ dependencies });
    const userconfig = join(sandbox.root, 'npmrc');
    writeFileSync(userconfig, readFileSync(join(sandbox.home, '.npmrc')));
    chmodSync(userconfig, 0o644);
    chmodSync(sandbox.home, 0o555);
    const xdg = { XDG_CACHE_HOME: undefined, XDG_STATE_HOME: undefined, XDG_CONFIG_HOME: undefined };
    mkdirSync(join(sandbox.root, 'nothing'), { mode: 0o555 });

    const cases: Record<string, string | undefined>[] = [
      {},
      xdg,
      { ...xdg, HOME: join(sandbox.root, 'nothing', 'home') },
      { ...xdg, HOME: undefined, XDG_RUNTIME_DIR: undefined },
    ];
    for (const env of cases) {
      registry.log.clear();
      const { code, stderr } = await world.afresh(['npm', 'ci'], {
        cwd: project.dir,
        env: { ...env, npm_config_userconfig: userconfig },
      });
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/^pyrsia: 5 packages · 5 (upstream|cache)/m);
      expect(registry.log.tarballs().length).toBeLessThanOrEqual(5);
      await sandbox.pyrsia(['agent', 'stop'], { env });
    }
    chmodSync(sandbox.home, 0o755);
  });
});

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It ended meanwhile.
  }
}
