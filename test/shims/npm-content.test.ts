import {
  chmodSync,
  chownSync,
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
import { dirname, join } from 'node:path';
import cacache from 'cacache';
import { fc } from '@fast-check/vitest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, integrityOf } from '../../src/content/digest.ts';
import { heldBefore, obstacleIn } from '../../src/shims/npm-cache-folder.ts';
import { openNpmContent } from '../../src/shims/npm-content.ts';

const bytes = Buffer.from('a package');
const digest = digestOf(bytes, 'sha512');

let directory: string;
let cache: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-npm-content-'));
  cache = join(directory, 'npm');
  file = join(directory, 'ours');
  writeFileSync(file, bytes, { mode: 0o444 });
});
afterEach(() => rmSync(directory, { recursive: true }));

function placeOf(): string {
  const hex = digest.slice('sha512:'.length);
  return join(cache, '_cacache/content-v2/sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}

describe('content of npm’s', () => {
  it('lies where npm looks for it, linked or copied', async () => {
    const content = openNpmContent(cache);
    expect(content.has(digest)).toBe(false);
    expect(existsSync(cache)).toBe(false);
    expect(content.link(digest, file)).toBe('linked');
    expect(content.has(digest)).toBe(true);
    const read = async () => cacache.get.byDigest(join(cache, '_cacache'), integrityOf(digest));
    expect(bytes.equals(await read())).toBe(true);
    expect(statSync(file).nlink).toBe(2);

    rmSync(cache, { recursive: true });
    expect(await openNpmContent(cache, { copies: true }).copy(digest, [bytes])).toBe('copied');
    expect(bytes.equals(await read())).toBe(true);
    expect(statSync(file).nlink).toBe(1);
    expect(readdirSync(join(cache, '_cacache', 'tmp'))).toEqual([]);
  });

  it('of any digest is known to have been there before', async () => {
    const past = Date.now() / 1000 - 60;
    for (const algorithm of ['sha1', 'sha512'] as const) {
      const held = (time: number): boolean => heldBefore(cache, digestOf(bytes, algorithm), time);
      expect(held(Date.now() + 1000)).toBe(false);
      await cacache.put(join(cache, '_cacache'), 'key', bytes, { algorithms: [algorithm] });
      expect(held(Date.now() + 1000)).toBe(true);
      expect(held(past * 1000)).toBe(false);
    }
  });

  it('is left as it is where something lies there', async () => {
    const content = openNpmContent(cache);
    content.link(digest, file);
    expect(content.link(digest, file)).toBe('there');
    expect(statSync(file).nlink).toBe(2);
  });

  it('is not there before the copy is whole, and leaves nothing where that fails', async () => {
    const content = openNpmContent(cache);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 3);
      expect(content.has(digest)).toBe(false);
      throw new Error('torn');
    }
    await expect(content.copy(digest, broken())).rejects.toThrow('torn');
    expect(content.has(digest)).toBe(false);
    expect(readdirSync(join(cache, '_cacache', 'tmp'))).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('is no link to a file of another user, who could write it', () => {
    chownSync(file, 65534, 65534);
    expect(openNpmContent(cache).link(digest, file)).toBeUndefined();
    expect(existsSync(cache)).toBe(false);
  });

  it('comes back after a clean-up, and gives up on the second', () => {
    const content = openNpmContent(cache);
    content.link(digest, file);
    rmSync(join(cache, '_cacache'), { recursive: true });
    expect(content.link(digest, file)).toBe('linked');
    expect(
      openNpmContent(cache).link(digestOf(Buffer.from('other'), 'sha512'), join(directory, 'gone')),
    ).toBe('gone');
  });

  it.runIf(process.platform !== 'win32')('is open to as many as the folder that it is in', () => {
    mkdirSync(cache);
    chmodSync(cache, 0o775);
    openNpmContent(cache).link(digest, file);
    for (let at = dirname(placeOf()); at !== cache; at = dirname(at))
      expect(statSync(at).mode & 0o777, at).toBe(0o775);
    rmSync(cache, { recursive: true });
    openNpmContent(cache).link(digest, file);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
  });

  it.runIf(process.platform !== 'win32')(
    'is copied where npm’s own temporary files lie on another device',
    () => {
      if (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(directory).dev) return;
      const elsewhere = mkdtempSync('/dev/shm/pyrsia-');
      mkdirSync(join(cache, '_cacache'), { recursive: true });
      symlinkSync(elsewhere, join(cache, '_cacache', 'tmp'));
      expect(openNpmContent(cache).links()).toBe(false);
      rmSync(elsewhere, { recursive: true });
      expect(openNpmContent(join(directory, 'other')).links()).toBe(true);
    },
  );

  it('never leaves its folder, whatever the digest', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        openNpmContent(cache).link(digestOf(data, 'sha512'), file);
      }),
      { numRuns: 20 },
    );
    expect(readdirSync(directory).toSorted()).toEqual(['npm', 'ours']);
    expect(readdirSync(cache)).toEqual(['_cacache']);
    expect(readdirSync(join(cache, '_cacache'))).toEqual(['content-v2']);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});

