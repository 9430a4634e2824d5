/** Registries that want to know who asks, and those with unusual addresses: podman and skopeo pull from them through us. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hexOf } from '../../src/content/digest.ts';
import type { AgentStatus } from '../../src/control/protocol.ts';
import { selfSigned } from '../fixtures/registry/certificate.ts';
import { startContainerd } from '../support/containerd.ts';
import { holders } from '../support/holders.ts';
import {
  certificates,
  has,
  imageTools,
  layerLines,
  type ImageRegistry,
  startFront,
  startRegistry,
} from '../support/image-registry.ts';
import { insecure, readingConf, storingIn } from '../support/image-world.ts';
import { Layout, type MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { REFRESH_TOKEN, startTokenServer, type TokenServer } from '../support/token-server.ts';

const me = { auth: Buffer.from('me:secret').toString('base64') };

describe.skipIf(!has(...imageTools, 'podman', 'buildah', 'ctr', 'containerd'))(
  'Images of registries that do not let everybody in',
  () => {
    let shelf: Sandbox;
    let layout: Layout;
    let app: MadeImage;

    beforeAll(async () => {
      shelf = openSandbox();
      layout = new Layout(join(shelf.root, 'layout'));
      app = await layout.image({ layers: [{ a: 'a' }, { b: randomBytes(2 ** 20) }, { c: 'c' }] }, 'app');
    });
    afterAll(async () => shelf[Symbol.asyncDispose]());

    let sandbox: Sandbox;
    let env: Record<string, string>;

    beforeEach(() => {
      sandbox = openSandbox();
      env = { ...readingConf(sandbox, ''), ...storingIn(sandbox) };
    });
    afterEach(async () => sandbox[Symbol.asyncDispose]());

    const logIn = (...registries: string[]): void => {
      env['REGISTRY_AUTH_FILE'] = join(sandbox.root, 'auth.json');
      const auths = Object.fromEntries(registries.map((registry) => [registry, me]));
      writeFileSync(env['REGISTRY_AUTH_FILE'], JSON.stringify({ auths }));
    };
    const exec = async (...command: string[]) => sandbox.pyrsia(['exec', '--', ...command], { env });
    const copy = async (name: string) =>
      exec('skopeo', '--insecure-policy', 'copy', '-q', `docker://${name}`, `dir:${sandbox.root}/copy`);
    const wholly = { code: 0, stderr: expect.stringContaining('5 artifacts · 5 upstream · 5 verified') };

    it('comes from one that knows its users, and is private', async () => {
      await using registry = await startRegistry({ locked: true });
      await registry.push(layout.directory, 'app', 'org/app:1');
      await using front = await startFront(registry.host);
      readingConf(sandbox, insecure(front.host));
      logIn(front.host);
      expect(await exec('podman', 'pull', '-q', `${front.host}/org/app:1`)).toMatchObject(wholly);
      const { stdout } = await sandbox.pyrsia(['cache', 'ls', '--json']);
      const kept = JSON.parse(stdout) as { private: boolean }[];
      expect(kept.length).toBeGreaterThan(0);
      expect(kept.every((each) => each.private)).toBe(true);
      // As whom it was asked is nothing to read.
      const why = await sandbox.pyrsia(['why', `${front.host}/org/app:1`], { env });
      expect(why.stdout).toMatch(/said 127\.0\.0\.1:\d+ on /);
      expect(why.stdout).not.toContain('#');

      // Not in a file of ours, of the cache or of a receipt is what was shown there.
      expect(holders(sandbox.root, me.auth)).toEqual([env['REGISTRY_AUTH_FILE']]);
      expect(holders(sandbox.env['XDG_STATE_HOME']!, 'secret')).toEqual([]);

      // Who is nobody there does not get it, from us or from there, though all of it is here.
      logIn();
      const refused = await sandbox.pyrsia(['pull', '--no-load', `${front.host}/org/app:1`], { env });
      const needed = `Credentials needed for ${front.host}/org/app:1 at ${front.host} (docker login ${front.host}, if there is such an image)`;
      expect([refused.code, refused.stderr]).toEqual([4, `pyrsia: ${needed}\n`]);
      expect((await copy(`${front.host}/org/app:1`)).code).not.toBe(0);
    });

    it.each(['buildah', 'ctr'])(
      'comes to %s, too, by the login that it does not show itself',
      async (client) => {
        await using registry = await startRegistry({ locked: true });
        await registry.push(layout.directory, 'app', 'org/app:1');
        await using front = await startFront(registry.host);
        await using containerd = await startContainerd();
        env['CONTAINERD_ADDRESS'] = containerd.address;
        readingConf(sandbox, insecure(front.host));
        const image = `${front.host}/org/app:1`;
        const command =
          client === 'ctr' ? ['ctr', 'images', 'pull', image] : ['buildah', 'pull', '-q', image];
        expect((await exec(...command)).code).not.toBe(0);
        logIn(front.host);
        expect(await exec(...command)).toMatchObject(wholly);
        expect(front.requests.join()).toContain('(Basic)');
      },
    );

    describe('by tokens', () => {
      let server: TokenServer;
      let registry: ImageRegistry;
      /** What only private/own has. */
      let own: MadeImage;
      beforeAll(async () => {
        server = await startTokenServer();
        registry = await startRegistry({ tokens: server });
        for (const name of ['org/app:1', 'private/app:1']) await registry.push(layout.directory, 'app', name);
        own = await layout.image({ layers: [{ own: 'nobody else has this' }] }, 'own');
        await registry.push(layout.directory, 'own', 'private/own:1');
      });
      afterAll(async () => {
        await registry[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      });
      beforeEach(() => {
        server.lifetime = 600;
        server.requests.length = 0;
      });

      it('comes with one for anybody, and with one of the user’s for what is theirs', async () => {
        readingConf(sandbox, insecure(registry.host));
        logIn(registry.host);
        expect(await copy(`${registry.host}/org/app:1`)).toMatchObject(wholly);
        expect(server.requests).toEqual(['repository:org/app:pull by nobody']);
        expect(await copy(`${registry.host}/private/app:1`)).toMatchObject({
          code: 0,
          stderr: expect.stringContaining('5 verified'),
        });
        expect(server.requests).toContain('repository:private/app:pull by me');
      });

      it('comes with one that another token has brought, which a helper knows', async () => {
        readingConf(sandbox, insecure(registry.host));
        const [docker, programs] = [join(sandbox.home, '.docker'), join(sandbox.root, 'programs')];
        for (const folder of [docker, programs]) mkdirSync(folder);
        const config = { credHelpers: { [registry.host]: 'test' } };
        writeFileSync(join(docker, 'config.json'), JSON.stringify(config));
        const asked = join(sandbox.root, 'asked');
        const told = JSON.stringify({ Username: '<token>', Secret: REFRESH_TOKEN });
        const script = `#!/bin/sh\necho "$1 $(cat)" >>'${asked}'\necho '${told}'\n`;
        writeFileSync(join(programs, 'docker-credential-test'), script, { mode: 0o755 });
        env['PATH'] = [programs, sandbox.env['PATH']].join(delimiter);
        expect(await copy(`${registry.host}/private/app:1`)).toMatchObject(wholly);
        expect(server.requests).toContain(`repository:private/app:pull by the token ${REFRESH_TOKEN}`);
        expect(server.requests.join()).not.toContain('by me');
        expect(readFileSync(asked, 'utf8')).toBe(`get ${registry.host}\n`);
        const secrets = [REFRESH_TOKEN, ...server.given];
        expect(secrets.length).toBeGreaterThan(1);
        const found = secrets.flatMap((secret) => holders(sandbox.root, secret));
        expect(found).toEqual([join(programs, 'docker-credential-test')]);
      });

      it('is not served by a name that everybody may use, whoever says that it is there', async () => {
        await using front = await startFront(registry.host);
        readingConf(sandbox, insecure(front.host));
        logIn(front.host);
        expect((await copy(`${front.host}/private/own:1`)).code).toBe(0);
        const { digest } = own.layers[0]!;
        // A registry takes no image of which it does not have everything; who wants to have it at others' says so.
        front.instead = ({ method, url = '' }, response) => {
          if (!/\/org\/thief\/manifests\//.test(url)) return false;
          const type = { 'content-type': own.mediaType, 'docker-content-digest': own.digest };
          const body = readFileSync(join(layout.directory, 'blobs', own.digest.replace(':', '/')));
          response.writeHead(200, type).end(method === 'HEAD' ? undefined : body);
          return true;
        };
        const stolen = await sandbox.pyrsia(['pull', '--no-load', `${front.host}/org/thief:1`], { env });
        expect([stolen.code, stolen.stderr]).toEqual([
          5,
          expect.stringMatching(/^pyrsia: Not found: \S+\/org\/thief:1@sha256:/),
        ]);
        const { ports } = JSON.parse(
          (await sandbox.pyrsia(['agent', 'status', '--json'])).stdout,
        ) as AgentStatus;
        const at = `http://127.0.0.1:${ports!['images']}/v2/${front.host.replace(':', '__')}`;
        for (const repository of ['org/app', 'org/thief']) {
          for (const method of ['GET', 'HEAD'])
            expect((await fetch(`${at}/${repository}/blobs/${digest}`, { method })).status).toBe(404);
        }
        for (const folder of ['copy', 'thief'])
          rmSync(join(sandbox.root, folder), { recursive: true, force: true });
        const args = ['--insecure-policy', 'copy', '-q', `docker://${front.host}/org/thief:1`];
        expect((await exec('skopeo', ...args, `dir:${sandbox.root}/thief`)).code).not.toBe(0);
        expect(readdirSync(join(sandbox.root, 'thief'))).not.toContain(hexOf(digest));
      });

      it('comes whole when the token is over in mid-pull, in spite of what was said of it', async () => {
        await using front = await startFront(registry.host);
        readingConf(sandbox, insecure(front.host));
        server.lifetime = 1;
        const { digest } = app.layers[1]!;
        let isFirst = true;
        front.instead = async (request) => {
          if (!isFirst || !request.url!.endsWith(digest)) return false;
          isFirst = false;
          await delay(Math.max(0, server.overAt - Date.now()));
          return false;
        };
        const pulled = await sandbox.pyrsia(['pull', '--no-load', `${front.host}/org/app:1`], { env });
        expect([pulled.code, pulled.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
        expect(server.requests.length).toBeGreaterThan(1);
        const asked = front.requests.filter((request) => request.includes(`GET /v2/org/app/blobs/${digest}`));
        expect(asked).toHaveLength(2);
      });

      it('does not come, and neither goes the credential, when it is sent elsewhere for one', async () => {
        await using front = await startFront(registry.host);
        await using stranger = await startFront(registry.host);
        readingConf(sandbox, insecure(front.host));
        logIn(front.host);
        const realm = `http://localhost:${new URL(`http://${stranger.host}`).port}/token`;
        front.instead = (_, response) => {
          response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="registry"` }).end();
          return true;
        };
        const refused = await sandbox.pyrsia(['pull', '--no-load', `${front.host}/private/app:1`], { env });
        expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('localhost')]);
        expect(stranger.requests.filter((request) => request.includes('Basic'))).toEqual([]);
        expect(front.requests.filter((request) => request.includes('Basic'))).toEqual([]);
      });
    });

    it('comes from one at an IPv6 address', async () => {
      await using registry = await startRegistry({ address: '[::1]' });
      await registry.push(layout.directory, 'app', 'org/app:1');
      const pulled = await sandbox.pyrsia(['pull', '--no-load', `${registry.host}/org/app:1`], { env });
      expect([pulled.code, pulled.stderr]).toEqual([0, expect.stringMatching(layerLines)]);
      // Engines that cannot read such a name ask for ours.
      const { stdout } = await sandbox.pyrsia(['agent', 'status', '--json']);
      const { ports } = JSON.parse(stdout) as { ports: Record<string, number> };
      const port = registry.host.split(':').at(-1);
      const name = `127.0.0.1:${ports['images']}/0--1.ipv6-literal.net__${port}/org/app:1`;
      const args = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false', `docker://${name}`];
      const copied = await sandbox.run('skopeo', [...args, `dir:${sandbox.root}/copy`], { env });
      expect([copied.code, copied.stderr]).toEqual([0, '']);
    });

    it('comes from one that wants to see a certificate, which nobody else is shown', async () => {
      const tls = { server: selfSigned(), client: selfSigned() };
      await using registry = await startRegistry({ tls });
      await registry.push(layout.directory, 'app', 'org/app:1');
      const folder = join(sandbox.home, '.config/containers/certs.d', registry.host);
      mkdirSync(join(sandbox.home, '.config/containers'), { recursive: true });
      certificates(folder, tls);
      expect(await copy(`${registry.host}/org/app:1`)).toMatchObject(wholly);
    });
  },
);
