/** The agent's life while real commands need it: one for all, gone in time, replaced without harm, and silent about secrets. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { pathsOf } from '../../src/paths.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { ask } from '../support/ask.ts';
import type { Command, Finished, RunOptions } from '../support/command.ts';
import { holders } from '../support/holders.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from '../support/network.ts';
import type { Project } from '../support/project.ts';
import { openWorld, type World } from './everyday-world.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const specs = [
  { name: 'left', version: '1.0.0' },
  { name: 'large', version: '1.0.0', size: 3_000_000 },
];

let world: World;
let project: Project;
beforeEach(async () => {
  world = await openWorld({ packages: specs.map(makePackage) });
  project = await world.sandbox.project({ dependencies: { left: '1.0.0', large: '1.0.0' } });
  world.registry.log.clear();
});
afterEach(() => world[Symbol.asyncDispose]());

const install = (options?: RunOptions) => world.afresh(['npm', 'ci'], { cwd: project.dir, ...options });
const agents = () => world.sandbox.processes().filter(({ command }) => command.includes('dist/agent.cjs'));
const log = () => readFileSync(join(pathsOf(world.sandbox.env).state, 'agent.log'), 'utf8');

/** Another copy of the package that ships; runs a command of it. */
function copyOfPackage(name: string, changes: { version?: string; agent?: string }) {
  const copy = join(world.sandbox.root, name);
  mkdirSync(copy);
  for (const part of manifest.files) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const { version = manifest.version, agent } = changes;
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ ...manifest, version }));
  if (agent !== undefined) writeFileSync(join(copy, 'dist', 'agent.cjs'), agent);
  return (args: readonly string[], options?: RunOptions): Promise<Finished> =>
    world.sandbox.run(process.execPath, [join(copy, 'bin', 'run.js'), ...args], options);
}

