import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '../../src/cache/open-cache.ts';
import type { PartExplanation } from '../../src/command/explain-image.ts';
import { digestOf, hexOf } from '../../src/content/digest.ts';
import { BLOB } from '../../src/ecosystems/oci/route.ts';
import { believe } from '../e2e/locked.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { type ServedLog, serveLog } from '../trust/served-log.ts';

const config = Buffer.from('{"os":"linux","architecture":"amd64"}');
const layer = Buffer.from('a layer');
const described = (mediaType: string, bytes: Buffer) => ({
  mediaType,
  digest: digestOf(bytes, 'sha256'),
  size: bytes.byteLength,
});
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: described('application/vnd.oci.image.config.v1+json', config),
    layers: [described('application/vnd.oci.image.layer.v1.tar', layer)],
  }),
);
const digest = digestOf(manifest, 'sha256');

describe('pyrsia why, of an image of Docker Hub', () => {
  let home: Sandbox;
  let log: ServedLog;
  const why = async (name: string): Promise<readonly PartExplanation[]> =>
    JSON.parse((await home.pyrsia(['why', name, '--json'])).stdout);

  beforeAll(async () => {
    home = openSandbox();
    log = await serveLog();
    log.append([{ purl: `pkg:docker/library/nginx@${digest}`, bytes: hexOf(digest) }]);
    await using cache = await openCache(join(home.env['XDG_CACHE_HOME']!, 'pyrsia'));
    for (const name of ['library/nginx', 'library/other'])
      for (const bytes of [manifest, config, layer]) {
        const { digests, size } = await cache.content.put({ digests: [digestOf(bytes, 'sha256')] }, [bytes]);
        const coordinates = {
          ecosystem: 'docker',
          name,
          version: digestOf(bytes, 'sha256'),
          ...(bytes !== manifest && { file: BLOB }),
        } as const;
        await cache.bindings.put({
          upstream: 'docker',
          coordinates,
          digests,
          size,
          private: false,
          seenAt: 1,
        });
      }
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
  });

  it('says that nothing was asked where no network is joined', async () => {
    const [part] = await why('nginx');
    expect(part).toMatchObject({ part: 'manifest', log: { says: 'not asked' } });
    expect(log.requests).toEqual([]);
  });

  it('shows entry, observers and proof, and with what somebody else checks it, as of a package', async () => {
    await believe(home, log);
    const { code, stdout } = await home.pyrsia(['why', 'nginx']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^log +logged, entry 0 of log\.example\/1$/m);
    expect(stdout).toMatch(/^observed +by org1, org2, org3, org4 at /m);
    expect(stdout).toMatch(/^proof +\/.*\.tlog-proof$/m);
    expect(stdout).toMatch(/^check with +echo .*go run github\.com\//m);
    expect(stdout).toMatch(/^manifest .* observed +sha256:/m);
    const [, ours = ''] = /^check with +pyrsia (log verify .*)$/m.exec(stdout) ?? [];
    expect(await home.pyrsia(ours.split(' '))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('entry 0'),
    });

    const parts = await why('nginx');
    expect(parts.map(({ part, log: said }) => [part, said?.says])).toEqual([
      ['manifest', 'logged'],
      ['config', undefined],
      ['layer', undefined],
    ]);
  });

  it('says so of one that the log does not know: the same bytes under another name', async () => {
    const { stdout } = await home.pyrsia(['why', 'other']);
    expect(stdout).toMatch(/^log +unknown$/m);
    expect(stdout).not.toMatch(/^proof/m);
  });
});
