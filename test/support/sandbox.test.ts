import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { startRegistry } from '../fixtures/registry/registry.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from './network.ts';
import { processesOf } from './processes.ts';
import { openSandbox } from './sandbox.ts';
import { unprivileged } from './user.ts';

const packages = [
  makePackage({ name: 'left', version: '1.0.0', dependencies: { '@acme/right': '^2.0.0' } }),
  makePackage({ name: '@acme/right', version: '2.1.0', bin: { right: 'index.js' } }),
];

describe('a sandbox', { timeout: 60_000 }, () => {
  it('has an environment of its own', async () => {
    process.env['npm_config_registry'] = 'http://127.0.0.1:9/';
    await using sandbox = openSandbox();
    const { stdout, code } = await sandbox.run('env', []);
    delete process.env['npm_config_registry'];
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    expect(code).toBe(0);
    expect(names).not.toContain('npm_config_registry');
    expect(names).not.toContain('CI');
    expect(stdout).toContain(`HOME=${sandbox.home}\n`);
    expect(statSync(sandbox.env['XDG_RUNTIME_DIR']!).mode & 0o777).toBe(0o700);
    expect(sandbox.root.length).toBeLessThan(40);
  });

  it('runs a command with input, and says how it ended', async () => {
    await using sandbox = openSandbox();
    const script = 'cat; echo "$GREETING" >&2; exit 3';
    const ended = await sandbox.run('sh', ['-c', script], {
      input: 'in',
      env: { GREETING: 'hello', HOME: undefined },
    });
    expect(ended).toMatchObject({ code: 3, signal: null, stdout: 'in', stderr: 'hello\n' });
    expect(() => sandbox.start(['no-such-program'])).toThrow('Cannot start no-such-program');
  });

  it('kills what takes too long, and what is aborted, with all its children', async () => {
    await using sandbox = openSandbox();
    const slow = ['-c', 'sleep 60 & echo started; wait'];
    await expect(sandbox.run('sh', slow, { timeoutMs: 200 })).rejects.toThrow(
      /Still running after 200 ms[^]*started/,
    );
    const abort = AbortSignal.timeout(200);
    expect(await sandbox.run('sh', slow, { signal: abort })).toMatchObject({ code: null, signal: 'SIGKILL' });
    await expect.poll(() => sandbox.processes()).toEqual([]);
  });

  it('leaves no process and no file behind', async () => {
    const sandbox = openSandbox();
    sandbox.start(['sh', '-c', 'setsid sleep 60 & sleep 60']);
    await expect.poll(() => sandbox.processes().length).toBe(3);
    const folder = join(sandbox.root, 'kept');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'x', { mode: 0o444 });
    chmodSync(folder, 0o555);
    await sandbox[Symbol.asyncDispose]();
    expect(processesOf(sandbox.root)).toEqual([]);
    expect(existsSync(sandbox.root)).toBe(false);
  });

  it('installs with the real npm from the fixture, its cache empty each time', async () => {
    await using registry = await startRegistry({ packages });
    await using sandbox = openSandbox({ registry: registry.url });
    const project = await sandbox.project({ dependencies: { left: '^1.0.0' } });
    expect(project.lockfile().packages['node_modules/@acme/right']).toMatchObject({
      version: '2.1.0',
      resolved: `${registry.url}@acme/right/-/right-2.1.0.tgz`,
    });
    expect(readdirSync(sandbox.env['npm_config_cache']!)).toEqual([]);

    for (const round of [1, 2]) {
      registry.log.clear();
      sandbox.freshNpmCache();
      expect(await sandbox.npm(['ci'], { cwd: project.dir }), `round ${round}`).toMatchObject({ code: 0 });
      expect(registry.log.tarballs()).toHaveLength(2);
      expect(registry.log.documents()).toHaveLength(0);
    }
    expect(project.installed()).toEqual({
      'node_modules/@acme/right': '2.1.0',
      'node_modules/left': '1.0.0',
    });
  });

  it('pings, searches and audits with the real npm', async () => {
    const advisory = { id: 1, url: '', title: 'Bad', severity: 'high', vulnerable_versions: '<2' };
    await using registry = await startRegistry({ packages, advisories: { left: [advisory] } });
    await using sandbox = openSandbox({ registry: registry.url });
    const { dir: cwd } = await sandbox.project({ dependencies: { left: '^1.0.0' } });
    expect(await sandbox.npm(['ping'])).toMatchObject({ code: 0 });
    expect(await sandbox.npm(['search', 'right', '--parseable'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('@acme/right'),
    });
    expect(await sandbox.npm(['audit'], { cwd })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 high severity vulnerability'),
    });
  });

  it('takes a project with a lockfile, or without', async () => {
    await using sandbox = openSandbox({ npmrc: { 'fetch-retries': 0 } });
    const lockfile = { lockfileVersion: 3, packages: {} };
    expect((await sandbox.project({ lockfile })).lockfile()).toEqual(lockfile);
    const bare = await sandbox.project({ lockfile: 'none', files: { '.npmrc': 'audit=true\n' } });
    expect(readdirSync(bare.dir).toSorted()).toEqual(['.npmrc', 'package.json']);
    sandbox.npmrc({ 'fetch-retries': 7 });
    expect((await sandbox.npm(['config', 'get', 'fetch-retries'])).stdout).toBe('7\n');
  });

  it('reads a report', async () => {
    await using sandbox = openSandbox();
    expect(sandbox.readReport()).toEqual([]);
    writeFileSync(sandbox.reportFile, '{"purl":"pkg:npm/left@1.0.0"}\n{"purl":"pkg:npm/right@1.0.0"}\n');
    expect(sandbox.readReport().map(({ purl }) => purl)).toEqual([
      'pkg:npm/left@1.0.0',
      'pkg:npm/right@1.0.0',
    ]);
  });

  it('runs pyrsia with this Node', async () => {
    await using sandbox = openSandbox();
    const { stdout, stderr } = await sandbox.pyrsia(['--version']);
    expect(stdout + stderr).toMatch(/^pyrsia/);
  });
});

