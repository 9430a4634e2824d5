/** docker's own stand-in in front of a real daemon, for an ordinary user: what it leads itself, and what dies meanwhile. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  utimesSync,
} from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import { basename, delimiter, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/control/protocol.ts';
import { type Paths, pathsOf } from '../../src/paths.ts';
import { quickFile } from '../../src/shims/quick-file.ts';
import { canDocker, docker, type Dockerd, OUR_NAME } from '../support/docker.ts';
import type { Front } from '../support/image-registry.ts';
import type { Described } from '../support/oci-layout.ts';
import type { Sandbox } from '../support/sandbox.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';
import { asUser } from '../support/user.ts';
import { type DockerWorld, openDockerWorld, user } from './docker-world.ts';

/** Every docker of this machine: clients of several years. */
const clients = [
  ...new Set(
    spawnSync('which', ['-a', 'docker'], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean)
      .map((file) => realpathSync(file)),
  ),
];
const LONG_AGO = new Date('2020-01-01');
const WITHIN = { timeout: 15_000 };

/** What a screen shows of us. */
const toldBy = ({ screen }: Terminal): readonly string[] =>
  screen.split('\n').filter((line) => line.startsWith('pyrsia: '));

describe.skipIf(!canDocker)('a stand-in for docker', { timeout: 90_000 }, () => {
  let world: DockerWorld;
  let sandbox: Sandbox;
  let dockerd: Dockerd;
  let front: Front;
  let index: Described;
  let paths: Paths;
  let app: string;

  beforeAll(async () => {
    // As any daemon is: what it does not get from us it asks us for again.
    world = await openDockerWorld({ patient: true });
    ({ sandbox, dockerd, front, index, app } = world);
    const mine = pathsOf(sandbox.env);
    // Whose it is decides where it is.
    const runtime = join(sandbox.env['XDG_RUNTIME_DIR']!, 'pyrsia', basename(mine.runtime));
    paths = { ...mine, runtime };
    expect((await sandbox.pyrsia(['shim', 'install', 'docker', '--no-path'])).code).toBe(0);
  }, 90_000);
  afterEach(async () => {
    front.instead = () => false;
    await dockerd.clear();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const envFor = (client = clients[0]!): Record<string, string> => ({
    DOCKER_HOST: dockerd.host,
    PATH: [paths.shims, dirname(client), sandbox.env['PATH']].join(delimiter),
  });
  const call = (args: readonly string[], client?: string, input = '') =>
    sandbox.run('docker', args, { env: envFor(client), input });
  const begin = (args: readonly string[]) => sandbox.start(['docker', ...args], { env: envFor() });
  const atTerminal = (args: readonly string[]): Terminal => {
    const command = ['docker', ...args] as const;
    const env = { ...sandbox.env, ...envFor(), TERM: 'xterm' };
    return openTerminal(user ? asUser(user, command) : command, { env });
  };
  const direct = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr, code } = await docker(dockerd.host, args);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  const status = async () =>
    JSON.parse((await sandbox.pyrsia(['agent', 'status', '--json'])).stdout) as AgentStatus;
  const killAgent = async (): Promise<void> => {
    const { pid } = await status();
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => existsSync(`/proc/${pid}/cwd`), WITHIN).toBe(false);
  };
  /** Has one call go the slow way, which leaves an answer for the next ones. */
  const ask = async (client?: string): Promise<void> => {
    expect((await call(['pull', `${app}:1`], client)).code).toBe(0);
    const file = quickFile(paths.runtime, 'docker');
    await expect
      .poll(() => existsSync(file) && readFileSync(file, 'utf8').includes(client ?? clients[0]!), WITHIN)
      .toBe(true);
  };
  const lying = () => readdirSync(join(paths.runtime, 'launch'));
  /** Of each running launch: the answer that it has followed; nothing where it has asked. */
  const followed = (): string[] =>
    lying()
      .filter((name) => !name.includes('.'))
      .map((file) => readFileSync(join(paths.runtime, 'launch', file), 'utf8').split('\0')[2]!);
  const lasting = ['run', '--rm', '--network', 'none', '--name', 'lasting'];
  const sleep = ['/bin/busybox', 'sleep', '600'];
  const names = async () => direct('ps', '--format', '{{.Names}}');

  it.each(clients)('leads %s itself, whose calls end as they do', async (client) => {
    await ask(client);
    const run = async (...args: readonly string[]) =>
      call(['run', '--rm', '--network', 'none', ...args], client);
    const first = await run(`${app}:1`);
    expect([first.code, first.stdout, first.stderr]).toEqual([0, 'it runs\n', '']);
    const sh = [`${app}:1`, '/bin/busybox', 'sh', '-c'];
    expect((await run(...sh, 'exit 7')).code).toBe(7);
    expect((await run('--no-such-option', ...sh, '')).code).toBe(125);
    expect((await run(`${app}:1`, '/no/such/program')).code).toBe(127);
    const piped = await call(['run', '--rm', '-i', '--network', 'none', ...sh, 'cat'], client, 'a\nb\n');
    expect([piped.code, piped.stdout]).toEqual([0, 'a\nb\n']);
    const stays = sandbox.start(['docker', ...lasting, `${app}:1`, ...sleep], { env: envFor(client) });
    await expect.poll(names, WITHIN).toBe('lasting\n');
    expect(followed()).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
    await direct('kill', 'lasting');
    expect((await stays.result).code).toBe(137);
  });

  it('leaves a terminal to what runs on it, and what Ctrl-C means there', async () => {
    await ask();
    const sized = 'while [ "$($B stty size)" != "24 80" ]; do $B sleep 0.1; done 2>/dev/null; echo sized';
    const told = `B=/bin/busybox; trap "echo caught; exit 3" INT; ${sized}; while :; do $B sleep 0.1; done`;
    const command = [`${app}:1`, '/bin/busybox', 'sh', '-c', told];
    await using terminal = atTerminal(['run', '--rm', '-it', '--network', 'none', ...command]);
    await terminal.says('sized');
    // It was led by the stand-in itself.
    expect(followed()).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
    terminal.write('\x03');
    expect(await terminal.ends()).toEqual({ code: 3, signal: null });
    expect(terminal.screen).toContain('caught');
  });

  it('may be called by more at once than have sockets waiting for them', async () => {
    await ask();
    await direct('rmi', `${app}:1`);
    const all = await Promise.all(Array.from({ length: 10 }, () => call(['pull', `${app}:1`])));
    expect(all.map(({ code, stderr }) => [code, stderr])).toEqual(all.map(() => [0, '']));
    await expect.poll(followed, WITHIN).toEqual([]);
    // As many as before, for those to come.
    await expect.poll(() => lying().filter((name) => name.endsWith('.spare')).length, WITHIN).toBe(8);
  });

  it('says in docker’s own words that nobody is at the daemon’s socket any more', async () => {
    const socket = join(sandbox.root, 'd.sock');
    const env = { ...envFor(), DOCKER_HOST: `unix://${socket}` };
    const before = createServer((client) => void client.pipe(connect(dockerd.socket)).pipe(client));
    await once(before.listen(socket), 'listening');
    chmodSync(socket, 0o666);
    utimesSync(socket, LONG_AGO, LONG_AGO);
    expect((await sandbox.run('docker', ['pull', `${app}:1`], { env })).code).toBe(0);
    const file = quickFile(paths.runtime, 'docker');
    await expect
      .poll(() => existsSync(file) && readFileSync(file, 'utf8').includes(socket), WITHIN)
      .toBe(true);
    // As one leaves it that was killed.
    renameSync(socket, `${socket}.kept`);
    before.close();
    renameSync(`${socket}.kept`, socket);
    const { code, stderr } = await sandbox.run('docker', ['run', '--rm', `${app}:1`], { env });
    const words = `Cannot connect to the Docker daemon at unix://${socket}. Is the docker daemon running?`;
    expect([code, stderr]).toEqual([125, expect.stringContaining(words)]);
  });

  it('leaves a container alone when the agent is killed, and says on a terminal what has ended', async () => {
    await ask();
    await using terminal = atTerminal([...lasting, `${app}:1`, ...sleep]);
    await expect.poll(names, WITHIN).toBe('lasting\n');
    expect(followed()).toEqual([expect.stringMatching(/./)]);
    await killAgent();
    expect((await terminal.ends()).code).not.toBe(0);
    expect(toldBy(terminal)).toEqual([
      expect.stringMatching(/^pyrsia: The agent ended while docker was running/),
    ]);
    expect(await names()).toBe('lasting\n');
    // The next one starts another.
    expect((await call(['run', '--rm', '--network', 'none', `${app}:1`])).stdout).toBe('it runs\n');
  });

  it('ends a pull with a line of ours when the agent is killed in mid-layer, and docker’s next one has all of it', async () => {
    await ask();
    await dockerd.clear();
    const { digest } = world.image.layers[0]!;
    expect((await sandbox.pyrsia(['cache', 'rm', digest, '--yes'])).code).toBe(0);
    const layer = readFileSync(join(world.layout.directory, 'blobs', digest.replace(':', '/')));
    const { promise: half, resolve: come } = Promise.withResolvers<void>();
    front.instead = ({ method, url = '' }, response) => {
      if (method !== 'GET' || !url.endsWith(digest)) return false;
      response.writeHead(200, { 'content-length': layer.byteLength });
      response.write(layer.subarray(0, layer.byteLength / 2), () => come());
      return true;
    };
    await using terminal = atTerminal(['pull', `${app}:1`]);
    await half;
    await expect.poll(() => terminal.screen, WITHIN).toContain('Pulling fs layer');
    expect(followed()).toEqual([expect.stringMatching(/./)]);
    await killAgent();
    expect((await terminal.ends()).code).toBe(1);
    // Besides what had come by then.
    expect(toldBy(terminal).filter((line) => !/ artifacts? · /.test(line))).toEqual([
      expect.stringMatching(/^pyrsia: The agent ended while docker was running/),
    ]);
    front.instead = () => false;
    expect((await call(['pull', `${app}:1`])).code).toBe(0);
    expect(await direct('run', '--rm', '--network', 'none', `${app}:1`)).toBe('it runs\n');
  });

  it('pulls again what the agent was killed at, and leaves no name of ours', async () => {
    await ask();
    await direct('rmi', `${app}:1`);
    const { promise: asked, resolve: come } = Promise.withResolvers<void>();
    let held: (() => void) | undefined;
    // The daemon itself, which is told to learn the digest, once it has the image under our address.
    front.instead = async ({ url = '', headers }: IncomingMessage) => {
      if (held || !url.endsWith(index.digest) || !headers['user-agent']?.startsWith('docker/')) return false;
      const { promise, resolve } = Promise.withResolvers<void>();
      held = resolve;
      come();
      await promise;
      return false;
    };
    const pulling = begin(['pull', `${app}:1`]);
    await asked;
    const images = async () => direct('images', '--all', '--digests', '--no-trunc');
    const { ports } = await status();
    const ours = `127.0.0.1:${ports!['images']}/`;
    await killAgent();
    expect((await pulling.result).code).toBe(1);
    held!();
    expect(await images()).toContain(ours);
    expect(await images()).toMatch(OUR_NAME);
    expect((await call(['pull', `${app}:1`])).code).toBe(0);
    await expect.poll(images, WITHIN).not.toContain(ours);
    expect(await direct('run', '--rm', '--network', 'none', `${app}@${index.digest}`)).toBe('it runs\n');
  });

  // The daemon keeps manifests that it has fetched itself, and asks for no more.
  it('has docker fetch itself what we do not get, and not after all that a daemon waits for us', async () => {
    await ask();
    await dockerd.clear();
    const [{ digest } = { digest: '' }] = world.image.layers;
    expect((await sandbox.pyrsia(['cache', 'rm', digest, '--yes'])).code).toBe(0);
    const layer = readFileSync(join(world.layout.directory, 'blobs', digest.replace(':', '/')));
    // We are given a part of it, whatever we ask for; the daemon all of it.
    front.instead = ({ url = '', headers }, response) => {
      if (!url.endsWith(digest) || headers['user-agent']?.startsWith('docker/')) return false;
      response.writeHead(200, { 'content-length': layer.byteLength });
      response.write(layer.subarray(0, layer.byteLength / 2), () => response.destroy());
      return true;
    };
    const began = performance.now();
    const { code, stderr } = await sandbox.run('docker', ['run', '--rm', '--network', 'none', `${app}:1`], {
      env: envFor(),
    });
    front.instead = () => false;
    expect([code, stderr]).toEqual([0, expect.stringContaining('Unable to find image')]);
    // It would wait 5, 10, 15 and 20 s before it asks us once more.
    expect(stderr).not.toContain('Retrying in');
    expect(performance.now() - began).toBeLessThan(45_000);
  });
});
