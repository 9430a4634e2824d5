/** Every kind of what registries hold, pulled through us by real engines: byte for byte what they get without us. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Front, has, imageTools, layerLines, startFront } from '../support/image-registry.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { PulledImage } from '../../src/control/protocol.ts';
import { type ImageShelf, insecure, openImageShelf, readingConf, storingIn } from '../support/image-world.ts';
import type { Described, MadeImage } from '../support/oci-layout.ts';
import type { Sandbox } from '../support/sandbox.ts';

const DOCKER = 'application/vnd.docker.distribution';
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
    env = { ...readingConf(sandbox, insecure(front.host)), ...storingIn(sandbox) };
    await once(owner.listen(0, '127.0.0.1'), 'listening');
    const arm = { os: 'linux', architecture: 'arm64', variant: 'v8' };
    subject = await layout.image({ layers: [{ a: 'a' }] }, 'plain');
    const zstd = await layout.image(
      {
        layers: [{ b: 'b' }],
        compression: 'zstd',
        platform: arm,
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
    const referrer = layout.json(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: 'application/vnd.example.signature',
      config: empty,
      layers: [signature],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    });
    layout.tagged(referrer, 'referrer');
    for (const tag of ['plain', 'zstd', 'many', 'all', 'referrer']) await shelf.push(tag, `org/app:${tag}`);
    layout.index([referrer], 'referrers');
    await shelf.push('referrers', `org/app:${subject.digest.replace(':', '-')}`);
    // As docker has them, manifests and list: nothing of a layout is of that kind.
    layout.index([subject, await layout.image({ layers: [{ c: 'c' }], platform: arm })], 'two');
    await shelf.push('two', 'org/app:two');
    const both = ['two', 'schema2'].map((tag) => `docker://${registry.host}/org/app:${tag}`);
    const tls = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    const args = ['--insecure-policy', 'copy', '-q', '--all', '--format', 'v2s2', ...tls, ...both];
    expect(await sandbox.run('skopeo', args)).toMatchObject({ code: 0 });

    await madeByUmoci();
    await madeByBuildah();

    const { port } = owner.address() as AddressInfo;
    foreign = {
      ...layout.blob(gzipSync('foreign'), 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'),
      urls: [`http://127.0.0.1:${port}/layer`],
    } as Described;
  }, 240_000);
  afterAll(async () => {
    owner.close();
    await front[Symbol.asyncDispose]();
    await shelf[Symbol.asyncDispose]();
  });

  const must = async (program: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await sandbox.run(program, args, { env });
    expect([code, stderr]).toEqual([0, expect.anything()]);
    return stdout.trim();
  };
  async function madeByUmoci(): Promise<void> {
    const [folder, file] = [join(sandbox.root, 'umoci'), join(sandbox.root, 'file')];
    writeFileSync(file, 'content');
    await must('umoci', 'init', '--layout', folder);
    await must('umoci', 'new', '--image', `${folder}:1`);
    await must('umoci', 'insert', '--image', `${folder}:1`, file, '/etc/file');
    await must('umoci', 'config', '--image', `${folder}:1`, '--os', 'linux', '--architecture', 'amd64');
    await shelf.registry.push(folder, '1', 'org/app:umoci');
  }
  async function madeByBuildah(): Promise<void> {
    const container = await must('buildah', 'from', 'scratch');
    await must('buildah', 'copy', '-q', container, join(sandbox.root, 'file'), '/etc/file');
    await must('buildah', 'config', '--cmd', 'true', '--arch', 'amd64', container);
    const to = `docker://${shelf.registry.host}/org/app:buildah`;
    await must('buildah', 'commit', '-q', '--rm', '--tls-verify=false', container, to);
  }

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
    ['what umoci makes', 'umoci'],
    ['what buildah makes', 'buildah'],
    ['an artifact that refers to an image', 'referrer'],
    ['a list of what refers to an image, by the tag that stands for it', 'fallback'],
    ['a list of docker’s schema 2, and all that it names', 'schema2'],
  ])('%s, to skopeo', async (_, tag) => {
    const name = `org/app:${tag === 'fallback' ? subject.digest.replace(':', '-') : tag}`;
    const direct = await copied([], name, `${tag}-direct`);
    front.requests.length = 0;
    const ours = await copied(sandbox.pyrsiaCommand(['exec', '--']), name, `${tag}-ours`);
    expect((await sandbox.run('diff', ['-r', direct, ours])).stdout).toBe('');
    // All of it came through us: what an engine asks a registry itself it asks more than once.
    if (tag === 'schema2')
      expect(readFileSync(join(ours, 'manifest.json'), 'utf8')).toContain(
        `"${DOCKER}.manifest.list.v2+json"`,
      );
    const fetched = front.requests.filter(
      (request) => request.startsWith('GET') && !request.endsWith('/v2/'),
    );
    expect(fetched).toHaveLength(new Set(fetched).size);
  });

  it.each(['umoci', 'buildah'])('what %s makes, to pyrsia pull', async (tag) => {
    const args = ['pull', '--no-load', '--platform', 'linux/amd64', `${front.host}/org/app:${tag}`];
    expect(await sandbox.pyrsia(args, { env })).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(layerLines),
    });
  });

  it('a list of docker’s schema 2, to pyrsia pull', async () => {
    const args = ['pull', '--no-load', '--all-platforms', `${front.host}/org/app:schema2`, '--json'];
    const { code, stdout } = await sandbox.pyrsia(args, { env });
    const [pulled] = JSON.parse(stdout) as PulledImage[];
    expect([code, pulled?.image.index?.mediaType]).toEqual([0, `${DOCKER}.manifest.list.v2+json`]);
    expect(pulled!.image.manifests.map(({ mediaType }) => mediaType)).toEqual([
      `${DOCKER}.manifest.v2+json`,
      `${DOCKER}.manifest.v2+json`,
    ]);
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
