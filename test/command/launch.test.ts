import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { launch } from '../../src/command/launch.ts';
import { type AgentClient, openConnection } from '../../src/control/connection.ts';
import { socketPath } from '../../src/control/directory.ts';
import { PROTOCOL } from '../../src/control/protocol.ts';
import { type ControlServer, controlServer, type Handlers } from '../../src/control/server.ts';
import { PyrsiaError } from '../../src/errors.ts';
import { readLaunch } from '../../src/shims/launch.ts';

let directory: string;
let control: ControlServer;
let agent: AgentClient;
let answer: Handlers['launch'];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pyrsia-launch-'));
  const hello = { pyrsia: '1.0.0', protocol: PROTOCOL, pid: process.pid };
  const handlers = { launch: (...args: Parameters<typeof answer>) => answer(...args) } as Handlers;
  control = controlServer(hello, handlers, () => {});
  control.server.listen(socketPath(directory));
  await once(control.server, 'listening');
  agent = (await openConnection(directory))!;
});
afterEach(async () => {
  await agent[Symbol.asyncDispose]();
  control.close();
  rmSync(directory, { recursive: true });
});

const started = { tool: 'npm', executable: '/bin/npm', args: ['ci'], env: {}, cwd: '/tmp' };
const files = (): string[] => readdirSync(join(directory, 'launch'));

it('A launch is there before the agent is told of it, and stays', async () => {
  answer = ({ id }) => ({ notes: [readLaunch(directory, id)!.env['PYRSIA_REPORT']!] });
  const env = { PYRSIA_REPORT: 'report.json' };
  const launched = await launch(agent, { ...started, env }, { timeoutMs: 60_000 });
  expect(launched.answer.notes).toEqual(['/tmp/report.json']);
  expect(files()).toEqual([launched.id]);
});

it('A launch that the agent refuses leaves nothing', async () => {
  answer = () => Promise.reject(new PyrsiaError('CONFIG_INVALID', { problems: ['spoilt'] }));
  await expect(launch(agent, started, { timeoutMs: 60_000 })).rejects.toThrow('spoilt');
  expect(files()).toEqual([]);
});

it('A launch that the agent says nothing to leaves nothing', async () => {
  answer = () => new Promise(() => {});
  await expect(launch(agent, started, { timeoutMs: 50 })).rejects.toThrow('does not answer');
  expect(files()).toEqual([]);
});
