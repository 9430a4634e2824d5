/** `pyrsia shim install` was typed once: npm and npx are used as ever, with the real npm. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makePackage, type PackageSpec } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import type { Project } from '../support/project.ts';
import { startProxy } from '../support/proxy.ts';
import { comparable, environmentIn } from './everyday-world.ts';
import { openShimmedWorld, type ShimmedWorld, type Way } from './shimmed-world.ts';

const TOKEN = 'npm_SeCrEt0123456789';
const script = (name: string, text: string): PackageSpec => ({
  name,
  version: '1.0.0',
  bin: { [name]: `${name}.sh` },
  files: { [`${name}.sh`]: `#!/bin/sh\n${text}\n` },
});
const specs: PackageSpec[] = [
  { name: '@acme/right', version: '2.0.0' },
  { name: 'left', version: '1.0.0', dependencies: { '@acme/right': '^2.0.0' } },
  { name: 'big', version: '1.0.0', size: 300_000 },
  script('shout', `echo "$*" | tr a-z A-Z`),
  script('again', `exec npm "$@"`),
  script('peek', `env -0 > "$1"`),
];
const packages = () => specs.map(makePackage);
const three = { left: '^1.0.0', big: '^1.0.0' };
const threePurls = ['pkg:npm/%40acme/right@2.0.0', 'pkg:npm/big@1.0.0', 'pkg:npm/left@1.0.0'];
const scripts = {
  build: 'npm ci',
  release: 'npm publish',
  whose: 'npm config get registry && npm whoami',
  one: 'npm run two',
  two: 'npm run three --silent',
  three: 'sh -c "npm run four"',
  four: 'npm run build',
};
const ways: Way[] = ['slow', 'quick'];

/** What a command said, without what differs from run to run. */
const timeless = (said: string): string => comparable(said).replaceAll(/ in \d+m?s/g, ' in some time');

/** Every file below a directory, with a digest of what it holds. */
function treeOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path.slice(root.length)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
    })
    .toSorted();
}