const who = unprivileged();

describe('a sandbox of an ordinary user', { timeout: 60_000 }, () => {
  it.skipIf(!who.possible)('is theirs, and root’s rights are not in it', async () => {
    if (!who.possible) return;
    await using registry = await startRegistry({ packages });
    await using sandbox = openSandbox({ registry: registry.url, user: who.user });
    const project = await sandbox.project({ dependencies: { left: '^1.0.0' } });
    expect(await sandbox.npm(['ci'], { cwd: project.dir })).toMatchObject({ code: 0 });
    expect((await sandbox.run('id', ['-u'])).stdout).toBe(`${who.user.uid}\n`);
    const script = 'echo x > file && chmod 0444 file && echo y > file';
    expect(await sandbox.run('sh', ['-c', script])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('denied'),
    });
  });

  it('says why it cannot be had', () => {
    expect(who.possible || who.reason).toBeTruthy();
    if (process.getuid?.() === 0) {
      expect(unprivileged({})).toMatchObject({
        possible: false,
        reason: expect.stringContaining('PYRSIA_TEST_USER'),
      });
      expect(unprivileged({ PYRSIA_TEST_USER: 'root' })).toMatchObject({
        possible: false,
        reason: 'root is root',
      });
      expect(unprivileged({ PYRSIA_TEST_USER: 'no such user' }).possible).toBe(false);
    }
  });
});

describe('a namespace without network', { timeout: 60_000 }, () => {
  it.skipIf(!canUnshareNetwork())('reaches neither the fixture nor anything else', async () => {
    await using registry = await startRegistry({ packages });
    await using sandbox = openSandbox({ registry: registry.url, npmrc: { 'fetch-retries': 0 } });
    expect(await sandbox.npm(['view', 'left', 'version'])).toMatchObject({ code: 0, stdout: '1.0.0\n' });
    sandbox.freshNpmCache();
    const [program, ...args] = inNamespaceWithoutNetwork(['npm', 'view', 'left', 'version']);
    const { code, stderr } = await sandbox.run(program, args);
    expect(code).toBe(1);
    expect(stderr).toContain('ECONNREFUSED');
  });
});
