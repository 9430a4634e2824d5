import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeOurs, RECORD, removeEmptied, removeOurs } from '../src/ours.ts';
import { compiledCode } from '../src/paths.ts';
import { openSandbox } from './support/sandbox.ts';

const COMPILE_CACHE = fileURLToPath(new URL('../bin/compile-cache.cjs', import.meta.url));

let root: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pyr-'));
  home = join(root, 'home');
  mkdirSync(home);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const below = (): string[] => readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
const cache = (): string => join(home, '.cache', 'pyrsia');
const outer = (): string => join(home, 'Library', 'pyrsia');
const inner = (): string => join(outer(), 'shims');
const isName = (name: string): boolean => ['content', 'partial'].includes(name);
const disk = (): string => join(root, 'disk');
const fill = (directory: string, ...names: string[]): void =>
  names.forEach((name) => writeFileSync(join(directory, name), name));
/** Removes directories as somebody does who leaves for good. */
const leave = (...directories: string[]) => {
  const removals = directories.map((directory) => removeOurs(directory, { home }));
  removeEmptied(
    removals.flatMap(({ above }) => above),
    [],
  );
  return removals.flatMap(({ left }) => left);
};

describe('a directory that we made', () => {
  it('goes with all that is in it, and with those that were made for it', () => {
    makeOurs(cache());
    makeOurs(join(home, '.cache', 'pyrsia-compiled'));
    mkdirSync(join(cache(), 'content', 'a'), { recursive: true });
    fill(join(cache(), 'content', 'a'), 'b');
    expect(statSync(cache()).mode & 0o777).toBe(0o700);
    expect(leave(cache(), join(home, '.cache', 'pyrsia-compiled'))).toEqual([]);
    expect(below()).toEqual(['home']);
  });

  it('leaves those above that were there before, though they are empty', () => {
    mkdirSync(join(home, '.cache'));
    makeOurs(cache());
    fill(cache(), 'file');
    expect(leave(cache())).toEqual([]);
    expect(below()).toEqual(['home', 'home/.cache']);
  });

  it('leaves those above in which others have settled since', () => {
    makeOurs(cache());
    mkdirSync(join(home, '.cache', 'others'));
    expect(leave(cache())).toEqual([]);
    expect(below()).toEqual(['home', 'home/.cache', 'home/.cache/others']);
  });

  it('knows what was made for it after its home was moved', () => {
    makeOurs(cache());
    renameSync(home, join(root, 'moved'));
    const directory = join(root, 'moved', '.cache', 'pyrsia');
    expect(removeOurs(directory, { home: join(root, 'moved') })).toEqual({
      left: [],
      above: [join(root, 'moved', '.cache')],
    });
  });

  it('goes from where a link above it leads', () => {
    mkdirSync(disk());
    symlinkSync(disk(), join(home, '.cache'));
    makeOurs(cache());
    expect(leave(cache())).toEqual([]);
    expect(below()).toEqual(['disk', 'home', 'home/.cache']);
  });

  it('is removed, not what links in it lead to', () => {
    mkdirSync(join(root, 'elsewhere'));
    fill(join(root, 'elsewhere'), 'file');
    makeOurs(cache());
    symlinkSync(join(root, 'elsewhere'), join(cache(), 'content'));
    expect(leave(cache())).toEqual([]);
    expect(below()).toEqual(['elsewhere', 'elsewhere/file', 'home']);
  });

  it('hands on what is not empty yet to those that stay', () => {
    const shims = join(home, '.local', 'share', 'pyrsia');
    const state = join(home, '.local', 'state', 'pyrsia');
    makeOurs(shims);
    makeOurs(state);
    const { above } = removeOurs(shims, { home });
    removeEmptied(above, [state, cache()]);
    expect(below()).toEqual([
      'home',
      'home/.local',
      'home/.local/state',
      'home/.local/state/pyrsia',
      `home/.local/state/pyrsia/${RECORD}`,
    ]);
    expect(leave(state)).toEqual([]);
    expect(below()).toEqual(['home']);
  });
});

describe('directories of ours in each other, as other systems have them', () => {
  it.each(['the outer one', 'the inner one'])('go, whichever was made first: %s', (first) => {
    const order = first === 'the outer one' ? [outer(), inner()] : [inner(), outer()];
    order.forEach(makeOurs);
    fill(outer(), 'config.json');
    expect(leave(inner(), outer())).toEqual([]);
    expect(below()).toEqual(['home']);
  });

  it('go one after the other', () => {
    [inner(), outer()].forEach(makeOurs);
    removeEmptied(removeOurs(inner(), { home }).above, [outer()]);
    expect(leave(outer())).toEqual([]);
    expect(below()).toEqual(['home']);
  });

  it('go together', () => {
    [inner(), outer()].forEach(makeOurs);
    expect(leave(outer(), inner())).toEqual([]);
    expect(below()).toEqual(['home']);
  });
});

