import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openImageSession } from '../../src/agent/image-sessions.ts';
import { DEFAULT_REGISTRY } from '../../src/ecosystems/oci/names.ts';
import { openRegistryClient } from '../../src/proxy/registry-client.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';

const home = mkdtempSync(join(tmpdir(), 'image-session-'));
afterAll(() => rmSync(home, { recursive: true }));

it('Docker Hub asked with a login is no public registry, and any other is none either', async () => {
  const auth = Buffer.from('me:mine').toString('base64');
  writeFileSync(
    join(home, 'config.json'),
    JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth } } }),
  );
  await using upstreams = openUpstreams({ silenceMs: 1000 });
  const parts = {
    client: openRegistryClient(upstreams, Date.now),
    imageBase: async () => Promise.resolve('http://127.0.0.1:9/'),
    shims: home,
  };
  const env = { HOME: home, DOCKER_CONFIG: home, PATH: '' };
  const { session } = await openImageSession(parts, { cwd: home, env, args: [], command: ['podman'] });
  const [place] = session.images.places(
    { registry: DEFAULT_REGISTRY, repository: 'library/nginx' },
    'digest',
  );
  const loggedIn = await session.images.withCredential(place!);
  const [other] = session.images.places({ registry: 'images.example', repository: 'app' }, 'digest');
  expect([place, loggedIn, other].map((each) => each?.asker.upstream.public)).toEqual([true, false, false]);
});
