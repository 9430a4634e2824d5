import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tools } from '../../src/ecosystems/tools.ts';
import { pathsOf } from '../../src/paths.ts';
import {
  installShim,
  readShim,
  realTool,
  removeShim,
  removeShimDirectory,
  type ShimPlace,
  shimFile,
  shimPlace,
  shimsIn,
} from '../../src/shims/shim-files.ts';

let home: string;
let place: ShimPlace;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pyr-'));
  const env = { HOME: home, PATH: '/usr/bin:/bin' };
  place = { ...shimPlace(pathsOf(env, 'linux'), env, home, home), platform: 'linux' };
});
afterEach(() => rmSync(home, { recursive: true }));

const [npm, npx] = ['npm', 'npx'].map((name) => tools.find(({ executable }) => executable === name)!);
const file = (): string => shimFile('npm', place);

describe('a shim', () => {
  it('is none when it is a link, though it leads to one; what it leads to stays when it is replaced', () => {
    installShim(npm!, place);
    const elsewhere = join(home, 'elsewhere');
    writeFileSync(elsewhere, readFileSync(file()));
    rmSync(file());
    symlinkSync(elsewhere, file());
    expect(readShim('npm', place)).toBe('foreign');
    writeFileSync(elsewhere, 'theirs');
    installShim(npm!, place);
    expect([lstatSync(file()).isFile(), readFileSync(elsewhere, 'utf8')]).toEqual([true, 'theirs']);
  });

  it('is none when it is for another tool', () => {
    installShim(npx!, place);
    writeFileSync(file(), readFileSync(shimFile('npx', place)));
    expect(readShim('npm', place)).toBe('foreign');
    expect(shimsIn(place)).toEqual({ tools: ['npx'], others: [file()] });
  });

  it('of another pyrsia is not the tool', () => {
    const [other, bin] = ['other', 'bin'].map((name) => join(home, name));
    installShim(npm!, { ...place, paths: { ...place.paths, shims: other! } });
    mkdirSync(bin!);
    writeFileSync(join(bin!, 'npm'), '#!/bin/sh\n', { mode: 0o755 });
    const env = { ...place.env, PATH: [other, bin].join(delimiter) };
    expect(realTool('npm', { ...place, env })).toBe(join(bin!, 'npm'));
  });
});

describe('the directory of the shims', () => {
  it('is closed to others who could write in it', () => {
    mkdirSync(place.paths.shims, { recursive: true });
    chmodSync(place.paths.shims, 0o777);
    installShim(npm!, place);
    expect(statSync(place.paths.shims).mode & 0o777).toBe(0o755);
  });

  it('goes with the last shim, and everything above that was made for it', () => {
    installShim(npm!, place);
    expect(removeShim('npm', place)).toBe(true);
    removeShimDirectory(place);
    expect(existsSync(join(home, '.local'))).toBe(false);
  });

  it('stays with what others have put there', () => {
    installShim(npm!, place);
    writeFileSync(file(), '#!/bin/sh\n');
    expect(removeShim('npm', place)).toBe(false);
    removeShimDirectory(place);
    expect(readFileSync(file(), 'utf8')).toBe('#!/bin/sh\n');
  });
});
