import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePackage } from '../fixtures/registry/package.ts';
import { start } from '../support/command.ts';
import { unprivileged } from '../support/user.ts';
import { type Clinic, openClinic } from './clinic.ts';

const MB = 1_000_000;
const isRoot = process.getuid?.() === 0;
const someone = unprivileged();
const user = someone.possible ? someone.user : undefined;
const specs = [1, 2, 3].map((n) => ({ name: `package-${n}`, version: '1.0.0', size: 2 * MB }));

let clinic: Clinic;
let undo: (() => void)[];
beforeEach(() => (undo = []));
afterEach(async () => {
  for (const step of undo.toReversed()) step();
  await clinic[Symbol.asyncDispose]();
});

/** Puts 6 MB into the cache, and ends the agent. */
async function fill(): Promise<void> {
  const { sandbox } = clinic;
  expect(await sandbox.pyrsia(['pull', ...specs.map(({ name }) => `npm:${name}@1.0.0`)])).toMatchObject({
    code: 0,
  });
  await sandbox.pyrsia(['agent', 'stop']);
}

/** Puts a file system of its own, of `size`, where `directory` is, until the end of the test. */
function mount(directory: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', directory]);
  undo.push(() => execFileSync('umount', ['--lazy', directory]));
}

describe.skipIf(!user)('A directory that its owner may not write', () => {
  it.each([
    ['the cache', 'cache-unwritable', () => clinic.paths.cache],
    ['where the cache would be made', 'cache-unwritable', () => clinic.sandbox.env['XDG_CACHE_HOME']!],
    ['content in the cache', 'cache-unwritable', () => join(clinic.paths.cache, 'content')],
    ['the state directory', 'state-unwritable', () => clinic.paths.state],
  ] as const)('is found when it is %s, and opened by the command that is named', async (_, id, which) => {
    clinic = await openClinic({ ...(user && { user }), packages: specs.map(makePackage) });
    const path = which();
    if (path !== clinic.sandbox.env['XDG_CACHE_HOME']) await fill();
    chmodSync(path, 0o500);
    const { title, remedy } = await clinic.finding(id);
    expect(title).toBe(`${path} cannot be written: its mode is 500 (EACCES)`);
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o700);

    chmodSync(path, 0o500);
    expect(await clinic.fix()).toBe(`pyrsia: ${path} has mode 700 now\n`);
    expect(await clinic.ids()).toEqual([]);
  });
});

describe.runIf(isRoot)('A cache on a disk that is mounted read-only', () => {
  it('is found, and mounted anew by the command that is named', async () => {
    clinic = await openClinic();
    const { cache } = clinic.paths;
    mkdirSync(cache, { mode: 0o700 });
    mount(cache, '64m');
    execFileSync('mount', ['-o', 'remount,ro', cache]);
    const { title, remedy } = await clinic.finding('cache-unwritable');
    expect(title).toBe(`${cache} is on a file system that is mounted read-only`);
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });
});

describe.runIf(isRoot && user)('A file that sudo left behind', () => {
  it.each([
    ['the catalogue', () => join(clinic.paths.cache, 'catalogue.sqlite')],
    ['the cache itself', () => clinic.paths.cache],
    ['a directory of content', () => join(clinic.paths.cache, 'content', 'content-v2', 'sha256')],
    ['the ports', () => join(clinic.paths.state, 'ports')],
    ['the settings', () => join(clinic.paths.config, 'config.json')],
  ])('is found when it is %s, and given back by the command that is named', async (_, which) => {
    clinic = await openClinic({ user: user!, packages: specs.map(makePackage) });
    await fill();
    const path = which();
    if (!existsSync(path)) writeFileSync(path, '');
    chownSync(path, 0, 0);
    const { title, remedy } = await clinic.finding('foreign-files');
    expect(title).toBe(`${path} belongs to user 0, and you are user ${user!.uid}`);
    expect(remedy).toMatch(new RegExp(`^sudo chown -R ${user!.uid}:${user!.gid} /`));
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it('is foreseen when root looks at the home of somebody else', async () => {
    clinic = await openClinic({ user: user!, packages: specs.map(makePackage) });
    await fill();
    const [program, ...args] = clinic.sandbox.pyrsiaCommand(['doctor']);
    const { code, stdout } = await start([program, ...args], { env: clinic.sandbox.env }).result;
    expect(code).toBe(1);
    expect(stdout).toContain(`repair  sudo -u '#${user!.uid}' pyrsia doctor`);
  });
});

describe('Room', () => {
  it.runIf(isRoot)('is found wanting on a disk that is full before the cache is', async () => {
    clinic = await openClinic();
    const { cache } = clinic.paths;
    mkdirSync(cache, { mode: 0o700 });
    mount(cache, '32m');
    const { title, remedy } = await clinic.finding('cache-disk-full');
    expect(title).toMatch(
      /^33\.\d MB are left on the disk of .*, and the cache may grow by 50 MB to its limit of 50 MB$/,
    );
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it('is found exceeded when the limit was lowered, and made by the command that is named', async () => {
    clinic = await openClinic({ packages: specs.map(makePackage) });
    await fill();
    await clinic.type('pyrsia config set cache.limit 3MB');
    const { title, remedy } = await clinic.finding('cache-over-limit');
    expect(title).toMatch(/^The cache takes \d\.?\d? MB, and its limit is 3 MB$/);
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it('is made by --fix', async () => {
    clinic = await openClinic({ packages: specs.map(makePackage) });
    await fill();
    await clinic.type('pyrsia config set cache.limit 3MB');
    expect(await clinic.fix()).toMatch(/^pyrsia: Freed \d.*B\n$/);
    expect(await clinic.ids()).toEqual([]);
  });
});

describe('A catalogue that is damaged', () => {
  const damages: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
    ['in its head', (bytes) => bytes.fill('nonsense', 0, 64)],
    ['in one of its pages', (bytes) => bytes.fill(0xff, bytes.length - 2 * 4096, bytes.length - 4096)],
    ['and empty', () => Buffer.alloc(0)],
  ];
  it.each(damages)('%s is found, and made anew by the command that is named', async (_, damage) => {
    clinic = await openClinic({ packages: specs.map(makePackage) });
    await fill();
    const path = join(clinic.paths.cache, 'catalogue.sqlite');
    writeFileSync(path, damage(readFileSync(path)));
    const { title, remedy } = await clinic.finding('cache-catalogue');
    expect(title).toContain(`${path} cannot be used: `);
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);

    await clinic.type('pyrsia agent stop');
    writeFileSync(path, damage(readFileSync(path)));
    expect(await clinic.fix()).toBe('pyrsia: Made the catalogue anew; 6 files were read\n');
    expect(await clinic.ids()).toEqual([]);
    const { stdout } = await clinic.sandbox.pyrsia(['cache', 'ls']);
    for (const { name } of specs) expect(stdout).toContain(name);
  });
});
