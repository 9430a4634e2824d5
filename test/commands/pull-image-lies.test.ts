/** Images that are made to hurt whoever pulls them, and registries that say what is not so. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import {
  type Front,
  has,
  imageTools,
  layerLines,
  startFront,
  startRegistry,
} from '../support/image-registry.ts';
import { hubAt, readingConf } from '../support/image-world.ts';
import { type Described, Layout } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const GIB = 2 ** 30;
/** 1.0625 GiB of zeros, in pieces of which each is compressed for itself. */
const bomb = (compress: (zeros: Buffer) => Buffer): Buffer =>
  Buffer.concat(Array.from<Buffer>({ length: 17 }).fill(compress(Buffer.alloc(GIB / 16))));
const none = (n: number): Described => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: digestOf(Buffer.from(String(n)), 'sha256'),
  size: 1,
});
const many = (from: number): Described[] => Array.from({ length: 600 }, (_, n) => none(from + n));

describe.skipIf(!has(...imageTools))('pyrsia pull of an image that lies', () => {
  let home: Sandbox;
  let front: Front;
  let layout: Layout;
  let env: Record<string, string>;
  /** Other places, asked before. */
  const configure = (...mirrors: Front[]): void => {
    const tables = mirrors.map(({ host }) => `[[registry.mirror]]\nlocation = "${host}"\n`).join('');
    env = readingConf(home, `${hubAt(front.host)}${tables}`);
  };

  beforeEach(async () => {
    home = openSandbox();
    layout = new Layout(join(home.root, 'layout'));
    front = await startFront('127.0.0.1:9');
    // No registry takes such images from those who push them as they should.
    front.instead = (request, response) => {
      const [, name = ''] = /\/(?:manifests|blobs)\/sha256:(\w+)$/.exec(request.url!) ?? [];
      const file = join(layout.directory, 'blobs/sha256', name);
      if (name === '' || !existsSync(file)) response.writeHead(404).end();
      else response.end(request.method === 'HEAD' ? undefined : readFileSync(file));
      return true;
    };
    configure();
  });
  afterEach(async () => {
    await home[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
  });

  const pull = async (digest: Digest, ...args: string[]) =>
    home.pyrsia(['pull', '--no-load', `app@${digest}`, ...args], { env });

  it.each([
    ['gzip', (zeros: Buffer) => gzipSync(zeros, { level: 9 })],
    ['zstd', (zeros: Buffer) => zstdCompressSync(zeros)],
  ] as const)(
    'refuses a layer that becomes a thousand times as large (%s)',
    { timeout: 120_000 },
    async (compression, compress) => {
      const raw = bomb(compress);
      expect(raw.byteLength).toBeLessThan(GIB / 500);
      const image = await layout.image({ layers: [{ raw, diffId: none(1).digest }], compression });
      const { code, stderr } = await pull(image.digest, '--platform', 'linux/amd64');
      expect([code, stderr]).toEqual([1, expect.stringContaining(`larger than the limit of ${GIB} bytes`)]);
      expect(stderr).toContain(image.layers[0]!.digest);
      const { pid } = JSON.parse((await home.pyrsia(['agent', 'status', '--json'])).stdout) as {
        pid: number;
      };
      const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      expect(Number(kilobytes)).toBeLessThan(200_000);
    },
  );

  it('refuses what is not compressed as it says, or stops early', async () => {
    const whole = gzipSync(randomBytes(1000));
    for (const raw of [Buffer.from('no gzip'), whole.subarray(0, 500)]) {
      const { digest } = await layout.image({ layers: [{ raw, diffId: none(1).digest }] });
      const { code, stderr } = await pull(digest, '--platform', 'linux/amd64');
      expect([code, stderr]).toEqual([1, expect.stringContaining('unpacked')]);
    }
  });

  it('names both digests when what a layer unpacks to is something else', async () => {
    const [raw, diffId] = [gzipSync('something else'), none(1).digest];
    const { digest, layers } = await layout.image({ layers: [{ raw, diffId }] });
    const { code, stderr } = await pull(digest, '--platform', 'linux/amd64');
    expect(code).toBe(3);
    for (const named of [layers[0]!.digest, diffId, digestOf(Buffer.from('something else'), 'sha256')])
      expect(stderr).toContain(named);
  });

  it('refuses ten thousand layers', async () => {
    const { config, layers, mediaType } = await layout.image({ layers: [{ a: 'a' }] });
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config,
      layers: Array.from({ length: 10_000 }, () => layers[0]!),
    };
    const { digest } = layout.json(mediaType, manifest);
    const { code, stderr } = await pull(digest);
    expect([code, stderr]).toEqual([1, expect.stringContaining('10000 layers, more than 1000')]);
  });

  it('refuses a manifest of 100 MB, and does not take all of it', async () => {
    let sent = 0;
    front.instead = (_, response) => {
      const piece = Buffer.alloc(1_000_000, ' ');
      const more = (): void => {
        while (sent < 100 && !response.destroyed) {
          sent++;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
      return true;
    };
    const { code, stderr } = await pull(none(1).digest);
    expect([code, stderr]).toEqual([1, expect.stringContaining('larger than the limit of 4194304 bytes')]);
    expect(sent).toBeLessThan(100);
  });

  it('refuses a list that names itself', async () => {
    const { digest } = none(1);
    front.instead = (_, response) => {
      const list = { schemaVersion: 2, manifests: [{ ...none(1), digest }] };
      response.writeHead(200, { 'docker-content-digest': digest }).end(JSON.stringify(list));
      return true;
    };
    for (const name of ['app:1', `app@${digest}`]) {
      const { code, stderr } = await home.pyrsia(['pull', '--no-load', name], { env });
      expect([code, stderr]).toEqual([3, expect.stringContaining('does not match its digest')]);
    }
  });

  it('takes lists of lists of the same for what they name, and no more than so many', async () => {
    const app = await layout.image({ layers: [{ a: 'a' }] });
    let list: Described = app;
    for (let depth = 0; depth < 4; depth++)
      list = layout.index(Array.from<Described>({ length: 900 }).fill(list));
    const same = await pull(list.digest, '--all-platforms');
    expect([same.code, same.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
    expect(front.requests.filter((request) => /GET .*(manifests|blobs)\/sha256:/.test(request))).toHaveLength(
      7,
    );

    const deep = await pull(layout.index([list]).digest, '--all-platforms');
    expect([deep.code, deep.stderr]).toEqual([1, expect.stringContaining('nested more than 4 deep')]);
    const wide = layout.index([layout.index(many(0)), ...many(1000)]);
    const { code, stderr } = await pull(wide.digest, '--all-platforms');
    expect([code, stderr]).toEqual([1, expect.stringContaining('more than 1000 manifests together')]);
  });

  it.each(['oci', 'oci-archive', 'docker-archive'])(
    'writes nothing outside of %s, whatever layers hold',
    async (kind) => {
      const layer = { '../../../climbed': 'x', '/tmp/../climbed': 'x', '..': 'x' };
      const { digest } = await layout.image({ layers: [layer] });
      const folder = join(home.root, 'a/b/c');
      mkdirSync(folder, { recursive: true });
      const { code, stderr } = await pull(digest, '--platform', 'linux/amd64', '-o', `${kind}:${folder}/out`);
      expect([code, stderr]).toEqual([0, expect.stringMatching(layerLines)]);
      const all = readdirSync(home.root, { recursive: true }).map(String);
      expect(all.filter((name) => name.endsWith('climbed'))).toEqual([]);
      expect(readdirSync(folder)).toEqual(['out']);
      if (kind === 'oci') return;
      const { stdout } = await home.run('tar', ['tf', join(folder, 'out')]);
      const names = stdout.trim().split('\n');
      expect(names.length).toBeGreaterThan(2);
      expect(
        names.filter((name) => !/^[\w/.-]+$/.test(name) || name.includes('..') || name.startsWith('/')),
      ).toEqual([]);
    },
  );

  it.each([
    [
      'is wrong in its last byte',
      (body: Buffer) => Buffer.concat([body.subarray(0, -1), Buffer.from([body.at(-1)! ^ 1])]),
    ],
    ['is cut', (body: Buffer) => body.subarray(0, body.byteLength / 2)],
    ['is too long', (body: Buffer) => Buffer.concat([body, body])],
  ])('takes from the next place a layer that %s at the first', { timeout: 120_000 }, async (_, spoil) => {
    await using registry = await startRegistry();
    await using mirror = await startFront(registry.host);
    const { digest, layers, config } = await layout.image(
      { layers: [{ small: 'small' }, { large: randomBytes(9 * 2 ** 20) }] },
      'app',
    );
    await registry.push(layout.directory, 'app', 'library/app:1');
    mirror.instead = (request, response) => {
      const layer = layers.find((each) => request.url!.endsWith(each.digest));
      if (!layer || request.method !== 'GET') return false;
      const whole = readFileSync(join(layout.directory, 'blobs/sha256', layer.digest.slice(7)));
      const body = spoil(whole);
      response.writeHead(200, { 'content-length': Math.max(whole.byteLength, body.byteLength) });
      if (body.byteLength < whole.byteLength) response.write(body, () => response.destroy());
      else response.end(body);
      return true;
    };
    configure(mirror);
    const pulled = await pull(digest, '--platform', 'linux/amd64', '-o', `oci:${home.root}/out`);
    expect([pulled.code, pulled.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
    for (const each of [config, ...layers]) {
      const content = readFileSync(join(home.root, 'out/blobs/sha256', each.digest.slice(7)));
      expect(digestOf(content, 'sha256')).toBe(each.digest);
    }
    for (const layer of layers) {
      expect(mirror.requests.join()).toContain(layer.digest);
      expect(front.requests.join()).toContain(layer.digest);
    }
  });
});