describe('through its shim', () => {
  let world: ShimmedWorld;
  let project: Project;
  beforeAll(async () => {
    world = await openShimmedWorld({ packages: packages() });
    const { sandbox, registry } = world;
    sandbox.npmrc({ [`${registry.url.slice('http:'.length)}:_authToken`]: TOKEN });
    project = await sandbox.project({ dependencies: three, manifest: { scripts } });
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => {
    world.registry.log.clear();
    world.starts();
  });

  it('npm ci starts the agent the first time, and then asks upstream nothing, and installs the same as without us', async () => {
    const { registry } = world;
    const lockfile = project.read('package-lock.json');
    expect(await world.direct(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    const tree = treeOf(join(project.dir, 'node_modules'));

    registry.log.clear();
    const cold = await world.typeAfresh(['npm', 'ci'], { cwd: project.dir });
    expect(cold).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('added 3 packages') });
    expect(world.starts()).toHaveLength(1);
    expect(registry.log.all.map(({ path }) => path).toSorted()).toEqual([
      '/@acme/right/-/right-2.0.0.tgz',
      '/big/-/big-1.0.0.tgz',
      '/left/-/left-1.0.0.tgz',
    ]);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 3, upstream: 3, verified: 3 } });
    expect(registry.log.authorized()).toEqual([]);

    for (const way of ways) {
      await world.prepare(way);
      const warm = await world.typeAfresh(['npm', 'ci'], { cwd: project.dir });
      expect(warm, way).toMatchObject({ code: 0, stderr: '' });
      expect(world.starts(), way).toHaveLength(way === 'quick' ? 0 : 1);
      expect(registry.log.all, way).toEqual([]);
      expect(await world.last()).toMatchObject({
        command: ['npm', 'ci'],
        cwd: project.dir,
        totals: { artifacts: 3, cache: 3, verified: 3 },
      });
      expect(treeOf(join(project.dir, 'node_modules'))).toEqual(tree);
      expect(project.read('package-lock.json')).toBe(lockfile);

      await world.prepare(way);
      const filled = await world.typeAfresh(['npm', 'ci'], {
        cwd: project.dir,
        env: { PYRSIA_FILL: 'link' },
      });
      expect(filled, way).toMatchObject({ code: 0, stderr: '' });
      expect(await world.last()).toMatchObject({ totals: { artifacts: 3, linked: 3, verified: 3 } });
      expect(treeOf(join(project.dir, 'node_modules'))).toEqual(tree);
    }
    expect(world.sandbox.processes()).toHaveLength(1); // the agent
  });

  /** What people type, and what is fetched by it, in one launch or more. */
  const fetching: [typed: string, purls: string[], out: string][] = [
    ['npm ci', threePurls, 'added 3 packages'],
    ['npm i', threePurls, 'added 3 packages'],
    ['npm --silent ci', threePurls, ''],
    ['npm run build', threePurls, 'added 3 packages'],
    ['npm exec --yes -- shout hello', ['pkg:npm/shout@1.0.0'], 'HELLO'],
    ['npx --yes shout hello --registry', ['pkg:npm/shout@1.0.0'], 'HELLO --REGISTRY'],
    ['npx --yes again ci', [...threePurls, 'pkg:npm/again@1.0.0'], 'added 3 packages'],
  ];

  it.each(fetching)('%s fetches through us, the quick way and the slow', async (typed, purls, out) => {
    const { registry, sandbox } = world;
    const words = typed.split(' ');
    const empty = () => rmSync(join(project.dir, 'node_modules'), { recursive: true, force: true });
    empty();
    const direct = await world.direct(words, { cwd: project.dir });
    expect(direct).toMatchObject({ code: 0, stdout: expect.stringContaining(out) });
    const before = project.read('package-lock.json');
    await world.typeAfresh(words, { cwd: project.dir }); // brings everything
    for (const way of ways) {
      await world.prepare(way);
      empty();
      const env = { PYRSIA_REPORT: sandbox.reportFile };
      rmSync(sandbox.reportFile, { force: true });
      const { code, stdout, stderr } = await world.typeAfresh(words, { cwd: project.dir, env });
      expect({ code, stdout: timeless(stdout), stderr: timeless(stderr) }, way).toEqual({
        code: 0,
        stdout: timeless(direct.stdout),
        stderr: timeless(direct.stderr),
      });
      // Below another npm, which exports its settings, Node decides.
      if (way === 'quick') expect(world.starts()).toHaveLength(/^npm run|again/.test(typed) ? 1 : 0);
      else expect(world.starts().length).toBeGreaterThan(0);
      expect(registry.log.tarballs(), way).toEqual([]);
      const told = sandbox.readReport();
      expect(told.map(({ purl }) => purl).toSorted(), way).toEqual(purls.toSorted());
      // Of two launches that end together, either may count as the last.
      const { artifacts, totals } = await world.last();
      const explained = artifacts.map(({ purl }) => purl);
      if (typed.includes('again')) expect(purls).toEqual(expect.arrayContaining(explained));
      else expect(explained.toSorted(), way).toEqual(purls.toSorted());
      expect(totals, way).toMatchObject({ cache: explained.length, verified: explained.length });
      expect(project.read('package-lock.json')).toBe(before);
    }
  });

  it('npm i of what no lockfile holds writes the lockfile that it writes without us', async () => {
    const { sandbox, registry } = world;
    const unlocked = () => sandbox.project({ dependencies: three, lockfile: 'none' });
    const without = await unlocked();
    expect(await world.direct(['npm', 'i'], { cwd: without.dir })).toMatchObject({ code: 0 });
    for (const way of ways) {
      await world.prepare(way);
      const made = await unlocked();
      expect(await world.typeAfresh(['npm', 'i'], { cwd: made.dir })).toMatchObject({ code: 0, stderr: '' });
      expect(world.starts(), way).toHaveLength(way === 'quick' ? 0 : 1);
      expect(made.read('package-lock.json')).toBe(without.read('package-lock.json'));
      expect(treeOf(join(made.dir, 'node_modules'))).toEqual(treeOf(join(without.dir, 'node_modules')));
      expect(registry.log.documents().length).toBeGreaterThan(0);
      expect(await world.last()).toMatchObject({ totals: { artifacts: 3, verified: 3 } });
    }
  });

  it('npm run five deep comes to us where it fetches, and not before', async () => {
    await world.prepare('slow');
    const done = await world.typeAfresh(['npm', 'run', 'one'], { cwd: project.dir });
    expect(done, done.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(world.starts()).toHaveLength(1);
    expect(await world.last()).toMatchObject({
      command: ['npm', 'ci'],
      totals: { artifacts: 3, verified: 3 },
    });
  });

  it('npm i -g installs where npm installs, and what it installs runs', async () => {
    const { sandbox, registry } = world;
    const npm_config_prefix = join(sandbox.home, 'global');
    const env = { npm_config_prefix, PATH: `${world.path}:${join(npm_config_prefix, 'bin')}` };
    for (const [round, starts] of [
      ['first', 1],
      ['second', 0],
    ] as const) {
      const done = await world.typeAfresh(['npm', 'i', '-g', 'shout'], { env });
      expect(done, `${round}: ${done.stderr}`).toMatchObject({ code: 0, stderr: '' });
      expect(await world.type(['shout', 'hello'], { env })).toMatchObject({ stdout: 'HELLO\n' });
      expect(await world.last()).toMatchObject({ totals: { artifacts: 1, verified: 1 } });
      expect(world.starts(), round).toHaveLength(starts);
    }
    expect(registry.log.tarballs().length).toBeLessThanOrEqual(1);
    expect(await world.type(['npm', 'uninstall', '-g', 'shout'], { env })).toMatchObject({ code: 0 });
    await world.prepare('slow'); // the answer that lies ready is for this prefix
  });

  it.each([
    ['quick', 'npm publish'],
    ['quick', 'npm run release'],
    ['quick', 'npx --yes again publish'],
    ['quick', 'npm exec --yes -- again run release'],
    ['slow', 'npx --yes again run release'],
  ] as [Way, string][])(
    '(%s) %s goes straight to the registry, with the user’s own token',
    async (way, typed) => {
      const { registry } = world;
      await world.prepare(way);
      await world.typeAfresh(typed.split(' '), { cwd: project.dir });
      expect(world.starts()).toHaveLength(way === 'quick' ? 0 : 1);
      const puts = registry.log.all.filter(({ method }) => method === 'PUT');
      expect(puts.map(({ path, headers }) => [path, headers['authorization']])).toEqual([
        ['/project', `Bearer ${TOKEN}`],
      ]);
    },
  );

  it.each([
    ['quick', 'npm config get registry'],
    ['quick', 'npm run whose'],
    ['quick', 'npm login --auth-type=legacy'],
    ['quick', 'npx --yes again config get registry'],
    ['quick', 'npx --yes again whoami'],
    ['slow', 'npx --yes again run whose'],
    ['slow', 'npx --yes again login --auth-type=legacy'],
  ] as [Way, string][])('(%s) %s is about the user’s own registry', async (way, typed) => {
    const { registry } = world;
    const words = typed.split(' ');
    const asked = () =>
      registry.log.all
        .filter(({ path }) => path.startsWith('/-/'))
        .map(({ method, path, headers }) => [method, path, headers['authorization']]);
    const direct = await world.direct(words, { cwd: project.dir });
    const askedDirectly = asked();
    await world.prepare(way);
    const { code, stdout, stderr } = await world.typeAfresh(words, { cwd: project.dir });
    expect({ code, stdout: timeless(stdout), stderr: timeless(stderr) }).toEqual({
      code: direct.code,
      stdout: timeless(direct.stdout),
      stderr: timeless(direct.stderr),
    });
    expect(asked()).toEqual(askedDirectly);
    expect(world.starts()).toHaveLength(way === 'quick' ? 0 : 1);
  });

  it.each(['npm ls', 'npm --version', 'npm help ci', 'npm run', 'npm', 'npm pkg get name'])(
    '%s starts nothing of ours, not even an agent',
    async (typed) => {
      await world.sandbox.pyrsia(['agent', 'stop']);
      const words = typed.split(' ');
      const direct = await world.direct(words, { cwd: project.dir });
      const shimmed = await world.typeAfresh(words, { cwd: project.dir });
      expect(shimmed).toMatchObject({ code: direct.code });
      expect(timeless(shimmed.stdout)).toBe(timeless(direct.stdout));
      expect(timeless(shimmed.stderr)).toBe(timeless(direct.stderr));
      expect(world.starts()).toEqual([]);
      expect(world.sandbox.processes()).toEqual([]);
    },
  );

  it.each(ways)('$PYRSIA_REPORT tells of every package before the tool returns (%s)', async (way) => {
    const { sandbox } = world;
    await world.typeAfresh(['npm', 'ci'], { cwd: project.dir });
    for (const report of [join(sandbox.root, `report-${way}`), `report-${way}.jsonl`]) {
      await world.prepare(way);
      const env = { PYRSIA_REPORT: report };
      expect(await world.typeAfresh(['npm', 'ci'], { cwd: project.dir, env })).toMatchObject({ code: 0 });
      expect(world.starts()).toHaveLength(way === 'quick' ? 0 : 1);
      const lines = sandbox.readReport(join(report.startsWith('/') ? '/' : project.dir, report));
      expect(lines.map(({ purl }) => purl).toSorted()).toEqual(threePurls);
    }
  });

  it.each(ways)('packages are installed from the cache when upstream is gone (%s)', async (way) => {
    const { registry } = world;
    await world.typeAfresh(['npm', 'ci'], { cwd: project.dir });
    await world.prepare(way);
    await registry.pause();
    try {
      expect(await world.typeAfresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({
        code: 0,
        stderr: '',
      });
      expect(await world.last()).toMatchObject({ totals: { artifacts: 3, cache: 3 } });
    } finally {
      await registry.resume();
    }
  });

  it('an outage is told by npm, with our reason', async () => {
    const { registry, sandbox } = world;
    const { dir: cwd } = await sandbox.project({ lockfile: 'none' });
    await world.prepare('quick');
    await registry.pause();
    try {
      const { code, stderr } = await world.typeAfresh(['npm', 'i', 'never-fetched'], { cwd });
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/npm error.*never-fetched/);
    } finally {
      await registry.resume();
    }
  });

  it('a shell script with npm, npx and node prints what it prints without us', async () => {
    const { sandbox } = world;
    const file = join(sandbox.root, 'tmp', 'build.sh');
    const lines = [
      'set -eu',
      'npm ci --silent && npm ls --parseable --depth=0 | wc -l',
      'npx --yes shout one "two  three" | cat',
      `node -p 'require("left") + process.argv.length' -- a "b c"`,
      'npm pkg get name; npm config get registry',
      'echo "$(npm view left version)-$(npx --yes shout x)"',
      'npm run --silent nothing || echo "failed with $?"',
      'printf "%s\\n" "$0" "$#" "$@"',
    ];
    writeFileSync(file, lines.join('\n'));
    const command = ['sh', file, 'a b', ''];
    const direct = await world.direct(command, { cwd: project.dir });
    expect(direct).toMatchObject({ code: 0, stdout: expect.stringContaining('failed with 1') as string });
    for (const way of ways) {
      await world.prepare(way);
      const shimmed = await world.typeAfresh(command, { cwd: project.dir });
      expect(shimmed, shimmed.stderr).toMatchObject({ code: 0, stdout: direct.stdout });
    }
  });
});

