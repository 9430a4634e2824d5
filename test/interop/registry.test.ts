import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentStatus, PulledImage } from '../../src/control/protocol.ts';
import { has } from '../support/image-registry.ts';
import { type Described, Layout, type MadeImage } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const SIGNATURE = 'application/vnd.example.signature';

describe.skipIf(!has('go', 'skopeo'))('A registry made of go-containerregistry', { timeout: 60_000 }, () => {
  let sandbox: Sandbox;
  let running: ChildProcess | undefined;
  let host: string;
  let app: MadeImage;
  let signature: Described;

  beforeAll(async () => {
    sandbox = openSandbox();
    const program = join(sandbox.root, 'registry');
    const source = join(import.meta.dirname, 'registry');
    const built = spawnSync('go', ['build', '-o', program, '.'], { cwd: source, encoding: 'utf8' });
    expect(built).toMatchObject({ status: 0 });
    running = spawn(program, { stdio: ['ignore', 'pipe', 'ignore'] });
    host = String((await once(running.stdout!, 'data'))[0]).trim();

    const layout = new Layout(join(sandbox.root, 'layout'));
    app = await layout.image({ layers: [{ a: 'a' }] }, 'app');
    signature = layout.json(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: SIGNATURE,
      config: layout.blob(Buffer.from('{}'), SIGNATURE),
      layers: [layout.blob(Buffer.from('signed'), SIGNATURE)],
      subject: { mediaType: app.mediaType, digest: app.digest, size: app.size },
    });
    layout.tagged(signature, 'signature');
    for (const tag of ['app', 'signature']) {
      const args = ['--insecure-policy', 'copy', '-q', '--preserve-digests', '--dest-tls-verify=false'];
      const to = `docker://${host}/org/app:${tag}`;
      const pushed = await sandbox.run('skopeo', [...args, `oci:${layout.directory}:${tag}`, to]);
      expect(pushed).toMatchObject({ code: 0 });
    }
  }, 300_000);
  afterAll(async () => {
    running?.kill('SIGKILL');
    await sandbox[Symbol.asyncDispose]();
  });

  it('tells what refers to an image, which pyrsia pull brings with it', async () => {
    const args = ['pull', '--no-load', '--platform', 'linux/amd64', `${host}/org/app:app`, '--json'];
    const { code, stdout } = await sandbox.pyrsia(args);
    const [pulled] = JSON.parse(stdout) as PulledImage[];
    const brought = pulled?.image.referrers.map(({ digest, subject }) => [digest, subject]);
    expect([code, brought]).toEqual([0, [[signature.digest, app.digest]]]);
  });

  it.each([
    ['all of it', ''],
    ['one kind', `?artifactType=${encodeURIComponent(SIGNATURE)}`],
    // RFC 3986, section 3.4, lets a slash stand there as it is.
    ['one kind, otherwise written', `?artifactType=${SIGNATURE}`],
    ['what there is not', '?artifactType=none'],
  ])('tells through us what it tells itself: %s', async (_, query) => {
    const { ports } = JSON.parse((await sandbox.pyrsia(['agent', 'status', '--json'])).stdout) as AgentStatus;
    const gate = `http://127.0.0.1:${ports!['images']}/v2/${host.replace(':', '__')}`;
    const [ours, own] = await Promise.all(
      [gate, `http://${host}/v2`].map(async (at) => {
        const reply = await fetch(`${at}/org/app/referrers/${app.digest}${query}`);
        return [reply.status, reply.headers.get('content-type'), await reply.text()];
      }),
    );
    expect(ours).toEqual(own);
    expect(ours![0]).toBe(200);
  });
});
