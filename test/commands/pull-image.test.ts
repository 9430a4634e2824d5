import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hexOf } from '../../src/content/digest.ts';
import type { PulledImage } from '../../src/control/protocol.ts';
import { type Front, has, imageTools, layerLines, startFront } from '../support/image-registry.ts';
import { hubAt, type ImageShelf, openImageShelf, readingConf, storingIn } from '../support/image-world.ts';
import { type Described, Layout, type MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const LARGE = randomBytes(9 * 2 ** 20);
const wrong = `sha256:${'0'.repeat(64)}` as const;

describe.skipIf(!has(...imageTools))('pyrsia pull of an image', () => {
  let shelf: ImageShelf;
  let layout: Layout;
  let amd: MadeImage;
  let arm: MadeImage;
  let index: Described;
  let many: MadeImage;
  let huge: MadeImage;

  beforeAll(async () => {
    shelf = await openImageShelf();
    const { push } = shelf;
    ({ layout } = shelf);
    amd = await layout.image({ layers: [{ 'bin/nginx': 'amd' }, { 'bin/large': LARGE }, {}, {}] });
    arm = await layout.image({
      layers: [{ 'bin/nginx': 'arm' }],
      platform: { os: 'linux', architecture: 'arm64' },
      compression: 'zstd',
    });
    index = layout.index([amd, arm], 'nginx');
    await push('nginx', 'library/nginx:latest');
    many = await layout.image(
      { layers: Array.from({ length: 120 }, (_, at) => ({ [`${at}`]: 'x' })) },
      'many',
    );
    await push('many', 'library/many:latest');
    huge = await layout.image({ layers: [{ huge: randomBytes(20 * 2 ** 20) }], compression: 'none' }, 'huge');
    await push('huge', 'library/huge:latest');
    await layout.image({ layers: [{ a: 'a' }], lie: { diffId: wrong } }, 'unpacked');
    await push('unpacked', 'library/unpacked:latest');
  }, 240_000);
  afterAll(async () => shelf[Symbol.asyncDispose]());

  let home: Sandbox;
  let front: Front;
  let env: Record<string, string>;

  beforeEach(async () => {
    home = openSandbox();
    front = await startFront(shelf.registry.host);
    env = readingConf(home, hubAt(front.host));
  });
  afterEach(async () => {
    await home[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
  });

  const pull = async (args: readonly string[], more: Record<string, string> = {}) =>
    home.pyrsia(['pull', '--no-load', ...args], { env: { ...env, ...more } });
  const pulled = async (args: readonly string[]): Promise<PulledImage> => {
    const { code, stdout, stderr } = await pull([...args, '--platform', 'linux/amd64', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    return (JSON.parse(stdout) as PulledImage[])[0]!;
  };

  it('brings what is for this machine, and says what it is', async () => {
    const { code, stdout, stderr } = await pull(['nginx:latest', '--platform', 'linux/amd64']);
    expect([code, stderr]).toEqual([0, expect.stringMatching(layerLines)]);
    const { stdout: last } = await home.pyrsia(['why', 'last']);
    expect(last).toContain('6 artifacts · 6 upstream · 6 verified');
    for (const said of ['nginx:latest', index.digest, 'linux/amd64', 'upstream', 'declared by the registry'])
      expect(stdout).toContain(said);
    expect(front.requests.join()).not.toContain(arm.layers[0]!.digest);
  });

  it('asks, the second time, what the tag means; of a digest nothing', async () => {
    await pulled(['nginx']);
    front.requests.length = 0;
    const again = await pulled(['nginx']);
    expect(front.requests).toEqual(['HEAD /v2/library/nginx/manifests/latest']);
    expect([again.source, again.digest]).toEqual(['cache', index.digest]);
    front.requests.length = 0;
    await pulled([`nginx@${amd.digest}`]);
    expect(front.requests).toEqual([]);
  });

  it('proves every layer, unpacked', async () => {
    const { image } = await pulled(['nginx']);
    const [manifest] = image.manifests;
    expect(manifest!.layers.map(({ digest }) => digest)).toEqual(amd.layers.map(({ digest }) => digest));
    expect(manifest!.layers[1]!.unpacked).toBeGreaterThan(LARGE.byteLength);
    for (const { path, digest } of [manifest!.config, ...manifest!.layers])
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(
        digest.slice('sha256:'.length),
      );
    const { code, stderr } = await pull(['unpacked']);
    expect([code, stderr]).toEqual([3, expect.stringContaining(wrong)]);
  });

  it('brings all platforms, and an image of many layers, three at a time', async () => {
    expect((await pull(['nginx', '--all-platforms'])).stdout).toContain('linux/amd64, linux/arm64');
    const all = await home.pyrsia(['pull', 'nginx', '--all-platforms'], { env });
    expect([all.code, all.stderr]).toEqual([
      0,
      expect.stringContaining('nginx:latest is in the cache only: '),
    ]);
    const layers = new Set<string>(many.layers.map(({ digest }) => digest));
    const held: (() => void)[] = [];
    let isOpen = false;
    front.instead = async ({ method, url = '' }) => {
      if (isOpen || method !== 'GET' || !layers.has(url.split('/').at(-1)!)) return false;
      await new Promise<void>((resolve) => held.push(resolve));
      return false;
    };
    const pulling = pulled(['many']);
    await expect.poll(() => held.length, { timeout: 60_000 }).toBe(3);
    held[1]!();
    await expect.poll(() => held.length, { timeout: 60_000 }).toBe(4);
    isOpen = true;
    for (const release of held) release();
    expect((await pulling).image.manifests[0]!.layers).toHaveLength(120);
    expect(held).toHaveLength(4);
  });

  it('says which platforms there are when none fits', async () => {
    const { code, stderr } = await pull(['nginx', '--platform', 'windows/amd64']);
    expect([code, stderr]).toEqual([5, expect.stringContaining('it is there for linux/amd64, linux/arm64')]);
    expect((await pull(['nginx', '--platform', 'a/b/c/d'])).code).toBe(2);
  });

  it('works while upstream is down, if it is here, and says so if it is not', async () => {
    await pulled(['nginx']);
    await front.down();
    expect((await pulled(['nginx'])).source).toBe('cache');
    const { code, stderr } = await pull(['many']);
    expect([code, stderr]).toEqual([
      6,
      expect.stringMatching(/Not in the cache: many:latest \(127\.0\.0\.1:\d+: .+\)/),
    ]);
    expect((await pull(['many'], { PYRSIA_OFFLINE: '1' })).code).toBe(6);
  });

  it('says that there is none', async () => {
    const { code, stderr } = await pull(['none:1']);
    expect([code, stderr]).toEqual([5, 'pyrsia: Not found: none:1\n']);
  });

  it.each([
    ['a layer whose bytes are others', () => amd.layers[1]!.digest],
    ['a configuration whose bytes are others', () => amd.config.digest],
    ['a manifest whose bytes are others', () => amd.digest],
  ])('refuses %s', async (_, digest) => {
    front.spoil = (path, body) => {
      if (path.endsWith(digest()) && body.byteLength > 0) body[body.byteLength - 1]! ^= 1;
      return body;
    };
    const { code, stderr } = await pull(['nginx', '--platform', 'linux/amd64']);
    expect([code, stderr]).toEqual([3, expect.stringContaining('does not match its digest')]);
  });

  it.each(['layer', 'configuration', 'entry of its index'])(
    'refuses what lies about the size of a layer, a configuration, an image of an index: %s',
    async (about) => {
      const liar = new Layout(join(home.root, 'liar'));
      const lie = about === 'layer' ? { size: 7 } : {};
      const { platform, ...image } = await liar.image({ layers: [{ a: 'a' }], lie });
      const { mediaType, config, layers } = image;
      const told = { schemaVersion: 2, mediaType, config: { ...config, size: 7 }, layers };
      const { digest } = {
        layer: image,
        configuration: liar.json(mediaType, told),
        'entry of its index': liar.index([{ ...image, platform, size: 7 }]),
      }[about]!;
      const blob = (name: string): string => join(liar.directory, 'blobs/sha256', name);
      front.instead = (request, response) => {
        const [, name = ''] = /\/(?:manifests|blobs)\/sha256:(\w+)$/.exec(request.url!) ?? [];
        if (name === '' || !existsSync(blob(name))) return false;
        response.end(request.method === 'HEAD' ? undefined : readFileSync(blob(name)));
        return true;
      };
      const { code, stderr } = await pull([`liar@${digest}`, '--platform', 'linux/amd64']);
      expect([code, stderr]).toEqual([3, expect.stringContaining('wrong size: expected 7 bytes')]);
    },
  );

  it('goes on where it was when the agent was killed', { timeout: 120_000 }, async () => {
    const { digest, size } = huge.layers[0]!;
    const path = join(layout.directory, 'blobs/sha256', hexOf(digest));
    const ranges: (string | undefined)[] = [];
    front.instead = (request, response) => {
      if (request.method !== 'GET' || !request.url!.endsWith(digest)) return false;
      const { range } = request.headers;
      ranges.push(range);
      if (range !== undefined) {
        const start = Number(/^bytes=(\d+)-$/.exec(range)![1]);
        response.writeHead(206, { 'content-range': `bytes ${start}-${size - 1}/${size}` });
        response.end(readFileSync(path).subarray(start));
      } else {
        response.writeHead(200, { 'content-length': size });
        response.write(readFileSync(path).subarray(0, size / 2));
      }
      return true;
    };
    const first = home.start(home.pyrsiaCommand(['pull', '--no-load', 'huge', '--platform', 'linux/amd64']), {
      env,
    });
    const partial = join(home.env['XDG_CACHE_HOME']!, 'pyrsia/partial');
    const come = (): number =>
      existsSync(partial)
        ? readdirSync(partial).reduce((sum, name) => sum + statSync(join(partial, name)).size, 0)
        : 0;
    await expect.poll(come, { timeout: 60_000 }).toBeGreaterThan(size / 4);
    const { stdout } = await home.pyrsia(['agent', 'status', '--json']);
    process.kill((JSON.parse(stdout) as { pid: number }).pid, 'SIGKILL');
    expect((await first.result).code).toBe(1);
    await pulled(['huge']);
    expect(ranges.at(-1)).toMatch(/^bytes=[1-9]\d+-$/);
  });

  it('refuses what is blocked', async () => {
    writeFileSync(
      env['CONTAINERS_REGISTRIES_CONF']!,
      '[[registry]]\nlocation = "docker.io"\nblocked = true\n',
    );
    const { code, stderr } = await pull(['nginx']);
    expect([code, stderr]).toEqual([3, 'pyrsia: Refused nginx: registries.conf blocks it\n']);
  });

  it('takes short names for what registries.conf says of them', async () => {
    const conf = (mode: string): string =>
      `unqualified-search-registries = ["${front.host}", "docker.io"]\nshort-name-mode = "${mode}"\n` +
      `[aliases]\nweb = "docker.io/library/nginx"\n${hubAt(front.host)}`;
    readingConf(home, conf('permissive'));
    const on = ['--platform', 'linux/amd64'];
    expect((await pull(['web', ...on])).stdout).toContain('image     nginx:latest\n');
    const { code, stdout, stderr } = await pull(['library/nginx:latest', ...on]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(`image     ${front.host}/library/nginx:latest\n`),
    ]);
    const may = `${front.host}/library/nginx:latest or docker.io/library/nginx:latest`;
    expect(stderr).toContain(
      `pyrsia: library/nginx:latest is a short name of ${may}: ${front.host}/library/nginx:latest was taken\n`,
    );
    // The other one is taken where the first one is not there, and never where it is refused for what it is.
    const [found] = JSON.parse((await pull(['nginx', ...on, '--json'])).stdout) as PulledImage[];
    expect([found!.image.reference, found!.mayBe]).toEqual([
      'nginx:latest',
      [`${front.host}/nginx:latest`, 'docker.io/library/nginx:latest'],
    ]);
    front.requests.length = 0;
    expect((await pull(['library/unpacked', ...on])).code).toBe(3);
    expect(front.requests.filter((request) => request.endsWith('/manifests/latest'))).toHaveLength(1);
    const none = await pull(['none', ...on]);
    expect([none.code, none.stderr]).toEqual([
      5,
      expect.stringContaining(`Not found: ${front.host}/none:latest, docker.io/library/none:latest`),
    ]);
    expect((await pull(['docker:nginx', ...on])).stdout).toContain('image     nginx:latest\n');

    readingConf(home, conf('enforcing'));
    const guessed = await pull(['nginx', ...on]);
    expect([guessed.code, guessed.stderr]).toEqual([2, expect.stringContaining('lets nobody choose')]);
    expect((await pull(['web', ...on])).code).toBe(0);
  });

  it('tries each of several, and ends as badly as the worst of them', async () => {
    const several = ['none', 'unpacked', 'many', '--platform', 'linux/amd64'];
    const { code, stdout, stderr } = await pull(several);
    expect([code, stderr]).toEqual([3, expect.stringContaining('pyrsia: 2 of 3 could not be pulled\n')]);
    expect(stderr).toContain(
      'pyrsia: "none" was looked for among images; for one of npm\'s write npm:none\n',
    );
    expect(stdout).toContain(`image     many:latest\n`);
    const again = await pull(['many', 'none', '--platform', 'linux/amd64', '--json']);
    expect([again.code, again.stderr]).toEqual([5, '']);
    expect(JSON.parse(again.stdout)).toMatchObject([
      { image: { reference: 'many:latest' } },
      { reference: 'none', error: { code: 'NOT_FOUND' } },
    ]);
  });

  const files = async (archive: string) => {
    const to = join(home.root, `to-${Math.random()}`);
    mkdirSync(to);
    const { code } = await home.run('skopeo', ['--insecure-policy', 'copy', '-q', archive, `dir:${to}`]);
    expect(code).toBe(0);
    return (name: string): Buffer => readFileSync(join(to, name));
  };

  describe('writes it', () => {
    it.each(['oci', 'oci-archive'])('as %s', async (kind) => {
      const path = join(home.root, 'out');
      const wrote = await pull(['nginx', '--platform', 'linux/amd64', '-o', `${kind}:${path}`]);
      expect([wrote.code, wrote.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
      const written = await files(`${kind}:${path}:latest`);
      for (const { digest } of [amd.config, ...amd.layers])
        expect(
          createHash('sha256')
            .update(written(hexOf(digest)))
            .digest('hex'),
        ).toBe(hexOf(digest));
    });

    it('as docker-archive, with its layers unpacked', async () => {
      const path = join(home.root, 'out');
      const args = ['nginx', '--platform', 'linux/arm64', '-o', `docker-archive:${path}`];
      const wrote = await pull(args);
      expect([wrote.code, wrote.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
      const written = await files(`docker-archive:${path}`);
      const manifest = JSON.parse(written('manifest.json').toString()) as { config: { digest: string } };
      expect(manifest.config.digest).toBe(arm.config.digest);
      expect((await home.run('tar', ['xOf', path, 'manifest.json'])).stdout).toContain('nginx:latest');
    });

    it.each(['oci', 'oci-archive'])('with all platforms, as %s', async (kind) => {
      const path = join(home.root, 'out');
      const wrote = await pull(['nginx', '--all-platforms', '-o', `${kind}:${path}`]);
      expect([wrote.code, wrote.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
      const to = join(home.root, 'all');
      mkdirSync(to);
      const copy = ['--insecure-policy', 'copy', '-q', '--all', '--preserve-digests'];
      const copied = await home.run('skopeo', [...copy, `${kind}:${path}:latest`, `dir:${to}`]);
      expect([copied.code, copied.stderr]).toEqual([0, '']);
      const written = (name: string): string =>
        createHash('sha256')
          .update(readFileSync(join(to, name)))
          .digest('hex');
      expect(written('manifest.json')).toBe(hexOf(index.digest));
      for (const { digest } of [amd, arm].flatMap(({ config, layers }) => [config, ...layers]))
        expect(written(hexOf(digest))).toBe(hexOf(digest));
    });

    it('as docker-archive only for one platform', async () => {
      const path = join(home.root, 'out');
      const { code, stderr } = await pull(['nginx', '--all-platforms', '-o', `docker-archive:${path}`]);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining('it holds an image for one platform; say which with --platform'),
      ]);
      expect(existsSync(path)).toBe(false);
    });

    it('nowhere where something is', async () => {
      const path = join(home.root, 'out');
      mkdirSync(join(path, 'mine'), { recursive: true });
      const { code, stderr } = await pull(['nginx', '--platform', 'linux/amd64', '-o', `oci:${path}`]);
      const taken = `Cannot write ${path}: something is there already\n`;
      expect([code, stderr]).toEqual([1, expect.stringContaining(taken)]);
      const nowhere = join(home.root, 'none', 'file');
      const lost = await pull(['nginx', '--platform', 'linux/amd64', '-o', `oci-archive:${nowhere}`]);
      const none = `Cannot write ${nowhere}: there is no directory ${join(home.root, 'none')}\n`;
      expect([lost.code, lost.stderr]).toEqual([1, expect.stringContaining(none)]);
      const two = await pull(['nginx', 'many', '-o', `oci:${join(home.root, 'two')}`]);
      expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('One image is written to oci:')]);
      expect((await pull(['nginx', '-o', join(home.root, 'file')])).code).toBe(2);
    });
  });

  it.skipIf(!has('podman'))('lets podman have it', async () => {
    Object.assign(env, storingIn(home));
    env['DOCKER_HOST'] = 'unix:///nonexistent';
    const loading = await home.pyrsia(['pull', 'nginx:latest', '--platform', 'linux/amd64'], { env });
    expect([loading.code, loading.stdout, loading.stderr]).toEqual([
      0,
      expect.stringContaining('\nengine    podman, from pyrsia\n'),
      expect.not.stringContaining('artifacts'),
    ]);
    const images = await home.run('podman', ['images', '--digests'], { env });
    expect(images.stdout).toMatch(/docker\.io\/library\/nginx +latest/);
    const fetched = front.requests.filter((request) => request.includes('/blobs/'));
    expect(fetched).toHaveLength(new Set(fetched).size);
  });

  it.skipIf(!has('podman'))('lets podman have what was proven, whatever its tag means by then', async () => {
    Object.assign(env, storingIn(home), { DOCKER_HOST: 'unix:///nonexistent' });
    const moved = await layout.image({ layers: [{ moved: 'moved' }] });
    let hasMoved = false;
    front.instead = (request, response) => {
      hasMoved ||= request.url!.endsWith(amd.config.digest);
      const [, name = ''] = /\/(latest|sha256:\w+)$/.exec(request.url!) ?? [];
      const known: string[] = [moved, moved.config, ...moved.layers].map(({ digest }) => digest);
      const digest = hasMoved && name === 'latest' ? moved.digest : name;
      if (!known.includes(digest)) return false;
      response.writeHead(200, { 'docker-content-digest': digest, 'content-type': moved.mediaType });
      const file = join(layout.directory, 'blobs/sha256', digest.slice('sha256:'.length));
      response.end(request.method === 'HEAD' ? undefined : readFileSync(file));
      return true;
    };
    const loading = await home.pyrsia(['pull', 'nginx:latest', '--platform', 'linux/amd64'], { env });
    expect([loading.code, loading.stdout]).toEqual([
      0,
      expect.stringContaining('\nengine    podman, from pyrsia\n'),
    ]);
    // It was given the other one, and asked for that as well.
    expect(front.requests.join()).toContain(moved.config.digest);
    const inspect = ['image', 'inspect', '--format', '{{.Id}}', 'docker.io/library/nginx:latest'];
    const { stdout } = await home.run('podman', inspect, { env });
    expect(stdout.trim()).toBe(hexOf(amd.config.digest));
  });
});
