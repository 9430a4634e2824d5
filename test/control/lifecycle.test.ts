import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { connectAgent } from '../../src/control/client.ts';
import { agentEnvironment } from '../../src/control/start.ts';
import { writeLaunch } from '../../src/shims/launch.ts';
import { isRunning } from '../support/processes.ts';
import { until, world } from './world.ts';

// Every test starts processes, on machines that may have better things to do.
vi.setConfig({ testTimeout: 60_000 });

const isRoot = process.getuid?.() === 0;
const us = { pid: process.pid, cwd: '/', tool: 'npm', executable: '/usr/bin/npm', args: [], env: {} };

describe('starting', () => {
  it('makes one agent, however many start one at once', async () => {
    for (let round = 0; round < 5; round++) {
      await using w = world();
      const clients = Array.from({ length: 8 }, () => w.client());
      const reports = await Promise.all(clients.map((client) => client.report));
      expect(new Set(reports.map((report) => report.pid)).size).toBe(1);
      expect(reports.filter((report) => report.error)).toEqual([]);
      await Promise.all(clients.map((client) => client.leave()));
    }
  });

  it('finds nothing where no agent runs and none is wanted', async () => {
    await using w = world();
    expect(await w.find()).toBeUndefined();
    expect(existsSync(w.paths.runtime)).toBe(false);
  });

  it('keeps the socket, the lock and the directories to the user', async () => {
    await using w = world();
    await using agent = await w.connect();
    const modes = ['', 'agent.sock', 'agent.lock', 'launch', '..'].map(
      (name) => statSync(join(agent.directory, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o700, 0o700]);
  });

  it('makes the agent’s directory the one it works in', async () => {
    await using w = world();
    await using agent = await w.connect();
    expect(readlinkSync(`/proc/${agent.hello.pid}/cwd`)).toBe(agent.directory);
  });

  it('has it keep its memory in one place', async () => {
    await using w = world();
    await using agent = await w.connect();
    const environment = readFileSync(`/proc/${agent.hello.pid}/environ`, 'utf8').split('\0');
    expect(environment).toContain('MALLOC_ARENA_MAX=1');
  });

  it('goes on from what a killed agent left behind', async () => {
    await using w = world();
    const killed = await w.connect();
    process.kill(killed.hello.pid, 'SIGKILL');
    await killed.closed;
    expect(readdirSync(w.paths.runtime)).toEqual(['agent.lock', 'agent.sock', 'launch']);

    expect(await w.find()).toBeUndefined();
    await using agent = await w.connect();
    expect(agent.hello.pid).not.toBe(killed.hello.pid);
  });

  it('says why an agent did not start', async () => {
    await using w = world();
    const missing = connectAgent(w.paths, {
      version: '1',
      start: { entry: join(w.home, 'no.ts'), env: w.env },
    });
    await expect(missing).rejects.toMatchObject({
      code: 'AGENT_UNAVAILABLE',
      details: { reason: expect.stringMatching(/^it ended with exit code 1 .*agent\.log/) },
    });
  });

  it('gives the agent nothing that belongs to one launch', () => {
    expect(
      agentEnvironment({
        HOME: '/home/ada',
        LC_ALL: 'C',
        XDG_CACHE_HOME: '/c',
        PYRSIA_IDLE: '0',
        PYRSIA_CACHE_LIMIT: '1GB',
        PYRSIA_PEERS: 'off',
        PYRSIA_SHARE: 'off',
        PYRSIA_OFFLINE: '1',
        NODE_OPTIONS: '--inspect',
        NODE_EXTRA_CA_CERTS: '/ca.pem',
        HTTPS_PROXY: 'http://u:p@proxy',
        npm_config_registry: 'http://localhost/',
      }),
    ).toEqual({
      HOME: '/home/ada',
      LC_ALL: 'C',
      XDG_CACHE_HOME: '/c',
      PYRSIA_IDLE: '0',
      PYRSIA_CACHE_LIMIT: '1GB',
      PYRSIA_PEERS: 'off',
      PYRSIA_SHARE: 'off',
    });
  });
});

describe('a runtime directory that is not ours alone', () => {
  it.each([
    ['open to others', (path: string) => chmodSync(path, 0o777), /is open to others \(mode 777\)/],
    ['readable by others', (path: string) => chmodSync(path, 0o755), /is open to others \(mode 755\)/],
  ])('is refused when it is %s', async (_, spoil, reason) => {
    await using w = world();
    mkdirSync(w.paths.runtime, { recursive: true, mode: 0o700 });
    for (const path of [w.paths.runtime, dirname(w.paths.runtime)]) {
      spoil(path);
      const refusal = { code: 'AGENT_UNAVAILABLE', details: { reason: expect.stringMatching(reason) } };
      await expect(w.connect()).rejects.toMatchObject(refusal);
      await expect(w.find()).rejects.toMatchObject({ details: { reason: expect.stringContaining(path) } });
      chmodSync(path, 0o700);
    }
  });

  it('is refused when it is a link', async () => {
    await using w = world();
    mkdirSync(join(w.home, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(w.home, 'elsewhere'), dirname(w.paths.runtime));
    await expect(w.connect()).rejects.toMatchObject({
      details: { reason: `${dirname(w.paths.runtime)} is not a directory` },
    });
  });

  it('is refused when the place for launches in it is a link', async () => {
    await using w = world();
    mkdirSync(w.paths.runtime, { recursive: true, mode: 0o700 });
    mkdirSync(join(w.home, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(w.home, 'elsewhere'), join(w.paths.runtime, 'launch'));
    await expect(w.connect()).rejects.toMatchObject({
      details: { reason: expect.stringMatching(/^it ended with exit code 1 /) },
    });
    const log = readFileSync(join(w.paths.state, 'agent.log'), 'utf8');
    expect(log).toContain(`${join(w.paths.runtime, 'launch')} is not a directory`);
  });

  it('is refused when it belongs to somebody else', async () => {
    await using w = world();
    const owner = isRoot ? 12_345 : 0;
    const theirs = isRoot ? join(w.home, 'theirs') : '/etc';
    if (isRoot) {
      mkdirSync(theirs, { mode: 0o700 });
      chownSync(theirs, owner, owner);
    }
    const paths = { ...w.paths, runtime: join(theirs, 'pyrsia') };
    await expect(connectAgent(paths, { version: '1' })).rejects.toMatchObject({
      details: { reason: `${theirs} belongs to user ${owner}` },
    });
  });
});

describe('ending', () => {
  it('happens after a time without clients', async () => {
    await using w = world(0.2);
    const first = await w.connect();
    const { pid } = first.hello;
    await first[Symbol.asyncDispose]();
    await using second = await w.connect();
    expect(second.hello.pid).toBe(pid);
    await second[Symbol.asyncDispose]();
    await until(() => !isRunning(pid));
    expect(readdirSync(w.paths.runtime)).toEqual(['agent.lock', 'launch']);
  });

  it('happens with the last launch when there is no idle time, and not before', async () => {
    await using w = world(0);
    const [a, b] = [await w.connect(), await w.connect()];
    for (const client of [a, b]) await client.call('launch', writeLaunch(a.directory, us));
    await a[Symbol.asyncDispose]();
    await expect.poll(() => b.call('status', {})).toMatchObject({ launches: 1 });
    await b[Symbol.asyncDispose]();
    await until(() => !isRunning(a.hello.pid));
    expect(readdirSync(join(w.paths.runtime, 'launch'))).toEqual([]);
  });

  it('waits for launches whose client is gone but whose process runs', async () => {
    await using w = world(0);
    const tool = spawn('sleep', ['60']);
    await using agent = await w.connect();
    const { id } = writeLaunch(agent.directory, { ...us, pid: tool.pid! });
    await agent.call('launch', { id });
    expect(await agent.call('stop', { whenIdle: true })).toEqual({ stopping: false });
    tool.kill('SIGKILL');
    await until(() => !existsSync(join(agent.directory, 'launch', id)));
    expect(await agent.call('stop', { whenIdle: true })).toEqual({ stopping: true });
    await agent.closed;
  });

  it('waits for launches that outlive the connection that told of them', async () => {
    await using w = world(0);
    const tool = spawn('sleep', ['60']);
    const agent = await w.connect();
    const { id } = writeLaunch(agent.directory, { ...us, pid: tool.pid! });
    await agent.call('launch', { id, stays: true });
    await agent[Symbol.asyncDispose]();
    await using another = (await w.find())!;
    expect(await another.call('status', {})).toMatchObject({ launches: 1 });
    await another[Symbol.asyncDispose]();
    tool.kill('SIGKILL');
    await until(() => !isRunning(agent.hello.pid));
    expect(readdirSync(join(w.paths.runtime, 'launch'))).toEqual([]);
  });

  it('takes up, at the last moment, a launch that nobody told of', async () => {
    await using w = world(0);
    const tool = spawn('sleep', ['60']);
    const agent = await w.connect();
    // Nothing is seen of what comes into a directory that takes the place of the one that is watched.
    renameSync(join(agent.directory, 'launch'), join(w.home, 'launch'));
    const { id } = writeLaunch(agent.directory, { ...us, pid: tool.pid! });
    await agent[Symbol.asyncDispose]();
    for (let launches; launches !== 1;) {
      const another = (await w.find())!;
      ({ launches } = await another.call('status', {}));
      await another[Symbol.asyncDispose]();
    }
    tool.kill('SIGKILL');
    await until(() => !isRunning(agent.hello.pid));
    expect(existsSync(join(agent.directory, 'launch', id))).toBe(false);
  });

  it('does not happen on request while it stays for a launch that nobody told of', async () => {
    await using w = world();
    const tool = spawn('sleep', ['60']);
    await using agent = await w.connect();
    renameSync(join(agent.directory, 'launch'), join(w.home, 'launch'));
    writeLaunch(agent.directory, { ...us, pid: tool.pid! });
    expect(await agent.call('stop', { whenIdle: true })).toEqual({ stopping: false });
    tool.kill('SIGKILL');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('is clean on %s', async (signal) => {
    await using w = world();
    await using agent = await w.connect();
    await agent.call('launch', writeLaunch(agent.directory, us));
    process.kill(agent.hello.pid, signal);
    await agent.closed;
    await until(() => !isRunning(agent.hello.pid));
    expect(readdirSync(w.paths.runtime)).toEqual(['agent.lock', 'launch']);
    expect(readdirSync(join(w.paths.runtime, 'launch'))).toEqual([]);
    await expect(agent.call('status', {})).rejects.toMatchObject({ code: 'AGENT_UNAVAILABLE' });
  });
});

describe('another version', () => {
  it('takes over when nothing is running', async () => {
    await using w = world();
    const old = await w.connect('1.0.0');
    await old[Symbol.asyncDispose]();
    await using agent = await w.connect('2.0.0');
    expect(agent.hello).toMatchObject({ pyrsia: '2.0.0', protocol: old.hello.protocol });
    await until(() => !isRunning(old.hello.pid));
  });

  it('uses the running agent while somebody else does', async () => {
    await using w = world();
    await using old = await w.connect('1.0.0');
    await old.call('launch', writeLaunch(old.directory, us));
    await using agent = await w.connect('2.0.0');
    expect(agent.hello.pid).toBe(old.hello.pid);
    expect(await agent.call('status', {})).toMatchObject({ launches: 1 });
  });

  it('cuts nobody off who is connected, even before the first request', async () => {
    await using w = world(0);
    await using asking = await w.connect();
    await using silent = await w.connect();
    expect(await asking.call('stop', { whenIdle: true })).toEqual({ stopping: false });
    expect(await silent.call('status', {})).toMatchObject({ running: true });
  });

  it('leaves the running agent alone where it could not start its own', async () => {
    await using w = world();
    await using old = await w.connect('1.0.0');
    await using agent = (await w.find('2.0.0'))!;
    expect(agent.hello.pid).toBe(old.hello.pid);
  });
});

const elsewhere = ['unshare', isRoot ? '-n' : '-rn'] as const;
const canUnshare = spawnSync(elsewhere[0], [elsewhere[1], 'true']).status === 0;

describe('another network namespace', () => {
  it.runIf(canUnshare)('has an agent of its own, which only reads the cache', async () => {
    await using w = world();
    await using here = await w.connect();
    const there = [w.client(elsewhere), w.client(elsewhere)];
    const [one, two] = await Promise.all(there.map((client) => client.report));
    expect(one).toMatchObject({
      directory: expect.stringMatching(/\/net-\d+$/),
      readOnly: 'another agent writes this cache',
    });
    expect(new Set([here.hello.pid, one!.pid, two!.pid]).size).toBe(3);

    await using again = await w.connect();
    expect(again.hello.pid).toBe(here.hello.pid);
    await Promise.all(there.map((client) => client.leave()));
    for (const report of [one, two]) process.kill(report!.pid!, 'SIGTERM');
    await until(() => !isRunning(one!.pid!) && !isRunning(two!.pid!));
  });
});
