/** Every kind of what registries hold, pulled through us by real engines: byte for byte what they get without us. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Front, has, imageTools, layerLines, startFront } from '../support/image-registry.ts';
import { digestOf } from '../../src/content/digest.ts';
import { type ImageShelf, insecure, openImageShelf, readingConf, storingIn } from '../support/image-world.ts';
import type { Described, MadeImage } from '../support/oci-layout.ts';
import type { Sandbox } from '../support/sandbox.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

describe.skipIf(!has(...imageTools, 'podman', 'buildah'))('Through us comes', { timeout: 120_000 }, () => {
  let shelf: ImageShelf;
  let sandbox: Sandbox;
  let front: Front;
  let env: Record<string, string>;
  let subject: MadeImage;
  let foreign: Described;
  /** What was asked of whoever alone hands a foreign layer out. */
  const elsewhere: string[] = [];
  const owner = createServer((request, response) => {
    elsewhere.push(request.url!);
    response.end(gzipSync('foreign'));
  });

  beforeAll(async () => {
    shelf = await openImageShelf();
    const { layout, registry } = shelf;
    ({ sandbox } = shelf);
    front = await startFront(registry.host);
    await once(owner.listen(0, '127.0.0.1'), 'listening');
    subject = await layout.image({ layers: [{ a: 'a' }] }, 'plain');
    const zstd = await layout.image(
      {
        layers: [{ b: 'b' }],
        compression: 'zstd',
        platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
      },
      'zstd',
    );
    await layout.image(
      { layers: [...Array.from({ length: 119 }, (_, at) => ({ [`${at}`]: 'x' })), {}] },
      'many',
    );
    layout.index([subject, zstd], 'all');
    // Something that is no image, and says what it is about; where there is no API for that, a tag does.
    const empty = layout.blob(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
    const signature = layout.blob(Buffer.from('signed'), 'application/vnd.example.signature');
    layout.tagged(
      layout.json(MANIFEST, {
        schemaVersion: 2,
        mediaType: MANIFEST,
        artifactType: 'application/vnd.example.signature',
        config: empty,
        layers: [signature],
        subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      }),
      'referrer',
    );
    for (const tag of ['plain', 'zstd', 'many', 'all', 'referrer']) await shelf.push(tag, `org/app:${tag}`);
    await shelf.push('referrer', `org/app:${subject.digest.replace(':', '-')}`);

    const { port } = owner.address() as AddressInfo;
    foreign = {
      ...layout.blob(gzipSync('foreign'), 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'),
      urls: [`http://127.0.0.1:${port}/layer`],
    } as Described;

    env = { ...readingConf(sandbox, insecure(front.host)), ...storingIn(sandbox) };
  }, 240_000);
  afterAll(async () => {
    owner.close();
    await front[Symbol.asyncDispose]();
    await shelf[Symbol.asyncDispose]();
  });

  const copied = async (how: readonly string[], name: string, to: string): Promise<string> => {
    const folder = join(sandbox.root, to);
    mkdirSync(folder);
    const args = [
      '--insecure-policy',
      'copy',
      '-q',
      '--all',
      '--preserve-digests',
      `docker://${front.host}/${name}`,
    ];
    const [program = 'skopeo', ...rest] = [...how, ...(how.length > 0 ? ['skopeo'] : [])];
    const { code, stderr } = await sandbox.run(
      program,
      [...rest, ...args, ...(how.length > 0 ? [] : ['--src-tls-verify=false']), `dir:${folder}`],
      {
        env,
        timeoutMs: 120_000,
      },
    );
    expect([code, stderr]).toEqual([0, how.length > 0 ? expect.stringMatching(/verified/) : '']);
    if (how.length > 0) expect(stderr).not.toMatch(/unavailable|refused/);
    return folder;
  };

  it.each([
    ['an image', 'plain'],
    ['a layer compressed by zstd', 'zstd'],
    ['an image of 120 layers, one of them empty', 'many'],
    ['an index of several platforms', 'all'],
    ['an artifact that refers to an image', 'referrer'],
    ['what refers to an image, by the tag that stands for it', 'fallback'],
  ])('%s, to skopeo', async (_, tag) => {
    const name = `org/app:${tag === 'fallback' ? subject.digest.replace(':', '-') : tag}`;
    const direct = await copied([], name, `${tag}-direct`);
    front.requests.length = 0;
    const ours = await copied(sandbox.pyrsiaCommand(['exec', '--']), name, `${tag}-ours`);
    expect((await sandbox.run('diff', ['-r', direct, ours])).stdout).toBe('');
    // All of it came through us: what an engine asks a registry itself it asks more than once.
    const fetched = front.requests.filter(
      (request) => request.startsWith('GET') && !request.endsWith('/v2/'),
    );
    expect(fetched).toHaveLength(new Set(fetched).size);
  });

  it.each([
    ['podman', 'zstd', ['podman', 'pull', '-q', '--platform', 'linux/arm64/v8']],
    ['buildah', 'all', ['buildah', 'pull', '-q']],
  ])('to %s: %s', async (_, tag, command) => {
    const pulled = await sandbox.pyrsia(['exec', '--', ...command, `${front.host}/org/app:${tag}`], {
      env,
      timeoutMs: 120_000,
    });
    expect([pulled.code, pulled.stderr]).toEqual([0, expect.stringMatching(/verified/)]);
    expect(pulled.stderr).not.toMatch(/unavailable|refused/);
  });

  it('an image with a layer that only its owner hands out, who is asked for it by the engine', async () => {
    const config = subject.config;
    const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
      layers: [foreign],
    });
    const digest = digestOf(Buffer.from(body), 'sha256');
    // docker-registry takes no such image.
    front.instead = (request, response) => {
      if (!/\/manifests\/(foreign|sha256:\w+)$/.test(request.url!)) return false;
      response.writeHead(200, { 'content-type': mediaType, 'docker-content-digest': digest });
      response.end(request.method === 'HEAD' ? undefined : body);
      return true;
    };
    await copied(sandbox.pyrsiaCommand(['exec', '--']), 'org/app:foreign', 'foreign');
    expect(elsewhere).toEqual(['/layer']);
    const pulled = await sandbox.pyrsia(
      ['pull', '--no-load', `${front.host}/org/app:foreign`, '--platform', 'linux/amd64'],
      { env },
    );
    expect([pulled.code, pulled.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
    expect(elsewhere).toEqual(['/layer']);
    expect(front.requests.join()).not.toContain(foreign.digest);
  });
});