describe('one agent', { timeout: 60_000 }, () => {
  it.runIf(process.platform === 'linux')('holds nothing open of whoever starts it', async () => {
    const file = join(world.sandbox.root, 'theirs');
    const descriptor = openSync(file, 'w');
    const stdio = Array.from({ length: 64 }, (_, i) =>
      [4, 20, 63].includes(i) ? descriptor : ('ignore' as const),
    );
    const [program, ...args] = world.sandbox.pyrsiaCommand(['exec', '--', 'true']);
    spawnSync(program, args, { env: world.sandbox.env, stdio });
    closeSync(descriptor);
    const { pid } = await world.status();
    const held = readdirSync(`/proc/${pid}/fd`).map((each) => join(`/proc/${pid}/fd`, each));
    expect(held.filter((each) => existsSync(each)).map((each) => readlinkSync(each))).not.toContain(file);
  });

  it('serves eight commands that start at once', async () => {
    const file = join(world.sandbox.root, 'go');
    const wait = `while [ ! -e ${file} ]; do sleep 0.05; done`;
    const commands = Array.from({ length: 8 }, () => world.through(['sh', '-c', wait]));
    await expect.poll(async () => (await world.status()).launches, { timeout: 30_000 }).toBe(8);
    // Those that were not needed end at once.
    await expect.poll(agents, { timeout: 10_000 }).toHaveLength(1);
    writeFileSync(file, '');
    for (const { code, stderr } of await Promise.all(commands))
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(log().match(/Started pyrsia/g)).toHaveLength(1);
    expect(await world.status()).toMatchObject({ launches: 0 });
  });

  it('ends with the last launch where no idle time is wanted, and its receipt is kept', async () => {
    expect(await install({ env: { PYRSIA_IDLE: '0' } })).toMatchObject({ code: 0 });
    await expect.poll(agents, { timeout: 10_000 }).toEqual([]);
    expect(await world.last()).toMatchObject({ command: ['npm', 'ci'], totals: { artifacts: 2 } });
    expect(readdirSync(join(pathsOf(world.sandbox.env).runtime, 'launch'))).toEqual([]);
  });

  it('that is stopped during an install says so, and the next one goes on', async () => {
    world.registry.misbehave({ kind: 'hang-in-body', match: '/large/-/large-1.0.0.tgz' });
    const cut = install();
    const arrives = () => world.registry.log.tarballs().some(({ badDay, bytes }) => badDay && bytes > 0);
    await expect.poll(arrives, { timeout: 30_000 }).toBe(true);
    expect(await world.sandbox.pyrsia(['agent', 'stop'])).toMatchObject({ code: 0 });
    const { code, stderr } = await cut;
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^pyrsia: The agent ended while npm was running; if that failed, run it again/m);

    world.registry.behave();
    expect(await install()).toMatchObject({ code: 0 });
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('of an older version serves on while it is in use, and is replaced after that', async () => {
    const newer = copyOfPackage('newer', { version: '99.0.0' });
    const stay = await world.stay();
    const { pid } = await world.status();
    world.sandbox.freshNpmCache();
    expect(await newer(['exec', '--', 'npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(await world.status()).toMatchObject({ pid, version: manifest.version });
    const { authorization, base } = stay;
    expect(await ask(`${base}left`, { headers: { authorization } })).toMatchObject({ status: 200 });

    stay.running.kill();
    await stay.running.result;
    await expect.poll(async () => (await world.status()).launches).toBe(0);
    world.sandbox.freshNpmCache();
    expect(await newer(['exec', '--', 'npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(await world.status()).toMatchObject({ version: '99.0.0' });
    expect(agents()).toHaveLength(1);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 2, cache: 2 } });
  });

  it.runIf(canUnshareNetwork())(
    'in each network namespace: the second serves what the first has',
    async () => {
      expect(await install()).toMatchObject({ code: 0 });
      const stay = await world.stay();
      world.registry.log.clear();
      const { sandbox } = world;
      sandbox.freshNpmCache();
      const [program, ...args] = inNamespaceWithoutNetwork(
        sandbox.pyrsiaCommand(['exec', '--', 'npm', 'ci']),
      );
      const { code, stderr } = await sandbox.run(program, args, { cwd: project.dir });
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr).not.toContain('nothing is stored'); // There was nothing to store.
      expect(stderr).toMatch(/^pyrsia: 2 packages · 2 cache · /m);
      expect(agents()).toHaveLength(2);
      expect(await world.status()).toMatchObject({ launches: 1 });
      stay.running.kill();
    },
  );
});

describe('an agent that is of no use', { timeout: 60_000 }, () => {
  it.each([
    ['ends at once', 'process.exit(3);', /exit code 3/],
    ['is broken', 'import "./no-such-file.js";', /exit code 1/],
  ])(
    'since it %s: the command runs without it, or with PYRSIA_STRICT=1 not at all',
    async (_, agent, why) => {
      const broken = copyOfPackage('broken', { agent });
      world.sandbox.freshNpmCache();
      const { code, stderr } = await broken(['exec', '--', 'npm', 'ci'], { cwd: project.dir });
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(why) });
      expect(stderr).toMatch(
        /^pyrsia: The agent cannot be reached: [^\n]*; npm runs without pyrsia \(pyrsia doctor\)\n$/,
      );
      expect(project.installed()).toEqual({ 'node_modules/left': '1.0.0', 'node_modules/large': '1.0.0' });

      const strict = await broken(['exec', '--', 'echo', 'run'], { env: { PYRSIA_STRICT: '1' } });
      expect(strict).toMatchObject({ code: 125, stdout: '' });
      expect(strict.stderr).toMatch(/^pyrsia: echo: not run, since PYRSIA_STRICT=1: [^\n]*\n$/);
    },
  );

  it('since it hangs: the same, within seconds, until it goes on', async () => {
    const { running } = await world.stay();
    const [agent] = agents();
    process.kill(agent!.pid, 'SIGSTOP');
    const { code, stderr, ms } = await install();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'pyrsia: The agent cannot be reached: it does not answer; npm runs without pyrsia (pyrsia doctor)\n',
    });
    expect(ms).toBeLessThan(20_000);
    expect(world.registry.log.tarballs()).toHaveLength(2);
    const strict = await world.through(['echo', 'run'], { env: { PYRSIA_STRICT: '1' } });
    expect(strict).toMatchObject({ code: 125, stdout: '' });

    process.kill(agent!.pid, 'SIGCONT');
    expect(await install()).toMatchObject({ code: 0, stderr: expect.stringContaining('2 packages') });
    running.kill();
  });
});