describe('a directory that was there before us', () => {
  it('is emptied and stays if it was empty', () => {
    mkdirSync(cache(), { recursive: true });
    makeOurs(cache());
    fill(cache(), 'file');
    makeOurs(cache());
    expect(leave(cache())).toEqual([]);
    expect(below()).toEqual(['home', 'home/.cache', 'home/.cache/pyrsia']);
  });

  it('is left alone if something lay in it, and that is said', () => {
    mkdirSync(cache(), { recursive: true });
    fill(cache(), 'thesis.txt');
    makeOurs(cache());
    fill(cache(), 'agent.log');
    expect(leave(cache())).toEqual([{ path: cache(), reason: 'it held other things before pyrsia used it' }]);
    expect(readdirSync(cache())).toEqual(['agent.log', 'thesis.txt']);
  });

  it('is left alone if the home directory lies in it', () => {
    mkdirSync(join(root, 'pyrsia'));
    makeOurs(join(root, 'pyrsia'));
    const inside = join(root, 'pyrsia', 'home');
    mkdirSync(inside);
    expect(removeOurs(join(root, 'pyrsia'), { home: inside }).left).toMatchObject([
      { reason: 'the home directory lies in it' },
    ]);
    expect(existsSync(inside)).toBe(true);
  });

  it('is left alone if it is somebody else’s', () => {
    const isRoot = process.getuid?.() === 0;
    const owner = isRoot ? 12_345 : 0;
    const theirs = isRoot ? cache() : '/usr';
    makeOurs(cache());
    if (isRoot) chownSync(theirs, owner, owner);
    expect(removeOurs(theirs, { home }).left).toEqual([
      { path: theirs, reason: `it belongs to user ${owner}` },
    ]);
    expect(existsSync(theirs)).toBe(true);
  });

  it('is left alone if it is a file', () => {
    mkdirSync(dirname(cache()));
    fill(dirname(cache()), 'pyrsia');
    expect(leave(cache())).toMatchObject([{ path: cache() }]);
    expect(existsSync(cache())).toBe(true);
  });
});

describe('a link in place of our directory', () => {
  beforeEach(() => mkdirSync(dirname(cache())));

  it('stays, and what it leads to is emptied, if both were there before us', () => {
    mkdirSync(disk());
    symlinkSync(disk(), cache());
    makeOurs(cache());
    fill(disk(), 'file');
    expect(leave(cache())).toEqual([]);
    expect(below()).toEqual(['disk', 'home', 'home/.cache', 'home/.cache/pyrsia']);
  });

  it('goes with the directory if that is ours and was moved to where it leads', () => {
    makeOurs(cache());
    fill(cache(), 'file');
    renameSync(cache(), disk());
    symlinkSync(disk(), cache());
    expect(leave(cache())).toEqual([]);
    expect(below()).toEqual(['home', 'home/.cache']);
  });

  it('keeps us away from a directory that is not ours', () => {
    mkdirSync(disk());
    fill(disk(), 'thesis.txt');
    symlinkSync(disk(), cache());
    makeOurs(cache());
    expect(leave(cache())).toHaveLength(1);
    expect(readdirSync(disk())).toEqual(['thesis.txt']);
  });

  it('is of no interest when it leads nowhere', () => {
    symlinkSync(disk(), cache());
    expect(leave(cache())).toEqual([]);
  });
});

describe('a directory without a record', () => {
  it('is ours when all in it is called as a program of ours calls it, that made it again', () => {
    mkdirSync(join(cache(), 'content'), { recursive: true });
    expect(removeOurs(cache(), { home, isName }).left).toEqual([]);
    expect(existsSync(cache())).toBe(false);
  });

  it('is not ours when it is empty', () => {
    mkdirSync(cache(), { recursive: true });
    expect(removeOurs(cache(), { home, isName })).toEqual({ left: [], above: [] });
    expect(existsSync(cache())).toBe(true);
  });

  it('is not ours when something else lies beside that', () => {
    mkdirSync(join(cache(), 'content'), { recursive: true });
    fill(cache(), 'thesis.txt');
    expect(removeOurs(cache(), { home, isName }).left).toHaveLength(1);
    expect(readdirSync(cache())).toEqual(['content', 'thesis.txt']);
  });
});

it('A record names no directory but those above its own', () => {
  makeOurs(cache());
  writeFileSync(join(cache(), RECORD), '.\n../../..\n/etc\n../elsewhere\n..\n../x/..\n\n');
  expect(removeOurs(cache(), { home }).above).toEqual([root, dirname(cache())]);
});

it('The directory for compiled code has a record of the same form', async () => {
  await using sandbox = openSandbox();
  const env = { XDG_CACHE_HOME: undefined };
  expect(await sandbox.pyrsia(['config', 'ls'], { env })).toMatchObject({ code: 0 });
  const directory = compiledCode({ HOME: sandbox.home });
  const ours = join(sandbox.home, '.other', 'ours');
  makeOurs(ours);
  expect(readFileSync(join(directory, RECORD), 'utf8')).toBe(readFileSync(join(ours, RECORD), 'utf8'));
  expect(removeOurs(directory, { home: sandbox.home })).toEqual({ left: [], above: [dirname(directory)] });
});

it.skipIf(process.getuid!() !== 0)('Compiled code that is another user’s is not run', async () => {
  await using sandbox = openSandbox();
  const directory = compiledCode(sandbox.env);
  const script = 'require(process.argv[1]).enable(); console.log(require("module").getCompileCacheDir())';
  const enabled = async () =>
    (await sandbox.run(process.execPath, ['-e', script, COMPILE_CACHE])).stdout.startsWith(directory);
  expect(await enabled()).toBe(true);
  chownSync(directory, 12_345, 12_345);
  expect(await enabled()).toBe(false);
});
