import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatNetwork, parseCard } from '../../src/log/network-file.ts';
import { openNetwork, openUpstream, type TestNetwork, type Upstream } from '../authority/network.ts';
import { signer } from '../log/signers.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

/** A registry that nobody has to ask: whether it is public is a setting. */
const REGISTRY = 'http://127.0.0.1:9/';

let upstream: Upstream;
let network: TestNetwork;
let home: Sandbox;
const config = (): string => join(home.env['XDG_CONFIG_HOME']!, 'pyrsia');
const submit = (reference: string, env = {}) => home.pyrsia(['log', 'submit', reference], { env });

beforeAll(async () => {
  upstream = await openUpstream();
  network = await openNetwork(1, upstream);
  home = openSandbox({ npmrc: { registry: REGISTRY } });
  mkdirSync(config(), { recursive: true });
}, 60_000);
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await network[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

describe('pyrsia log submit', () => {
  it('wants a network', async () => {
    const { code, stderr } = await submit('npm:x@1.0.0');
    expect(code).toBe(5);
    expect(stderr).toContain('pyrsia network join FILE');
  });

  it('54: submits nothing that the user’s tools fetch from elsewhere than the public registry', async () => {
    const [member] = network.members;
    const card = parseCard(readFileSync(join(member!.directory, 'card')), 'card');
    writeFileSync(join(config(), 'network.policy'), formatNetwork([card], signer('net.example', 3)));
    upstream.has.set('/npm/x/-/x-1.0.0.tgz', () => ({ body: 'x' }));
    const { code, stderr } = await submit('npm:x@1.0.0');
    expect(stderr).toContain('your tools do not fetch it from its public registry');
    expect(code).not.toBe(0);
    expect(upstream.asked).toEqual([]);
  });

  it('has a public package looked at, and tells of the entry', async () => {
    writeFileSync(join(config(), 'config.json'), JSON.stringify({ 'npm.public': [REGISTRY] }));
    const { code, stdout, stderr } = await submit('npm:x@1.0.0');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^entry +0\nkind +observe\npurl +pkg:npm\/x@1\.0\.0\nsha256 +[0-9a-f]{64}\n$/);
    expect(upstream.asked).toEqual(['a1.example /npm/x/-/x-1.0.0.tgz']);
  });

  it('submits the tag of an image', async () => {
    upstream.has.set('/docker/v2/library/nginx/manifests/1.29', () => ({ body: '{}' }));
    const { code, stdout } = await submit('docker:nginx:1.29');
    expect([code, stdout]).toEqual([0, expect.stringContaining('pkg:docker/library/nginx@1.29')]);
  });

  it.each([
    ['npm:nothing@1.0.0', {}, 5, 'Not found: npm:nothing@1.0.0'],
    ['npm:x@^1', {}, 2, 'expected one exact version'],
    ['npm:x@1.0.0', { PYRSIA_OFFLINE: '1' }, 6, 'PYRSIA_OFFLINE is set'],
  ])('says of %s with %j why not', async (reference, env, status, said) => {
    const { code, stderr } = await submit(reference, env);
    expect(stderr).toContain(said);
    expect(code).toBe(status);
  });
});
