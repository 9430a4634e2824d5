import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { launch } from '../../src/command/launch.ts';
import type { Handlers } from '../../src/control/server.ts';
import { PyrsiaError } from '../../src/errors.ts';
import { readLaunch } from '../../src/shims/launch.ts';
import { type AnsweringAgent, startAgent } from './answering-agent.ts';

let at: AnsweringAgent;
let answer: Handlers['launch'];
beforeEach(async () => {
  at = await startAgent((...args) => answer(...args));
});
afterEach(async () => at[Symbol.asyncDispose]());

const started = { tool: 'npm', executable: '/bin/npm', args: ['ci'], env: {}, cwd: '/tmp' };
const files = (): string[] => readdirSync(join(at.directory, 'launch'));

it('A launch is there before the agent is told of it, and stays', async () => {
  answer = ({ id }) => ({ notes: [readLaunch(at.directory, id)!.env['PYRSIA_REPORT']!] });
  const env = { PYRSIA_REPORT: 'report.json' };
  const launched = await launch(at.agent, { ...started, env }, { timeoutMs: 60_000 });
  expect(launched.answer.notes).toEqual(['/tmp/report.json']);
  expect(files()).toEqual([launched.id]);
});

it('A launch that the agent refuses leaves nothing', async () => {
  answer = () => Promise.reject(new PyrsiaError('CONFIG_INVALID', { problems: ['spoilt'] }));
  await expect(launch(at.agent, started, { timeoutMs: 60_000 })).rejects.toThrow('spoilt');
  expect(files()).toEqual([]);
});

it('A launch that the agent says nothing to leaves nothing', async () => {
  answer = () => new Promise(() => {});
  await expect(launch(at.agent, started, { timeoutMs: 50 })).rejects.toThrow('does not answer');
  expect(files()).toEqual([]);
});
