import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { dockerdOf, dockerdsAt } from '../../src/shims/dockerd.ts';

describe('A daemon’s command line', () => {
  it.each([
    [
      ['-H', 'fd://', '--containerd=/run/containerd/containerd.sock'],
      ['/var/run/docker.sock'],
      '/etc/docker/daemon.json',
    ],
    [[], ['/var/run/docker.sock'], '/etc/docker/daemon.json'],
    [['--host=unix:///a', '-H', 'tcp://127.0.0.1:1', '--config-file', '/c'], ['/a'], '/c'],
    [['-H=tcp://127.0.0.1:1', '--config-file=/c=d'], [], '/c=d'],
  ])('%j says where it listens, and where its configuration lies', (args, sockets, configFile) => {
    const found = dockerdOf(7, ['/usr/bin/dockerd', ...args]);
    expect(found).toEqual({ pid: 7, configFile, sockets, namesMirrors: false });
  });

  it('may name mirrors itself', () => {
    expect(dockerdOf(7, ['dockerd', '--registry-mirror', 'https://m.example'])).toMatchObject({
      namesMirrors: true,
    });
  });

  it('is none of another program', () => expect(dockerdOf(7, ['sh', 'dockerd'])).toBeUndefined());
});

describe.runIf(process.platform === 'linux')('A process that is called dockerd', () => {
  it('is none where neither root nor its user has started it', async () => {
    const own = process.getuid!();
    // Root's are believed, so a stranger's has to be somebody else's.
    const stranger = own === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const socket = `/run/of-${process.pid}.sock`;
    const child = spawn('/bin/sh', ['-c', 'read line', 'sh', '-H', `unix://${socket}`], {
      argv0: 'dockerd',
      stdio: ['pipe', 'ignore', 'ignore'],
      ...stranger,
    });
    try {
      const user = stranger.uid ?? own;
      await expect.poll(() => dockerdsAt(socket, user)).toMatchObject([{ pid: child.pid }]);
      expect(dockerdsAt(socket, user + 1)).toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
