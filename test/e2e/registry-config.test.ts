/** Whose registry, with whose credentials, over which connection: what npm is configured with holds for us, too. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import type { Project } from '../support/project.ts';
import { startProxy } from '../support/proxy.ts';
import { openWorld, type World } from './everyday-world.ts';

const TOKEN = 'npm_SeCrEt0123456789';
const left = () => makePackage({ name: 'left', version: '1.0.0' });
const secret = () => makePackage({ name: '@corp/secret', version: '1.0.0' });

/** Files below a directory that hold a text, but for those in which the user keeps it. */
function filesWith(text: string, root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== '.npmrc')
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

/** The credential setting for a registry. */
const tokenFor = (url: string) => ({ [`${url.replace(/^https?:/, '')}:_authToken`]: TOKEN });

describe('the registry is', { timeout: 60_000 }, () => {
  let world: World;
  let other: Registry;
  beforeAll(async () => {
    world = await openWorld({ packages: [left()] });
    other = await startRegistry({ packages: [left()] });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await other.close();
  });
  beforeEach(() => [world.registry, other].forEach(({ log }) => log.clear()));

  const install = async (project: Project, env: Record<string, string> = {}) => {
    expect(await world.afresh(['npm', 'i'], { cwd: project.dir, env })).toMatchObject({ code: 0 });
    return world.last();
  };
  const unlocked = (files: Record<string, string> = {}) =>
    world.sandbox.project({ dependencies: { left: '1.0.0' }, lockfile: 'none', files });

  it("the one of the user's npmrc, which here counts as public", async () => {
    const { artifacts } = await install(await unlocked());
    expect(artifacts).toMatchObject([{ upstream: 'npm', private: false }]);
    expect(other.log.all).toEqual([]);
  });

  it("the project's, before that, and what comes from there is private", async () => {
    const { artifacts } = await install(await unlocked({ '.npmrc': `registry=${other.url}\n` }));
    expect(artifacts).toMatchObject([{ upstream: other.url, private: true, source: 'cache' }]);
    expect(world.registry.log.all).toEqual([]);
    expect(other.log.documents()).toHaveLength(1); // the other one's word is nothing here
  });

  it('that of the environment, before both', async () => {
    const project = await unlocked({ '.npmrc': `registry=${world.registry.url}\n` });
    const { artifacts } = await install(project, { npm_config_registry: other.url });
    expect(artifacts).toMatchObject([{ upstream: other.url, private: true, source: 'cache' }]);
    expect(world.registry.log.all).toEqual([]);
  });

  it('that of --registry, before all, and then npm asks it itself', async () => {
    const { sandbox, registry } = world;
    const project = await unlocked();
    const { code, stderr } = await world.afresh(['npm', 'i', `--registry=${other.url}`], {
      cwd: project.dir,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(other.log.tarballs()).toHaveLength(1);
    expect(registry.log.all).toEqual([]);
    expect(sandbox.readReport()).toEqual([]);
  });

  it('another one for each of two commands at the same time', async () => {
    const projects = await Promise.all([unlocked(), unlocked({ '.npmrc': `registry=${other.url}\n` })]);
    world.sandbox.freshNpmCache();
    const both = await Promise.all(projects.map(({ dir }) => world.through(['npm', 'i'], { cwd: dir })));
    expect(both).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(Object.keys((await world.status()).ports!).toSorted()).toEqual(
      [world.registry.url, other.url].toSorted(),
    );
    expect(projects[1]!.lockfile().packages['node_modules/left']?.resolved).toBe(
      `${other.url}left/-/left-1.0.0.tgz`,
    );
  });
});

describe('a scoped registry', { timeout: 60_000 }, () => {
  const dependencies = { left: '1.0.0', '@corp/secret': '1.0.0' };

  it('that anybody may read comes through us, and is private', async () => {
    await using world = await openWorld({ packages: [left()] });
    await using corp = await startRegistry({ packages: [secret()] });
    const { sandbox } = world;
    const files = { '.npmrc': `@corp:registry=${corp.url}\n` };
    const project = await sandbox.project({ dependencies, files, lockfile: 'none' });
    expect(await world.afresh(['npm', 'i'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(Object.keys((await world.status()).ports!)).toContain(corp.url);
    corp.log.clear();
    expect(
      await world.afresh(['npm', 'view', '@corp/secret', 'version'], { cwd: project.dir }),
    ).toMatchObject({
      stdout: '1.0.0\n',
    });
    expect(corp.log.all.map(({ status }) => status)).toEqual([304]);
    expect(await sandbox.pyrsia(['pull', 'npm:@corp/secret@1.0.0'], { cwd: project.dir })).toMatchObject({
      code: 0,
    });
    expect((await world.last()).artifacts).toMatchObject([{ upstream: corp.url, private: true }]);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it('that wants credentials is not asked by pull either, nor is anybody else for what is its', async () => {
    await using world = await openWorld({ packages: [left()] });
    const { sandbox } = world;
    sandbox.npmrc({ '@corp:registry': 'http://corp.example/', ...tokenFor('http://corp.example/') });
    const pulled = await sandbox.pyrsia(['pull', 'npm:@corp/secret@1.0.0']);
    expect(pulled).toMatchObject({ code: 4, stderr: expect.stringContaining('@corp/secret') });
    expect(world.registry.log.all).toEqual([]);
  });

  it('that wants credentials is left alone: one line says so, and npm asks it with the token', async () => {
    await using world = await openWorld({ packages: [left()] });
    await using corp = await startRegistry({ packages: [secret()], auth: { token: TOKEN } });
    const { sandbox } = world;
    sandbox.npmrc({ '@corp:registry': corp.url, ...tokenFor(corp.url) });
    const project = await sandbox.project({ dependencies });
    corp.log.clear();
    const env = { PYRSIA_REPORT: sandbox.reportFile };
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir, env });
    expect(code, stderr).toBe(0);
    expect(stderr.match(/needs credentials/g)).toHaveLength(1);
    const past = (await world.last()).pastUs?.find(({ host }) => host === new URL(corp.url).host);
    expect(past).toMatchObject({ packages: 1, reason: expect.stringContaining("@corp's registry") });
    expect(stderr).toContain(
      `pyrsia: @corp's registry ${new URL(corp.url).host} needs credentials: npm asks it without us\n`,
    );
    expect(corp.log.all).toHaveLength(1);
    expect(corp.log.authorized()).toHaveLength(1);
    expect(world.registry.log.authorized()).toEqual([]);
    expect(Object.keys((await world.status()).ports!)).toEqual([world.registry.url]);
    expect(filesWith(TOKEN, sandbox.root)).toEqual([]);
  });
});

describe('a default registry that wants credentials', { timeout: 60_000 }, () => {
  it('is asked without us: one line says so, and the install works', async () => {
    await using world = await openWorld({ packages: [left()], auth: { token: TOKEN }, public: false });
    const { registry, sandbox } = world;
    sandbox.npmrc(tokenFor(registry.url));
    const project = await sandbox.project({ dependencies: { left: '1.0.0' } });
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `pyrsia: this project's registry ${new URL(registry.url).host} needs credentials: npm asks it without us\n`,
    });
    expect(project.installed()).toEqual({ 'node_modules/left': '1.0.0' });
    const pulled = await sandbox.pyrsia(['pull', 'npm:left'], { cwd: project.dir });
    expect(pulled).toMatchObject({ code: 4, stderr: expect.stringContaining('npm:left') });
    expect(filesWith(TOKEN, sandbox.root)).toEqual([]);
  });
});

describe('a public registry for which the user has a token', { timeout: 60_000 }, () => {
  const dependencies = { left: '1.0.0', '@corp/secret': '1.0.0' };

  it('is asked without it, and with it where that is refused, and what that gets is not kept', async () => {
    const auth = { token: TOKEN, packages: ['@corp/secret'] };
    await using world = await openWorld({ packages: [left(), secret()], auth });
    const { registry, sandbox } = world;
    sandbox.npmrc(tokenFor(registry.url));
    const project = await sandbox.project({ dependencies });
    const env = { PYRSIA_REPORT: sandbox.reportFile };

    for (const round of ['cold', 'warm']) {
      registry.log.clear();
      const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir, env });
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('1 passed with your own credentials');
      expect(registry.log.authorized().map(({ path, status }) => [path, status])).toEqual([
        ['/@corp/secret/-/secret-1.0.0.tgz', 200],
      ]);
      const asked = registry.log.all.map(({ path }) => path);
      expect(asked.filter((path) => path.startsWith('/left'))).toHaveLength(round === 'cold' ? 1 : 0);
      expect((await world.last()).totals).toMatchObject({ artifacts: 2, passed: 1, verified: 1 });
    }
    const unlocked = await sandbox.project({ dependencies: { '@corp/secret': '1.0.0' }, lockfile: 'none' });
    expect(await world.afresh(['npm', 'i'], { cwd: unlocked.dir })).toMatchObject({ code: 0 });

    const listed = await sandbox.pyrsia(['cache', 'ls', '--json']);
    expect(listed.stdout).toContain('left');
    expect(listed.stdout).not.toContain('secret');
    expect(filesWith('@corp/secret', sandbox.env['XDG_CACHE_HOME']!)).toEqual([]);
    expect(filesWith(TOKEN, sandbox.root)).toEqual([]);
    expect(await world.verify()).toMatchObject({ code: 0 });
  });

  it.each([403, 404] as const)('is asked with it, too, where a stranger gets %i', async (refusal) => {
    const auth = { token: TOKEN, packages: ['@corp/secret'], refusal };
    await using world = await openWorld({ packages: [left(), secret()], auth });
    const { registry, sandbox } = world;
    sandbox.npmrc(tokenFor(registry.url));
    const project = await sandbox.project({ dependencies });
    registry.log.clear();
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(registry.log.authorized().map(({ status }) => status)).toEqual([200]);
    expect(await world.last()).toMatchObject({
      totals: { artifacts: 2, passed: 1, verified: 1, notFound: 0 },
    });
  });

  it('is not followed with it to another host', async () => {
    await using elsewhere = await startRegistry({ packages: [secret()] });
    const auth = { token: TOKEN, packages: ['@corp/secret'] };
    await using world = await openWorld({ packages: [secret()], auth });
    const { registry, sandbox } = world;
    sandbox.npmrc(tokenFor(registry.url));
    const project = await sandbox.project({ dependencies: { '@corp/secret': '1.0.0' } });
    registry.log.clear();
    registry.misbehave({ kind: 'redirect', to: elsewhere.url, match: /\.tgz$/ });
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect(elsewhere.log.all).toHaveLength(1);
    expect(elsewhere.log.authorized()).toEqual([]);
  });
});

describe('our own connections', { timeout: 60_000 }, () => {
  let world: World;
  let ca: string;
  let host: string;
  beforeAll(async () => {
    const packages = ['left', 'up', 'own'].map((name) => makePackage({ name, version: '1.0.0' }));
    world = await openWorld({ packages, tls: true });
    ca = join(world.sandbox.root, 'ca.pem');
    writeFileSync(ca, world.registry.ca!);
    ({ host } = new URL(world.registry.url));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const view = async (npmrc: string, env: Record<string, string> = {}) => {
    const { dir: cwd } = await world.sandbox.project({ lockfile: 'none', files: { '.npmrc': npmrc } });
    return world.afresh(['npm', 'view', 'left', 'version', '--fetch-retries=0'], { cwd, env });
  };
  const seen = { code: 0, stdout: '1.0.0\n', stderr: '' };

  it('do not trust a certificate that nobody vouches for', async () => {
    const { code, stderr } = await view('');
    expect(code).toBe(1);
    expect(stderr).toMatch(/self-signed certificate|SELF_SIGNED|DEPTH_ZERO/i);
    expect(world.registry.log.all).toEqual([]);
  });

  it('trust what cafile, ca or NODE_EXTRA_CA_CERTS name', async () => {
    expect(await view(`cafile=${ca}\n`)).toMatchObject(seen);
    expect(await view('', { NODE_EXTRA_CA_CERTS: ca })).toMatchObject(seen);
    expect(await view(`ca="${world.registry.ca!.trim().replaceAll('\n', '\\n')}"\n`)).toMatchObject(seen);
  });

  it('check nothing with strict-ssl=false', async () => {
    expect(await view('strict-ssl=false\n')).toMatchObject(seen);
  });

  it('make what a project’s own trust brings count for nobody else', async () => {
    const project = await world.sandbox.project({
      dependencies: { own: '1.0.0' },
      files: { '.npmrc': 'strict-ssl=false\n' },
    });
    expect(await world.afresh(['npm', 'ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    const [line] = (await world.last()).artifacts;
    expect(line).toMatchObject({ outcome: 'delivered', private: true });
    expect(line!.upstream).toMatch(new RegExp(`^${world.registry.url}#[0-9a-f]{16}$`));
    const { dir: cwd } = await world.sandbox.project({ lockfile: 'none' });
    const offline = { PYRSIA_OFFLINE: '1' };
    expect(await world.afresh(['npm', 'view', 'own'], { cwd, env: offline })).toMatchObject({ code: 1 });
    expect(await world.json<unknown[]>(['why', 'npm:own@1.0.0'])).toHaveLength(1);
  });

  it('go through the proxy of the environment or of npmrc', async () => {
    await using first = await startProxy();
    expect(await view(`cafile=${ca}\n`, { HTTPS_PROXY: first.url })).toMatchObject(seen);
    expect(first.tunnels).toEqual([host]);
    await using second = await startProxy();
    expect(await view(`cafile=${ca}\nhttps-proxy=${second.url}\n`)).toMatchObject(seen);
    expect(second.tunnels).toEqual([host]);
  });

  it('do not go through it where NO_PROXY or noproxy says so', async () => {
    await using proxy = await startProxy();
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
    expect(await view(`cafile=${ca}\n`, env)).toMatchObject(seen);
    expect(await view(`cafile=${ca}\nhttps-proxy=${proxy.url}\nnoproxy=127.0.0.1\n`)).toMatchObject(seen);
    expect(proxy.tunnels).toEqual([]);
  });

  it('bring packages through it', async () => {
    await using proxy = await startProxy();
    const files = { '.npmrc': `cafile=${ca}\nhttps-proxy=${proxy.url}\n` };
    const project = await world.sandbox.project({ dependencies: { left: '1.0.0', up: '1.0.0' }, files });
    world.registry.log.clear();
    const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^pyrsia: 2 packages · 2 upstream · 2 verified · /m);
    expect(proxy.tunnels).toContain(host);
    expect(world.registry.log.tarballs()).toHaveLength(2);
  });
});
