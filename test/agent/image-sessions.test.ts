import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openImageSession } from '../../src/agent/image-sessions.ts';
import { DEFAULT_REGISTRY } from '../../src/ecosystems/oci/names.ts';
import { openRegistryClient } from '../../src/proxy/registry-client.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';

const home = mkdtempSync(join(tmpdir(), 'image-session-'));
afterAll(() => rmSync(home, { recursive: true }));

it('Docker Hub asked with a login is no public registry, and any other is one only where the user says so', async () => {
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
  mkdirSync(join(home, 'pyrsia'));
  writeFileSync(
    join(home, 'pyrsia', 'config.json'),
    JSON.stringify({ 'docker.public': 'public.example:5000' }),
  );
  const env = { HOME: home, XDG_CONFIG_HOME: home, DOCKER_CONFIG: home, PATH: '' };
  const { session } = await openImageSession(parts, { cwd: home, env, args: [], command: ['podman'] });
  const [place] = session.images.places(
    { registry: DEFAULT_REGISTRY, repository: 'library/nginx' },
    'digest',
  );
  const loggedIn = await session.images.withCredential(place!);
  const [other] = session.images.places({ registry: 'images.example', repository: 'app' }, 'digest');
  const [named] = session.images.places({ registry: 'public.example:5000', repository: 'app' }, 'digest');
  const all = [place, loggedIn, other, named].map((each) => each?.asker.upstream);
  expect(all.map((upstream) => upstream?.public)).toEqual([true, false, false, true]);
  expect(all.map((upstream) => upstream?.name)).toEqual([
    'docker',
    expect.stringContaining('#'),
    'https://images.example/',
    'https://public.example:5000/',
  ]);
});
