import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../support/command.ts';
import { unprivileged } from '../support/user.ts';
import { type Clinic, openClinic } from './clinic.ts';

const isRoot = process.getuid?.() === 0;
const someone = unprivileged();

let clinic: Clinic;
beforeEach(async () => {
  clinic = await openClinic();
});
afterEach(() => clinic[Symbol.asyncDispose]());

describe('A runtime directory that others could use', () => {
  it.each([
    ['above ours', (path: string) => dirname(path)],
    ['ours', (path: string) => path],
  ])('is found when it is %s, and closed by the command that is named', async (_, which) => {
    mkdirSync(clinic.paths.runtime, { recursive: true, mode: 0o700 });
    const path = which(clinic.paths.runtime);
    chmodSync(path, 0o755);
    const { title, remedy } = await clinic.finding('runtime-unsafe');
    expect(title).toBe(`${path} is open to others (mode 755, wanted 700)`);
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);

    chmodSync(path, 0o770);
    expect(await clinic.fix()).toBe(`pyrsia: Closed ${path} to others\n`);
    expect(await clinic.ids()).toEqual([]);
  });

  it.each([
    ['link', (path: string) => symlinkSync('/tmp', path)],
    ['file', (path: string) => writeFileSync(path, '', { mode: 0o600 })],
  ])('is found when it is a %s, and removed', async (what, plant) => {
    const { runtime } = clinic.paths;
    mkdirSync(dirname(runtime), { recursive: true, mode: 0o700 });
    plant(runtime);
    const { title, remedy } = await clinic.finding('runtime-unsafe');
    expect(title).toBe(`${runtime} is a ${what} and not a directory`);
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
    plant(runtime);
    expect(await clinic.fix()).toBe(`pyrsia: Removed ${runtime}\n`);
    expect(lstatSync(runtime, { throwIfNoEntry: false })).toBeUndefined();
  });

  it.runIf(isRoot)(
    'is found when somebody else has planted it, and can be removed by root only',
    async () => {
      const planted = dirname(clinic.paths.runtime);
      rmSync(planted, { recursive: true, force: true });
      mkdirSync(planted, { mode: 0o700 });
      chownSync(planted, 12_345, 12_345);
      const { title, remedy, fixable } = await clinic.finding('runtime-unsafe');
      expect({ title, fixable }).toEqual({
        title: `${planted} belongs to user 12345, not to you (0)`,
        fixable: false,
      });
      expect(remedy).toMatch(/^sudo rm -rf /);
      await clinic.type(remedy);
      expect(await clinic.ids()).toEqual([]);
    },
  );
});

describe('A runtime directory whose path is too long for a socket', () => {
  it.each(['XDG_RUNTIME_DIR', 'TMPDIR'])(
    'is found by %s, which the command that is named unsets',
    async (name) => {
      const long = join(clinic.sandbox.root, 'x'.repeat(90));
      mkdirSync(long, { mode: 0o700 });
      const env = { XDG_RUNTIME_DIR: undefined, [name]: long };
      const found = await clinic.findings({ env });
      const { title, remedy } = found.find(({ id }) => id === 'runtime-path-long')!;
      expect(title).toMatch(/agent\.sock has 1\d\d bytes, and a socket's path may have 103$/);
      const [verb, variable] = remedy.split(' ');
      expect([verb, variable!.split('=')[0]]).toEqual([
        expect.stringMatching(/^(unset|export)$/),
        expect.stringMatching(/^(XDG_RUNTIME_DIR|TMPDIR)$/),
      ]);
      const after = `${remedy} && pyrsia doctor --json || true`;
      expect(await clinic.type(after, { env })).not.toContain('runtime-path-long');
    },
  );
});

describe('An XDG_RUNTIME_DIR that cannot be used', () => {
  it('is a note when it is not there', async () => {
    const env = { XDG_RUNTIME_DIR: '/run/user/nobody-at-all' };
    const { title, level, remedy } = await clinic.finding('runtime-elsewhere', { env });
    expect(level).toBe('note');
    expect(title).toContain('which is not there; ');
    expect(await clinic.type(`${remedy} && pyrsia doctor --json`, { env })).toBe('[]\n');
  });

  it.runIf(isRoot)("is a note when it is another user's, as after sudo", async () => {
    const directory = join(clinic.sandbox.root, 'theirs');
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, 12_345, 12_345);
    const env = { XDG_RUNTIME_DIR: directory };
    const { title, remedy } = await clinic.finding('runtime-elsewhere', { env });
    expect(title).toContain('which belongs to user 12345; ');
    expect(await clinic.type(`${remedy} && pyrsia doctor --json`, { env })).toBe('[]\n');
  });
});

const within = (command: readonly string[]): Command => [
  'unshare',
  '-m',
  'sh',
  '-c',
  'mount -t tmpfs none /proc && exec "$@"',
  'sh',
  ...command,
];

describe.runIf(isRoot)('A machine without /proc', () => {
  it('is a note', async () => {
    const { level, title, remedy } = await clinic.finding('no-proc', { within });
    expect({ level, title, remedy }).toEqual({
      level: 'note',
      title: 'There is no /proc/self/cwd here',
      remedy: 'sudo mount -t proc proc /proc',
    });
    const repaired = (command: readonly string[]) =>
      within(['sh', '-c', `${remedy.replace('sudo ', '')} && exec "$@"`, 'sh', ...command]);
    expect(await clinic.ids({ within: repaired })).toEqual([]);
  });
});

describe('An ordinary user', () => {
  it.skipIf(!someone.possible)('has a healthy home', async () => {
    if (!someone.possible) return;
    await using theirs = await openClinic({ user: someone.user });
    expect(await theirs.ids()).toEqual([]);
  });
});
