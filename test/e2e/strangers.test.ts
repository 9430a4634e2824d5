/** Whoever is not the user: other users of the machine, web pages, and programs that talk to the port in bad faith. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pathsOf } from '../../src/paths.ts';
import { makePackage } from '../fixtures/registry/package.ts';
import { ask } from '../support/ask.ts';
import { start } from '../support/command.ts';
import type { Project } from '../support/project.ts';
import { asUser, unprivileged } from '../support/user.ts';
import { openWorld, type Staying, type World } from './everyday-world.ts';

const MB = 1_000_000;
const specs = [
  { name: 'left', version: '1.0.0' },
  { name: 'huge', version: '1.0.0', size: 30 * MB },
];
const TARBALL = 'left/-/left-1.0.0.tgz';

const someone = unprivileged();
const other = process.getuid?.() === 0 && someone.possible ? someone.user : undefined;

let world: World;
let project: Project;
let launch: Staying;
beforeAll(async () => {
  world = await openWorld({ packages: specs.map(makePackage) });
  project = await world.sandbox.project({ dependencies: { left: '1.0.0' } });
  launch = await world.stay();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.registry.log.clear());

/** Asks as the user's own npm would, but for `headers`. */
const asked = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  ask(new URL(path, launch.base), {
    method,
    headers: { authorization: launch.authorization, ...headers },
  });

