import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { agentCommand } from '../../src/control/start.ts';
import { world } from './world.ts';

vi.setConfig({ testTimeout: 60_000 });

const PATIENT = { timeout: 30_000 };

it('An agent that systemd keeps waits for another one, which goes when nobody needs it any more', async () => {
  await using w = world(60);
  const busy = await w.connect();
  // As systemd says it to the process that it has started, and this to none of those that it starts.
  const command = 'export SYSTEMD_EXEC_PID=$$; exec "$@"';
  const args = [process.execPath, '--disable-warning=ExperimentalWarning', w.entry('1.0.0')];
  const kept = spawn('sh', ['-c', command, 'sh', ...args], {
    env: w.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const serving = async (): Promise<number | undefined> => {
    const client = await w.find().catch(() => undefined);
    await client?.[Symbol.asyncDispose]();
    return client?.hello.pid;
  };
  // Another that meets one ends at once.
  const other = spawn(process.execPath, args.slice(1), { env: w.env, stdio: 'ignore' });
  expect(await once(other, 'exit')).toEqual([0, null]);
  expect(await serving()).toBe(busy.hello.pid);
  await busy[Symbol.asyncDispose]();
  await expect.poll(serving, PATIENT).toBe(kept.pid);
  kept.kill('SIGTERM');
  expect(await once(kept, 'exit')).toEqual([0, null]);
});

it('An agent that systemd is to keep has of an environment what every agent has', () => {
  const env = {
    PATH: '/bin',
    PYRSIA_PEERS: 'off',
    PYRSIA_SHARE: 'off',
    PYRSIA_IDLE: '0',
    PYRSIA_OFFLINE: '1',
  };
  expect(agentCommand('agent.cjs', env).variables).toEqual({
    PATH: '/bin',
    PYRSIA_PEERS: 'off',
    PYRSIA_SHARE: 'off',
    MALLOC_ARENA_MAX: '1',
  });
});
