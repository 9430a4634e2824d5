import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keptPorts } from '../../src/control/ports.ts';
import type { Certificate } from '../fixtures/registry/certificate.ts';
import { startRegistry } from '../fixtures/registry/registry.ts';
import type { Command } from '../support/command.ts';
import { canUnshareNetwork } from '../support/network.ts';
import { certificateWith } from './certificate.ts';
import { type Clinic, openClinic } from './clinic.ts';

let clinic: Clinic;
let undo: (() => unknown)[];
beforeEach(async () => {
  undo = [];
  clinic = await openClinic();
});
afterEach(async () => {
  for (const step of undo.toReversed()) await step();
  await clinic[Symbol.asyncDispose]();
});

/** A server of its own, which answers everything alike. */
async function serve(listener: RequestListener, certificate?: Certificate, port = 0): Promise<string> {
  const server = certificate ? createTlsServer({ ...certificate }, listener) : createServer(listener);
  // As a proxy that lets nobody through.
  server.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `${certificate ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const right: RequestListener = (_, response) => void response.end('{}');

/** Ends what was served last, so that the same port may be served again. */
const stopServing = (): unknown => undo.pop()!();

describe('A registry', () => {
  it('is found when nobody answers there, and gone when somebody does again', async () => {
    const { registry } = clinic;
    await registry.pause();
    const { title, remedy } = await clinic.finding('upstream-unreachable');
    expect(title).toBe(`${registry.url} does not answer: connection refused`);
    expect(remedy).toBe(`curl -I ${registry.url}`);
    await registry.resume();
    expect(await clinic.ids()).toEqual([]);
  });

  it('is found when it says nothing', async () => {
    clinic.registry.misbehave({ kind: 'hang' });
    const { title } = await clinic.finding('upstream-unreachable');
    expect(title).toBe(`${clinic.registry.url} does not answer: no answer within 4 s`);
    clinic.registry.behave();
    expect(await clinic.ids()).toEqual([]);
  });

  it('is found when it is broken', async () => {
    clinic.registry.misbehave({ kind: 'status', status: 503 });
    const { title } = await clinic.finding('upstream-unreachable');
    expect(title).toBe(`${clinic.registry.url} answers with status 503`);
    clinic.registry.behave();
    expect(await clinic.ids()).toEqual([]);
  });

  it('is found for a scope, too, and once where several have it', async () => {
    const { sandbox } = clinic;
    sandbox.npmrc({ '@acme:registry': 'http://127.0.0.1:9/', '@other:registry': 'http://127.0.0.1:9/' });
    const { title } = await clinic.finding('upstream-unreachable');
    expect(title).toBe('http://127.0.0.1:9/ does not answer: connection refused');
  });

  it('is not asked when nobody may be, and a note says so', async () => {
    await clinic.registry.pause();
    clinic.registry.log.clear();
    const { level, remedy } = await clinic.finding('offline', { env: { PYRSIA_OFFLINE: '1' } });
    expect({ level, remedy }).toEqual({ level: 'note', remedy: 'unset PYRSIA_OFFLINE' });
    expect(await clinic.ids({ env: { PYRSIA_OFFLINE: '1' } })).toEqual(['offline']);
    await clinic.registry.resume();
    const typed = `${remedy} && pyrsia doctor --json`;
    expect(await clinic.type(typed, { env: { PYRSIA_OFFLINE: '1' } })).toBe('[]\n');
  });
});

describe('A proxy', () => {
  it("that does not answer is found, and taken out of npm's configuration by the command that is named", async () => {
    clinic.sandbox.npmrc({ proxy: 'http://user:secret@127.0.0.1:9/' });
    const { title, remedy } = await clinic.finding('upstream-proxy');
    expect(title).toMatch(
      /^The proxy http:\/\/127\.0\.0\.1:9 \(npm's configuration\) does not let npm through: /,
    );
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it('that does not answer is found in the environment, and unset by the command that is named', async () => {
    const env = { HTTP_PROXY: 'http://127.0.0.1:9/', https_proxy: 'http://127.0.0.1:9/' };
    const { title, remedy } = await clinic.finding('upstream-proxy', { env });
    expect(title).toContain('(HTTP_PROXY, https_proxy)');
    expect(remedy).toBe('unset HTTP_PROXY https_proxy');
    expect(await clinic.type(`${remedy} && pyrsia doctor --json`, { env })).toBe('[]\n');
  });

  it.each([
    ['a tunnel', true],
    ['a request', false],
  ])('that wants credentials for %s is found', async (_, tls) => {
    const proxy = await serve((__, response) => void response.writeHead(407).end());
    await using registry = await startRegistry({ tls });
    clinic.sandbox.npmrc({ registry: registry.url, proxy });
    const { title, remedy } = await clinic.finding('upstream-proxy');
    expect(title).toMatch(/ does not let npm through: .*407/);
    await clinic.type(remedy);
    clinic.sandbox.npmrc({ registry: clinic.registry.url });
    expect(registry.log.all).toEqual([]);
  });
});

const trusting = (cert: string): void => {
  const file = join(clinic.sandbox.root, 'authority.pem');
  writeFileSync(file, cert, { mode: 0o644 });
  clinic.sandbox.npmrc({ cafile: file });
};

describe('A certificate', () => {
  it('of an unknown authority is found, and trusted by the command that is named', async () => {
    await using secure = await startRegistry({ tls: true });
    clinic.sandbox.npmrc({ registry: secure.url });
    const { title, remedy } = await clinic.finding('upstream-certificate');
    expect(title).toMatch(/is signed by itself, and not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/);
    const file = join(clinic.sandbox.root, 'authority.pem');
    writeFileSync(file, secure.ca!, { mode: 0o644 });
    await clinic.type(remedy.replace('FILE-WITH-THE-AUTHORITY.pem', file));
    expect(await clinic.ids()).toEqual([]);
  });

  it.each([
    ['has expired', { until: 2020 }, /has expired \(CERT_HAS_EXPIRED\); it is 20\d\d-/],
    ['is not valid yet', { from: 2048 }, /is not valid yet \(CERT_NOT_YET_VALID\); it is 20\d\d-/],
    [
      'is for another host',
      { host: 'DNS:registry.example.com' },
      /is made out to another host \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    ],
  ])('that %s is found, and gone when the registry has a valid one', async (_, wrong, expected) => {
    const certificate = certificateWith(wrong);
    const url = await serve(right, certificate);
    clinic.sandbox.npmrc({ registry: url });
    trusting(certificate.cert);
    const { title, remedy } = await clinic.finding('upstream-certificate');
    expect(title).toMatch(expected);
    expect(remedy).toContain('ask whoever runs 127.0.0.1');
    await stopServing();

    const valid = certificateWith({});
    await serve(right, valid, Number(new URL(url).port));
    trusting(valid.cert);
    expect(await clinic.ids()).toEqual([]);
  });
});

const answering =
  (wanted: string, status: number): RequestListener =>
  ({ headers, url }, response) => {
    const ok = url === '/-/whoami' && headers.authorization === `Bearer ${wanted}`;
    response.writeHead(ok ? 200 : status).end('{}');
  };

describe('Credentials', () => {
  it.each([401, 403])(
    'that are refused with %s are found, and replaced by the command that is named',
    async (status) => {
      const url = await serve(answering('right-token', status));
      const key = `//${new URL(url).host}/:_authToken`;
      clinic.sandbox.npmrc({ registry: url, [key]: 'wrong-token' });
      const { title, remedy } = await clinic.finding('upstream-credentials');
      expect(title).toBe(`${url} refuses the credentials that npm has for it (status ${status})`);
      expect(JSON.stringify(await clinic.findings())).not.toContain('wrong-token');
      await clinic.type(remedy.replace('TOKEN', 'right-token'));
      expect(await clinic.ids()).toEqual([]);
    },
  );

  it('that are missing are found, and set by the command that is named', async () => {
    await using secret = await startRegistry({ auth: { token: 'right-token' } });
    clinic.sandbox.npmrc({ registry: secret.url });
    const { title, remedy } = await clinic.finding('upstream-credentials');
    expect(title).toBe(`${secret.url} wants credentials (status 401), and npm has none for it`);
    await clinic.type(remedy.replace('TOKEN', 'right-token'));
    expect(await clinic.ids()).toEqual([]);
  });

  it('go to their own registry only', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end('{}');
    });
    clinic.sandbox.npmrc({
      [`//${new URL(clinic.registry.url).host}/:_authToken`]: 'mine',
      '@acme:registry': url,
    });
    await clinic.ids();
    expect(seen).toEqual([undefined]);
  });
});