describe.skipIf(process.platform === 'win32')('a link in the way', () => {
  let elsewhere: string;
  beforeEach(() => mkdirSync((elsewhere = join(directory, 'elsewhere'))));

  it.each(['npm', 'npm/_cacache', 'npm/_cacache/content-v2'])('at %s is where the folder is kept', (name) => {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    symlinkSync(elsewhere, join(directory, name));
    expect(obstacleIn(cache)).toBeUndefined();
    expect(openNpmContent(cache).link(digest, file)).toBe('linked');
    expect(readFileSync(placeOf()).equals(bytes)).toBe(true);
  });

  it.each([1, 2, 3])('in the content, %i levels above a file, leads us nowhere', async (levels) => {
    let at = placeOf();
    for (let level = 0; level < levels; level++) at = dirname(at);
    mkdirSync(dirname(at), { recursive: true });
    // There is all that would be needed to go on there.
    mkdirSync(join(elsewhere, ...placeOf().slice(at.length).split('/').slice(0, -1)), { recursive: true });
    symlinkSync(elsewhere, at);
    expect(() => openNpmContent(cache).link(digest, file)).toThrow(`${at} is a link`);
    await expect(openNpmContent(cache, { copies: true }).copy(digest, [bytes])).rejects.toThrow('is a link');
    expect(
      readdirSync(elsewhere, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()),
    ).toEqual([]);
    expect(readdirSync(join(cache, '_cacache', 'tmp'))).toEqual([]);
    if (levels === 3) expect(obstacleIn(cache)).toMatchObject({ kind: 'link', path: at });
  });

  it('to nowhere is told', () => {
    symlinkSync(join(directory, 'gone'), cache);
    expect(obstacleIn(cache)).toMatchObject({ kind: 'link', text: `${cache} is a link to nowhere` });
  });
});

describe('a temporary file of ours', () => {
  it('that nobody writes any more is removed with the next copy, and none of npm’s', async () => {
    const temporaries = join(cache, '_cacache', 'tmp');
    mkdirSync(temporaries, { recursive: true });
    const old = Date.now() / 1000 - 2 * 60 * 60;
    const stale = `pyrsia-${'0'.repeat(16)}`;
    const others = ['npms', `pyrsia-${'1'.repeat(16)}`, 'pyrsia-notes', `pyrsia-${'2'.repeat(16)}.txt`];
    for (const name of [stale, ...others]) writeFileSync(join(temporaries, name), 'half');
    const folder = `pyrsia-${'3'.repeat(16)}`;
    mkdirSync(join(temporaries, folder));
    for (const name of [stale, 'npms', 'pyrsia-notes', others.at(-1)!, folder])
      utimesSync(join(temporaries, name), old, old);
    expect(await openNpmContent(cache, { copies: true }).copy(digest, [bytes])).toBe('copied');
    expect(readdirSync(temporaries).toSorted()).toEqual([...others, folder].toSorted());
  });
});

it.each([0o022, 0o077, 0o002])(
  'folders are as npm makes them under umask %i, those above its cache, too',
  async (umask) => {
    cache = join(directory, 'not', 'yet', 'npm');
    mkdirSync(join(directory, 'not'), { mode: 0o700 });
    expect(openNpmContent(cache, { umask }).link(digest, file)).toBe('linked');
    for (let at = dirname(placeOf()); at !== join(directory, 'not'); at = dirname(at))
      expect(statSync(at).mode & 0o777, at).toBe(0o777 & ~umask);
    expect(statSync(join(directory, 'not')).mode & 0o777).toBe(0o700);
  },
);

it('no folder is made above its cache where it is not known how npm would', () => {
  cache = join(directory, 'not', 'npm');
  expect(openNpmContent(cache).link(digest, file)).toBe('gone');
  expect(existsSync(dirname(cache))).toBe(false);
});

describe('a cache of npm’s is none to fill', () => {
  it.each(['npm', 'npm/_cacache', 'npm/_cacache/content-v2', 'npm/_cacache/tmp'])(
    'where %s is a file',
    (name) => {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), '');
      expect(obstacleIn(cache)?.text).toContain('is no directory');
    },
  );

  it('where there is nowhere to make it', () => {
    expect(obstacleIn(join(directory, 'a', 'b'))?.text).toContain(`there is no ${join(directory, 'a')}`);
    expect(obstacleIn(cache)?.text).toBeUndefined();
    mkdirSync(cache);
    expect(obstacleIn(cache)?.text).toBeUndefined();
  });

  it.runIf(process.getuid?.() === 0)('where it belongs to another user', () => {
    mkdirSync(join(cache, '_cacache', 'content-v2'), { recursive: true });
    chownSync(join(cache, '_cacache', 'content-v2'), 65534, 65534);
    expect(obstacleIn(cache)?.text).toContain('belongs to user 65534');
  });
});
