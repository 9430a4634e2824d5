import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unprivileged } from '../support/user.ts';
import { type Clinic, openClinic } from './clinic.ts';

const isRoot = process.getuid?.() === 0;
const someone = unprivileged();
/** The sandbox has it switched off, and says where npm's cache is. */
const env = { PYRSIA_FILL: undefined };

let clinic: Clinic;
let cache: string;
let undo: (() => void)[];
beforeEach(async () => {
  undo = [];
  clinic = await openClinic(someone.possible ? { user: someone.user } : {});
  cache = clinic.sandbox.env['npm_config_cache']!;
});
afterEach(async () => {
  for (const step of undo.toReversed()) step();
  await clinic[Symbol.asyncDispose]();
});

/** Makes a folder below npm's cache as its user would. */
function make(path: string): string {
  mkdirSync(path, { recursive: true });
  if (isRoot && someone.possible)
    execFileSync('chown', ['-R', `${someone.user.uid}:${someone.user.gid}`, cache]);
  return path;
}

function mount(at: string): void {
  const { uid, gid } = statSync(at);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=4m,uid=${uid},gid=${gid}`, 'tmpfs', at]);
  undo.push(() => execFileSync('umount', ['--lazy', at]));
}

describe('A cache of npm’s', () => {
  it('is sound where it is not there yet, and as npm makes it', async () => {
    rmSync(cache, { recursive: true });
    expect(await clinic.ids({ env })).toEqual([]);
    make(join(cache, '_cacache', 'content-v2', 'sha512'));
    make(join(cache, '_cacache', 'tmp'));
    expect(await clinic.ids({ env })).toEqual([]);
  });

  it.each(['.', '_cacache', '_cacache/content-v2/sha512', '_cacache/tmp'])(
    'with a file in the place of %s is found, and cleared by the command that is named',
    async (name) => {
      const path = join(cache, name);
      make(dirname(path));
      rmSync(path, { recursive: true, force: true });
      writeFileSync(path, '');
      const { title, remedy } = await clinic.finding('npm-cache-obstructed', { env });
      expect(title).toBe(`npm's own cache cannot be filled: ${path} is no directory`);
      await clinic.type(remedy, { env });
      expect(await clinic.ids({ env })).toEqual([]);
      expect(existsSync(path)).toBe(false);
    },
  );

  it('with a link in its content is found, and cleared by the command that is named', async () => {
    const path = join(make(join(cache, '_cacache', 'content-v2')), 'sha512');
    symlinkSync(clinic.sandbox.home, path);
    const { title, remedy } = await clinic.finding('npm-cache-obstructed', { env });
    expect(title).toBe(`npm's own cache cannot be filled: ${path} is a link`);
    await clinic.type(remedy, { env });
    expect(await clinic.ids({ env })).toEqual([]);
    expect(existsSync(join(clinic.sandbox.home, '.npmrc'))).toBe(true);
  });

  it.runIf(isRoot)('of somebody else is found, and given back by the command that is named', async () => {
    chownSync(make(join(cache, '_cacache')), 12345, 12345);
    const { title, remedy } = await clinic.finding('npm-cache-foreign', { env });
    expect(title).toBe(`npm's own cache cannot be filled: ${cache}/_cacache belongs to user 12345`);
    expect(remedy).toMatch(/^sudo chown -R \d+:\d+ \//);
    await clinic.type(remedy, { env });
    expect(await clinic.ids({ env })).toEqual([]);
  });

  it.runIf(someone.possible)(
    'that may not be written is found, and opened by the command that is named',
    async () => {
      for (const [name, repair] of [
        ['content-v2', 'remedy'],
        ['tmp', 'fix'],
      ] as const) {
        const path = make(join(cache, '_cacache', name));
        chmodSync(path, 0o500);
        const { title, cost, remedy } = await clinic.finding('npm-cache-unwritable', { env });
        expect(cost).toMatch(/ fails, with us as without$/);
        expect(title).toBe(`${path} cannot be written: its mode is 500 (EACCES)`);
        if (repair === 'remedy') await clinic.type(remedy, { env });
        else expect(await clinic.fix({ env })).toBe(`pyrsia: ${path} has mode 700 now\n`);
        expect(await clinic.ids({ env })).toEqual([]);
      }
    },
  );

  it.runIf(isRoot)('on a file system that is read-only is found', async () => {
    mount(cache);
    execFileSync('mount', ['-o', 'remount,ro', cache]);
    const { title, remedy } = await clinic.finding('npm-cache-unwritable', { env });
    expect(title).toBe(`${cache} is on a file system that is mounted read-only`);
    await clinic.type(remedy, { env });
    expect(await clinic.ids({ env })).toEqual(['npm-cache-elsewhere']);
  });

  it.runIf(isRoot)(
    'on another file system than ours is a note, and led nearer by the command that is named',
    async () => {
      mount(cache);
      const { level, title, remedy } = await clinic.finding('npm-cache-elsewhere', { env });
      expect(level).toBe('note');
      expect(title).toContain(cache);
      expect(remedy).toBe(`export npm_config_cache=${clinic.sandbox.home}/.npm`);
      expect(await clinic.type(`${remedy} && pyrsia doctor --json`, { env })).toBe('[]\n');

      const byFile = { ...env, npm_config_cache: undefined };
      clinic.sandbox.npmrc({ cache });
      const { remedy: set } = await clinic.finding('npm-cache-elsewhere', { env: byFile });
      expect(set).toBe(`npm config set cache ${clinic.sandbox.home}/.npm`);
      await clinic.type(set, { env: byFile });
      expect(await clinic.ids({ env: byFile })).toEqual([]);
    },
  );

  it.runIf(isRoot)('is nobody’s concern where it is not filled, or by copies anyway', async () => {
    mount(cache);
    expect(await clinic.ids({ env: { PYRSIA_FILL: 'copy' } })).toEqual([]);
    rmSync(join(cache, '_cacache'), { recursive: true, force: true });
    writeFileSync(join(cache, '_cacache'), '');
    expect(await clinic.ids({ env: { PYRSIA_FILL: 'copy' } })).toEqual(['npm-cache-obstructed']);
    expect(await clinic.ids({ env: { PYRSIA_FILL: 'off' } })).toEqual([]);
  });
});
