import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { launchFile, writeLaunch } from '../../src/shims/launch.ts';
import { launches } from '../../src/shims/launches.ts';
import type { Launches } from '../../src/shims/launches.ts';

let directory: string;
let ended: string[];
let open: Launches[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-launches-'));
  [ended, open] = [[], []];
});
afterEach(() => {
  for (const opened of open) opened.close();
  rmSync(directory, { recursive: true });
});

function registry(): Launches {
  const opened = launches({ directory, onEnd: ({ id }) => ended.push(id) });
  open.push(opened);
  return opened;
}

function write(pid = process.pid): string {
  return writeLaunch(directory, { pid, cwd: '/', tool: 'npm', executable: '/npm', args: [], env: {} }).id;
}

it('knows the launches that it has admitted, and no others', () => {
  const running = registry();
  const [id, stranger] = [write(), write()];
  expect(running.get(id)).toBeUndefined();
  const launch = running.admit(id);
  expect(running.get(id)).toBe(launch);
  expect(running.admit(id)).toBe(launch);
  expect(running.list()).toEqual([launch]);
  expect(running.get(stranger)).toBeUndefined();
});

it('refuses a launch without a file, and one whose process is gone', () => {
  const running = registry();
  expect(() => running.admit('00000000-0000-4000-8000-000000000000')).toThrow(/no such launch/);
  const { pid } = spawnSync('true');
  expect(() => running.admit(write(pid))).toThrow(`process ${pid} of the launch is not running`);
  expect(running.list()).toEqual([]);
});

it('ends a launch with its connection and removes all its files', () => {
  const running = registry();
  const connection = new AbortController();
  const [id, other] = [write(), write()];
  running.admit(id, connection.signal);
  running.admit(other);
  writeFileSync(launchFile(directory, id, 'npmrc'), '');
  connection.abort();
  expect(running.get(id)).toBeUndefined();
  expect(readdirSync(join(directory, 'launch'))).toEqual([other]);
  expect(ended).toEqual([id]);
  running.end(id);
  expect(ended).toEqual([id]);

  const late = write();
  running.admit(late, connection.signal);
  expect(running.get(late)).toBeUndefined();
});

it('ends a launch when its process is gone', async () => {
  const running = registry();
  const tool = spawn('sleep', ['60']);
  const id = write(tool.pid);
  running.admit(id);
  tool.kill('SIGKILL');
  await expect.poll(() => ended, { timeout: 5000 }).toEqual([id]);
  expect(existsSync(launchFile(directory, id))).toBe(false);
});

it('gives a launch up as soon as its file is removed', () => {
  const running = registry();
  const id = write();
  running.admit(id);
  rmSync(launchFile(directory, id));
  expect(running.get(id)).toBeUndefined();
  expect(ended).toEqual([id]);
});

it('ends all launches when it closes', () => {
  const running = registry();
  const ids = [write(), write()];
  for (const id of ids) running.admit(id);
  running.close();
  expect(ended).toEqual(ids);
  expect(readdirSync(join(directory, 'launch'))).toEqual([]);
});

it('removes what launches of dead processes left, and nothing else', () => {
  const [dead, alive] = [write(spawnSync('true').pid), write()];
  const orphan = '00000000-0000-4000-8000-000000000000';
  for (const id of [dead, alive, orphan]) writeFileSync(launchFile(directory, id, 'npmrc'), '');
  writeFileSync(join(directory, 'launch', 'README'), '');
  registry();
  expect(readdirSync(join(directory, 'launch')).toSorted()).toEqual(
    [alive, basename(launchFile(directory, alive, 'npmrc')), 'README'].toSorted(),
  );
});

it('leaves nothing of an agent and a command that were both killed', async () => {
  const tool = spawn('sleep', ['60']);
  const id = write(tool.pid);
  const running = registry();
  expect(readdirSync(join(directory, 'launch'))).toEqual([id]);
  tool.kill('SIGKILL');
  await once(tool, 'exit');
  running.close();
  expect(readdirSync(join(directory, 'launch'))).toEqual([]);
});

it('does without a directory that somebody tidied away', () => {
  const running = registry();
  const id = write();
  running.admit(id);
  rmSync(join(directory, 'launch'), { recursive: true });
  running.close();
  expect(ended).toEqual([id]);
});

it('names what belongs to a launch in a way that does not tell its id', () => {
  const id = write();
  expect(launchFile(directory, id, 'npmrc')).toMatch(/\/launch\/[0-9a-f]{32}\.npmrc$/);
  expect(launchFile(directory, id, 'npmrc')).not.toContain(id);
});
