import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexOf } from '../../src/content/digest.ts';
import type { CachedImage } from '../../src/command/cached-images.ts';
import type { PartExplanation } from '../../src/command/explain-image.ts';
import { type Front, has, imageTools, startFront } from '../support/image-registry.ts';
import { hubAt, type ImageShelf, openImageShelf, readingConf } from '../support/image-world.ts';
import type { Described, MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { openTerminal } from '../support/terminal.ts';

describe.skipIf(!has(...imageTools))('Images of the cache', () => {
  let shelf: ImageShelf;
  let amd: MadeImage;
  let arm: MadeImage;
  let index: Described;
  let one: MadeImage;
  let two: MadeImage;

  beforeAll(async () => {
    shelf = await openImageShelf();
    const { layout } = shelf;
    amd = await layout.image({ layers: [{ nginx: 'amd' }, { more: 'amd' }] });
    arm = await layout.image({
      layers: [{ nginx: randomBytes(9 * 2 ** 20) }],
      platform: { os: 'linux', architecture: 'arm64' },
    });
    index = layout.index([amd, arm], 'nginx');
    one = await layout.image({ layers: [{ base: 'x'.repeat(5000) }, { app: '1' }] }, 'one');
    two = await layout.image({ layers: [{ base: 'x'.repeat(5000) }, { app: '2' }] }, 'two');
    await shelf.push('nginx', 'library/nginx:latest');
    await shelf.push('one', 'org/app:1');
    await shelf.push('two', 'org/app:2');
  });
  afterAll(async () => shelf[Symbol.asyncDispose]());

  let home: Sandbox;
  let front: Front;
  let env: Record<string, string>;

  beforeAll(async () => {
    home = openSandbox();
    front = await startFront(shelf.registry.host);
    env = readingConf(home, hubAt(front.host));
    const pulled = await pyrsia(
      'pull',
      '--no-load',
      '--platform=linux/amd64',
      'nginx',
      'org/app:1',
      'org/app:2',
    );
    expect([pulled.code, pulled.stdout]).toEqual([0, expect.stringContaining(index.digest)]);
    // A line for each layer, where nobody watches.
    for (const { digest } of [...amd.layers, one.layers[0]!])
      expect(pulled.stderr).toMatch(
        new RegExp(`^pyrsia: ${digest.slice(7, 19)}: \\d+ B from upstream$`, 'm'),
      );
    expect(pulled.stderr).toMatch(
      new RegExp(`^pyrsia: ${one.layers[0]!.digest.slice(7, 19)}: \\d+ B from cache$`, 'm'),
    );
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
  });

  const pyrsia = async (...args: string[]) => home.pyrsia(args, { env });
  const listed = async (...args: string[]): Promise<CachedImage[]> => {
    const { code, stdout, stderr } = await pyrsia('cache', 'ls', '--json', ...args);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as CachedImage[];
  };

  it('are listed by name, with tags, platforms, and what they share', async () => {
    const images = await listed('--sort', 'name');
    const named = images.map(({ image, tags }) => `${image}:${tags.map(({ tag }) => tag).join()}`);
    expect(named).toEqual(['nginx:latest', 'org/app:1', 'org/app:2']);
    expect(images.map(({ digest }) => digest)).toEqual([index.digest, one.digest, two.digest]);
    expect(images.map(({ offline }) => offline)).toEqual([true, true, true]);
    const [nginx] = await listed('nginx');
    expect(nginx).toMatchObject({ ecosystem: 'docker', name: 'library/nginx', shared: 0 });
    expect(nginx!.platforms).toEqual([
      { platform: 'linux/amd64', digest: amd.digest, layers: 2, cached: 2, complete: true },
    ]);
    const [app] = await listed('org/app:1');
    expect(app!.shared).toBe(one.layers[0]!.size);
    // No index tells: its configuration does.
    expect(app!.platforms).toMatchObject([{ platform: 'linux/amd64', digest: one.digest }]);
    const all = [one, one.config, ...one.layers];
    expect(app!.size).toBe(all.reduce((sum, { size }) => sum + size, 0));

    const { stdout } = await pyrsia('cache', 'ls');
    expect(stdout).toMatch(/^ +SIZE +SHARED +USED +PRIVATE +OFFLINE +PLATFORM +IMAGE$/m);
    expect(stdout).toMatch(/ offline +linux\/amd64 +nginx:latest$/m);
    expect(stdout).not.toContain('pkg:docker');
    expect(await listed('--limit', '2')).toHaveLength(2);
    expect(await listed('--ecosystem', 'npm')).toEqual([]);
  });

  it('are explained down to their layers', async () => {
    const { stdout } = await pyrsia('why', 'docker.io/library/nginx:latest', '--json');
    const parts = JSON.parse(stdout) as PartExplanation[];
    expect(parts.map(({ part, digests, here }) => [part, digests[0]!.digest, here])).toEqual([
      ['index', index.digest, true],
      ['manifest', amd.digest, true],
      ['config', amd.config.digest, true],
      ...amd.layers.map(({ digest }) => ['layer', digest, true]),
    ]);
    for (const part of parts)
      expect(part).toMatchObject({
        image: 'nginx',
        upstream: `https://${front.host}/`,
        allowed: true,
        word: 'declared',
      });
    expect(parts.slice(1).map(({ platform }) => platform)).toEqual(Array(4).fill('linux/amd64'));
    const told = await pyrsia('why', 'nginx');
    expect(told.stdout).toMatch(
      new RegExp(
        `^layer +linux/amd64 +upstream +${front.host} .* declared by .* ${amd.layers[1]!.digest}$`,
        'm',
      ),
    );
    expect(told.stdout).toContain(`latest, said ${front.host} on `);
    expect((await pyrsia('why', 'nginx:other')).code).toBe(5);
    expect((await pyrsia('why', 'last')).stdout).toContain('pyrsia pull org/app:2');
  });

  it('are pulled on a terminal with a line for each layer, which tells how far it is, and stays', async () => {
    const { digest, size } = arm.layers[0]!;
    const body = readFileSync(join(shelf.layout.directory, 'blobs/sha256', hexOf(digest)));
    const rest = Promise.withResolvers<void>();
    front.instead = ({ method, url = '' }, response) => {
      if (method !== 'GET' || !url.endsWith(digest)) return false;
      response.writeHead(200, { 'content-length': size }).write(body.subarray(0, size / 2));
      void rest.promise.then(() => response.end(body.subarray(size / 2)));
      return true;
    };
    const command = home.pyrsiaCommand(['pull', '--no-load', 'nginx', '--platform=linux/arm64']);
    await using terminal = openTerminal(command, { cwd: home.home, env: { ...home.env, ...env } });
    const name = hexOf(digest).slice(0, 12);
    const sofar = new RegExp(`${name}: [\\d.]+ [kM]B of 9\\.4 MB`);
    await expect.poll(() => terminal.screen, { timeout: 50_000 }).toMatch(sofar);
    rest.resolve();
    const { code } = await terminal.ends();
    expect([code, terminal.screen]).toEqual([
      0,
      expect.stringMatching(new RegExp(`${name}: 9\\.4 MB from upstream\\r?\\n`)),
    ]);
    expect(terminal.screen).not.toMatch(/pyrsia: [0-9a-f]{12}/);
  });

  it('are not said to be there offline once a layer is gone', async () => {
    expect((await pyrsia('cache', 'rm', '--yes', amd.layers[1]!.digest)).code).toBe(0);
    const { stdout } = await pyrsia('cache', 'ls', 'ng*');
    expect(stdout).toMatch(/ - +linux\/amd64 \(1 of 2 layers\), linux\/arm64 +nginx:latest$/m);
  });

  it('are removed without what others need', async () => {
    const removed = await pyrsia('cache', 'rm', '--yes', 'org/app:1', '--json');
    expect(JSON.parse(removed.stdout)).toMatchObject({ removed: 3 });
    expect((await listed('org/*')).map(({ digest, offline }) => [digest, offline])).toEqual([
      [two.digest, true],
    ]);
    await front.down();
    expect((await pyrsia('pull', '--no-load', '--json', 'org/app:2')).code).toBe(0);
    expect((await pyrsia('pull', '--no-load', '--json', 'org/app:1')).code).toBe(6);
  });
});
