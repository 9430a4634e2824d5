import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { follow, lastLines } from '../../src/command/log-file.ts';
import type { AgentStatus } from '../../src/control/protocol.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let home: Sandbox;
beforeEach(() => {
  home = openSandbox();
});
afterEach(() => home[Symbol.asyncDispose]());

const status = async () =>
  JSON.parse((await home.pyrsia(['agent', 'status', '--json'])).stdout) as AgentStatus;

it('is not started by asking for it', async () => {
  expect(await status()).toEqual({ running: false });
  await home.pyrsia(['status']);
  expect(home.processes()).toEqual([]);
});

it('shows pid, ports, version and launches while it runs, and stops when told to', async () => {
  await home.pyrsia(['exec', '--', 'true']);
  const running = await status();
  expect(running).toMatchObject({ running: true, version: expect.any(String), ports: {}, launches: 0 });
  expect(home.processes().map(({ pid }) => pid)).toContain(running.pid);

  const { stdout } = await home.pyrsia(['agent', 'stop']);
  expect(stdout).toBe(`Stopped the agent (pid ${running.pid})\n`);
  expect(await status()).toEqual({ running: false });
});

it('has a log of which the end is shown', async () => {
  const directory = join(home.env['XDG_STATE_HOME']!, 'pyrsia');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'agent.log'), 'one\ntwo\nthree\n');
  expect((await home.pyrsia(['agent', 'logs', '-n', '2'])).stdout).toBe('two\nthree\n');
});

it('has a log that can be followed into the next file', async () => {
  const log = join(home.root, 'log');
  writeFileSync(log, 'one\n');
  const text = follow(log, lastLines(log, 1).end);
  appendFileSync(log, 'two\n');
  expect((await text.next()).value).toBe('two\n');
  renameSync(log, `${log}.1`);
  writeFileSync(log, 'three\n');
  expect((await text.next()).value).toBe('three\n');
  await text.return(undefined);
});
