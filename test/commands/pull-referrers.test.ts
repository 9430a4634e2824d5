/** What refers to an image is pulled with it: signatures and attestations, however a registry tells of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf, hexOf } from '../../src/content/digest.ts';
import type { PulledImage } from '../../src/control/protocol.ts';
import { type Front, layerLines, startFront } from '../support/image-registry.ts';
import { hubAt, readingConf } from '../support/image-world.ts';
import { type Described, Layout, type MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const PAYLOAD = 'application/vnd.dev.cosign.simplesigning.v1+json';
const SIGNATURE = 'application/vnd.example.signature';

const about = ({ image }: PulledImage) =>
  image.referrers.map(({ digest, subject, artifactType }) => [digest, subject, artifactType]);
const tagOf = (digest: Digest): string => `sha256-${hexOf(digest)}`;

describe('With an image comes', () => {
  let home: Sandbox;
  let front: Front;
  let layout: Layout;
  let env: Record<string, string>;
  let app: MadeImage;
  /** What tags mean, and what referrers a registry that knows of such tells; without them it has no API for that. */
  let tags: Map<string, Described>;
  let referrers: Map<string, Described> | undefined;

  beforeEach(async () => {
    home = openSandbox();
    front = await startFront('127.0.0.1:9');
    env = readingConf(home, hubAt(front.host));
    layout = new Layout(join(home.root, 'layout'));
    app = await layout.image({ layers: [{ a: 'a' }] });
    tags = new Map([['1', app]]);
    referrers = undefined;
    front.instead = (request, response) => {
      const [, kind = '', last = ''] = /\/(manifests|blobs|referrers)\/([^/?]+)/.exec(request.url!) ?? [];
      const digest = kind === 'referrers' ? referrers?.get(last)?.digest : (tags.get(last)?.digest ?? last);
      const file = join(layout.directory, 'blobs/sha256', digest?.replace('sha256:', '') || 'none');
      if (!existsSync(file)) response.writeHead(404).end();
      else {
        const type = kind === 'referrers' ? { 'content-type': INDEX } : {};
        response.writeHead(200, { 'docker-content-digest': digest, ...type });
        response.end(request.method === 'HEAD' ? undefined : readFileSync(file));
      }
      return true;
    };
  });
  afterEach(async () => {
    await home[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
  });

  const pull = async (name: string, ...args: string[]): Promise<PulledImage> => {
    const command = ['pull', '--no-load', '--json', '--platform', 'linux/amd64', name, ...args];
    const { code, stdout, stderr } = await home.pyrsia(command, { env });
    expect([code, stderr]).toEqual([0, expect.stringMatching(layerLines)]);
    return (JSON.parse(stdout) as PulledImage[])[0]!;
  };

  /** As cosign attaches one: what stands for an image that runs nowhere. */
  const cosigned = (text: string): Described => {
    const payload = layout.blob(Buffer.from(text), PAYLOAD);
    const config = layout.json('application/vnd.oci.image.config.v1+json', {
      architecture: '',
      os: '',
      config: {},
      rootfs: { type: 'layers', diff_ids: [payload.digest] },
    });
    const signature = { 'dev.cosignproject.cosign/signature': 'c2lnbmVk' };
    const layers = [{ ...payload, annotations: signature }];
    return layout.json(MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers });
  };
  const referring = (to: { digest: Digest }, text: string): Described =>
    layout.json(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: SIGNATURE,
      config: layout.blob(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json'),
      layers: [layout.blob(Buffer.from(text), SIGNATURE)],
      subject: { mediaType: MANIFEST, digest: to.digest, size: 1 },
    });

  it('what cosign has attached to it, and is not asked for again', async () => {
    const [signature, attestation] = [cosigned('signed'), cosigned('attested')];
    tags.set(`${tagOf(app.digest)}.sig`, signature).set(`${tagOf(app.digest)}.att`, attestation);
    const first = await pull('app:1');
    expect(about(first)).toEqual([
      [signature.digest, app.digest, PAYLOAD],
      [attestation.digest, app.digest, PAYLOAD],
    ]);
    const [payload] = first.image.referrers[0]!.blobs.slice(-1);
    expect(readFileSync(payload!.path, 'utf8')).toBe('signed');

    front.requests.length = 0;
    expect(about(await pull('app:1'))).toEqual(about(first));
    expect(front.requests).toEqual(['HEAD /v2/library/app/manifests/1']);
    front.requests.length = 0;
    expect(about(await pull(`app@${app.digest}`))).toEqual(about(first));
    expect(front.requests).toEqual([]);
    // It can be pulled for itself, though it is for no machine, and while nobody answers.
    await front.down();
    const alone = await pull(`app:${tagOf(app.digest)}.sig`);
    expect([alone.digest, alone.source]).toEqual([signature.digest, 'cache']);
  });

  it('what the registry lists, page by page, if it says that it is about the image', async () => {
    const [one, two] = [referring(app, 'one'), referring(app, 'two')];
    const stranger = referring({ digest: digestOf(Buffer.from('other'), 'sha256') }, 'stranger');
    const pages = [[one, stranger], [two]].map((manifests) => layout.index(manifests));
    referrers = new Map([[app.digest, pages[0]!]]);
    const plain = front.instead;
    front.instead = async (request, response) => {
      if (!request.url!.includes('/referrers/')) return plain(request, response);
      const isSecond = request.url!.endsWith('?last=x');
      if (!isSecond) response.setHeader('link', `</v2/x/referrers/${app.digest}?last=x>; rel="next"`);
      referrers = new Map([[app.digest, pages[isSecond ? 1 : 0]!]]);
      return plain(request, response);
    };
    const first = await pull('app:1');
    expect(about(first)).toEqual([one, two].map(({ digest }) => [digest, app.digest, SIGNATURE]));
    // Where there is an API, no tag stands for it.
    expect(front.requests).not.toContain(`HEAD /v2/library/app/manifests/${tagOf(app.digest)}`);
    expect(front.requests.join()).not.toContain(hexOf(digestOf(Buffer.from('stranger'), 'sha256')));
    front.requests.length = 0;
    expect(about(await pull(`app@${app.digest}`))).toEqual(about(first));
    expect(front.requests).toEqual([]);
  });

  it('what is listed at the tag that stands for it, where there is no API', async () => {
    const one = referring(app, 'one');
    tags.set(tagOf(app.digest), layout.index([one]));
    expect(about(await pull('app:1'))).toEqual([[one.digest, app.digest, SIGNATURE]]);
    const { stdout } = await home.pyrsia(['pull', '--no-load', 'app:1', '--platform=linux/amd64'], { env });
    expect(stdout).toContain(`\nabout it  ${SIGNATURE}\n`);
  });

  it('how it was built, as its index tells', async () => {
    const statement = layout.blob(Buffer.from('{"_type":"x"}'), 'application/vnd.in-toto+json');
    const config = layout.json('application/vnd.oci.image.config.v1+json', {
      architecture: 'unknown',
      os: 'unknown',
      config: {},
      rootfs: { type: 'layers', diff_ids: [statement.digest] },
    });
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [statement] };
    const attestation = layout.json(MANIFEST, manifest);
    const { digest, size, mediaType, platform } = app;
    const index = layout.json(INDEX, {
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: [
        { digest, size, mediaType, platform },
        {
          ...attestation,
          platform: { os: 'unknown', architecture: 'unknown' },
          annotations: {
            'vnd.docker.reference.digest': digest,
            'vnd.docker.reference.type': 'attestation-manifest',
          },
        },
      ],
    });
    tags.set('built', index);
    const one = await pull('app:built');
    expect(about(one)).toEqual([[attestation.digest, digest, 'application/vnd.in-toto+json']]);
    expect(one.image.manifests.map((each) => each.digest)).toEqual([digest]);
    expect(readFileSync(one.image.referrers[0]!.blobs.at(-1)!.path, 'utf8')).toBe('{"_type":"x"}');
    // With all platforms it is one of them.
    const all = await home.pyrsia(['pull', '--no-load', '--all-platforms', 'app:built', '--json'], { env });
    const [{ image }] = JSON.parse(all.stdout) as [PulledImage];
    expect(image.manifests.map((each) => [each.digest, each.platform])).toEqual([
      [digest, 'linux/amd64'],
      [attestation.digest, 'unknown/unknown'],
    ]);
    expect(image.referrers).toEqual([]);
    const { stdout } = await home.pyrsia(['cache', 'ls', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { digest: index.digest, offline: true, tags: [{ tag: 'built' }] },
    ]);
    const why = await home.pyrsia(['why', 'app:built'], { env });
    expect(why.stdout).toMatch(new RegExp(`^layer +unknown/unknown .*${statement.digest}$`, 'm'));
  });

  it('nothing that an engine could run, where it is no image', async () => {
    const artifact = referring(app, 'artifact');
    tags.set('artifact', artifact);
    const { code, stdout, stderr } = await home.pyrsia(['pull', 'app:artifact'], { env });
    expect([code, stdout]).toEqual([0, expect.stringContaining(artifact.digest)]);
    expect(stderr).toContain('pyrsia: app:artifact is in the cache only: it is no image\n');
    const listed = await home.pyrsia(['cache', 'ls', '--json']);
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { digest: artifact.digest, offline: true, platforms: [{ layers: 1, complete: true }] },
    ]);
    const why = await home.pyrsia(['why', 'app:artifact'], { env });
    expect(why.stdout).toContain(digestOf(Buffer.from('artifact'), 'sha256'));
  });

  it('nothing, where none can be had, and then it is asked for the next time', async () => {
    const signature = cosigned('signed');
    const tag = `${tagOf(app.digest)}.sig`;
    tags.set(tag, signature);
    const plain = front.instead;
    front.instead = async (request, response) => {
      if (!request.url!.endsWith('.sig')) return plain(request, response);
      response.writeHead(503).end();
      return true;
    };
    expect(about(await pull('app:1'))).toEqual([]);
    const { stdout } = await home.pyrsia(['why', 'last']);
    expect(stdout).toContain('not all that refers to app:1 ');
    expect(stdout).not.toContain('unavailable');
    front.instead = plain;
    expect(about(await pull('app:1'))).toEqual([[signature.digest, app.digest, PAYLOAD]]);
    // One that lies is not taken, and the image is.
    const other = await layout.image({ layers: [{ b: 'b' }] });
    tags.set('2', other).set(`${tagOf(other.digest)}.sig`, signature);
    const lying = cosigned('truth');
    tags.set(`${tagOf(other.digest)}.sig`, lying);
    front.spoil = (_, body) => body;
    const payload = digestOf(Buffer.from('truth'), 'sha256');
    front.instead = async (request, response) => {
      if (!request.url!.endsWith(payload)) return plain(request, response);
      response.end('lies!');
      return true;
    };
    expect(about(await pull('app:2'))).toEqual([]);
  });
});
