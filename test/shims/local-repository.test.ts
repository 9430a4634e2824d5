import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LocalRepository, openLocalRepository } from '../../src/shims/local-repository.ts';

const VERSION = 'org/example/app/1.0';

let directory: string;
let root: string;
const at = (...path: string[]): string => join(root, ...path);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-local-'));
  root = join(directory, 'home', 'repository');
  writeFileSync(join(directory, 'app.jar'), 'jar', { mode: 0o444 });
});
afterEach(() => rmSync(directory, { recursive: true }));

const put = async (local: LocalRepository | undefined, path = VERSION, meanwhile = (): void => {}) =>
  local?.place(path, async (growing) => {
    growing.copy(join(directory, 'app.jar'), 'app-1.0.jar');
    growing.write('app-1.0.jar.sha1', 'sha1');
    meanwhile();
    return Promise.resolve();
  });

it('puts a version there whole, with the modes that Maven would give it', async () => {
  {
    using local = openLocalRepository(root, 0o027);
    expect(local?.has(VERSION)).toBe(false);
    expect(await put(local, VERSION, () => expect(existsSync(at(VERSION))).toBe(false))).toBe(true);
    expect(local?.has(VERSION)).toBe(true);
  }
  expect(readdirSync(root)).toEqual(['org']);
  expect(readFileSync(at(VERSION, 'app-1.0.jar'), 'utf8')).toBe('jar');
  const modes = ['', 'org', VERSION, `${VERSION}/app-1.0.jar`, `${VERSION}/app-1.0.jar.sha1`].map((path) =>
    (statSync(at(path)).mode & 0o777).toString(8),
  );
  expect(modes).toEqual(['750', '750', '750', '640', '640']);
  writeFileSync(at(VERSION, 'app-1.0.jar'), 'changed');
  expect(readFileSync(join(directory, 'app.jar'), 'utf8')).toBe('jar');
});

it('touches nothing that somebody else has made meanwhile', async () => {
  using local = openLocalRepository(root, undefined);
  const meanwhile = (): void => {
    mkdirSync(at(VERSION), { recursive: true });
    writeFileSync(at(VERSION, 'other'), 'other');
  };
  expect(await put(local, VERSION, meanwhile)).toBe(false);
  expect(readdirSync(at(VERSION))).toEqual(['other']);
});

it.each([
  ['a file', () => writeFileSync(at('org'), '')],
  ['a link', () => symlinkSync(directory, at('org'))],
])('goes nowhere over %s', async (_, make) => {
  mkdirSync(root, { recursive: true });
  make();
  {
    using local = openLocalRepository(root, 0o022);
    expect(await put(local)).toBe(false);
  }
  expect(existsSync(join(directory, 'example'))).toBe(false);
  expect(readdirSync(root)).toEqual(['org']);
});

it('opens none that is no directory', () => {
  mkdirSync(join(root, '..'), { recursive: true });
  writeFileSync(root, '');
  expect(openLocalRepository(root, 0o022)).toBeUndefined();
});

it.skipIf(process.getuid?.() !== 0)('opens none that belongs to somebody else', async () => {
  mkdirSync(root, { recursive: true });
  const { chownSync } = await import('node:fs');
  chownSync(root, 65_534, 65_534);
  expect(openLocalRepository(root, 0o022)).toBeUndefined();
});

it('removes what an agent that was killed has left, and nothing that one works in', async () => {
  const [old, busy, others] = ['.pyrsia-0123456789abcdef', '.pyrsia-00000000ffffffff', '.pyrsia-notes'];
  for (const name of [old, busy, others]) mkdirSync(at(name, '1'), { recursive: true });
  const long = new Date(Date.now() - 3_600_000);
  for (const name of [old, others]) utimesSync(at(name), long, long);
  {
    using local = openLocalRepository(root, 0o022);
    await put(local);
  }
  expect(readdirSync(root).toSorted()).toEqual([busy, others, 'org'].toSorted());
});

it('leaves nothing where a version cannot be made', async () => {
  {
    using local = openLocalRepository(root, 0o022);
    const failing = local?.place(VERSION, async (growing) => {
      growing.write('a', 'a');
      growing.copy(join(directory, 'missing'), 'b');
      return Promise.resolve();
    });
    await expect(failing).rejects.toThrow('ENOENT');
  }
  expect(existsSync(at(VERSION))).toBe(false);
  expect(readdirSync(root)).toEqual(['org']);
});
