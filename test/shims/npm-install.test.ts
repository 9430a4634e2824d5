import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { npmCalls } from '../../src/ecosystems/npm/calls.ts';
import { libcHere } from '../../src/shims/libc.ts';
import { readNpmSettings } from '../../src/shims/npm-settings.ts';
import type { InstallSettings } from '../../src/shims/settings.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrsia-npm-install-')));
  for (const name of ['project', 'home', 'project/packages/one'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'project/package.json'), '{"workspaces":["packages/*"]}');
  writeFileSync(join(root, 'project/packages/one/package.json'), '{"name":"one"}');
});
afterEach(() => rmSync(root, { recursive: true }));

async function install(
  line: string,
  {
    cwd = 'project',
    npmrc = '',
    env = {},
  }: { cwd?: string; npmrc?: string; env?: Record<string, string> } = {},
): Promise<InstallSettings | undefined> {
  writeFileSync(join(root, 'project', '.npmrc'), npmrc);
  const args = line.split(' ').filter(Boolean);
  const context = { cwd: join(root, cwd), args, env: { HOME: join(root, 'home'), ...env } };
  return (await readNpmSettings(context)).install;
}

describe('an install from the lockfile', () => {
  it.each(['ci', 'clean-install', 'ic', 'cit', 'ci --ignore-scripts', '--omit dev ci'])(
    'is npm %s',
    async (line) => {
      expect(await install(line)).toMatchObject({ cache: join(root, 'home', '.npm') });
      expect((await install(line))?.installed).toBeUndefined();
    },
  );

  it.each(['install', 'i', 'add', 'it', 'install --no-audit', '--loglevel silly i'])(
    'is npm %s, which keeps what is installed',
    async (line) => {
      expect(await install(line)).toMatchObject({
        installed: join(root, 'project', 'node_modules', '.package-lock.json'),
        lockfiles: [join(root, 'project', 'npm-shrinkwrap.json'), join(root, 'project', 'package-lock.json')],
        os: process.platform,
        cpu: process.arch,
        omit: [],
      });
    },
  );

  it.each([
    'install left',
    'i left@1 right',
    'i -g',
    'i --global',
    'ci --dry-run',
    'i --package-lock-only',
    'i --no-package-lock',
    'ci --prefer-online',
    'update',
    'view left',
    'run ci',
    '',
  ])('is not npm %s', async (line) => {
    expect(await install(line)).toBeUndefined();
  });

  it('is a call that fetches', () => {
    expect(npmCalls.fetching).toEqual(expect.arrayContaining(['ci', 'install', 'it', 'sit']));
    expect(new Set(npmCalls.fetching).size).toBe(npmCalls.fetching.length);
  });

  it('in a workspace is one of the project', async () => {
    const found = await install('ci', { cwd: 'project/packages/one' });
    expect(found?.lockfiles).toContain(join(root, 'project', 'package-lock.json'));
  });

  it.each([
    ['--cache=/argument', { env: { npm_config_cache: '/variable' } }, '/argument'],
    ['', { env: { npm_config_cache: '/variable' }, npmrc: 'cache=/npmrc' }, '/variable'],
    ['', { npmrc: 'cache=/npmrc' }, '/npmrc'],
    ['', { npmrc: 'cache=here' }, 'project/here'],
    ['', { npmrc: 'cache=~/there' }, 'home/there'],
  ])('has npm’s own cache where npm %s %j says', async (argument, options, cache) => {
    expect(await install(`ci ${argument}`, options)).toMatchObject({
      cache: cache.startsWith('/') ? cache : join(root, cache),
    });
  });

  it.each([
    ['ci', {}, []],
    ['ci --omit=dev', {}, ['dev']],
    ['ci --omit=dev --omit=optional --include=dev', {}, ['optional']],
    ['ci --production', {}, ['dev']],
    ['ci --only=prod', {}, ['dev']],
    ['ci --no-optional', {}, ['optional']],
    ['ci', { env: { NODE_ENV: 'production' } }, ['dev']],
    ['ci --include=dev', { env: { NODE_ENV: 'production' } }, []],
    ['ci --omit=peer', { env: { NODE_ENV: 'production' } }, ['peer']],
    ['ci', { npmrc: 'omit[]=optional' }, ['optional']],
  ])('leaves out with npm %s %j what npm does: %j', async (line, options, omit) => {
    expect((await install(line, options))?.omit).toEqual(omit);
  });

  it('is for another platform where npm is told so', async () => {
    expect(await install('ci --os=win32 --cpu=arm64 --libc=musl')).toMatchObject({
      os: 'win32',
      cpu: 'arm64',
      libc: 'musl',
    });
  });
});

describe('the C library of this machine', () => {
  it.runIf(process.platform === 'linux')('is one of the two', () =>
    expect(libcHere()).toMatch(/^(glibc|musl)$/),
  );
});
