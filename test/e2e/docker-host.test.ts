/** What talks to docker's daemon through a socket of a shell's own: docker's client, an SDK, and nobody else. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/control/protocol.ts';
import type { Command, Finished, RunOptions, Running } from '../support/command.ts';
import { canDocker, docker } from '../support/docker.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';
import { asUser } from '../support/user.ts';
import { type DockerWorld, openDockerWorld, user } from './docker-world.ts';

/** How large the context of a build is, in bytes. */
const CONTEXT_BYTES = Number(process.env['CONTEXT_BYTES'] ?? 100e6);
const ROOT = { name: 'root', uid: 0, gid: 0 };
const sh = ['/bin/busybox', 'sh', '-c'];
const B = 'B=/bin/busybox; ';
/** Docker's client says how large a terminal is once what runs on it has begun. */
const sized = 'while [ "$($B stty size)" != "24 80" ]; do $B sleep 0.1; done 2>/dev/null; echo sized';

describe.skipIf(!canDocker)('a socket of a shell’s own', { timeout: 60_000 }, () => {
  let world: DockerWorld;
  let shell: Running;
  let host: string;
  let socket: string;

  beforeAll(async () => {
    world = await openDockerWorld();
    shell = world.sandbox.start(['sleep', '600'], { timeoutMs: 600_000 });
    host = await hostFor(shell.pid);
    socket = host.slice('unix://'.length);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  beforeEach(() => void (world.front.requests.length = 0));

  const asked = (args: readonly string[], env: RunOptions['env'] = {}): Promise<Finished> =>
    world.sandbox.pyrsia(['env', '--docker', '--shell', 'bash', ...args], {
      env: { DOCKER_HOST: world.dockerd.host, ...env },
    });
  const said = async (env: Record<string, string>): Promise<unknown> => {
    const { code, stdout, stderr } = await asked([], env);
    return [code, stdout, stderr];
  };
  async function hostFor(pid: number): Promise<string> {
    const { code, stdout, stderr } = await asked(['--pid', String(pid), '--json']);
    expect([code, stderr]).toEqual([0, '']);
    return (JSON.parse(stdout) as { host: string }).host;
  }
  /** Runs docker's client as if it had our socket for its daemon's. */
  const client = (args: readonly string[], options: RunOptions = {}): Promise<Finished> =>
    world.sandbox.run('docker', args, { ...options, env: { DOCKER_HOST: host, ...options.env } });
  const done = async (args: readonly string[], options?: RunOptions): Promise<string> => {
    const { code, stdout, stderr } = await client(args, options);
    expect([code, stderr], args.join(' ')).toEqual([0, '']);
    return stdout;
  };
  const direct = async (...args: readonly string[]): Promise<string> =>
    (await docker(world.dockerd.host, args)).stdout;
  const start = (args: readonly string[]): Running =>
    world.sandbox.start(['docker', ...args], { env: { DOCKER_HOST: host } });
  const atTerminal = (args: readonly string[], command: Command = ['docker'], by = host): Terminal =>
    openTerminal(asUser(user ?? ROOT, [...command, ...args]), {
      env: { ...world.sandbox.env, DOCKER_HOST: by },
    });
  const run = ['run', '--rm', '--network', 'none'];
  const image = (): string => `${world.app}:1`;

  it('is its user’s alone, there once for a shell, and gone with it', async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const other = await world.sandbox.run('true', []);
    expect(other.code).toBe(0);
    // Whoever evaluates it twice has one; a launch below it sees the daemon that the user had.
    const lines = 'eval "$(pyrsia env --docker)"; echo $DOCKER_HOST; ';
    const pyrsia = `pyrsia() { ${world.sandbox.pyrsiaCommand([]).join(' ')} "$@"; }; `;
    const { stdout, stderr } = await world.sandbox.run(
      'bash',
      ['-c', `${pyrsia}${lines}${lines}test -S "\${DOCKER_HOST#unix://}" && echo $PYRSIA_WAS_DOCKER_HOST`],
      { env: { DOCKER_HOST: world.dockerd.host, SHELL: '/bin/bash' } },
    );
    const [first = '', second, was] = stdout.split('\n');
    expect([stderr, first, second, was]).toEqual([
      '',
      expect.stringMatching(/^unix:\/\/.*\.docker$/),
      first,
      world.dockerd.host,
    ]);
    expect(first).not.toBe(host);
    await expect.poll(() => existsSync(first.slice('unix://'.length)), { timeout: 10_000 }).toBe(false);
  });

  it('is not made for a daemon elsewhere, for none, or where pyrsia is switched off', async () => {
    expect(await said({ DOCKER_HOST: 'ssh://far.example' })).toEqual([
      1,
      '',
      'pyrsia: Docker is left alone: by DOCKER_HOST its daemon is at ssh://…\n',
    ]);
    expect(await said({ DOCKER_HOST: 'unix:///nowhere/docker.sock' })).toEqual([
      1,
      '',
      'pyrsia: Docker is left alone: no daemon answers (docker version says why)\n',
    ]);
    expect(await said({ PYRSIA: 'off' })).toEqual([
      1,
      '',
      'pyrsia: Docker is left alone: pyrsia is switched off here\n',
    ]);
  });

  it('lets an SDK pull through us, run and build', async () => {
    const sdk = new Docker({ socketPath: socket });
    const followed = async (stream: unknown): Promise<{ error?: string }[]> =>
      new Promise((resolve, reject) => {
        sdk.modem.followProgress(stream as NodeJS.ReadableStream, (error, all) =>
          error ? reject(error) : resolve(all as { error?: string }[]),
        );
      });
    await followed(await sdk.pull(image()));
    const { digest } = world.image.layers[0]!;
    expect(world.blobs().filter((request) => request.includes(digest))).toHaveLength(1);
    const before = world.blobs();
    await sdk.getImage(image()).remove();
    const again = await followed(await sdk.pull(image()));
    expect([world.blobs(), again.at(-1)]).toEqual([
      before,
      expect.objectContaining({ status: `Status: Downloaded newer image for ${image()}` }),
    ]);
    const { RepoDigests: digests } = await sdk.getImage(image()).inspect();
    expect(digests).toEqual([`${world.app}@${world.index.digest}`]);
    await expect(sdk.pull(`${world.app}:none`)).rejects.toMatchObject({ statusCode: 404 });

    // It shows the container's input what it tells the daemon, with us as without.
    const ran = await Promise.all(
      [socket, world.dockerd.socket].map((path) => runBySdk(new Docker({ socketPath: path }))),
    );
    expect(ran).toEqual([
      [7, ran[1]![1]],
      [7, expect.stringMatching(/got .*a line\n/)],
    ]);

    const context = pack();
    context.entry({ name: 'Dockerfile' }, `FROM ${image()}\nCOPY big /big\n`);
    context.entry({ name: 'big' }, randomBytes(3e6));
    context.finalize();
    const built = await followed(
      await sdk.buildImage(context as unknown as NodeJS.ReadableStream, { t: 'made-by-sdk' }),
    );
    expect(built.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(await done([...run, 'made-by-sdk', ...sh, '/bin/busybox wc -c < /big'])).toBe('3000000\n');
  });

  async function runBySdk(sdk: Docker): Promise<readonly [code: number, stdout: string]> {
    const container = await sdk.createContainer({
      Image: image(),
      Cmd: [...sh, 'read line; echo "got $line"; exit 7'],
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { NetworkMode: 'none' },
    });
    const attached = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    await container.start();
    attached.end('a line\n');
    const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
    const stdout = await text(attached);
    await container.remove();
    return [code, stdout];
  }

  it('passes on what goes in and out of a container, and its terminal', async () => {
    const large = randomBytes(3e6).toString('hex');
    const echoed = await done([...run, '-i', image(), '/bin/busybox', 'cat'], { input: large });
    expect(digest(echoed)).toBe(digest(large));
    expect((await client([...run, image(), ...sh, 'echo oh >&2; exit 7'])).code).toBe(7);

    const told = `trap "echo caught; exit 3" INT; ${sized}; while :; do $B sleep 0.1; done`;
    await using terminal = atTerminal([...run, '-it', image(), ...sh, `${B}${told}`]);
    await terminal.says('sized');
    terminal.write('\x03');
    expect(await terminal.ends()).toEqual({ code: 3, signal: null });
    expect(terminal.screen).toContain('caught');
  });

  it('is not needed at a terminal: Ctrl-C ends what runs there, and a pull, as it does without us', async () => {
    const exec = world.sandbox.pyrsiaCommand(['exec', '--', 'docker']);
    const told = `trap "echo caught; exit 3" INT; ${sized}; while :; do $B sleep 0.1; done`;
    await using running = atTerminal(
      [...run, '-it', image(), ...sh, `${B}${told}`],
      exec,
      world.dockerd.host,
    );
    await running.says('sized');
    running.write('\x03');
    expect(await running.ends()).toEqual({ code: 3, signal: null });

    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    world.front.instead = async ({ url = '' }) => {
      if (/other\/blobs/.test(url)) await held;
      return false;
    };
    const ends = await Promise.all(
      [exec, ['docker'] as const].map(async (command) => {
        await using pulling = atTerminal(
          ['pull', `${world.front.host}/org/other:1`],
          command,
          world.dockerd.host,
        );
        await pulling.says(/Pulling fs layer|Waiting/);
        pulling.write('\x03');
        const end = await pulling.ends();
        return end;
      }),
    );
    release();
    expect(ends).toEqual([{ code: expect.any(Number), signal: null }, ends[0]]);
    expect(ends[0]!.code).not.toBe(0);
    expect(await direct('images', '-q', `${world.front.host}/org/other`)).toBe('');
  });

  it('is there again with the next agent, if one was killed', async () => {
    const { stdout } = await world.sandbox.pyrsia(['agent', 'status', '--json']);
    process.kill((JSON.parse(stdout) as AgentStatus).pid!, 'SIGKILL');
    await expect.poll(async () => (await client(['version'])).code, { timeout: 10_000 }).toBe(1);
    expect((await hostFor(process.pid)) === host).toBe(false);
    await expect.poll(async () => (await client(['version'])).code, { timeout: 10_000 }).toBe(0);
  });

  it('passes on what is followed: logs, events, and who attaches or executes', async () => {
    await direct('pull', image());
    await client(['rm', '-f', 'lasting']);
    const events = start([
      'events',
      '--since',
      '1m',
      '--filter',
      'container=lasting',
      '--format',
      '{{.Type}} {{.Action}}',
    ]);
    const lines = 'echo begins; while read line; do echo "got $line"; [ "$line" = end ] && exit 5; done';
    await done(['run', '-d', '-i', '--network', 'none', '--name', 'lasting', image(), ...sh, lines]);
    const logs = start(['logs', '-f', 'lasting']);
    await using attached = atTerminal(['attach', 'lasting']);
    const script = 'echo in; read x; echo "x is $x"; exit 9';
    const executed = await client(['exec', '-i', 'lasting', ...sh, script], { input: 'y\n' });
    expect([executed.code, executed.stdout]).toEqual([9, 'in\nx is y\n']);
    await using executing = atTerminal(['exec', '-it', 'lasting', ...sh, `${B}${sized}; read x`]);
    await executing.says('sized');
    executing.write('\r');
    expect(await executing.ends()).toEqual({ code: 0, signal: null });

    writeFileSync(join(world.sandbox.home, 'file'), large());
    await done(['cp', 'file', 'lasting:/copied']);
    await done(['cp', 'lasting:/copied', 'back']);
    expect(readFileSync(join(world.sandbox.home, 'back')).equals(large())).toBe(true);

    // It is attached once the daemon says so, or has said so.
    await expect
      .poll(() => direct('events', '--since', '1m', '--until', '0s'), { timeout: 10_000 })
      .toContain('container attach');
    attached.write('one\rend\r');
    expect(await attached.ends()).toEqual({ code: 5, signal: null });
    expect((await logs.result).stdout).toBe('begins\ngot one\ngot end\n');
    events.kill('SIGINT');
    expect((await events.result).stdout).toMatch(
      /container create[^]*container exec_start[^]*container die\n/,
    );
    await direct('rm', 'lasting');
  });

  it('passes on large bodies as they are, and goes on with a daemon that was restarted', async () => {
    await direct('pull', image());
    const directory = join(world.sandbox.home, 'context');
    mkdirSync(directory);
    writeFileSync(join(directory, 'large'), '');
    truncateSync(join(directory, 'large'), CONTEXT_BYTES);
    writeFileSync(join(directory, 'Dockerfile'), `FROM ${image()}\nCOPY Dockerfile /made\n`);
    const built = await client(['build', '-q', '-t', 'made', directory], {
      env: { DOCKER_BUILDKIT: '0' },
      timeoutMs: 300_000,
    });
    expect([built.code, built.stdout]).toEqual([0, expect.stringMatching(/^sha256:/)]);
    const saved = join(world.sandbox.home, 'saved.tar');
    await done(['save', '-o', saved, 'made']);
    await direct('save', '-o', `${saved}.direct`, 'made');
    expect(digest(readFileSync(saved))).toBe(digest(readFileSync(`${saved}.direct`)));
    await world.dockerd.restart();
    await direct('rmi', 'made');
    expect(await done(['load', '-i', saved])).toBe('Loaded image: made:latest\n');
  });
});

const LARGE = randomBytes(2e6);
const large = (): Buffer => LARGE;
const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
