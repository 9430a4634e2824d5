import { describe, expect, it } from 'vitest';
import { dockerdOf } from '../../src/shims/dockerd.ts';

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
