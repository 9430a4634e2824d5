import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import { makePackage, type Package } from '../fixtures/registry/package.ts';
import { type Registry, startRegistry } from '../fixtures/registry/registry.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let registry: Registry;
let home: Sandbox;
let left: Package;
beforeAll(async () => {
  left = await makePackage({ name: 'left', version: '1.0.0', size: 20_000 });
  const others = [
    makePackage({ name: 'left', version: '1.1.0' }),
    makePackage({ name: '@scope/right', version: '2.0.0' }),
  ];
  registry = await startRegistry({ packages: [left, ...others] });
  home = openSandbox({ registry: registry.url });
  await home.pyrsia(['pull', 'npm:left@1.0.0', 'npm:left@^1', 'npm:@scope/right']);
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

const json = async (...args: string[]): Promise<unknown> =>
  JSON.parse((await home.pyrsia([...args, '--json'])).stdout);
const purls = async (...args: string[]) =>
  ((await json('cache', 'ls', ...args)) as { purl: string }[]).map(({ purl }) => purl);

describe('pyrsia pull', () => {
  it('tells what came, from where, and on whose word', async () => {
    const [pulled] = (await json('pull', 'npm:left@1.0.0')) as [unknown];
    expect(pulled).toMatchObject({
      purl: 'pkg:npm/left@1.0.0',
      digest: digestOf(left.tarball, 'sha256'),
      bytes: left.tarball.byteLength,
      source: 'cache',
      word: 'declared',
      rung: 'registry digest',
    });
  });

  it('writes to a file, into a directory under the package’s own name, and on stdout', async () => {
    await home.pyrsia(['pull', 'npm:left@1.0.0', '-o', 'one.tgz']);
    expect(readFileSync(join(home.home, 'one.tgz'))).toEqual(Buffer.from(left.tarball));

    const { stdout } = await home.pyrsia(['pull', 'npm:left@1.0.0', 'npm:@scope/right@2.0.0', '-o', '.']);
    expect(stdout).toMatch(/^written +scope-right-2\.0\.0\.tgz$/m);
    expect(existsSync(join(home.home, 'left-1.0.0.tgz'))).toBe(true);

    const piped = [...home.pyrsiaCommand(['pull', 'npm:left@1.0.0', '-o', '-']), '|', 'cmp', '-', 'one.tgz'];
    expect((await home.run('sh', ['-c', piped.join(' ')])).code).toBe(0);
  });

  it.each([
    [['npm:nothing@1.0.0'], 5, /^pyrsia: Not found: /],
    [['npm:Bad Name'], 2, /^pyrsia: Cannot read reference/],
    [
      ['npm:left', 'npm:left', '-o', 'no-directory'],
      2,
      /^pyrsia: Several references are written into a directory/,
    ],
    [[], 2, /^pyrsia: Nothing to pull/],
  ] as const)('of %j ends with %d', async (args, code, message) => {
    const { stderr, stdout, code: exit } = await home.pyrsia(['pull', ...args]);
    expect({ exit, stdout }).toEqual({ exit: code, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('of what is not cached ends with 6 while upstream is gone', async () => {
    const { code } = await home.pyrsia(['pull', 'npm:other@1.0.0'], { env: { PYRSIA_OFFLINE: '1' } });
    expect(code).toBe(6);
  });
});

describe('pyrsia cache', () => {
  it('lists by pattern, ecosystem, order and number', async () => {
    expect(await purls('--sort', 'name')).toEqual([
      'pkg:npm/%40scope/right@2.0.0',
      'pkg:npm/left@1.0.0',
      'pkg:npm/left@1.1.0',
    ]);
    expect(await purls('--sort', 'size', '--limit', '1')).toEqual(['pkg:npm/left@1.0.0']);
    expect(await purls('@scope/*')).toEqual(['pkg:npm/%40scope/right@2.0.0']);
    expect(await purls('--ecosystem', 'npm')).toHaveLength(3);
  });

  it('shows size, last use, privacy and whether it is enough offline, a line each', async () => {
    const { stdout } = await home.pyrsia(['cache', 'ls', 'left', '--sort', 'size']);
    const [heading, first] = stdout.split('\n');
    expect(heading).toMatch(/^ +SIZE +USED +PRIVATE +OFFLINE +PURL$/);
    expect(first).toMatch(/^ *\d+\.\d kB +[\d.]+ m?s ago +private +offline +pkg:npm\/left@1\.0\.0$/);
  });

  it('answers without an agent', async () => {
    await home.pyrsia(['agent', 'stop']);
    expect(await purls('left')).toHaveLength(2);
    expect(await json('cache', 'size')).toMatchObject({ artifacts: 3 });
    expect(await json('agent', 'status')).toEqual({ running: false });
  });

  it('knows content by reference and by digest, and where it lies', async () => {
    const digest = digestOf(left.tarball, 'sha256');
    const byReference = await json('cache', 'info', 'npm:left@1.0.0');
    expect(byReference).toEqual(await json('cache', 'info', digest));
    expect(byReference).toMatchObject([{ purl: 'pkg:npm/left@1.0.0', cached: { digest } }]);

    const { path } = (await json('cache', 'path', 'npm:left@1.0.0')) as { path: string };
    expect(readFileSync(path)).toEqual(Buffer.from(left.tarball));
  });

  it('names the versions that it has when asked for another', async () => {
    const { code, stderr } = await home.pyrsia(['cache', 'info', 'npm:left@3.0.0']);
    expect(code).toBe(5);
    expect(stderr).toMatch(/which knows 1\.\d\.0, 1\.\d\.0/);
  });

  it('that cannot be read is not called empty', async () => {
    const cache = join(home.root, 'not-a-directory');
    writeFileSync(cache, 'x');
    for (const args of [['ls'], ['size'], ['info', 'npm:left']]) {
      const env = { XDG_CACHE_HOME: join(home.root, 'elsewhere') };
      expect((await home.pyrsia(['cache', ...args], { env })).code, args[0]).toBe(args[0] === 'info' ? 5 : 0);
      mkdirSync(env.XDG_CACHE_HOME, { recursive: true });
      const place = join(env.XDG_CACHE_HOME, 'pyrsia');
      renameSync(cache, place);
      const { code, stdout, stderr } = await home.pyrsia(['cache', ...args], { env });
      expect({ code, stdout }, args[0]).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`Cannot read the cache at ${place}: ENOTDIR`);
      renameSync(place, cache);
    }
  });

  it('removes only what was confirmed', async () => {
    const refused = await home.pyrsia(['cache', 'rm', '@scope/*']);
    expect(refused.code).toBe(2);
    expect(await purls()).toHaveLength(3);

    const removed = await home.pyrsia(['cache', 'rm', '@scope/*', 'npm:left@1.1.0', '--yes']);
    expect(removed.code).toBe(0);
    expect(await purls()).toEqual(['pkg:npm/left@1.0.0']);
  });

  it('finds damage, names it, ends with 1, and is sound afterwards', async () => {
    const { path } = (await json('cache', 'path', 'npm:left@1.0.0')) as { path: string };
    chmodSync(path, 0o644);
    writeFileSync(path, 'damaged');
    const damaged = await home.pyrsia(['cache', 'verify']);
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toMatch(/^Damaged, removed: pkg:npm\/left@1\.0\.0 /);
    const again = await home.pyrsia(['cache', 'verify', '--rebuild']);
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/all sound$/m);
  });
});