describe('who asks', () => {
  it('is answered as the launch that it belongs to', async () => {
    expect(await asked(TARBALL)).toMatchObject({ status: 200, complete: true });
  });

  it('is refused without a credential, and with any that is no running launch’s', async () => {
    const ended = await world.stay();
    ended.running.kill();
    await ended.running.result;
    await expect.poll(async () => (await world.status()).launches).toBe(1);
    const unknown = 'Bearer 0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11';
    for (const authorization of ['', 'Basic YTpi', unknown, ended.authorization]) {
      for (const path of [TARBALL, 'left', '-/ping', '']) {
        expect(await asked(path, { authorization })).toMatchObject({ status: 401 });
      }
    }
    expect(world.registry.log.all).toEqual([]);
  });

  it('is refused where another launch asks a registry that is none of its own', async () => {
    const elsewhere = await world.stay({ env: { npm_config_registry: 'http://127.0.0.1:9/' } });
    const { authorization } = launch;
    expect(await ask(new URL('left', elsewhere.base), { headers: { authorization } })).toMatchObject({
      status: 401,
    });
    elsewhere.running.kill();
    await elsewhere.running.result;
    await expect.poll(async () => (await world.status()).launches).toBe(1);
  });

  it.each([
    [421, { host: 'evil.example' }],
    [421, { host: 'localhost' }],
    [403, { origin: 'http://evil.example' }],
    [403, { origin: 'null' }],
    [403, { 'sec-fetch-site': 'cross-site' }],
  ])('gets %i on a web page, which cannot help but say %o', async (status, headers) => {
    for (const path of [TARBALL, 'left', '-/ping']) {
      const reply = await asked(path, headers);
      expect(reply).toMatchObject({ status });
      expect(reply.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect(world.registry.log.all).toEqual([]);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('cannot change anything by %s', async (method) => {
    expect(await asked('left', {}, method)).toMatchObject({ status: 403 });
    expect(world.registry.log.all).toEqual([]);
  });
});

/** The headers of an honest request. */
const head = () => [`Host: ${new URL(launch.base).host}`, `Authorization: ${launch.authorization}`];
const LAST = 'Connection: close';

/** Everything that comes back for bytes sent as they are; the connection is closed after a silence. */
async function raw(...lines: string[]): Promise<string> {
  const { hostname, port } = new URL(launch.base);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(1_000, () => socket.end());
  socket.on('error', () => socket.destroy());
  socket.write(lines.join('\r\n'));
  return text(socket).catch(() => '');
}

describe('a request in bad faith', () => {
  it('for another server reaches none', async () => {
    const others = [
      'http://evil.example/left',
      'http://127.0.0.1:1/left',
      '//evil.example/left',
      'evil',
      '*',
    ];
    for (const target of others) {
      expect(await raw(`GET ${target} HTTP/1.1`, ...head(), LAST, '', '')).toMatch(/^HTTP\/1\.1 40[03] /);
    }
    expect(await raw('CONNECT evil.example:443 HTTP/1.1', ...head(), '', '')).not.toContain(' 200 ');
    expect(world.registry.log.all).toEqual([]);
  });

  it('with two hosts, or two lengths, is refused', async () => {
    const tunnel = ['Content-Length: 4', 'Transfer-Encoding: chunked', '', '0', '', 'GET /left HTTP/1.1', ''];
    const [host, authorization] = head();
    expect(await raw('GET /left HTTP/1.1', host!, 'Host: evil', authorization!, LAST, '', '')).toMatch(
      /^HTTP\/1\.1 4\d\d /,
    );
    expect(await raw('POST /-/npm/v1/security/audits HTTP/1.1', ...head(), ...tunnel)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(world.registry.log.all).toEqual([]);
  });

  it('that wants another protocol goes on in HTTP/1.1', async () => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    expect(await raw('GET /left HTTP/1.1', ...head(), ...upgrade, '', '')).not.toContain(' 101 ');
  });

  it('is judged by itself, even on the connection of an honest one', async () => {
    const [host] = head();
    const honest = ['GET /left HTTP/1.1', ...head(), '', ''].join('\r\n');
    const replies = await raw(`${honest}GET /left HTTP/1.1`, host!, LAST, '', '');
    expect(replies.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401']);
  });

  it('that hides another one in its body asks once', async () => {
    const hidden = 'GET /huge HTTP/1.1\r\nHost: evil\r\n\r\n';
    await raw('GET /left HTTP/1.1', ...head(), LAST, `Content-Length: ${hidden.length}`, '', hidden);
    expect(world.registry.log.all.map(({ path }) => path).filter((path) => path !== '/left')).toEqual([]);
    expect(await asked(TARBALL)).toMatchObject({ status: 200 });
  });

  it.each([
    ['a very long path', `GET /${'a'.repeat(100_000)} HTTP/1.1`],
    ['a very long header', `GET /left HTTP/1.1\r\nX-Long: ${'a'.repeat(100_000)}`],
    ['very many headers', `GET /left HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}`],
  ])('with %s is refused', async (_, first) => {
    expect(await raw(first, ...head(), '', '')).toMatch(/^(HTTP\/1\.1 431 |$)/);
    expect(world.registry.log.all).toEqual([]);
  });

  it('that never ends holds nobody up', async () => {
    const { hostname, port } = new URL(launch.base);
    const sockets: Socket[] = Array.from({ length: 200 }, () => {
      const socket = connect(Number(port), hostname).on('error', () => {});
      socket.write(`GET /left HTTP/1.1\r\n${head()[0]}\r\nX-Slow: `);
      return socket;
    });
    try {
      const { code, stderr } = await world.afresh(['npm', 'ci'], { cwd: project.dir });
      expect({ code, stderr }).toMatchObject({ code: 0 });
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

describe('a client that does not read', () => {
  it.each(['while it arrives', 'from the cache'])('costs no memory (%s)', async () => {
    const { hostname, port } = new URL(launch.base);
    const { pathname } = new URL('huge/-/huge-1.0.0.tgz', launch.base);
    const request = [
      `GET ${pathname} HTTP/1.1`,
      `Host: ${new URL(launch.base).host}`,
      `Authorization: ${launch.authorization}`,
      '',
      '',
    ];
    const before = await world.status();
    const deaf = Array.from({ length: 10 }, () => {
      const socket = connect(Number(port), hostname).on('error', () => {});
      socket.pause().write(request.join('\r\n'));
      return socket;
    });
    try {
      await sleep(1_500);
      // Ten of them with all that they were sent would be 300 MB.
      expect((await world.status()).rss! - before.rss!).toBeLessThan(120 * MB);
      expect(await asked('huge/-/huge-1.0.0.tgz')).toMatchObject({ status: 200, complete: true });
    } finally {
      for (const socket of deaf) socket.destroy();
    }
    expect(await world.verify()).toMatchObject({ code: 0 });
  });
});

describe('a program on the port that the agent had', () => {
  it('is asked nothing: the agent takes another port, and npm is led there', async () => {
    await using own = await openWorld({ packages: [makePackage(specs[0]!)] });
    const { dir } = await own.sandbox.project({ dependencies: { left: '1.0.0' } });
    expect(await own.afresh(['npm', 'ci'], { cwd: dir })).toMatchObject({ code: 0 });
    const [taken] = Object.values((await own.status()).ports!);
    await own.sandbox.pyrsia(['agent', 'stop']);

    const heard: unknown[] = [];
    const impostor = createServer(({ url, headers }, response) => {
      heard.push({ url, headers });
      response.end();
    });
    impostor.listen(taken, '127.0.0.1');
    try {
      expect(await own.afresh(['npm', 'ci'], { cwd: dir })).toMatchObject({ code: 0 });
      expect(await own.last()).toMatchObject({ totals: { artifacts: 1, cache: 1 } });
      const [port] = Object.values((await own.status()).ports!);
      expect(port).not.toBe(taken);
      expect(readFileSync(join(pathsOf(own.sandbox.env).state, 'ports'), 'utf8')).toContain(`${port} `);
      expect(heard).toEqual([]);
    } finally {
      impostor.close();
    }
  });

  it('may have the port that is configured', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await expect.poll(() => occupant.listening).toBe(true);
    const { port } = occupant.address() as AddressInfo;
    await using own = await openWorld({ packages: [makePackage(specs[0]!)] });
    const { dir } = await own.sandbox.project({ dependencies: { left: '1.0.0' } });
    await own.sandbox.pyrsia(['config', 'set', 'proxy.port', String(port)]);
    expect(await own.afresh(['npm', 'ci'], { cwd: dir })).toMatchObject({ code: 0 });
    expect(Object.values((await own.status()).ports!)).not.toContain(port);
    occupant.close();
  });
});

/** Files and directories below `path`, itself included, with their modes; links are not followed. */
function* modesBelow(path: string): Generator<{ path: string; directory: boolean; mode: string }> {
  const stat = lstatSync(path);
  yield { path, directory: stat.isDirectory(), mode: (stat.mode & 0o777).toString(8) };
  if (stat.isDirectory()) for (const name of readdirSync(path)) yield* modesBelow(join(path, name));
}

describe('another user of this machine', () => {
  it('can read nothing that our programs wrote, wherever they wrote it', async () => {
    await world.afresh(['npm', 'ci'], {
      cwd: project.dir,
      env: { PYRSIA_REPORT: world.sandbox.reportFile },
    });
    const { cache, state, config, runtime } = pathsOf(world.sandbox.env);
    const roots = [cache, state, config, dirname(runtime), world.sandbox.reportFile].filter(existsSync);
    const all = roots.flatMap((root) => [...modesBelow(root)]);
    const modes = (what: boolean) =>
      new Set(all.filter(({ directory }) => directory === what).map(({ mode }) => mode));
    expect(modes(true)).toEqual(new Set(['700']));
    expect(modes(false)).toEqual(new Set(['600', '444']));
    expect(all.filter(({ mode }) => mode === '444').every(({ path }) => path.startsWith(cache))).toBe(true);
  });

  it.runIf(other)('is refused with a credential that was stolen, and learns nothing', async () => {
    const url = new URL(TARBALL, launch.base);
    const script = `
      import { request } from 'node:http';
      const hosts = ['127.0.0.1', '::ffff:127.0.0.1'];
      const tokens = [undefined, ${JSON.stringify(launch.authorization)}];
      for (const host of hosts) for (const token of tokens) {
        const headers = { host: ${JSON.stringify(url.host)}, ...(token && { authorization: token }) };
        const { promise, resolve } = Promise.withResolvers();
        request({ host, port: ${url.port}, path: ${JSON.stringify(url.pathname)}, headers }, resolve).end();
        const response = await promise;
        const body = await response.setEncoding('utf8').toArray();
        console.log(response.statusCode, body.join(''));
      }`;
    const command = [process.execPath, '--input-type=module', '-e', script] as const;
    const { stdout, stderr } = await start(asUser(other!, command), { cwd: '/' }).result;
    const [withoutCredential, stolen] = [
      '401 {"error":"pyrsia: this address serves commands started by pyrsia only"}',
      '403 {"error":"pyrsia: this address serves another user"}',
    ];
    expect({ lines: stdout.trim().split('\n'), stderr }).toEqual({
      lines: [withoutCredential, stolen, withoutCredential, stolen],
      stderr: '',
    });
    expect(world.registry.log.all).toEqual([]);
  });

  it.runIf(other)('cannot enter our directories where those above are open', async () => {
    const { root, env } = world.sandbox;
    const { cache, state, config, runtime } = pathsOf(env);
    for (const open of [root, ...[cache, state, config, dirname(runtime)].map((path) => dirname(path))])
      chmodSync(open, 0o755);
    try {
      for (const path of [cache, state, config, runtime]) {
        const { code, stdout } = await start(asUser(other!, ['ls', '-R', path]), { cwd: '/' }).result;
        expect({ path, code, stdout }).toMatchObject({ code: 2, stdout: '' });
      }
    } finally {
      chmodSync(root, 0o700);
    }
  });

  describe('who was there before us', () => {
    const plants: [string, (directory: string, name: string) => string][] = [
      ['a directory', (directory) => `mkdir ${directory}`],
      ['a directory that is open to all', (directory) => `mkdir -m 777 ${directory}`],
      ['a link', (directory) => `ln -s /tmp ${directory}`],
      ['a file', (directory) => `touch ${directory}`],
      [
        'an agent of their own',
        (directory, name) =>
          `mkdir -m 777 ${directory} && exec ${process.execPath} -e "
             const net = require('node:net');
             const fs = require('node:fs');
             fs.mkdirSync('${join(directory, name)}', { mode: 0o777 });
             net.createServer((s) => s.end()).listen('${join(directory, name, 'agent.sock')}');
           "`,
      ],
    ];

    it.runIf(other).each(plants)('with %s is not trusted, and the tool runs without us', async (_, plant) => {
      const { sandbox } = world;
      const shared = join(sandbox.root, `shared-${plants.findIndex(([, each]) => each === plant)}`);
      mkdirSync(shared);
      chmodSync(shared, 0o1777);
      chmodSync(sandbox.root, 0o711);
      const env = { XDG_RUNTIME_DIR: undefined, TMPDIR: shared };
      const { runtime } = pathsOf({ ...sandbox.env, XDG_RUNTIME_DIR: undefined, TMPDIR: shared });
      const script = plant(dirname(runtime), basename(runtime));
      const planted = start(asUser(other!, ['sh', '-c', script]), { cwd: '/', timeoutMs: 50_000 });
      await expect.poll(() => existsSync(dirname(runtime)), { timeout: 5_000 }).toBe(true);

      const { code, stdout, stderr } = await world.through(['echo', 'done'], { env });
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
      expect(stderr).toMatch(
        /^pyrsia: [^\n]*pyrsia-\d+ (belongs to user \d+|is not a directory); echo runs without pyrsia \(pyrsia doctor\)\n$/,
      );
      const strict = await world.through(['echo', 'done'], { env: { ...env, PYRSIA_STRICT: '1' } });
      expect(strict).toMatchObject({ code: 125, stdout: '' });
      expect(strict.stderr).toMatch(/not run, since PYRSIA_STRICT=1: .* (belongs to|is not a directory)/);
      planted.kill();
    });
  });
});