describe('ways around us', () => {
  let world: ShimmedWorld;
  let project: Project;
  beforeAll(async () => {
    world = await openShimmedWorld({ packages: packages() });
    project = await world.sandbox.project({ dependencies: three });
    await world.typeAfresh(['npx', '--yes', 'again', 'ci'], { cwd: project.dir });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Runs `npm ci`, and tells whether it went to the registry itself. */
  const install = async ({
    cwd = project.dir,
    env = {},
    command = ['npm', 'ci'],
  }: { cwd?: string; env?: Record<string, string>; command?: string[] } = {}) => {
    await world.prepare('quick');
    const { code, stdout, stderr } = await world.typeAfresh(command, { cwd, env });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringContaining('added 3 packages'),
      stderr: '',
    });
    return world.registry.log.tarballs().length > 0 ? 'past us' : 'through us';
  };

  it('PYRSIA=off, for one call and what it starts', async () => {
    expect(await install()).toBe('through us');
    expect(await install({ env: { PYRSIA: 'off' } })).toBe('past us');
    expect(world.starts()).toEqual([]);
    expect(await install({ env: { PYRSIA: 'off' }, command: ['npx', '--yes', 'again', 'ci'] })).toBe(
      'past us',
    );
  });

  it('a project’s .pyrsia.json, also from a directory below it', async () => {
    const off = await world.sandbox.project({
      dependencies: three,
      lockfile: project.lockfile(),
      files: { '.pyrsia.json': '{"enabled": false}', 'packages/one/keep': '' },
    });
    expect(await install({ cwd: off.dir })).toBe('past us');
    expect(await install({ cwd: join(off.dir, 'packages', 'one') })).toBe('past us');
    expect(await install()).toBe('through us');
  });

  it('pyrsia bypass', async () => {
    const bypass = [...world.sandbox.pyrsiaCommand(['bypass', '--', 'npm', 'ci'])];
    expect(await install({ command: bypass })).toBe('past us');
    expect(await install()).toBe('through us');
  });

  it('shim disable, until shim enable', async () => {
    const { sandbox } = world;
    expect(await sandbox.pyrsia(['shim', 'disable', 'npm'])).toMatchObject({ code: 0 });
    expect(await install()).toBe('past us');
    expect(world.starts()).toEqual([]);
    expect(await sandbox.pyrsia(['shim', 'enable', 'npm'])).toMatchObject({ code: 0 });
    expect(await install()).toBe('through us');
  });
});

