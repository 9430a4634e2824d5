import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNodeFinder } from '../../src/shims/node-finder.ts';

let dir: string;
beforeEach(() => void (dir = realpathSync(mkdtempSync(join(tmpdir(), 'pyrsia-node-')))));
afterEach(() => rmSync(dir, { recursive: true }));

const env = { PATH: process.env['PATH'] };

/** A version manager's `node`: a script that counts its starts, and then runs what the directory says. */
function manager(): string {
  const file = join(dir, 'node');
  const lines = [
    '#!/bin/sh',
    `echo >> '${dir}/starts'`,
    '[ -x ./wanted ] || exit 1',
    'exec ./wanted "$@"',
    '',
  ];
  writeFileSync(file, lines.join('\n'), { mode: 0o755 });
  return file;
}

/** A directory for which a manager has a Node that says it lies at `place`. */
function project(name: string, place: string): string {
  const cwd = join(dir, name);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'wanted'), `#!/bin/sh\necho '${place}'\n`, { mode: 0o755 });
  return cwd;
}

describe('the Node behind a node', () => {
  it('is that one itself, also behind a link', async () => {
    const find = openNodeFinder();
    const link = join(dir, 'node');
    symlinkSync(process.execPath, link);
    for (const node of [process.execPath, link])
      expect(await find(node, { cwd: dir, env })).toEqual({ path: process.execPath, varies: false });
  });

  it('is asked once where it is itself, if its name and size do not tell', async () => {
    const find = openNodeFinder();
    const node = join(dir, 'node');
    writeFileSync(node, `#!/bin/sh\necho >> '${dir}/starts'\necho '${node}'\n`, { mode: 0o755 });
    for (const cwd of [dir, tmpdir(), '/']) {
      expect(await find(node, { cwd, env })).toEqual({ path: node, varies: false });
      expect(readFileSync(join(dir, 'starts'), 'utf8')).toBe('\n');
    }
  });

  it('is not started to be asked where it is as large as only a Node is', async () => {
    const node = join(dir, 'node');
    writeFileSync(node, '', { mode: 0o755 });
    truncateSync(node, 20_000_000);
    expect(await openNodeFinder()(node, { cwd: dir, env })).toEqual({ path: node, varies: false });
  });

  it('is asked for in each directory where a manager stands in for it', async () => {
    const find = openNodeFinder();
    const node = manager();
    for (const name of ['one', 'two']) {
      const place = join(dir, `node of ${name}`);
      writeFileSync(place, '');
      const cwd = project(name, place);
      expect(await find(node, { cwd, env })).toEqual({ path: place, varies: true });
    }
  });

  it('is not guessed where the manager has none', async () => {
    const find = openNodeFinder();
    await expect(find(manager(), { cwd: dir, env })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const lies = project('lies', 'nowhere');
    await expect(find(manager(), { cwd: lies, env })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const gone = join(dir, 'gone');
    await expect(find(gone, { cwd: dir, env })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('says what it is, whatever is loaded into the user’s Node', async () => {
    const loaded = join(dir, 'loaded.cjs');
    writeFileSync(loaded, 'console.log("loaded")');
    const cwd = join(dir, 'real');
    mkdirSync(cwd);
    symlinkSync(process.execPath, join(cwd, 'wanted'));
    const found = await openNodeFinder()(manager(), {
      cwd,
      env: { ...env, NODE_OPTIONS: `--require=${loaded}` },
    });
    expect(found).toEqual({ path: process.execPath, varies: true });
  });
});