describe('secrets', { timeout: 60_000 }, () => {
  const TOKEN = 'npm_s3cr3tT0kenOfTheUser';

  it.each([
    ['public, to us', true],
    ['private, without us', false],
  ])('of a registry that is asked as %s, are nowhere but where npm has them', async (_, isPublic) => {
    await using own = await openWorld({
      public: isPublic,
      packages: specs.map(makePackage),
      auth: { token: TOKEN, packages: ['left'] },
    });
    const { sandbox, registry } = own;
    const { cache, state, runtime } = pathsOf(sandbox.env);
    sandbox.npmrc({ [`//127.0.0.1:${registry.port}/:_authToken`]: TOKEN });
    const { dir } = await sandbox.project({ dependencies: { left: '1.0.0', large: '1.0.0' } });
    sandbox.freshNpmCache();
    registry.log.clear();
    const done = join(sandbox.root, 'done');
    const running = sandbox.start(
      sandbox.pyrsiaCommand([
        'exec',
        '--',
        'sh',
        '-c',
        `npm ci; env > ${done}.new; mv ${done}.new ${done}; sleep 60`,
      ]),
      { cwd: dir, env: { PYRSIA_REPORT: sandbox.reportFile } },
    );
    await expect.poll(() => existsSync(done), { timeout: 30_000 }).toBe(true);
    expect(existsSync(join(dir, 'node_modules', 'left'))).toBe(true);
    expect(registry.log.authorized().length).toBeGreaterThan(0);
    const launches = readdirSync(join(runtime, 'launch')).filter((name) => name.length === 36);
    expect(launches).toHaveLength(1);

    const { XDG_CONFIG_HOME, TMPDIR, npm_config_cache: npmCache } = sandbox.env;
    const places = [cache, state, runtime, XDG_CONFIG_HOME!, TMPDIR!, npmCache!];
    const found = (secret: string) => places.flatMap((path) => holders(path, secret));
    const commandLines = sandbox
      .processes()
      .map(({ command }) => command)
      .join('\n');
    expect(commandLines).toContain('dist/agent.cjs');
    for (const secret of [TOKEN, launches[0]!]) {
      expect(commandLines).not.toContain(secret);
      // The agent's own place is where the launch is kept, not what the user has in ~/.npmrc.
      const elsewhere = found(secret).filter(
        (file) => secret === TOKEN || !file.startsWith(join(runtime, 'launch')),
      );
      expect(elsewhere).toEqual([]);
      expect(existsSync(sandbox.reportFile) ? readFileSync(sandbox.reportFile, 'utf8') : '').not.toContain(
        secret,
      );
    }
    expect(readFileSync(done, 'utf8')).not.toContain(launches[0]);

    running.kill('SIGTERM');
    await running.result;
    await sandbox.pyrsia(['agent', 'stop']);
    for (const secret of [TOKEN, launches[0]!]) expect(found(secret)).toEqual([]);
    for (const file of [join(dir, 'package-lock.json'), join(dir, 'node_modules', '.package-lock.json')])
      expect(readFileSync(file, 'utf8')).not.toMatch(new RegExp(`${TOKEN}|${launches[0]}`));
  });

  it('that are given as arguments are not in the receipt', async () => {
    const given = `--//registry.example/:_authToken=${TOKEN}`;
    expect(await world.afresh(['npm', 'ci', given], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(await world.last()).toMatchObject({
      command: ['npm', 'ci', '--//registry.example/:_authToken=…'],
    });
    expect(holders(pathsOf(world.sandbox.env).state, TOKEN)).toEqual([]);
  });

  it('never stand in the log, which is put aside when it is full', async () => {
    const { state } = pathsOf(world.sandbox.env);
    mkdirSync(state, { recursive: true, mode: 0o700 });
    writeFileSync(join(state, 'agent.log'), 'an old line\n'.repeat(90_000), { mode: 0o600 });
    expect(await install()).toMatchObject({ code: 0 });
    expect(statSync(join(state, 'agent.log.1')).size).toBeGreaterThan(1_000_000);
    expect(log()).not.toContain('an old line');
    expect(log()).toContain('Started pyrsia');
    expect(log()).not.toMatch(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/);
    expect(statSync(join(state, 'agent.log')).mode & 0o777).toBe(0o600);
  });
});

describe('what is built', { timeout: 120_000 }, () => {
  const versions = { oldest: '22.22.2', newest: '26', unsupported: '18' };
  let folder: string;
  const node = (which: keyof typeof versions): string =>
    join(folder, 'node_modules', which, process.platform === 'win32' ? 'bin/node.exe' : 'bin/node');

  // Node as npm's own package of it has it: one for each platform.
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pyrsia-nodes-'));
    writeFileSync(join(folder, 'package.json'), '{}');
    const packages = Object.entries(versions).map(
      ([alias, version]) => `${alias}@npm:node-${process.platform}-${process.arch}@${version}`,
    );
    const flags = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts', '--prefer-offline', '--force'];
    execFileSync('npm', ['install', ...flags, ...packages], { cwd: folder, stdio: 'pipe' });
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const pyrsia = (which: keyof typeof versions, args: readonly string[]): Command => [
    node(which),
    join(ROOT, 'bin', 'run.js'),
    ...args,
  ];

  it.each(['oldest', 'newest'] as const)('works on the %s supported Node', async (which) => {
    const { sandbox, registry } = world;
    for (const source of ['upstream', 'cache']) {
      sandbox.freshNpmCache();
      const [program, ...args] = pyrsia(which, ['exec', '--', 'npm', 'ci']);
      const { code, stderr } = await sandbox.run(program, args, { cwd: project.dir });
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr).toMatch(new RegExp(`^pyrsia: 2 packages · 2 ${source} · [^\\n]*\\n$`));
    }
    expect(agents()[0]!.command).toContain(node(which));
    expect(registry.log.tarballs()).toHaveLength(2);
    const commands = [
      ['pull', 'npm:left@^1.0.0', '-o', join(sandbox.root, 'left.tgz')],
      ['cache', 'ls'],
      ['cache', 'verify'],
      ['cache', 'info', 'npm:left@1.0.0'],
      ['why', 'last'],
      ['status'],
      ['agent', 'status'],
      ['config', 'ls'],
      ['cache', 'gc'],
      ['agent', 'stop'],
    ];
    for (const command of commands) {
      const [program, ...args] = pyrsia(which, command);
      const { code, stderr } = await sandbox.run(program, args);
      expect({ command, code, stderr }).toEqual({
        command,
        code: 0,
        stderr: expect.not.stringContaining('Error'),
      });
    }
    expect(log()).not.toMatch(/Broke down|ExperimentalWarning|is not a function/);
  });

  it('says in one line what it needs on an unsupported Node', async () => {
    const [program, ...args] = pyrsia('unsupported', ['exec', '--', 'npm', 'ci']);
    const { code, stdout, stderr } = await world.sandbox.run(program, args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^pyrsia needs Node [^\n]+, this is 18\.\d+\.\d+\n$/);
  });
});
