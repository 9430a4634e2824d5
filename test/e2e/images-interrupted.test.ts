/** A pull whose agent or whose client is killed at any step: the next one works, and all that is kept is right. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Verification } from '../../src/cache/cache.ts';
import { hexOf } from '../../src/content/digest.ts';
import { canDocker, docker, type Dockerd, startDockerd } from '../support/docker.ts';
import type { Running } from '../support/command.ts';
import { type Front, has, imageTools, layerLines, startFront } from '../support/image-registry.ts';
import { type ImageShelf, insecure, openImageShelf, readingConf } from '../support/image-world.ts';
import type { MadeImage } from '../support/oci-layout.ts';
import type { Sandbox } from '../support/sandbox.ts';

describe.skipIf(!has(...imageTools))('kill -9 in mid-pull', { timeout: 180_000 }, () => {
  let shelf: ImageShelf;
  let sandbox: Sandbox;
  let front: Front;
  let app: MadeImage;
  let env: Record<string, string>;

  beforeAll(async () => {
    shelf = await openImageShelf();
    ({ sandbox } = shelf);
    front = await startFront(shelf.registry.host);
    app = await shelf.layout.image({ layers: [{ a: 'a' }, { b: randomBytes(9 * 2 ** 20) }] }, 'app');
    await shelf.push('app', 'org/app:1');
    env = readingConf(sandbox, insecure(front.host));
  });
  afterAll(async () => {
    await front[Symbol.asyncDispose]();
    await shelf[Symbol.asyncDispose]();
  });

  const command = () =>
    sandbox.pyrsiaCommand(['pull', '--no-load', '--platform', 'linux/amd64', `${front.host}/org/app:1`]);
  const agentPid = async (): Promise<number> => {
    const { stdout } = await sandbox.pyrsia(['agent', 'status', '--json']);
    return (JSON.parse(stdout) as { pid: number }).pid;
  };
  const steps = {
    'its tag is looked up': () => 'HEAD /v2/org/app/manifests/1',
    'its manifest arrives': () => `GET /v2/org/app/manifests/${app.digest}`,
    'its configuration arrives': () => `GET /v2/org/app/blobs/${app.config.digest}`,
    'a small layer arrives': () => `GET /v2/org/app/blobs/${app.layers[0]!.digest}`,
    'a large layer arrives': () => `GET /v2/org/app/blobs/${app.layers[1]!.digest}`,
  };

  describe.each(['agent', 'client'] as const)('of the %s', (victim) => {
    it.each(Object.entries(steps))('while %s', async (_, step) => {
      await sandbox.pyrsia(['cache', 'rm', '*', '--yes']);
      front.requests.length = 0;
      // Nobody answers at this step.
      front.instead = (request) => `${request.method} ${request.url}` === step();
      const pulling = sandbox.start(command(), { env });
      await expect.poll(() => front.requests, { timeout: 60_000 }).toContain(step());
      if (victim === 'client') pulling.kill();
      else process.kill(await agentPid(), 'SIGKILL');
      expect(await pulling.result).toMatchObject(victim === 'client' ? { signal: 'SIGKILL' } : { code: 1 });

      front.instead = () => false;
      const again = await sandbox.start(command(), { env }).result;
      expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
      const { stdout } = await sandbox.pyrsia(['cache', 'verify', '--json']);
      expect(JSON.parse(stdout) as Verification).toMatchObject({ damaged: [] });
    });
  });

  describe.skipIf(!canDocker)('after all of it has come', () => {
    let dockerd: Dockerd;
    let big: MadeImage;
    let files = 0;

    beforeAll(async () => {
      dockerd = await startDockerd();
      // It takes a while to unpack, and another to be written.
      const layers = [{ zeros: Buffer.alloc(120e6) }, { b: randomBytes(20e6) }];
      big = await shelf.layout.image({ layers }, 'big');
      await shelf.push('big', 'org/big:1');
    }, 120_000);
    afterAll(async () => dockerd[Symbol.asyncDispose]());
    beforeEach(() => (front.instead = () => false));

    /** Starts a pull whose lines go to a file. */
    const begin = (...args: readonly string[]) => {
      const told = join(sandbox.root, `told-${(files += 1)}`);
      writeFileSync(told, '');
      const pull = sandbox.pyrsiaCommand(['pull', '--platform', 'linux/amd64', ...args]);
      const toFile = ['sh', '-c', 'out=$1; shift; exec "$@" 2>"$out"', 'sh', told, ...pull] as const;
      const running = sandbox.start(toFile, { env: { ...env, DOCKER_HOST: dockerd.host } });
      return { running, told: () => readFileSync(told, 'utf8') };
    };
    const soon = { timeout: 60_000, interval: 2 };
    const expectSound = async (...args: readonly string[]): Promise<void> => {
      expect(await begin(...args).running.result).toMatchObject({ code: 0 });
      const { stdout } = await sandbox.pyrsia(['cache', 'verify', '--json']);
      expect(JSON.parse(stdout) as Verification).toMatchObject({ damaged: [] });
    };

    it.each([
      ['client', 'SIGKILL'],
      ['client', 'SIGINT'],
      ['agent', 'SIGKILL'],
    ] as const)('the %s may be ended by %s while it is unpacked', async (victim, signal) => {
      const args = ['--no-load', `${front.host}/org/big:1`];
      const pid = await agentPid();
      const { running, told } = begin(...args);
      const lines = big.layers.map(({ digest }) => `pyrsia: ${hexOf(digest).slice(0, 12)}: `);
      await expect.poll(() => lines.every((line) => told().includes(line)), soon).toBe(true);
      process.kill(pid, 'SIGSTOP');
      try {
        // It has not been proven before that.
        await expect(Promise.race([running.result, delay(200, 'runs')])).resolves.toBe('runs');
        if (victim === 'client') running.kill(signal);
        else process.kill(pid, signal);
      } finally {
        if (victim === 'client') process.kill(pid, 'SIGCONT');
      }
      const ended = { client: { code: null, signal }, agent: { code: 1 } }[victim];
      expect(await running.result).toMatchObject(ended);
      await expectSound(...args);
    });

    it.each(['SIGKILL', 'SIGINT'] as const)(
      'the client may be ended by %s while it is written',
      async (signal) => {
        const folder = join(sandbox.root, signal);
        mkdirSync(folder);
        const args = [`${front.host}/org/big:1`, '-o', `oci-archive:${join(folder, 'big.tar')}`];
        const halfWay = async (tries: number): Promise<Running> => {
          const { running } = begin(...args);
          await expect.poll(() => readdirSync(folder), soon).toHaveLength(1);
          running.kill('SIGSTOP');
          const [found = ''] = readdirSync(folder);
          if (/^big\.tar\.\d+\.part$/.test(found)) return running;
          // It was done before we had a look.
          running.kill();
          await running.result;
          rmSync(join(folder, found));
          expect(tries).toBeGreaterThan(0);
          return halfWay(tries - 1);
        };
        const running = await halfWay(20);
        running.kill(signal);
        running.kill('SIGCONT');
        expect(await running.result).toMatchObject({ code: null, signal });
        // Who is killed cannot tidy up.
        expect(readdirSync(folder)).toHaveLength(signal === 'SIGINT' ? 0 : 1);
        await expectSound(...args);
        expect(readdirSync(folder)).toContain('big.tar');
      },
    );

    it.each([
      ['client', 'SIGKILL'],
      ['client', 'SIGINT'],
      ['agent', 'SIGKILL'],
    ] as const)('the %s may be ended by %s while docker takes it', async (victim, signal) => {
      await dockerd.clear();
      const pid = await agentPid();
      const { promise: asked, resolve: come } = Promise.withResolvers<void>();
      const { promise: over, resolve: release } = Promise.withResolvers<void>();
      front.instead = async ({ headers }) => {
        if (!headers['user-agent']?.startsWith('docker/')) return false;
        come();
        await over;
        return false;
      };
      const { running } = begin(`${front.host}/org/app:1`);
      await asked;
      if (victim === 'client') process.kill(running.pid, signal);
      else process.kill(pid, signal);
      if (victim === 'agent') expect(await running.result).toMatchObject({ code: expect.any(Number) });
      release();
      await running.result;
      await expectSound(`${front.host}/org/app:1`);
      const { stdout } = await docker(dockerd.host, [
        'images',
        '--digests',
        '--format',
        '{{.Repository}}@{{.Digest}}',
      ]);
      expect(stdout).toBe(`${front.host}/org/app@${app.digest}\n`);
    });
  });
});