describe('whose registry', () => {
  const one = { left: '^1.0.0' };
  let world: ShimmedWorld;
  let other: Registry;
  beforeAll(async () => {
    world = await openShimmedWorld({ packages: packages(), lockfilesMatter: true });
    other = await startRegistry({ packages: packages() });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await other.close();
  });
  beforeEach(() => [world.registry, other].forEach(({ log }) => log.clear()));

  const unlocked = (files: Record<string, string> = {}) =>
    world.sandbox.project({ dependencies: one, lockfile: 'none', files });
  const install = (dir: string, ...rest: string[]) => world.typeAfresh(['npm', 'i', ...rest], { cwd: dir });

  it('--registry=URL reaches npm as it is, and npm that registry', async () => {
    for (const way of ways) {
      await world.prepare(way);
      other.log.clear();
      world.registry.log.clear();
      const { code, stderr } = await install((await unlocked()).dir, `--registry=${other.url}`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(other.log.tarballs()).toHaveLength(2);
      expect(world.registry.log.all).toEqual([]);
    }
    expect((await world.status()).ports).not.toHaveProperty(other.url);
  });

  it('the project’s own is noticed before the quick way is taken, from any directory below', async () => {
    await world.prepare('quick');
    for (const below of ['', 'src', 'src/deep']) {
      const own = await unlocked({ '.npmrc': `registry=${other.url}\n`, 'src/deep/keep': '' });
      const cwd = join(own.dir, below);
      world.starts();
      other.log.clear();
      expect(await install(cwd)).toMatchObject({ code: 0, stderr: '' });
      expect(world.starts()).toHaveLength(1);
      expect(other.log.documents().length).toBeGreaterThan(0);
      expect(await world.last()).toMatchObject({
        artifacts: [{ upstream: other.url }, { upstream: other.url }],
      });
    }
    expect(world.registry.log.all).toEqual([]);
  });

  it('that of a project named by --prefix is asked, and not the one of where we are', async () => {
    await world.prepare('quick');
    const project = await unlocked({ '.npmrc': `registry=${other.url}\n` });
    const { dir: cwd } = await unlocked();
    for (const args of [
      ['--prefix', project.dir, 'i'],
      ['i', `--prefix=${project.dir}`],
      ['-C', project.dir, 'i'],
    ]) {
      rmSync(join(project.dir, 'node_modules'), { recursive: true, force: true });
      rmSync(join(project.dir, 'package-lock.json'), { force: true });
      expect(await world.typeAfresh(['npm', ...args], { cwd })).toMatchObject({ code: 0, stderr: '' });
      expect(world.starts(), args.join(' ')).toHaveLength(1);
      expect(await world.last()).toMatchObject({
        artifacts: [{ upstream: other.url }, { upstream: other.url }],
      });
    }
    expect(world.registry.log.all).toEqual([]);
  });

  it('is reached through the proxy of the environment, and we are not', async () => {
    const { registry } = world;
    await world.prepare('quick');
    await using proxy = await startProxy();
    const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, http_proxy: proxy.url };
    for (const starts of [1, 0]) {
      const { dir: cwd } = await unlocked();
      const done = await world.typeAfresh(['npm', 'i'], { cwd, env });
      expect(done, done.stderr).toMatchObject({ code: 0, stderr: '' });
      expect(world.starts()).toHaveLength(starts);
      expect(new Set([...proxy.fetched, ...proxy.tunnels])).toEqual(new Set([new URL(registry.url).host]));
      expect(await world.last()).toMatchObject({ totals: { artifacts: 2, verified: 2 } });
    }
    const { dir: cwd } = await unlocked();
    const before = proxy.fetched.length;
    expect(await world.typeAfresh(['npm', 'i'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    expect(world.starts()).toHaveLength(1);
    expect(proxy.fetched).toHaveLength(before);
  });

  it('that of the environment is noticed, too', async () => {
    await world.prepare('quick');
    const { dir: cwd } = await unlocked();
    const env = { npm_config_registry: other.url };
    expect(await world.typeAfresh(['npm', 'i'], { cwd, env })).toMatchObject({ code: 0, stderr: '' });
    expect(world.registry.log.all).toEqual([]);
    expect(await world.last()).toMatchObject({ totals: { artifacts: 2 } });
  });

  it('that wants credentials for a scope is left alone, with a note, and asked with the token', async () => {
    await using corp = await startRegistry({
      packages: [makePackage({ name: '@corp/secret', version: '1.0.0' })],
      auth: { token: TOKEN },
    });
    await world.prepare('quick');
    const project = await world.sandbox.project({
      dependencies: { ...one, '@corp/secret': '1.0.0' },
      lockfile: 'none',
      files: {
        '.npmrc': `@corp:registry=${corp.url}\n${corp.url.replace(/^http:/, '')}:_authToken=${TOKEN}\n`,
      },
    });
    const { code, stderr } = await install(project.dir);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `pyrsia: @corp's registry ${new URL(corp.url).host} needs credentials: npm asks it without us\n`,
    });
    expect(corp.log.tarballs()).toHaveLength(1);
    expect(corp.log.all.map(({ headers }) => headers['authorization'])).toEqual(
      corp.log.all.map(() => `Bearer ${TOKEN}`),
    );
    expect([...world.registry.log.all, ...other.log.all].map(({ path }) => path)).not.toContain(
      '/@corp/secret',
    );
    expect(world.registry.log.authorized()).toEqual([]);
    expect((await world.last()).notes).toEqual([expect.stringContaining('needs credentials')]);
  });

  it('that wants credentials for everything is left alone: a note each time, and nothing of ours in npm’s way', async () => {
    await using own = await openShimmedWorld({ packages: packages(), auth: { token: TOKEN }, public: false });
    const { sandbox, registry } = own;
    sandbox.npmrc({ [`${registry.url.slice('http:'.length)}:_authToken`]: TOKEN });
    const project = await sandbox.project({ dependencies: one });
    for (const round of ['first', 'second']) {
      registry.log.clear();
      const { code, stderr } = await own.typeAfresh(['npm', 'ci'], { cwd: project.dir });
      expect({ code, stderr }, round).toEqual({
        code: 0,
        stderr: `pyrsia: this project's registry ${new URL(registry.url).host} needs credentials: npm asks it without us\n`,
      });
      expect(registry.log.tarballs()).toHaveLength(2);
      expect(registry.log.authorized()).toHaveLength(2);
    }
  });

  it('a changed ~/.npmrc names is asked from the next call on', async () => {
    const { sandbox, registry } = world;
    await world.prepare('quick');
    sandbox.npmrc({ registry: other.url });
    try {
      expect(await install((await unlocked()).dir)).toMatchObject({ code: 0, stderr: '' });
      expect(registry.log.all).toEqual([]);
      expect(await world.last()).toMatchObject({
        artifacts: [{ upstream: other.url }, { upstream: other.url }],
      });
    } finally {
      sandbox.npmrc({ registry: registry.url });
    }
  });

  it('an older ~/.npmrc that is put back names is asked: npm may fail once and say why, but asks no other', async () => {
    const { sandbox, registry } = world;
    const npmrc = join(sandbox.home, '.npmrc');
    const kept = readFileSync(npmrc, 'utf8');
    await world.prepare('quick');
    writeFileSync(`${npmrc}.old`, kept.replace(registry.url, other.url));
    utimesSync(`${npmrc}.old`, 1_600_000_000, 1_600_000_000);
    renameSync(`${npmrc}.old`, npmrc);
    try {
      const { dir } = await unlocked();
      const first = await install(dir);
      // Where the agent notices before the shim has started npm, npm is led right at once.
      if (first.code !== 0) expect(first.stderr).toMatch(/npm's configuration is not what .*: run npm again/);
      expect(await install(dir)).toMatchObject({ code: 0, stderr: '' });
      expect(registry.log.all).toEqual([]);
      expect(await world.last()).toMatchObject({
        artifacts: [{ upstream: other.url }, { upstream: other.url }],
      });
    } finally {
      writeFileSync(npmrc, kept);
    }
  });
});

describe.each([
  ['bash', '/bin/bash -p'],
  ['dash', '/bin/dash'],
])('the environment that npm gives to scripts (%s)', (shell, interpreter) => {
  let world: ShimmedWorld;
  beforeAll(async () => {
    world = await openShimmedWorld({ packages: packages(), interpreter: interpreter.split(' ')[0]! });
    expect(readFileSync(join(world.paths.shims, 'npm'), 'utf8').split('\n')[0]).toBe(`#!${interpreter}`);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const odd = { EMPTY: '', QUOTES: `a'b"c$d\`e\nf`, BASH_ENV: '/nowhere', ENV: '/nowhere' };
  const scenes: [Way, string, Record<string, string>][] = [
    ['slow', 'an interactive shell', { SHLVL: '1', OLDPWD: '/tmp', _: '/usr/bin/something' }],
    ['quick', 'an interactive shell', { SHLVL: '1', OLDPWD: '/tmp', _: '/usr/bin/something' }],
    ['slow', 'a program', {}],
    ['quick', 'a program', {}],
  ];

  it.each(scenes)('differs in npm’s own variables only (%s, from %s)', async (way, _, inherited) => {
    const { dir: cwd } = await world.sandbox.project({ lockfile: 'none' });
    const file = join(cwd, 'environment');
    const npm_config_cache = join(world.sandbox.root, 'tmp', 'npm');
    const env = {
      ...inherited,
      ...(shell === 'bash' && { 'a-b': 'dash drops such names' }),
      ...odd,
      PWD: cwd,
      npm_config_cache,
    };
    const told = (): Record<string, string> => {
      const found = environmentIn(readFileSync(file, 'utf8'));
      for (const path of [file, npm_config_cache]) rmSync(path, { recursive: true });
      return found;
    };
    const command = ['npx', '--yes', 'peek', file];
    expect(await world.direct(command, { cwd, env })).toMatchObject({ code: 0 });
    const direct = told();
    await world.prepare(way);
    expect(await world.type(command, { cwd, env })).toMatchObject({ code: 0, stderr: '' });
    expect(world.starts()).toHaveLength(way === 'quick' ? 0 : 1);
    const shimmed = told();
    shimmed['PATH'] = shimmed['PATH']!.replace(`${world.paths.shims}:`, '');
    // A bash without SHLVL leaves it as 0, which says the same to the next one; _ is for shells themselves.
    if (shell === 'bash' && !('SHLVL' in env)) delete shimmed['SHLVL'];
    const names = new Set([...Object.keys(direct), ...Object.keys(shimmed)]);
    const different = [...names].filter((name) => direct[name] !== shimmed[name]);
    const ours = /^npm_|^PYRSIA_(WAS|LED)_npm_|^PYRSIA_SHIM_DEPTH$|^_$/;
    expect(different.filter((name) => !ours.test(name))).toEqual([]);
    expect(different).toContain('npm_config_registry');
  });
});
