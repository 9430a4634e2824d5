import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/control/protocol.ts';
import type { RunOptions } from '../support/command.ts';
import { busybox, canDocker, docker, type Dockerd, nginx } from '../support/docker.ts';
import { holders } from '../support/holders.ts';
import { type Front, type ImageRegistry, startFront, startRegistry } from '../support/image-registry.ts';
import { type Described, Layout, type MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { freePort } from '../support/free-port.ts';
import { type DockerShelf, openDockerShelf, user } from './docker-world.ts';

const LARGE = randomBytes(9 * 2 ** 20);
/** Exit code, and what is said, of what is refused. */
const refused = (reason: RegExp) => [1, expect.stringMatching(reason)];

describe.skipIf(!canDocker)('docker through us', () => {
  let disk: Sandbox;
  let shelf: DockerShelf;
  let registry: ImageRegistry;
  let dockerd: Dockerd;
  let image: MadeImage;
  let index: Described;
  /** Where nginx answers. */
  let port: number;

  beforeAll(async () => {
    disk = openSandbox();
    shelf = await openDockerShelf(disk.root, [busybox(), { 'bin/large': LARGE }]);
    ({ dockerd, registry, image, index } = shelf);
    const { layout } = shelf;
    await registry.push(layout.directory, 'app', 'library/app:latest');
    port = await freePort();
    const server = ['/usr/sbin/nginx', '-c', '/etc/nginx.conf'];
    await layout.image({ layers: [nginx(port)], command: server }, 'nginx');
    await registry.push(layout.directory, 'nginx', 'library/nginx:latest');
  });
  afterAll(async () => {
    await shelf?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
  });

  let sandbox: Sandbox;
  let front: Front;
  let own: Record<string, string>;
  /** As the daemon's user writes it. */
  let app: string;

  beforeEach(async () => {
    sandbox = openSandbox(user ? { user } : {});
    front = await startFront(registry.host);
    app = `${front.host}/org/app`;
    const conf = join(sandbox.home, 'registries.conf');
    own = { DOCKER_HOST: dockerd.host, CONTAINERS_REGISTRIES_CONF: conf };
    const rule = `[[registry]]\nprefix = "docker.io"\nlocation = "${front.host}"\n`;
    writeFileSync(conf, rule);
  });
  afterEach(async () => {
    await sandbox[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
    await dockerd.clear();
  });

  const through = async (args: readonly string[], options: RunOptions = {}) =>
    sandbox.pyrsia(['exec', '--', 'docker', ...args], { ...options, env: { ...own, ...options.env } });
  const direct = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr, code } = await docker(dockerd.host, args);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  /** Starts one that stays. */
  const staying = (args: readonly string[]) =>
    sandbox.start(sandbox.pyrsiaCommand(['exec', '--', 'docker', ...args]), { env: own });
  const run = async (args: readonly string[], options?: RunOptions) =>
    through(['run', '--rm', '--network', 'none', ...args], options);
  const answerOf = async () => fetch(`http://127.0.0.1:${port}/`).then(async (found) => found.text(), String);
  const status = async () =>
    JSON.parse((await sandbox.pyrsia(['agent', 'status', '--json'])).stdout) as AgentStatus;
  const blobs = (): string[] => front.requests.filter((request) => /^GET .*\/blobs\//.test(request));

  it('pulls an image; what is here is not fetched again', async () => {
    const first = await through(['pull', `${app}:1`]);
    const end = `Digest: ${index.digest}\nStatus: Downloaded newer image for ${app}:1\n${app}:1\n`;
    expect([
      first.code,
      first.stdout.startsWith('1: Pulling from org/app\n'),
      first.stdout.endsWith(end),
    ]).toEqual([0, true, true]);
    expect(first.stderr).toContain('5 upstream · 5 verified');
    // The daemon, which asks for the digest meanwhile, fetches none of it itself.
    for (const { digest } of image.layers)
      expect(blobs().filter((request) => request.includes(digest))).toHaveLength(1);
    await direct('rmi', `${app}:1`);
    front.requests.length = 0;
    const again = await through(['pull', `${app}:1`]);
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('5 cache')]);
    expect(blobs()).toEqual([]);

    front.requests.length = 0;
    const third = await through(['pull', `${app}:1`]);
    expect(third.stdout).toContain(`Status: Image is up to date for ${app}:1\n`);
    expect(front.requests).toEqual(['HEAD /v2/org/app/manifests/1']);
  });

  it('leaves an image as a direct pull does', async () => {
    const seen = async () => {
      const [found] = JSON.parse(await direct('image', 'inspect', `${app}:1`)) as Record<string, unknown>[];
      // When it was last tagged, and where the daemon unpacked it.
      const { Metadata: _, GraphDriver: __, ...inspected } = found!;
      const saved = await docker(dockerd.host, ['save', '-o', join(disk.root, 'saved.tar'), `${app}:1`]);
      const manifest = spawnSync('tar', [
        'xOf',
        join(disk.root, 'saved.tar'),
        'manifest.json',
        'repositories',
      ]);
      return {
        inspected,
        images: await direct('images', '--digests', '--no-trunc'),
        history: await direct('history', '--no-trunc', `${app}:1`),
        byDigest: await direct('image', 'inspect', '-f', '{{.Id}}', `${app}@${index.digest}`),
        saved: [saved.code, manifest.stdout.toString()],
        removed: await direct('rmi', `${app}:1`),
        left: await direct('images', '-aq'),
      };
    };
    await direct('pull', `${app}:1`);
    const without = await seen();
    expect(without.inspected).toMatchObject({
      RepoTags: [`${app}:1`],
      RepoDigests: [`${app}@${index.digest}`],
    });
    expect((await through(['pull', `${app}:1`])).code).toBe(0);
    expect(await seen()).toEqual(without);
    // By its digest alone, and for another machine.
    for (const args of [[`${app}@${index.digest}`], ['--platform', 'linux/arm64', `${app}:1`]]) {
      const pulled = (await direct('pull', ...args)).replaceAll(/^\w+: (?!Pulling from).*\n/gm, '');
      const before = await direct('images', '-a', '--digests', '--no-trunc');
      await dockerd.clear();
      const ours = (await through(['pull', ...args])).stdout.replaceAll(/^\w+: (?!Pulling from).*\n/gm, '');
      expect([ours, await direct('images', '-a', '--digests', '--no-trunc')]).toEqual([pulled, before]);
      await dockerd.clear();
    }
  });

  it('runs containers, which end as they do', async () => {
    const first = await run([`${app}:1`]);
    expect([first.code, first.stdout]).toEqual([0, 'it runs\n']);
    expect(first.stderr).toContain(`Unable to find image '${app}:1' locally`);
    const sh = [`${app}:1`, '/bin/busybox', 'sh', '-c'];
    expect((await run([...sh, 'exit 7'])).code).toBe(7);
    expect((await run(['--no-such-option', ...sh, ''])).code).toBe(125);
    expect((await run([`${app}:1`, '/no/such/program'])).code).toBe(127);
    const lasting = staying([
      'run',
      '--rm',
      '--network',
      'none',
      '--name',
      'lasting',
      `${app}:1`,
      '/bin/busybox',
      'sleep',
      '600',
    ]);
    await expect
      .poll(async () => direct('ps', '--format', '{{.Names}}'), { timeout: 30_000 })
      .toBe('lasting\n');
    await direct('kill', 'lasting');
    expect((await lasting.result).code).toBe(137);
    const piped = await run(['-i', ...sh, 'read line; echo "got $line"; read -r rest || echo over'], {
      input: 'a line\n',
    });
    expect([piped.code, piped.stdout]).toEqual([0, 'got a line\nover\n']);
    const pinned = await run([`${app}@${index.digest}`]);
    expect([pinned.code, pinned.stdout]).toEqual([0, 'it runs\n']);
  });

  it('works while the registry is down, if the image is here, and is as without us if not', async () => {
    expect((await through(['pull', `${app}:1`])).code).toBe(0);
    await direct('rmi', `${app}:1`);
    await front.down();
    const cached = await through(['run', '--rm', '--network', 'none', `${app}:1`]);
    expect([cached.code, cached.stdout]).toEqual([0, 'it runs\n']);
    const missing = await through(['run', '--rm', '--network', 'none', `${front.host}/org/none:1`]);
    expect([missing.code, missing.stderr]).toEqual([
      125,
      expect.stringMatching(/docker: Error response from daemon: .*connection refused/),
    ]);
    expect(missing.stderr).toContain('org/none:1 did not come through pyrsia');
    await front.up();
    front.requests.length = 0;
    const offline = await through(['pull', `${front.host}/library/app:latest`], {
      env: { PYRSIA_OFFLINE: '1' },
    });
    const reason = `Error response from daemon: pyrsia: Not in the cache: ${front.host}/library/app:latest (PYRSIA_OFFLINE=1)\n`;
    expect([offline.code, offline.stderr]).toEqual([1, expect.stringContaining(reason)]);
    expect(front.requests).toEqual([]);
  });

  it('says what docker says of what is not there', async () => {
    const { code, stderr } = await through(['pull', `${app}:none`]);
    const without = await docker(dockerd.host, ['pull', `${app}:none`]);
    expect([code, without.code]).toEqual([1, 1]);
    expect(stderr).toContain(without.stderr.trim());
  });

  it('never lets a wrong layer through, not even when it asks docker to', async () => {
    const { digest } = image.layers[1]!;
    front.spoil = (path, body) => {
      if (path.endsWith(digest) && body.byteLength > 0) body[body.byteLength - 1]! ^= 1;
      return body;
    };
    const { code, stderr } = await through(['pull', `${app}:1`]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/filesystem layer verification failed|does not match|unexpected EOF/),
    ]);
    expect(await direct('images', '-aq')).toBe('');
  });

  it('shows the registry what docker shows it, and nobody else', async () => {
    const locked = await startRegistry({ locked: true });
    await using door = await startFront(locked.host);
    try {
      const layout = new Layout(join(sandbox.root, 'private'));
      await layout.image({ layers: [{ secret: 'private' }] }, 'private');
      await locked.push(layout.directory, 'private', 'org/private:1');
      const config = join(sandbox.home, 'docker');
      mkdirSync(config);
      const auth = Buffer.from('me:secret').toString('base64');
      writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [door.host]: { auth } } }));
      // As a helper of its own would: our agent finds nothing there.
      const env = { REGISTRY_AUTH_FILE: '/dev/null', XDG_RUNTIME_DIR: sandbox.env['XDG_RUNTIME_DIR']! };
      const { code, stderr } = await through(['--config', config, 'pull', `${door.host}/org/private:1`], {
        env,
      });
      expect([code, stderr]).toEqual([0, expect.stringContaining('verified')]);
      expect(door.requests.join()).toContain('(Basic)');
      expect((await through(['--config', config, 'pull', `${app}:1`], { env })).code).toBe(0);
      // A builder is shown all that its user has, and its base is what it is after a pull.
      await direct('rmi', `${door.host}/org/private:1`);
      const context = join(sandbox.home, 'locked');
      mkdirSync(context);
      writeFileSync(join(context, 'Dockerfile'), `FROM ${door.host}/org/private:1\nCOPY Dockerfile /x\n`);
      const legacy = { ...env, DOCKER_BUILDKIT: '0' };
      const built = await through(['--config', config, 'build', '-q', context], { env: legacy });
      expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('verified')]);
      expect(built.stderr).not.toContain('did not come through');
      const digests = ['image', 'inspect', '-f', '{{.RepoDigests}}', `${door.host}/org/private:1`];
      expect(await direct(...digests)).toMatch(/^\[\S+\/org\/private@sha256:/);
      expect(front.requests.join()).not.toContain('(Basic)');
      // Where docker has it, and nowhere else.
      expect(holders(sandbox.root, auth)).toEqual([join(config, 'config.json')]);
      expect(holders(sandbox.root, 'me:secret')).toEqual([]);
      expect((await through(['pull', `${door.host}/org/private:1`])).code).toBe(1);
    } finally {
      await locked[Symbol.asyncDispose]();
    }
  });

  it('ends with docker’s own words when the agent is killed during a run, and the container goes on', async () => {
    expect((await through(['pull', `${app}:1`])).code).toBe(0);
    const command = ['run', '--rm', '--name', 'lasting', '--network', 'none', `${app}:1`];
    const running = staying([...command, '/bin/busybox', 'sleep', '600']);
    await expect
      .poll(async () => direct('ps', '--format', '{{.Names}}'), { timeout: 30_000 })
      .toBe('lasting\n');
    process.kill((await status()).pid!, 'SIGKILL');
    const { code, stderr } = await running.result;
    expect([code === 0, stderr]).toEqual([
      false,
      expect.stringContaining('The agent ended while docker was running'),
    ]);
    expect(await direct('ps', '--format', '{{.Names}}')).toBe('lasting\n');
  });

  it('ends a pull when its client is interrupted, or the agent is killed; the next one goes on', async () => {
    let isHeld = true;
    const { promise: asked, resolve: come } = Promise.withResolvers<void>();
    front.instead = async ({ url = '' }) => {
      if (!isHeld || !url.endsWith(image.layers[1]!.digest)) return false;
      come();
      await expect.poll(() => isHeld, { timeout: 60_000 }).toBe(false);
      return false;
    };
    const pulling = staying(['pull', `${app}:1`]);
    await asked;
    pulling.kill('SIGINT');
    expect((await pulling.result).code).not.toBe(0);
    const second = staying(['pull', `${app}:1`]);
    await expect.poll(async () => (await status()).launches, { timeout: 30_000 }).toBe(1);
    process.kill((await status()).pid!, 'SIGKILL');
    const { code, stderr } = await second.result;
    expect([code, stderr]).toEqual([1, expect.stringContaining('The agent ended while docker was running')]);
    isHeld = false;
    expect((await through(['pull', `${app}:1`])).code).toBe(0);
  });

  it('fetches once what two launches want at once, cold or not, and ends with a daemon as docker does', async () => {
    const both = async (): Promise<void> => {
      const ends = await Promise.all(
        [`${app}:1`, `${front.host}/library/app:latest`].map(async (name) => through(['pull', name])),
      );
      expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    };
    // Neither is given a layer before both are there.
    front.instead = async ({ url = '' }) => {
      if (/\/blobs\//.test(url))
        await expect.poll(async () => (await status()).launches, { timeout: 30_000 }).toBe(2);
      return false;
    };
    await both();
    for (const { digest } of image.layers)
      expect(blobs().filter((request) => request.includes(digest))).toHaveLength(1);
    expect((await direct('images', '-q')).trim().split('\n')).toHaveLength(2);

    // What runs, and what is pulled, when the daemon ends.
    const lasting = ['run', '--rm', '--network', 'none', '--stop-signal', 'KILL', `${app}:1`];
    const commands = [
      [...lasting, '/bin/busybox', 'sleep', '600'],
      ['pull', `${front.host}/org/private:1`],
    ];
    const layout = new Layout(join(sandbox.root, 'held'));
    await layout.image({ layers: [{ held: randomBytes(8) }] }, 'held');
    await registry.push(layout.directory, 'held', 'org/private:1');
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    let isAsked = false;
    front.instead = async ({ url = '' }) => {
      if (!/private\/blobs/.test(url)) return false;
      isAsked = true;
      await held;
      return false;
    };
    const ending = commands.flatMap((command) => [
      staying(command),
      sandbox.start(['docker', ...command], { env: own }),
    ]);
    await expect
      .poll(async () => (await direct('ps', '-q')).trim().split('\n').length, { timeout: 30_000 })
      .toBe(2);
    await expect.poll(() => isAsked, { timeout: 30_000 }).toBe(true);
    await dockerd.restart();
    release();
    const ended = await Promise.all(ending.map(async ({ result }) => result));
    const said = ended.map(({ code, stderr }) => [
      code,
      stderr.replaceAll(/^pyrsia: .*\n/gm, '').replaceAll(/127\.0\.0\.1:\d+\/|unix:\/\/\S+/g, ''),
    ]);
    expect(said[0]).toEqual(said[1]);
    // What is said of a pull depends on what of it was just being said.
    expect([said[2]![0], said[2]![1]]).toEqual([said[3]![0], expect.stringMatching(/./)]);
    expect([said[1]![0], said[3]![0]]).toEqual([expect.any(Number), 1]);

    front.instead = () => false;
    await direct('rmi', '-f', `${app}:1`);
    front.requests.length = 0;
    await both();
    expect(blobs()).toEqual([]);
  });

  it('has what pyrsia pull brings, and nginx answers', async () => {
    const { code, stdout, stderr } = await sandbox.pyrsia(['pull', 'nginx:latest'], { env: own });
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringContaining('\nengine    docker, from pyrsia\n'),
      expect.not.stringContaining('artifacts'),
    ]);
    // The command that the user gave, not the one by which docker got it.
    const last = (await sandbox.pyrsia(['why', 'last'], { env: own })).stdout;
    expect(last).toMatch(
      /^command +pyrsia pull nginx:latest\n[^]*\nfetched +\d+ artifacts · \d+ upstream · /,
    );
    expect(await direct('images', '--format', '{{.Repository}}:{{.Tag}}')).toBe('nginx:latest\n');
    await direct('run', '-d', '--network', 'host', 'nginx');
    await expect.poll(answerOf, { timeout: 30_000 }).toBe('it is nginx\n');
    const kept = await sandbox.pyrsia(['pull', 'app', '--no-load'], { env: own });
    expect([kept.code, kept.stdout.includes('engine')]).toEqual([0, false]);
    expect(await direct('images', '--format', '{{.Repository}}:{{.Tag}}')).toBe('nginx:latest\n');
  });

  /** A build's context, with this Dockerfile. */
  const contextOf = (...lines: readonly string[]): string => {
    const directory = join(sandbox.home, 'build');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'Dockerfile'), `${lines.join('\n')}\n`);
    return directory;
  };
  /** The builder that a client has in itself, which none does any more that asks for a plugin. */
  const buildKit = {
    PATH: `/usr/bin:${process.env['PATH']}`,
    DOCKER_BUILDKIT: '1',
    BUILDKIT_PROGRESS: 'plain',
  };

  it(
    'builds with BuildKit on images that came through us, and for another machine',
    { timeout: 90_000 },
    async () => {
      const directory = contextOf('FROM app AS first', `FROM ${app}:1`, 'COPY --from=first /bin/large /x');
      const build = ['build', '--network', 'none', '-t', 'made'];
      const { code, stderr } = await through([...build, directory], { env: buildKit });
      // Nobody but us knows where docker's own registry is here.
      expect([code, stderr]).toEqual([0, expect.stringContaining('verified')]);
      expect(stderr).toMatch(/^#\d+ \[first 1\/1\] FROM docker\.io\/library\/app$/m);
      for (const { digest } of image.layers)
        expect(blobs().filter((request) => request.includes(digest))).toHaveLength(1);
      expect(await direct('run', '--rm', '--network', 'none', 'made')).toBe('it runs\n');
      contextOf('FROM app', 'RUN ["/bin/busybox", "true"]');
      expect((await through([...build, directory], { env: buildKit })).code).toBe(0);

      // What the daemon has is for this one.
      contextOf('FROM app', 'COPY Dockerfile /x');
      for (const env of [{ DOCKER_BUILDKIT: '0' }, buildKit]) {
        await direct('pull', `${app}:1`);
        await direct('tag', `${app}:1`, 'app');
        front.requests.length = 0;
        const other = await through([...build, '--platform', 'linux/arm64', directory], { env });
        expect(other.code, other.stderr).toBe(0);
        expect(await direct('image', 'inspect', '-f', '{{.Architecture}}', 'made')).toBe('arm64\n');
        expect(front.requests).toContain('HEAD /v2/library/app/manifests/latest');
      }
      // It keeps layers apart from images.
      await docker(dockerd.host, ['builder', 'prune', '-af']);
    },
  );

  it(
    'builds nothing past us where nobody may be asked, or not everything will do',
    { timeout: 90_000 },
    async () => {
      const directory = contextOf(`FROM ${app}:1`, 'COPY Dockerfile /x');
      const offline = { PYRSIA_OFFLINE: '1' };
      const builders = [{ DOCKER_BUILDKIT: '0' }, buildKit];
      const build = async (env: Record<string, string>, ...args: readonly string[]) => {
        const { code, stderr } = await through(['build', ...args], { env, input: `FROM ${app}:1\n` });
        return [code, stderr];
      };
      for (const builder of builders) {
        const env = { ...builder, ...offline };
        const missing = /pyrsia: Not in the cache: \S+org\/app:1 \(PYRSIA_OFFLINE=1\)/;
        expect(await build(env, directory)).toEqual(refused(missing));
      }
      const unseen = /no Dockerfile was to be seen \(PYRSIA_OFFLINE=1\)/;
      for (const builder of builders)
        expect(await build({ ...builder, ...offline }, '-f-', directory)).toEqual(refused(unseen));
      // Its registry is there, and was asked by nobody.
      expect([front.requests, await direct('images', '-aq')]).toEqual([[], '']);
      expect((await through(['pull', `${app}:1`])).code).toBe(0);
      await direct('rmi', `${app}:1`);
      front.requests.length = 0;
      for (const builder of builders)
        expect(await build({ ...builder, ...offline }, directory)).toEqual([0, expect.anything()]);
      expect(front.requests).toEqual([]);

      await dockerd.clear();
      // It answers the daemon alone.
      front.instead = ({ headers }, response) => {
        const isDaemon = headers['user-agent']?.startsWith('docker/') ?? false;
        if (!isDaemon) response.writeHead(404).end();
        return !isDaemon;
      };
      const unsure = { DOCKER_BUILDKIT: '0', PYRSIA_POLICY: 'strict' };
      expect(await build(unsure, directory)).toEqual(refused(/pyrsia: .*\(policy strict\)/));
      expect(await build({ DOCKER_BUILDKIT: '0' }, directory)).toEqual([
        0,
        expect.stringContaining('did not come through'),
      ]);
      await docker(dockerd.host, ['builder', 'prune', '-af']);
    },
  );

  it('builds on images that came through us', async () => {
    const directory = contextOf(
      'ARG TAG',
      'FROM app:$TAG AS first',
      `FROM ${app}:1`,
      'COPY --from=first /bin/large /x',
      'COPY --from=nginx /etc/nginx.conf /y',
    );
    writeFileSync(join(directory, 'large'), Buffer.alloc(20 * 2 ** 20));
    const build = ['build', '-q', '-t', 'made', '--build-arg', 'TAG=latest', directory];
    const legacy = { env: { DOCKER_BUILDKIT: '0' } };
    // Nobody but us knows where docker's own registry is here.
    const { code, stderr } = await through(build, legacy);
    expect([code, stderr]).toEqual([0, expect.stringContaining('verified')]);
    expect(await direct('run', '--rm', '--network', 'none', 'made')).toBe('it runs\n');
    expect(stderr).not.toContain('no Dockerfile was to be seen');
    front.requests.length = 0;
    expect((await through(build, legacy)).code).toBe(0);
    expect(front.requests).toEqual([]);
    // What is read from standard input is docker's, and the receipt says what follows from that.
    const unseen = await through(['build', '-q', '-'], { ...legacy, input: `FROM ${app}:1\n` });
    expect([unseen.code, unseen.stderr]).toEqual([
      0,
      expect.stringContaining('no Dockerfile was to be seen'),
    ]);
    // A builder that is to pull asks for the tag itself, and finds the rest.
    contextOf(`FROM ${app}:1`);
    const anew = await through(['build', '--pull', ...build.slice(1)], legacy);
    expect(anew.code).toBe(0);
    expect(blobs()).toEqual([]);
    expect(front.requests).toContain('HEAD /v2/org/app/manifests/1');
  });
});
