import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { expect, describe, it } from 'vitest';
import { endAgent, livingAgents } from '../../src/control/ending.ts';
import { startAgent } from '../../src/control/start.ts';
import { writeLaunch } from '../../src/shims/launch.ts';
import { canUnshareNetwork, inNamespaceWithoutNetwork } from '../support/network.ts';
import { isRunning } from '../support/processes.ts';
import { until, world } from './world.ts';

const canUnshare = canUnshareNetwork();

describe('agents that live', () => {
  it('are none where none was ever started', async () => {
    await using w = world();
    expect(await livingAgents(w.paths.runtime)).toEqual([]);
  });

  it('tell how many launches they serve', async () => {
    await using w = world();
    await using agent = await w.connect();
    const { pid } = agent.hello;
    expect(await livingAgents(w.paths.runtime)).toEqual([
      { directory: w.paths.runtime, pids: [pid], launches: 0 },
    ]);
    const launch = { pid: process.pid, cwd: '/', tool: 'npm', executable: '/bin/npm', args: [], env: {} };
    const { id } = writeLaunch(agent.directory, launch);
    await agent.call('launch', { id });
    expect(await livingAgents(w.paths.runtime)).toMatchObject([{ launches: 1 }]);
  });

  it('are not looked for in a directory that others may write', async () => {
    await using w = world();
    await using agent = await w.connect();
    chmodSync(w.paths.runtime, 0o777);
    expect(await livingAgents(w.paths.runtime)).toEqual([]);
    chmodSync(w.paths.runtime, 0o700);
    expect(await endAgent(agent.directory)).toBe('ended');
  });
});

describe('an agent that is to end', () => {
  it('has gone when that is said', async () => {
    await using w = world();
    await using agent = await w.connect();
    expect(await endAgent(w.paths.runtime)).toBe('ended');
    expect(await livingAgents(w.paths.runtime)).toEqual([]);
    await until(() => !isRunning(agent.hello.pid));
    expect(await endAgent(w.paths.runtime)).toBe('ended');
  });

  it('is waited for when it is just starting', async () => {
    await using w = world();
    const starting = startAgent(w.paths, w.paths.runtime, { entry: w.entry('1.0.0'), env: w.env });
    expect(await endAgent(w.paths.runtime)).toBe('ended');
    // By itself it would wait longer for somebody to call it.
    await expect.poll(() => starting.running, { timeout: 5000 }).toBe(false);
  });

  it('is killed when it hangs', async () => {
    await using w = world();
    await using agent = await w.connect();
    const { pid } = agent.hello;
    process.kill(pid, 'SIGSTOP');
    expect(await livingAgents(w.paths.runtime)).toEqual([{ directory: w.paths.runtime, pids: [pid] }]);
    expect(await endAgent(w.paths.runtime, 50)).toBe('killed');
    await until(() => !isRunning(pid));
  });

  it('is killed when it hangs and its directory is gone', async () => {
    await using w = world();
    await using agent = await w.connect();
    process.kill(agent.hello.pid, 'SIGSTOP');
    rmSync(w.paths.runtime, { recursive: true });
    mkdirSync(w.paths.runtime, { mode: 0o700 });
    expect(await endAgent(w.paths.runtime, 50)).toBe('killed');
  });

  it.runIf(canUnshare)('may live in another network namespace', async () => {
    await using w = world();
    await using here = await w.connect();
    const there = await w.client(inNamespaceWithoutNetwork(['env'])).report;
    const living = await livingAgents(w.paths.runtime);
    expect(living.map(({ pids }) => pids)).toEqual([[here.hello.pid], [there.pid]]);
    for (const { directory } of living) expect(await endAgent(directory)).toBe('ended');
    await until(() => !isRunning(here.hello.pid) && !isRunning(there.pid!));
  });

  it.runIf(canUnshare)(
    'is not one of another container that calls its directory by the same name',
    async () => {
      await using w = world();
      mkdirSync(w.paths.runtime, { recursive: true, mode: 0o700 });
      const script = `mount -t tmpfs none ${w.home} && mkdir -p ${w.paths.runtime} && exec "$@"`;
      const stays = ['-e', 'console.log("there"); setInterval(() => {}, 1000)', 'agent.js', w.paths.runtime];
      const unshare = ['unshare', process.getuid?.() === 0 ? '-m' : '-rm', 'sh', '-c', script, 'sh'];
      const [program, ...args] = [...unshare, process.execPath, ...stays];
      const other = spawn(program!, args);
      await once(other.stdout, 'data');
      try {
        expect(await livingAgents(w.paths.runtime)).toEqual([]);
        expect(await endAgent(w.paths.runtime, 50)).toBe('ended');
        expect(other.exitCode).toBe(null);
      } finally {
        other.kill('SIGKILL');
      }
    },
  );
});
