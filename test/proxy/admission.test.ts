import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request as ask } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkHeaders, credentialOf, ownerOf } from '../../src/proxy/admission.ts';
import { asUser, unprivileged } from '../support/user.ts';

const ADDRESS = '127.0.0.1:4873';
const refusal = (headers: Record<string, string | string[]>) =>
  checkHeaders(
    {
      headersDistinct: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, [value].flat()]),
      ),
    },
    ADDRESS,
  );

describe('the headers of a request', () => {
  it('pass when they name our address and nothing that is only a browser’s', () => {
    expect(refusal({ host: ADDRESS, 'user-agent': 'npm/11', accept: '*/*' })).toBeUndefined();
  });

  it('pass as Node’s own fetch sends them', async () => {
    const server = createServer(({ headersDistinct, headers }, response) =>
      response.end(JSON.stringify(checkHeaders({ headersDistinct }, headers.host!) ?? 'pass')),
    );
    await using _ = await listening(server, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toBe('pass');
  });

  it.each([
    ['another name for our address', { host: 'localhost:4873' }],
    ['a name that was bound to our address', { host: 'evil.example:4873' }],
    ['another port', { host: '127.0.0.1:80' }],
    ['no port', { host: '127.0.0.1' }],
    ['our address and more', { host: '127.0.0.1:4873.evil.example' }],
    ['nothing', {}],
    ['an empty name', { host: '' }],
    ['two addresses', { host: [ADDRESS, 'evil.example'] }],
    ['our address twice', { host: [ADDRESS, ADDRESS] }],
  ])('are refused with 421 when Host is %s', (_, headers) => {
    expect(refusal(headers)).toMatchObject({ status: 421 });
  });

  it.each([
    ['origin', 'http://evil.example'],
    ['origin', 'null'],
    ['origin', ''],
    ['origin', `http://${ADDRESS}`],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-dest', 'script'],
    ['sec-ch-ua', '"Chromium"'],
  ])('are refused with 403 when there is %s: %s', (name, value) => {
    expect(refusal({ host: ADDRESS, [name]: value })).toMatchObject({
      status: 403,
      reason: expect.stringContaining(name),
    });
  });

  it('are those that really came, each as often as it did', async () => {
    const server = createServer(({ headersDistinct }, response) =>
      response.end(JSON.stringify(checkHeaders({ headersDistinct }, ADDRESS) ?? {})),
    );
    await using _ = await listening(server, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const asked = ask({
      port,
      headers: ['Host', ADDRESS, 'host', 'evil.example'] as unknown as IncomingHttpHeaders,
    });
    const [response] = await once(asked.end(), 'response');
    const [body] = await once(response.setEncoding('utf8'), 'data');
    expect(JSON.parse(body)).toMatchObject({ status: 421 });
  });
});

const shown = (authorization?: string) =>
  credentialOf({ headers: authorization === undefined ? {} : { authorization } });

describe('the credential', () => {
  const id = '0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11';
  it('is the launch id that is shown as a bearer token', () => {
    expect(shown(`Bearer ${id}`)).toBe(id);
  });

  it('is the launch id that is shown as our password, by tools that send no token', () => {
    expect(shown(`Basic ${Buffer.from(`pyrsia:${id}`).toString('base64')}`)).toBe(id);
  });

  it.each([
    undefined,
    '',
    id,
    `pyrsia:${id}`,
    `Basic ${Buffer.from(`somebody:${id}`).toString('base64')}`,
    `Basic ${Buffer.from(`Bearer ${id}`).toString('base64')}`,
    `Basic ${id}`,
    `Bearer ${id}0`,
    `Bearer  ${id}`,
    'Bearer ../../etc',
    `Bearer ${id}, x`,
  ])('is not %s', (authorization) => expect(shown(authorization)).toBeUndefined());
});

/** Listens, and closes with every connection of its. */
async function listening(server: Server, host: string): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => void sockets.add(socket.on('error', () => {})));
  server.listen(0, host);
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the owner of a connection', () => {
  const someone = unprivileged();
  const user = someone.possible ? someone.user : undefined;
  const children: { kill(): void }[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
    ['127.9.8.7', '127.9.8.7'],
  ])('is found at %s for who connects to %s', async (host, to) => {
    const server = createTcpServer();
    await using _ = await listening(server, host);
    const { port } = server.address() as AddressInfo;
    const client = connect(port, to);
    const [socket] = (await once(server, 'connection')) as [Socket];
    expect(await ownerOf(socket)).toBe(process.getuid?.());
    client.destroy();
  });

  it('is found among many', async () => {
    const server = createTcpServer();
    await using _ = await listening(server, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const sockets: Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    const clients = Array.from({ length: 300 }, () => connect(port, '127.0.0.1'));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    await expect.poll(() => sockets.length).toBe(300);
    const owners = await Promise.all(sockets.map(ownerOf));
    expect(new Set(owners)).toEqual(new Set([process.getuid?.()]));
    for (const client of clients) client.destroy();
  });

  it.runIf(user && process.getuid?.() === 0).each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
  ])('is another user at %s who connects to %s', async (host, to) => {
    const server = createTcpServer();
    await using _ = await listening(server, host);
    const { port } = server.address() as AddressInfo;
    const [program, ...args] = asUser(user!, [
      process.execPath,
      '-e',
      `require('node:net').connect(${port}, ${JSON.stringify(to)})`,
    ]);
    children.push(spawn(program, args, { stdio: 'ignore' }));
    const [socket] = (await once(server, 'connection')) as [Socket];
    expect(await ownerOf(socket)).toBe(user!.uid);
  });

  it('is nobody’s once it is closed', async () => {
    const server = createTcpServer();
    await using _ = await listening(server, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    client.resetAndDestroy();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await ownerOf(socket)).toBe('nobody');
  });

  it('is nobody, and not root, where the other end is closed while ours is open', async () => {
    const server = createTcpServer({ allowHalfOpen: true });
    await using _ = await listening(server, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    client.destroy();
    await once(socket.resume(), 'end');
    expect(await ownerOf(socket)).toBe('nobody');
    socket.end();
  });

  it('stays who it was where the other end has only said all that it had to say', async () => {
    const server = createTcpServer({ allowHalfOpen: true });
    await using _ = await listening(server, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).end();
    const [socket] = (await once(server, 'connection')) as [Socket];
    await once(socket.resume(), 'end');
    expect(await ownerOf(socket)).toBe(process.getuid?.());
    client.destroy();
    socket.end();
  });
});
