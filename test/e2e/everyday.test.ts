/** What people do with npm every day, with the real npm: the same as without us, and the second time from the cache. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makePackage, type PackageSpec } from '../fixtures/registry/package.ts';
import { ask } from '../support/ask.ts';
import type { Project } from '../support/project.ts';
import { comparable, openWorld, type World } from './everyday-world.ts';

const specs: PackageSpec[] = [
  { name: '@acme/right', version: '2.0.0' },
  { name: 'left', version: '1.0.0', dependencies: { '@acme/right': '^2.0.0' } },
  { name: 'big', version: '1.0.0', size: 300_000 },
  {
    name: 'shout',
    version: '3.0.0',
    bin: { shout: 'shout.js' },
    files: {
      'shout.js': "#!/usr/bin/env node\nconsole.log(process.argv.slice(2).join(' ').toUpperCase());\n",
    },
  },
];
const packages = () => specs.map(makePackage);
const advisory = { id: 1, url: '', title: 'Bad', severity: 'high', vulnerable_versions: '<2' };
const ABBREVIATED = 'application/vnd.npm.install-v1+json';

/** What npm said, whichever address it asked, and without what we said. */
const withoutUs = (said: string): string =>
  comparable(said)
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+\//g, 'REGISTRY/')
    .replaceAll(/^pyrsia: .*\n/gm, '');

