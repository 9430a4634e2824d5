import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistryClient } from '../../src/proxy/registry-client.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';
import { certificatesFor, identityFor } from '../../src/shims/registry-certificates.ts';
import { selfSigned } from '../fixtures/registry/certificate.ts';
import { startTlsServer } from '../support/registry-servers.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certificates-'));
});
afterEach(async () => rm(directory, { recursive: true }));

function put(folder: string, name: string, text: string): void {
  mkdirSync(join(directory, folder), { recursive: true });
  writeFileSync(join(directory, folder, name), text);
}

const of = (host: string) => certificatesFor(host, { HOME: join(directory, 'home') }, join(directory, 'etc'));

describe('Certificates for one registry', () => {
  it('lie where podman and docker look for them', () => {
    put('etc/docker/certs.d/a.example:5000', 'ca.crt', 'docker');
    put('etc/containers/certs.d/a.example:5000', 'ca.crt', 'podman');
    put('home/.config/containers/certs.d/a.example:5000', 'mine.crt', 'mine');
    put('home/.config/containers/certs.d/a.example:5000', 'client.key', 'secret');
    put('home/.config/containers/certs.d/a.example:5000', 'client.cert', 'client');
    expect(of('a.example:5000')).toEqual(['mine', 'podman', 'docker']);
    expect(of('a.example')).toEqual([]);
    const env = { HOME: join(directory, 'home') };
    const identity = identityFor('a.example:5000', env, join(directory, 'etc'));
    expect(identity).toEqual({ certificate: 'client', key: 'secret' });
    expect(identityFor('a.example', env, join(directory, 'etc'))).toBeUndefined();
  });

  it('are shown to it, and not to whom it sends on', async () => {
    const { key, cert } = selfSigned();
    await using other = await startTlsServer();
    await using server = await startTlsServer({ '/v2/blob': `https://${other.host}/elsewhere` });
    await using upstreams = openUpstreams({ silenceMs: 2000 });
    const identity = { certificate: cert, key, host: server.host };
    const reply = await upstreams.ask({
      url: new URL(`https://${server.host}/v2/blob`),
      connection: { strictSsl: false, identity },
    });
    await reply.discard();
    expect(server.asked.map(({ shown }) => shown)).toEqual([true]);
    expect(other.asked).toEqual([{ url: '/elsewhere', shown: false }]);
  });

  it('let its registry in, and no other', async () => {
    await using server = await startTlsServer();
    await using upstreams = openUpstreams({ silenceMs: 2000 });
    const ask = openRegistryClient(upstreams, Date.now).as({ insecure: false });
    const url = new URL(`https://${server.host}/v2/`);
    put(`home/.config/containers/certs.d/${server.host}`, 'ca.crt', server.certificate!);
    const ca = certificatesFor(server.host, { HOME: join(directory, 'home') }, directory);
    const reply = await ask({ url, connection: { strictSsl: true, ca } });
    expect(reply.status).toBe(200);
    await reply.discard();
    await expect(ask({ url, connection: { strictSsl: true } })).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
    });
  });
});
