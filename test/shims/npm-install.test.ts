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
    'ci left',
    'ci -g',
    'i -g',
    'i --global',
    'i --location=global',
    'ci --dry-run',
    'ci --no-package-lock',
    'i --package-lock-only',
    'ci --prefer-online',
    'update',
    'outdated',
    'exec --prefer-online left',
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

  it.each<[string, string, number | undefined]>([
    ['ci', '', undefined],
    ['ci --maxsockets=3', '', 3],
    ['ci', 'maxsockets=5', 5],
    ['ci --offline', 'maxsockets=5', 0],
    ['ci --prefer-offline', '', undefined],
  ])(
    'may have as many connections with npm %s and "%s" as its user says: %s',
    async (line, npmrc, expected) => {
      expect((await install(line, { npmrc }))?.connections).toBe(expected);
    },
  );
});

describe('npm chooses versions', () => {
  const lockfiles = [
    expect.stringMatching(/npm-shrinkwrap\.json$/),
    expect.stringMatching(/package-lock\.json$/),
  ];
  const manifest = expect.stringMatching(/project\/package\.json$/);

  it.each([
    ['i', [], lockfiles],
    ['i left@1 @acme/right', ['left@1', '@acme/right'], lockfiles],
    ['i --no-package-lock', [], []],
  ])('for the project with npm %s', async (line, named, files) => {
    const found = await install(line);
    expect(found).toMatchObject({ choice: { named, peers: true, manifest }, lockfiles: files });
    expect(found?.installed).toBe(join(root, 'project', 'node_modules', '.package-lock.json'));
  });

  it.each(['i -g left', 'install --location=global left'])('for everybody with npm %s', async (line) => {
    const found = await install(line);
    expect(found).toMatchObject({ choice: { named: ['left'] }, lockfiles: [] });
    expect(found?.choice?.manifest).toBeUndefined();
    expect(found?.installed).toBeUndefined();
  });

  // The folders are those that npm makes.
  it.each([
    ['exec which@2 sh', ['which@2'], '7f4453398fd5dfa3'],
    ['x --yes which@2 -- --all sh', ['which@2'], '7f4453398fd5dfa3'],
    ['exec --package=which@2 -c sh', ['which@2'], '7f4453398fd5dfa3'],
    [
      'exec --package=which@2 --package=@babel/parser -- which',
      ['which@2', '@babel/parser'],
      '24deda570baebed0',
    ],
  ])('of what it runs with npm %s', async (line, named, hash) => {
    const found = await install(line);
    expect(found).toMatchObject({ choice: { named }, lockfiles: [] });
    expect(found?.installed).toBe(
      join(root, 'home', '.npm', '_npx', hash, 'node_modules', '.package-lock.json'),
    );
    expect(found?.choice?.manifest).toBeUndefined();
  });

  it('with what is beside it only where that is wanted', async () => {
    expect((await install('i --legacy-peer-deps'))?.choice).toMatchObject({ peers: false });
  });

  it.each([
    'ci',
    'exec',
    'exec -c right',
    'i --before=2020-01-01',
    'i --min-release-age=3',
    'i --tag=next',
    'i --prefer-dedupe',
  ])('not, or not as it does by default, with npm %s', async (line) => {
    expect(await install(line)).toBeDefined();
    expect((await install(line))?.choice).toBeUndefined();
  });
});

describe('the C library of this machine', () => {
  it.runIf(process.platform === 'linux')('is one of the two', () =>
    expect(libcHere()).toMatch(/^(glibc|musl)$/),
  );
});