describe('through us', { timeout: 60_000 }, () => {
  let world: World;
  let project: Project;
  beforeAll(async () => {
    world = await openWorld({ packages: packages(), advisories: { left: [advisory] } });
    project = await world.sandbox.project({ dependencies: { left: '^1.0.0', big: '^1.0.0' } });
  }, 60_000);
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.registry.log.clear());

  it('npm ci brings every tarball from upstream once, and from then on asks upstream nothing at all', async () => {
    const { registry, sandbox } = world;
    const cold = await world.afresh(['npm', 'ci'], { cwd: project.dir });
    expect(cold).toMatchObject({ code: 0, stdout: expect.stringContaining('added 3 packages') });
    expect(cold.stderr).toMatch(
      /^pyrsia: 3 packages · 3 upstream · 3 verified · [\d.]+ kB · .* {2}\(pyrsia why last\)\n$/,
    );
    expect(registry.log.all.map(({ path }) => path).toSorted()).toEqual([
      '/@acme/right/-/right-2.0.0.tgz',
      '/big/-/big-1.0.0.tgz',
      '/left/-/left-1.0.0.tgz',
    ]);

    registry.log.clear();
    const warm = await world.afresh(['npm', 'ci'], { cwd: project.dir });
    expect(warm).toMatchObject({ code: 0, stdout: expect.stringContaining('added 3 packages') });
    expect(warm.stderr).toMatch(
      /^pyrsia: 3 packages · 3 cache · 3 verified · [\d.]+ kB, [\d.]+ kB not downloaded · /,
    );
    expect(registry.log.all).toEqual([]);
    expect(project.installed()).toEqual({
      'node_modules/@acme/right': '2.0.0',
      'node_modules/big': '1.0.0',
      'node_modules/left': '1.0.0',
    });
    expect(sandbox.env['npm_config_registry']).toBeUndefined();
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('npm i of a project without a lockfile revalidates its documents and takes its tarballs from the cache', async () => {
    const { registry, sandbox } = world;
    const install = async () => {
      const fresh = await sandbox.project({
        dependencies: { left: '^1.0.0', big: '^1.0.0' },
        lockfile: 'none',
      });
      registry.log.clear();
      expect(await world.afresh(['npm', 'i'], { cwd: fresh.dir })).toMatchObject({ code: 0 });
      return fresh;
    };
    await install();
    const { lockfile } = await install();
    expect(registry.log.tarballs()).toEqual([]);
    const documents = registry.log.documents();
    expect(documents.map(({ status }) => status)).toEqual([304, 304, 304]);
    expect(documents.map(({ path }) => path).toSorted()).toEqual(['/@acme/right', '/big', '/left']);
    expect(await world.last()).toMatchObject({
      totals: { artifacts: 3, cache: 3 },
      documents: { upstream: 0, unchanged: 3 },
    });
    expect(lockfile()).toEqual(project.lockfile());
  });

  it.each([
    ['npm view', ['npm', 'view', 'left', '--json'], 0],
    ['npm ping', ['npm', 'ping', '--json'], 0],
    ['npm search', ['npm', 'search', 'right', '--parseable'], 0],
    ['npm audit', ['npm', 'audit'], 1],
    ['npm outdated', ['npm', 'outdated'], 0],
    ['npm ls', ['npm', 'ls'], 0],
    ['npm view of nothing', ['npm', 'view', 'no-such-package'], 1],
    ['npm i of nothing', ['npm', 'i', 'no-such-package'], 1],
  ])('%s says what it says without us', async (_, command, code) => {
    const { sandbox } = world;
    const [program, ...args] = command;
    sandbox.freshNpmCache();
    const direct = await sandbox.run(program!, args, { cwd: project.dir });
    const led = await world.afresh(command, { cwd: project.dir });
    expect(direct).toMatchObject({ code });
    expect(led.code).toBe(code);
    expect(withoutUs(led.stdout)).toBe(withoutUs(direct.stdout));
    expect(withoutUs(led.stderr)).toBe(withoutUs(direct.stderr));
  });

  it('npm audit is answered by upstream, with what npm sent', async () => {
    const { registry } = world;
    const { stdout } = await world.afresh(['npm', 'audit', '--json'], { cwd: project.dir });
    expect(JSON.parse(stdout)).toMatchObject({ metadata: { vulnerabilities: { high: 1 } } });
    const posts = registry.log.all.filter(({ method }) => method === 'POST');
    expect(posts.map(({ path }) => path)).toEqual(['/-/npm/v1/security/advisories/bulk']);
    expect(registry.log.authorized()).toEqual([]);
  });

  it('npx runs a package, the second time without fetching it', async () => {
    const { registry } = world;
    for (const round of ['cold', 'warm']) {
      registry.log.clear();
      const ran = await world.afresh(['npx', '--yes', 'shout', 'hello', '--registry']);
      expect(ran, round).toMatchObject({ code: 0, stdout: 'HELLO --REGISTRY\n' });
      expect(registry.log.tarballs()).toHaveLength(round === 'cold' ? 1 : 0);
    }
    expect(registry.log.documents().every(({ status }) => status === 304)).toBe(true);
  });

  it('npm update takes what upstream published meanwhile', async () => {
    const { registry, sandbox } = world;
    const own = await sandbox.project({ dependencies: { '@acme/right': '^2.0.0' } });
    expect(await world.afresh(['npm', 'ci'], { cwd: own.dir })).toMatchObject({ code: 0 });
    await registry.publish(makePackage({ name: '@acme/right', version: '2.1.0' }));
    expect(await world.afresh(['npm', 'update'], { cwd: own.dir })).toMatchObject({ code: 0 });
    expect(own.installed()).toEqual({ 'node_modules/@acme/right': '2.1.0' });
    expect(await world.last()).toMatchObject({ totals: { artifacts: 1, upstream: 1 } });
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('documents are byte for byte what upstream sent, whole and abbreviated, compressed and not', async () => {
    const { registry } = world;
    const { base, authorization, running } = await world.stay();
    for (const accept of [ABBREVIATED, '*/*', `${ABBREVIATED}; q=1.0, application/json; q=0.8, */*`]) {
      for (const encoding of ['gzip', 'identity']) {
        for (const name of ['left', '@acme%2fright', '@acme/right', 'left/1.0.0']) {
          const headers = { accept, 'accept-encoding': encoding };
          const direct = await ask(registry.url + name, { headers });
          const led = await ask(base + name, { headers: { ...headers, authorization } });
          const what = `${name}, ${accept}, ${encoding}`;
          expect(led.status, what).toBe(200);
          expect(led.body.equals(direct.body), what).toBe(true);
          expect(led.headers['content-type'], what).toBe(direct.headers['content-type']);
          expect(led.headers['content-encoding'], what).toBe(direct.headers['content-encoding']);
          expect(led.headers['vary'], what).toBe(direct.headers['vary']);
          const again = await ask(base + name, {
            headers: { ...headers, authorization, 'if-none-match': led.headers['etag']! },
          });
          expect(again, what).toMatchObject({ status: 304, body: Buffer.alloc(0) });
        }
      }
    }
    const head = await ask(`${base}left`, {
      method: 'HEAD',
      headers: { authorization, accept: ABBREVIATED },
    });
    expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    running.kill('SIGTERM');
    await running.result;
  });
});

describe('a plain mirror', { timeout: 60_000 }, () => {
  it('knows no ETag, and npm gets one from us all the same', async () => {
    await using world = await openWorld({ packages: packages(), plain: true });
    const { registry, sandbox } = world;
    const project = await sandbox.project({ dependencies: { left: '^1.0.0' } });
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });

    const { base, authorization, running } = await world.stay();
    const headers = { authorization, accept: ABBREVIATED, 'accept-encoding': 'gzip' };
    const first = await ask(`${base}left`, { headers });
    expect(first.headers['etag']).toMatch(/^"[0-9a-f]{32}"$/);
    expect(JSON.parse(gunzipSync(first.body).toString())).toHaveProperty('readme'); // nothing abbreviates it
    const second = await ask(`${base}left`, {
      headers: { ...headers, 'if-none-match': first.headers['etag']! },
    });
    expect(second).toMatchObject({ status: 304, body: Buffer.alloc(0) });
    running.kill('SIGTERM');
    await running.result;

    registry.log.clear();
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(registry.log.all).toEqual([]);
    expect(existsSync(join(project.dir, 'node_modules', '@acme', 'right', 'index.js'))).toBe(true);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});
