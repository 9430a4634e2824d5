import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DockerExchange, openDockerSocket } from '../../src/proxy/docker-socket.ts';

const ASKED = 'POST /images/create?fromImage=a&tag=1 HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n';

describe('A socket in front of a daemon', () => {
  let root: string;
  let daemon: Server;
  let socket: AsyncDisposable;
  /** What the daemon does with a connection. */
  let serve: (connection: Socket) => void;
  let answer: (exchange: DockerExchange) => Promise<boolean>;
  /** Why nothing goes on. */
  let refused: string | undefined;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'ds-'));
    serve = (connection) => void connection.pipe(connection);
    answer = async () => Promise.resolve(false);
    refused = undefined;
    daemon = createServer({ allowHalfOpen: true }, (connection) => serve(connection));
    await once(daemon.listen(join(root, 'daemon')), 'listening');
    const parts = {
      daemon: join(root, 'daemon'),
      log: () => {},
      answer: async (asked: DockerExchange) => answer(asked),
      before: async () => Promise.resolve(refused),
    };
    socket = await openDockerSocket(join(root, 'ours'), parts);
  });
  afterEach(async () => {
    await socket[Symbol.asyncDispose]();
    daemon.close();
    rmSync(root, { recursive: true });
  });

  const open = (): Socket => connect({ path: join(root, 'ours'), allowHalfOpen: true });
  /** Sends all of it, and its end, and gives what comes back until the end. */
  const exchange = async (...pieces: readonly (string | Buffer)[]): Promise<string> => {
    const client = open();
    for (const piece of pieces) {
      client.write(piece);
      await new Promise(setImmediate);
    }
    client.end();
    return (await buffer(client)).toString('latin1');
  };

  it('is its user’s alone', () => expect(statSync(join(root, 'ours')).mode & 0o777).toBe(0o600));

  it.each([
    ['requests, one after the other', [ASKED, 'GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n', ASKED]],
    ['a request in pieces', ['GET /_pi', 'ng HTTP/1.1\r\nHost', ': d\r\n\r', '\n']],
    [
      'a body in chunks',
      ['POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', '5\r\nab', 'cde\r\n0\r\n\r\n', ASKED],
    ],
    [
      'an upgrade, and what is said after it',
      ['POST /session HTTP/1.1\r\nUpgrade: h2c\r\n\r\n', 'PRI *\r\n\r\n', ASKED],
    ],
    ['an attachment of an old client', ['POST /v1.12/containers/a/attach?x=1 HTTP/1.1\r\n\r\n', ASKED]],
    ['what is no HTTP', ['\0\x01\x02', '\r\n\r\n', ASKED]],
    ['a head without an end', [`GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`, ASKED]],
    ['an end in the middle', ['GET / HTT']],
  ])('passes on %s, byte for byte', async (_, pieces) => {
    expect(await exchange(...pieces)).toBe(pieces.join(''));
  });

  it.each([
    ['a body', 'POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['an upgrade', 'POST /grpc HTTP/1.1\r\nUpgrade: h2c\r\n\r\n'],
  ])('tells why what must not go on does not, and reads on: %s', async (_, head) => {
    refused = 'not like this';
    const heard: string[] = [];
    serve = (connection) => void connection.on('data', (bytes) => heard.push(String(bytes)));
    const client = open();
    client.write(head);
    // More than anybody's buffers take.
    const sent = new Promise((resolve) => client.write(Buffer.alloc(4 * 2 ** 20), resolve));
    expect(String(await buffer(client))).toMatch(
      /^HTTP\/1\.1 503 [^]*\r\n\r\n\{"message":"not like this"\}\n$/,
    );
    await sent;
    client.end();
    expect(heard).toEqual([]);
  });

  it('ends the session of a build that was refused, since its client may wait for that', async () => {
    const session = open();
    session.write('POST /session HTTP/1.1\r\nUpgrade: h2c\r\n\r\n');
    await once(session, 'data');
    const other = open();
    other.write('POST /exec/1/start HTTP/1.1\r\nUpgrade: tcp\r\n\r\n');
    await once(other, 'data');
    refused = 'not like this';
    expect(await exchange('POST /build?version=2 HTTP/1.1\r\nContent-Length: 0\r\n\r\n')).toContain(refused);
    await once(session.resume(), 'end');
    session.destroy();
    expect(other.readableEnded || other.destroyed).toBe(false);
    other.destroy();
  });

  it('answers what it can itself, in its turn, and is not asked of what follows an upgrade', async () => {
    const targets: string[] = [];
    answer = async ({ target, write }) => {
      targets.push(target);
      if (!target.startsWith('/images/create')) return false;
      write('ours;');
      return Promise.resolve(true);
    };
    const upgrade = 'POST /x HTTP/1.1\r\nUpgrade: tcp\r\n\r\n';
    const ping = 'GET /_ping HTTP/1.1\r\n\r\n';
    expect((await exchange(ASKED, upgrade, ASKED)).startsWith('ours;')).toBe(true);
    expect(await exchange(ping)).toBe(ping);
    expect(targets).toEqual(['/images/create?fromImage=a&tag=1', '/_ping']);
  });

  it('takes the body of a request that is answered here for no other request', async () => {
    const body = JSON.stringify({ fromImage: 'a', tag: '1' });
    const asked = ASKED.replace('Length: 0', `Length: ${body.length}`) + body;
    const heads: string[] = [];
    answer = async ({ method, target, write }) => {
      heads.push(`${method} ${target}`);
      if (!target.startsWith('/images/create')) return false;
      write('ours;');
      return Promise.resolve(true);
    };
    const ping = 'GET /_ping HTTP/1.1\r\n\r\n';
    expect(await exchange(asked.slice(0, -3), asked.slice(-3) + ping)).toBe(`ours;${ping}`);
    expect(heads).toEqual(['POST /images/create?fromImage=a&tag=1', 'GET /_ping']);
  });

  it('lets the body of a request come with its head where the connection is something else from there on', async () => {
    const { promise: first, resolve } = Promise.withResolvers<string>();
    serve = (connection) => {
      connection.once('data', (bytes: Buffer) => resolve(bytes.toString()));
      connection.once('error', () => undefined);
    };
    const client = open();
    const head = 'POST /containers/a/attach HTTP/1.1\r\nUpgrade: tcp\r\nContent-Length: 4\r\n\r\n';
    client.write(head);
    await new Promise((wait) => void setTimeout(wait, 50));
    client.write('{"');
    await new Promise(setImmediate);
    client.write('}\n');
    expect(await first).toBe(`${head}{"}\n`);
    client.destroy();
  });

  it('tells whoever answers that the client is gone', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    answer = async ({ signal }) => {
      signal.addEventListener('abort', () => resolve('gone'));
      client.destroy();
      await promise;
      return true;
    };
    const client = open();
    client.write(ASKED);
    expect(await promise).toBe('gone');
  });

  it('passes on a large body and answer both ways at once, and each end for itself', async () => {
    const large = Buffer.alloc(16 * 2 ** 20, 'x');
    const head = `POST /images/load HTTP/1.1\r\nContent-Length: ${large.byteLength}\r\n\r\n`;
    expect((await exchange(head, large)).length).toBe(head.length + large.byteLength);
    // The daemon ends first, and still hears the client.
    const { promise, resolve } = Promise.withResolvers<string>();
    serve = (connection) => {
      connection.end('bye');
      void buffer(connection).then((all) => resolve(all.toString()));
    };
    const client = open();
    const ping = 'GET / HTTP/1.1\r\n\r\n';
    client.write(ping);
    expect((await buffer(client)).toString()).toBe('bye');
    client.end(ping);
    expect(await promise).toBe(ping + ping);
  });

  it('lets no daemon wait for a request that is answered here, however long that takes', async () => {
    const connections: Socket[] = [];
    serve = (connection) => void connections.push(connection);
    const { promise: asked, resolve: ask } = Promise.withResolvers<(text: string) => void>();
    const { promise: done, resolve: finish } = Promise.withResolvers<boolean>();
    answer = async ({ write }) => {
      ask(write);
      return done;
    };
    const client = open();
    client.write(ASKED);
    const write = await asked;
    // What would have connected has connected once this has.
    const other = connect(join(root, 'daemon'));
    await expect.poll(() => connections.length).toBeGreaterThan(0);
    expect(connections).toHaveLength(1);
    write('ours');
    finish(true);
    client.end();
    expect((await buffer(client)).toString()).toBe('ours');
    other.destroy();
  });

  it('does not wait for the end of a head that is too long', async () => {
    const client = open();
    client.write(`GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`);
    const [first] = (await once(client, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^GET \//);
    client.destroy();
  });

  it('says in docker’s own words that there is no daemon any more', async () => {
    daemon.close();
    rmSync(join(root, 'daemon'), { force: true });
    const words = `Cannot connect to the Docker daemon at unix://${join(root, 'daemon')}. Is the docker daemon running?`;
    const said = await exchange('GET /info HTTP/1.1\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n/);
    expect(JSON.parse(said.slice(said.indexOf('\r\n\r\n')))).toEqual({ message: words });
    // Nobody reads on after the head of such an answer.
    expect(await exchange('HEAD /_ping HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 [^]*\r\n\r\n$/);
  });
});
