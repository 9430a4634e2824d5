import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { type Front, has, imageTools, startFront } from '../support/image-registry.ts';
import { type ImageShelf, openImageShelf, readingConf, storingIn } from '../support/image-world.ts';
import type { MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const LARGE = randomBytes(9 * 2 ** 20);

describe.skipIf(!has(...imageTools, 'podman', 'buildah'))('Images through pyrsia exec', () => {
  let shelf: ImageShelf;
  let nginx: MadeImage;

  beforeAll(async () => {
    shelf = await openImageShelf();
    nginx = await shelf.layout.image({ layers: [{ 'bin/nginx': 'nginx' }, { 'bin/large': LARGE }] }, 'nginx');
    await shelf.push('nginx', 'library/nginx:latest');
  });
  afterAll(async () => shelf[Symbol.asyncDispose]());

  let sandbox: Sandbox;
  let front: Front;
  let env: Record<string, string>;

  beforeEach(async () => {
    sandbox = openSandbox();
    front = await startFront(shelf.registry.host);
    const conf = `unqualified-search-registries = ["docker.io"]\n[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "${front.host}"\ninsecure = true\n`;
    env = { ...readingConf(sandbox, conf), ...storingIn(sandbox) };
  });
  afterEach(async () => {
    await sandbox[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
  });

  const exec = async (command: readonly string[], more: Record<string, string> = {}) =>
    sandbox.pyrsia(['exec', '--', ...command], { env: { ...env, ...more } });
  const copy = (to: string) => [
    'skopeo',
    '--insecure-policy',
    'copy',
    '-q',
    'docker://nginx',
    `dir:${join(sandbox.root, to)}`,
  ];

  it('skopeo copies an image, the second time without asking for anything but its tag', async () => {
    const first = await exec(copy('a'));
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringContaining('4 artifacts · 4 upstream · 4 verified'),
    ]);
    expect(readdirSync(join(sandbox.root, 'a'))).toHaveLength(5);
    front.requests.length = 0;
    const second = await exec(copy('b'));
    expect([second.code, second.stderr]).toEqual([0, expect.stringContaining('3 cache')]);
    expect(front.requests).toEqual(['HEAD /v2/library/nginx/manifests/latest']);
  });

  it.each([
    ['podman', ['podman', 'pull', '-q', 'docker.io/library/nginx']],
    ['podman, by a short name', ['podman', 'pull', '-q', 'nginx']],
    ['buildah', ['buildah', 'pull', '-q', 'docker.io/library/nginx:latest']],
  ])('%s pulls an image', async (_, command) => {
    const pulled = await exec(command);
    expect([pulled.code, pulled.stderr]).toEqual([0, expect.stringContaining('4 verified')]);
    const images = await sandbox.run('podman', ['images', '--digests'], { env });
    expect(images.stdout).toContain(nginx.digest);
    expect(images.stdout).toContain('docker.io/library/nginx');
    expect(images.stdout).not.toContain('127.0.0.1');
  });

  it.each([
    ['podman', ['podman', 'pull', '-q', 'docker.io/library/nginx']],
    ['skopeo', ['skopeo', '--insecure-policy', 'copy', '-q', 'docker://nginx', 'dir:copy']],
  ])('%s pulls one of which a file of additions has something to say', async (_, command) => {
    const folder = join(sandbox.home, '.config/containers/registries.conf.d');
    mkdirSync(folder, { recursive: true });
    const rule = `[[registry]]\nprefix = "docker.io"\nlocation = "${front.host}"\ninsecure = true\n`;
    writeFileSync(join(folder, 'hub.conf'), rule);
    delete env['CONTAINERS_REGISTRIES_CONF'];
    const pulled = await exec(command);
    expect([pulled.code, pulled.stderr]).toEqual([0, expect.stringContaining('4 verified')]);
  });

  it('buildah builds from an image that only the file names', async () => {
    const context = join(sandbox.root, 'context');
    mkdirSync(context);
    const file = join(sandbox.root, 'build.txt');
    writeFileSync(file, `ARG HOST=${front.host}\nFROM $HOST/library/nginx\nLABEL a=b\n`);
    const build = ['buildah', 'bud', '-q', '--isolation', 'chroot', '-f', file, context];
    const built = await exec(build);
    expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('4 verified')]);
    expect((await sandbox.run('buildah', ['rmi', '--all', '--force'], { env })).code).toBe(0);
    front.requests.length = 0;
    const offline = await exec(build, { PYRSIA_OFFLINE: '1' });
    expect([offline.code, offline.stderr]).toEqual([0, expect.stringContaining('offline')]);
    expect(front.requests).toEqual([]);
  });

  it('asks with the logins that the call, or the user’s configuration, says', async () => {
    const shown = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    front.instead = (request, response) => {
      if (request.headers.authorization === shown) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return true;
    };
    const name = `docker://${front.host}/library/nginx`;
    const file = join(sandbox.root, 'mine.json');
    const auth = Buffer.from('me:secret').toString('base64');
    writeFileSync(file, JSON.stringify({ auths: { [front.host]: { auth } } }));
    const skopeo = ['skopeo', '--insecure-policy', 'copy', '-q'];
    const named = await exec([...skopeo, '--src-authfile', file, name, `dir:${sandbox.root}/a`]);
    expect([named.code, named.stderr]).toEqual([0, expect.stringContaining('4 verified')]);

    const program = join(sandbox.root, 'docker-credential-mine');
    writeFileSync(program, '#!/bin/sh\necho \'{"Username":"me","Secret":"secret"}\'\n', { mode: 0o755 });
    env['PATH'] = `${sandbox.root}:${process.env['PATH']}`;
    readingConf(sandbox, `credential-helpers = ["mine"]\n`);
    const helped = await exec([...skopeo, name, `dir:${sandbox.root}/b`]);
    expect([helped.code, helped.stderr]).toEqual([
      0,
      expect.stringContaining('3 artifacts · 3 cache · 3 verified'),
    ]);
  });

  it('serves what is here while upstream is down, and offline asks nobody', async () => {
    expect((await exec(copy('a'))).code).toBe(0);
    front.requests.length = 0;
    const offline = await exec(copy('b'), { PYRSIA_OFFLINE: '1' });
    expect([offline.code, offline.stderr]).toEqual([0, expect.stringContaining('offline')]);
    expect(front.requests).toEqual([]);
    await front.down();
    expect((await exec(copy('c'))).code).toBe(0);
    for (const command of [
      ['skopeo', 'inspect', 'docker://docker.io/library/other'],
      ['podman', 'pull', '-q', 'docker.io/library/other'],
    ]) {
      const missing = await exec(command, { PYRSIA_OFFLINE: '1' });
      expect(missing.code).toBeGreaterThan(0);
      expect(missing.stderr).toMatch(/unavailable: pyrsia: [^\n]*other[^\n]*PYRSIA_OFFLINE=1/);
    }
  });

  it('leaves what is not ours to the tool', async () => {
    for (const command of [
      ['skopeo', 'login', '--get-login', front.host],
      ['podman', 'login', '--get-login', front.host],
    ]) {
      const { code } = await exec(command);
      expect(code).not.toBe(0);
    }
    expect((await sandbox.pyrsia(['agent', 'status', '--json'])).stdout).toContain('"running": false');
  });

  it('serves whoever belongs to the same user, by that user’s own configuration', async () => {
    expect((await exec(copy('a'))).code).toBe(0);
    mkdirSync(join(sandbox.home, '.config/containers'), { recursive: true });
    const rule = `[[registry]]\nprefix = "docker.io"\nlocation = "${front.host}"\n`;
    writeFileSync(join(sandbox.home, '.config/containers/registries.conf'), rule);
    const { ports } = JSON.parse((await sandbox.pyrsia(['agent', 'status', '--json'])).stdout) as {
      ports: Record<string, number>;
    };
    front.requests.length = 0;
    const from = `docker://127.0.0.1:${ports['images']}/docker.io/nginx`;
    const args = [
      '--insecure-policy',
      'copy',
      '-q',
      '--src-tls-verify=false',
      from,
      `dir:${sandbox.root}/direct`,
    ];
    expect(await sandbox.run('skopeo', args)).toMatchObject({ code: 0 });
    expect(front.requests).toEqual(['HEAD /v2/library/nginx/manifests/latest']);
  });

  it('leaves nothing behind of a launch', async () => {
    expect((await exec(copy('a'))).code).toBe(0);
    const files = readdirSync(sandbox.env['XDG_RUNTIME_DIR']!, { recursive: true }).map(String);
    expect(files.filter((file) => file.includes('registries.conf'))).toEqual([]);
  });
});
