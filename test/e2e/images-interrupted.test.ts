/** A pull whose agent or whose client is killed at any step: the next one works, and all that is kept is right. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Verification } from '../../src/cache/cache.ts';
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
      else {
        const { stdout } = await sandbox.pyrsia(['agent', 'status', '--json']);
        process.kill((JSON.parse(stdout) as { pid: number }).pid, 'SIGKILL');
      }
      expect(await pulling.result).toMatchObject(victim === 'client' ? { signal: 'SIGKILL' } : { code: 1 });

      front.instead = () => false;
      const again = await sandbox.start(command(), { env }).result;
      expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
      const { stdout } = await sandbox.pyrsia(['cache', 'verify', '--json']);
      expect(JSON.parse(stdout) as Verification).toMatchObject({ damaged: [] });
    });
  });
});
