import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  existsSync,
  lutimesSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { companionFile, launchFile, readLaunch, writeLaunch } from '../../src/shims/launch.ts';
import { launches } from '../../src/shims/launches.ts';
import type { Launches } from '../../src/shims/launches.ts';

/** Files are seen at once, by the look every second at the latest. */
const WITHIN = { timeout: 10_000 };

let directory: string;
let begun: string[];
let ended: string[];
let refused: string[];
let open: Launches[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-launches-'));
  [begun, ended, refused, open] = [[], [], [], []];
});
afterEach(() => {
  for (const opened of open) opened.close();
  rmSync(directory, { recursive: true });
});

function registry(isKept?: (name: string) => boolean): Launches {
  const opened = launches({
    directory,
    ...(isKept && { isKept }),
    onStart: ({ id }) => begun.push(id),
    onEnd: ({ id }) => ended.push(id),
    onRefused: (reason) => refused.push(reason),
  });
  open.push(opened);
  return opened;
}

/** A file that belongs to the launch `id`. */
const companion = (id: string): string => companionFile(directory, readLaunch(directory, id)!.name, 'npmrc');

function write(pid = process.pid): string {
  return writeLaunch(directory, { pid, cwd: '/', tool: 'npm', executable: '/npm', args: [], env: {} }).id;
}

it('knows the launches that it has admitted, once each', () => {
  const running = registry();
  const id = write();
  expect(running.list()).toEqual([]);
  const launch = running.admit(id);
  expect(running.find(id)).toBe(launch);
  expect(running.admit(id)).toBe(launch);
  expect(running.list()).toEqual([launch]);
  expect(begun).toEqual([id]);
});

it('sees a launch by its file, also one that is not written at once', async () => {
  const running = registry();
  const id = write();
  await expect.poll(() => begun, WITHIN).toEqual([id]);
  const [whole, slow] = [readFileSync(launchFile(directory, id)), randomUUID()];
  writeFileSync(launchFile(directory, slow), whole.subarray(0, -1));
  running.look();
  expect(running.list()).toHaveLength(1);
  appendFileSync(launchFile(directory, slow), '\0');
  await expect.poll(() => begun, WITHIN).toEqual([id, slow]);
});

it('takes up a launch whose id is shown before anybody told of it', () => {
  const running = registry();
  const id = write();
  expect(running.find(id)).toMatchObject({ id, tool: 'npm' });
  expect(running.find(randomUUID())).toBeUndefined();
  expect(running.find('../agent.lock')).toBeUndefined();
  expect(running.list()).toHaveLength(1);
});

it('says once of each file why it is left alone, and removes it in the end', () => {
  const running = registry();
  const [id, dead] = [randomUUID(), write(spawnSync('true').pid)];
  symlinkSync('/etc/passwd', launchFile(directory, id));
  for (let round = 0; round < 3; round++) running.look();
  expect(running.find(id)).toBeUndefined();
  expect(refused.toSorted()).toEqual([
    expect.stringMatching(/^The agent refused: process \d+ of the launch is not running/),
    expect.stringMatching(/^The agent refused: the launch file cannot be opened: .*ELOOP/),
  ]);
  expect(readdirSync(join(directory, 'launch'))).toHaveLength(2);

  const longAgo = new Date(Date.now() - 61_000);
  lutimesSync(launchFile(directory, id), longAgo, longAgo);
  utimesSync(launchFile(directory, dead), longAgo, longAgo);
  running.look();
  expect(readdirSync(join(directory, 'launch'))).toEqual([]);
  expect(existsSync('/etc/passwd')).toBe(true);
});

it('refuses a launch without a file, and one whose process is gone', () => {
  const running = registry();
  expect(() => running.admit('00000000-0000-4000-8000-000000000000')).toThrow(/no such launch/);
  const { pid } = spawnSync('true');
  expect(() => running.admit(write(pid))).toThrow(`process ${pid} of the launch is not running`);
  expect(running.list()).toEqual([]);
});

it.runIf(process.getuid?.() === 0)('leaves alone what somebody else has put there, and names it', () => {
  const running = registry();
  const id = randomUUID();
  const planted = readFileSync(launchFile(directory, write()));
  writeFileSync(launchFile(directory, id), planted);
  chownSync(launchFile(directory, id), 12_345, 12_345);
  expect(running.find(id)).toBeUndefined();
  running.look();
  expect(refused).toEqual([
    `The agent refused: the launch file ${launchFile(directory, id)} belongs to user 12345`,
  ]);
});

it('ends a launch with its connection and removes all its files', () => {
  const running = registry();
  const connection = new AbortController();
  const [id, other] = [write(), write()];
  running.admit(id, connection.signal);
  running.admit(other);
  writeFileSync(companion(id), '');
  connection.abort();
  expect(running.find(id)).toBeUndefined();
  expect(readdirSync(join(directory, 'launch'))).toEqual([other]);
  expect(ended).toEqual([id]);
  running.end(id);
  expect(ended).toEqual([id]);

  const late = write();
  running.admit(late, connection.signal);
  expect(running.find(late)).toBeUndefined();
});

it('ends a launch when its process is gone', async () => {
  const running = registry();
  const tool = spawn('sleep', ['60']);
  const id = write(tool.pid);
  running.admit(id);
  tool.kill('SIGKILL');
  await expect.poll(() => ended, WITHIN).toEqual([id]);
  expect(existsSync(launchFile(directory, id))).toBe(false);
});

it('gives a launch up as soon as its file is removed', () => {
  const running = registry();
  const id = write();
  running.admit(id);
  rmSync(launchFile(directory, id));
  expect(running.find(id)).toBeUndefined();
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
  const orphan = companionFile(directory, randomUUID(), 'npmrc');
  for (const file of [companion(dead), companion(alive), orphan]) writeFileSync(file, '');
  writeFileSync(join(directory, 'launch', 'README'), '');
  registry();
  expect(readdirSync(join(directory, 'launch')).toSorted()).toEqual(
    [alive, basename(companion(alive)), 'README'].toSorted(),
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

it('keeps the files of a launch for as long as it runs', () => {
  const running = registry();
  const id = write();
  writeFileSync(companion(id), '');
  const longAgo = new Date(Date.now() - 61_000);
  for (const file of [launchFile(directory, id), companion(id)]) utimesSync(file, longAgo, longAgo);
  running.admit(id);
  running.look();
  expect(readdirSync(join(directory, 'launch'))).toHaveLength(2);
});

it('keeps the files of names that are kept for launches to come', () => {
  const kept = randomUUID();
  const running = registry((name) => name === kept);
  const longAgo = new Date(Date.now() - 61_000);
  for (const name of [kept, randomUUID()]) {
    const file = companionFile(directory, name, 'spare');
    writeFileSync(file, '');
    utimesSync(file, longAgo, longAgo);
  }
  running.look();
  expect(readdirSync(join(directory, 'launch'))).toEqual([`${kept}.spare`]);
});

it('takes up a launch that went unseen', () => {
  const running = registry();
  // Nothing is seen of what comes into a directory that takes the place of the one that is watched.
  renameSync(join(directory, 'launch'), join(directory, 'former'));
  const id = write();
  running.look();
  expect(running.list()).toMatchObject([{ id }]);
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
  expect(companion(id)).toMatch(/\/launch\/[0-9a-f-]{36}\.npmrc$/);
  expect(companion(id)).not.toContain(id);
});
