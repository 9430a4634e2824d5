import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openCachingProxy } from '../../bench/npm-ci/caching-proxy.ts';
import { openMirror } from '../../bench/npm-ci/mirror.ts';
import { selfSigned } from '../fixtures/registry/certificate.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { startRegistry } from '../fixtures/registry/registry.ts';
import { openSandbox } from '../support/sandbox.ts';

const certificate = selfSigned();
const left = makePackage({ name: '@acme/left', version: '1.0.0' });

async function ask(url: string): Promise<{ status: number | undefined; body: Buffer }> {
  const options = { ca: certificate.cert, agent: false };
  const [response] = (await once(get(url, options), 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await buffer(response) };
}

describe('The mirror', () => {
  it('has what its registry has, asks for it once, and counts what it is asked', async () => {
    await using registry = await startRegistry({ packages: [left] });
    await using mirror = await openMirror(registry.url, certificate);
    const { tarball } = await left;
    for (let i = 0; i < 2; i++) {
      const answers = [ask(`${mirror.url}@acme/left/-/left-1.0.0.tgz`), ask(`${mirror.url}nothing`)];
      const [content, nothing] = await Promise.all(answers);
      expect(content).toEqual({ status: 200, body: Buffer.from(tarball) });
      expect(nothing!.status).toBe(404);
    }
    expect(registry.log.all).toHaveLength(2);
    expect([mirror.count(), mirror.count()]).toEqual([4, 0]);
  });

  it('says of tarballs that they are here', async () => {
    await using registry = await startRegistry({ packages: [left] });
    await using mirror = await openMirror(registry.url, certificate);
    const { body } = await ask(`${mirror.url}@acme%2fleft`);
    expect(JSON.parse(body.toString()).versions['1.0.0'].dist.tarball).toBe(
      `${mirror.url}@acme/left/-/left-1.0.0.tgz`,
    );
  });
});

describe('The plain caching proxy', () => {
  it('fetches for npm, once', async () => {
    await using registry = await startRegistry({ packages: [left] });
    await using mirror = await openMirror(registry.url, certificate);
    await using sandbox = openSandbox();
    await using proxy = await openCachingProxy(mirror.url, certificate.cert, `${sandbox.root}/kept`);
    const { integrity } = (await left).dist;
    const project = await sandbox.project({
      manifest: { name: 'a', version: '1.0.0' },
      dependencies: { '@acme/left': '1.0.0' },
      lockfile: {
        name: 'a',
        version: '1.0.0',
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': { name: 'a', version: '1.0.0', dependencies: { '@acme/left': '1.0.0' } },
          'node_modules/@acme/left': {
            version: '1.0.0',
            resolved: `${proxy.url}@acme/left/-/left-1.0.0.tgz`,
            integrity,
          },
        },
      } as never,
    });
    for (let i = 0; i < 2; i++) {
      sandbox.freshNpmCache();
      const { code, stderr } = await sandbox.npm(['ci', `--registry=${proxy.url}`], { cwd: project.dir });
      expect([code, stderr.includes('error')]).toEqual([0, false]);
    }
    expect(mirror.count()).toBe(1);
  });
});
