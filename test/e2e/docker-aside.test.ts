/** Daemons that we do not stand in front of, or that cannot reach us: docker says what it says without us, and one line tells why. */
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../fixtures/registry/certificate.ts';
import type { Finished } from '../support/command.ts';
import { canDocker, docker, startDockerd } from '../support/docker.ts';
import { type DockerWorld, openDockerWorld, user } from './docker-world.ts';

describe.skipIf(!canDocker)('docker', { timeout: 60_000 }, () => {
  let world: DockerWorld;

  beforeAll(async () => {
    world = await openDockerWorld();
    for (const [name, host] of [
      ['far', 'host=ssh://far.invalid'],
      ['guarded', 'host=tcp://127.0.0.1:1,skip-tls-verify=true'],
      ['other', `host=${world.dockerd.host}`],
    ] as const) {
      const made = await world.sandbox.run('docker', ['context', 'create', name, '--docker', host]);
      expect(made.code, made.stderr).toBe(0);
    }
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  beforeEach(() => world.dockerd.clear());

  type Env = Readonly<Record<string, string>>;
  const pull = (...args: readonly string[]): readonly string[] => [...args, 'pull', `${world.app}:1`];
  const through = (args: readonly string[], env: Env): Promise<Finished> =>
    world.sandbox.pyrsia(['exec', '--', 'docker', ...args], { env });
  const without = (args: readonly string[], env: Env): Promise<Finished> =>
    world.sandbox.run('docker', args, { env });

  it.each<readonly [why: string, env: Env, args: readonly string[]]>([
    ['by DOCKER_HOST its daemon is at tcp://…', { DOCKER_HOST: 'tcp://127.0.0.1:1' }, []],
    [
      'by DOCKER_HOST its daemon is at tcp://…',
      { DOCKER_HOST: 'tcp://127.0.0.1:1', DOCKER_TLS_VERIFY: '1' },
      [],
    ],
    ['by DOCKER_HOST its daemon is at ssh://…', { DOCKER_HOST: 'ssh://far.invalid' }, []],
    ['by the context far its daemon is at ssh://…', { DOCKER_CONTEXT: 'far' }, []],
    ['by the context guarded its daemon is at tcp://…', { DOCKER_CONTEXT: 'guarded' }, []],
    ['nothing is known of the context none', { DOCKER_CONTEXT: 'none' }, []],
    ['-H says which daemon it is', {}, ['-H', 'tcp://127.0.0.1:1']],
    ['--context says which daemon it is', {}, ['--context', 'guarded']],
    ['--tlsverify says which daemon it is', {}, ['--tlsverify', '-H', 'tcp://127.0.0.1:1']],
  ])('runs without us, as it does: %s', async (why, env, args) => {
    const ours = await through(pull(...args), env);
    const line = `pyrsia: docker runs without pyrsia: ${why}\n`;
    expect(ours.stderr.startsWith(line), ours.stderr).toBe(true);
    const own = await without(pull(...args), env);
    expect([ours.code, ours.stdout, ours.stderr.slice(line.length)]).toEqual([
      own.code,
      own.stdout,
      own.stderr,
    ]);
    expect(own.code).not.toBe(0);
  });

  it.each(['tcp', 'TLS'])('fetches past us at a daemon that is far, with one line: by %s', async (how) => {
    const certificates = join(world.sandbox.home, 'certificates');
    mkdirSync(certificates, { recursive: true });
    const { cert, key } = selfSigned();
    for (const [name, text] of [
      ['ca', cert],
      ['cert', cert],
      ['key', key],
    ] as const)
      writeFileSync(join(certificates, `${name}.pem`), text);
    const clients: Socket[] = [];
    const lead = (client: Socket): void => {
      clients.push(client);
      client.on('error', () => undefined);
      const daemon = connect(world.dockerd.socket).on('error', () => undefined);
      client.pipe(daemon).pipe(client);
    };
    // What a daemon has at its other addresses, in front of ours.
    const server =
      how === 'tcp'
        ? createServer(lead)
        : createTlsServer({ cert, key, ca: cert, requestCert: true, rejectUnauthorized: true }, lead);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const env = {
      DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ...(how === 'TLS' && { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates }),
    };
    world.front.requests.length = 0;
    const { code, stdout, stderr } = await through(pull(), env);
    expect([code, stderr]).toEqual([
      0,
      'pyrsia: docker runs without pyrsia: by DOCKER_HOST its daemon is at tcp://…\n',
    ]);
    expect(stdout).toContain(`Status: Downloaded newer image for ${world.app}:1\n`);
    expect(world.blobs().length).toBeGreaterThan(0);
    for (const client of clients) client.destroy();
    server.close();
  });

  it('has a socket of its user’s own proxied: by DOCKER_HOST, by a context, by the context in use', async () => {
    const config = join(world.sandbox.home, '.docker', 'config.json');
    const isProxied = async (env: Env): Promise<void> => {
      await world.dockerd.clear();
      expect((await through(pull(), env)).stderr).toContain('verified');
    };
    await isProxied({ DOCKER_HOST: world.dockerd.host });
    await isProxied({ DOCKER_CONTEXT: 'other' });
    writeFileSync(config, JSON.stringify({ currentContext: 'other' }));
    await isProxied({});
    rmSync(config);
  });

  it('asks the registry itself in a network of its own, as rootless daemons and virtual machines do', async () => {
    await using alone = await startDockerd({ gid: user?.gid ?? 0, within: ['unshare', '--net'] });
    const env = { DOCKER_HOST: alone.host };
    const ours = await through(pull(), env);
    const own = await without(pull(), env);
    expect([ours.code, ours.stdout]).toEqual([own.code, own.stdout]);
    expect(ours.stderr.startsWith(own.stderr), ours.stderr).toBe(true);
    expect(ours.stderr.slice(own.stderr.length)).toMatch(
      /^pyrsia: \S+\/org\/app:1 did not come through pyrsia, docker was to fetch it itself: .*\n/,
    );

    // `docker load` reaches it.
    const pulled = await world.sandbox.pyrsia(['pull', `${world.app}:1`], { env });
    expect([pulled.code, pulled.stdout]).toEqual([
      0,
      expect.stringContaining('engine    docker, from a file'),
    ]);
    const listed = await docker(alone.host, ['images', '--format', '{{.Repository}}:{{.Tag}}']);
    expect(listed.stdout).toBe(`${world.app}:1\n`);
    const started = await docker(alone.host, ['run', '--rm', '--network', 'none', `${world.app}:1`]);
    expect(started.stdout).toBe('it runs\n');
  });

  it('shows in its events what was pulled as what, and saves and runs the same image', async () => {
    const seen = async (fetch: () => Promise<Finished>) => {
      const since = new Date().toISOString();
      expect((await fetch()).code).toBe(0);
      const events = await docker(world.dockerd.host, [
        'events',
        '--since',
        since,
        '--until',
        new Date().toISOString(),
        '--filter',
        'type=image',
        '--format',
        '{{.Action}} {{.Actor.ID}}',
      ]);
      const saved = join(world.sandbox.home, 'saved.tar');
      await without(['save', '-o', saved, `${world.app}:1`], { DOCKER_HOST: world.dockerd.host });
      const sum = await world.sandbox.run('sha256sum', [saved]);
      const pinned = `${world.app}@${world.index.digest}`;
      const ran = await docker(world.dockerd.host, ['run', '--network', 'none', '--name', 'pinned', pinned]);
      const format = '{{.Image}} {{.Config.Image}} {{json .Config.Cmd}}';
      const told = await docker(world.dockerd.host, ['inspect', '-f', format, 'pinned']);
      await world.dockerd.clear();
      return { events: events.stdout.trim().split('\n'), rest: [sum.stdout, ran.stdout, told.stdout] };
    };
    const env = { DOCKER_HOST: world.dockerd.host };
    const own = await seen(() => without(pull(), env));
    const ours = await seen(() => through(pull(), env));
    expect(ours.rest).toEqual(own.rest);
    expect(own.events).toEqual([`pull ${world.app}:1`]);
    const actions = ours.events.map((each) => each.split(' ')[0]);
    expect(actions).toEqual(['pull', 'pull', 'tag', 'untag']);
    expect(ours.events).toContain(`pull ${world.app}@${world.index.digest}`);
  });
});