const minute = 60_000;
const says =
  (offMs: number): RequestListener =>
  (_, response) => {
    response.setHeader('date', new Date(Date.now() + offMs).toUTCString());
    response.end('{}');
  };

describe('A clock', () => {
  it.each([
    ['behind', 10 * minute, /^This machine's clock is (10 min|9 min \d+ s) behind that of 127/],
    ['ahead of', -10 * minute, /^This machine's clock is (10 min|9 min \d+ s) ahead of that of 127/],
  ])('that is %s those of the registries is found', async (_, offMs, expected) => {
    clinic.sandbox.npmrc({ registry: await serve(says(offMs)) });
    const { title, remedy } = await clinic.finding('clock');
    expect(title).toMatch(expected);
    expect(remedy).toBe('sudo timedatectl set-ntp true');
    clinic.sandbox.npmrc({ registry: await serve(says(0)) });
    expect(await clinic.ids()).toEqual([]);
  });

  it('is not blamed when one registry of two agrees with it, nor for four minutes, nor for a kept reply', async () => {
    const wrong = await serve(says(10 * minute));
    clinic.sandbox.npmrc({ '@acme:registry': wrong });
    expect(await clinic.ids()).toEqual([]);
    const nearly = await serve(says(-4 * minute));
    clinic.sandbox.npmrc({ registry: nearly, '@acme:registry': nearly });
    expect(await clinic.ids()).toEqual([]);
    const kept: RequestListener = (request, response) => {
      response.setHeader('age', '600');
      says(-10 * minute)(request, response);
    };
    const old = await serve(kept);
    clinic.sandbox.npmrc({ registry: old, '@acme:registry': old });
    expect(await clinic.ids()).toEqual([]);
  });
});

describe("npm's own configuration", () => {
  const ours = 'http://127.0.0.1:41234/';
  beforeEach(() => {
    mkdirSync(clinic.paths.state, { recursive: true, mode: 0o700 });
    keptPorts(clinic.paths.state, () => {}).keep(clinic.registry.url, 41_234);
  });

  it('that names our address in a project is found, and cleared by the command that is named', async () => {
    const { dir: cwd } = await clinic.sandbox.project({
      lockfile: 'none',
      files: { '.npmrc': `registry=${ours}\n` },
    });
    const { title, remedy } = await clinic.finding('npm-registry-ours', { cwd });
    expect(title).toContain(`(project) names an address of pyrsia's: registry is ${ours}`);
    await clinic.type(remedy, { cwd });
    expect(await clinic.ids({ cwd })).toEqual([]);

    writeFileSync(join(cwd, '.npmrc'), `registry=${ours}\n`);
    expect(await clinic.fix({ cwd })).toBe("pyrsia: Took registry out of npm's project configuration\n");
    expect(await clinic.ids({ cwd })).toEqual([]);
  });

  it('that names our address for a scope of the user is found, and cleared by the command that is named', async () => {
    clinic.sandbox.npmrc({ '@acme:registry': ours });
    const { remedy } = await clinic.finding('npm-registry-ours');
    expect(await clinic.ids()).toEqual(['npm-registry-ours']);
    expect(remedy).toBe('npm config delete @acme:registry --location=user');
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it('that names our address in a variable is found, and unset by the command that is named', async () => {
    const env = { NPM_CONFIG_REGISTRY: ours };
    const { remedy } = await clinic.finding('npm-registry-ours', { env });
    expect(remedy).toBe('unset NPM_CONFIG_REGISTRY');
    expect(await clinic.type(`${remedy} && pyrsia doctor --json`, { env })).toBe('[]\n');
  });

  it('that cannot be read is found, and edited by the command that is named', async () => {
    clinic.sandbox.npmrc({ '@acme:registry': 'nonsense' });
    const { title, remedy } = await clinic.finding('npm-configuration');
    expect(title).toContain('@acme:registry is not an http(s) URL');
    const editor = join(clinic.sandbox.root, 'editor');
    writeFileSync(editor, '#!/bin/sh\nsed -i /@acme:registry/d "$1"\n', { mode: 0o755 });
    await clinic.type(remedy, { env: { EDITOR: editor, VISUAL: editor } });
    expect(await clinic.ids()).toEqual([]);
  });
});

/** Runs a command where the name server takes questions and gives no answers. */
const SILENT = [
  'ip link set lo up',
  'rm -f "$READY"',
  'mount --bind "$RESOLV" /etc/resolv.conf',
  "node -e \"require('dgram').createSocket('udp4').bind(53, '127.0.0.1', () => console.error())\" 2>\"$READY\" &",
  'until [ -s "$READY" ]; do :; done',
  '"$@"',
  'code=$?',
  'kill $!',
  'exit $code',
].join('\n');

const within = (command: readonly string[]): Command => [
  'unshare',
  '-nm',
  'sh',
  '-c',
  SILENT,
  'sh',
  ...command,
];

describe.skipIf(!canUnshareNetwork() || process.getuid?.() !== 0)('A name server that is silent', () => {
  it('does not hold up the doctor for as long as it would a program that asks for a name', async () => {
    const { sandbox } = clinic;
    const [resolv, ready] = ['resolv.conf', 'ready'].map((name) => join(sandbox.root, name));
    writeFileSync(resolv!, 'nameserver 127.0.0.1\n');
    sandbox.npmrc({ registry: 'http://registry.example.com/' });
    const env = { RESOLV: resolv!, READY: ready! };
    const { title } = await clinic.finding('upstream-unreachable', { within, env });
    expect(title).toContain('http://registry.example.com/ does not answer: ');
    expect(existsSync(ready!)).toBe(true);

    const lookUp = "require('dns').lookup('registry.example.com', () => {})";
    // Side by side, each with a name server of its own.
    const [looking, doctor] = await Promise.all(
      [[process.execPath, '-e', lookUp] as const, sandbox.pyrsiaCommand(['doctor'])].map(
        async (command, at) =>
          sandbox.start(within(command), { env: { ...env, READY: `${ready}-${at}` } }).result,
      ),
    );
    expect(doctor!.ms).toBeLessThan(looking!.ms);
  });
});
