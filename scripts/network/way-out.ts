/**
 * A member's way to the registries of this world: a proxy that is its alone, so that it can be counted what it fetches, and cut.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as ask, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';

/** A way out. */
export interface WayOut extends Disposable {
  /** What a member's `HTTPS_PROXY` says. */
  readonly url: string;
  /** How many bytes have come in by it. */
  readonly bytes: () => number;
  /** Cuts it: nobody is connected any more. */
  cut(): void;
  restore(): void;
}

/** Opens a way out at `host`. Where this machine has a proxy itself, it leads there. */
export async function openWayOut(host: string, proxy?: URL): Promise<WayOut> {
  const sockets = new Set<Duplex>();
  let bytes = 0;
  let isCut = false;
  const count = (from: Readable): void => {
    from.on('data', (chunk: Buffer) => (bytes += chunk.byteLength));
  };
  const joined = (a: Duplex, b: Duplex): void => {
    for (const [socket, other] of [
      [a, b],
      [b, a],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    a.pipe(b).pipe(a);
  };
  const onto = (client: Socket): void => {
    if (isCut) return void client.destroy();
    const upstream = connect(Number(proxy!.port || 80), proxy!.hostname);
    count(upstream);
    joined(client, upstream);
  };
  const server: Server = proxy ? createTcpServer(onto) : createServer(pass);
  if (!proxy) server.on('connect', tunnel);

  function tunnel(request: IncomingMessage, client: Duplex, head: Buffer): void {
    const { hostname, port } = new URL(`http://${request.url}`);
    if (isCut) return void client.destroy();
    const upstream = connect(Number(port), hostname.replaceAll(/[[\]]/g, ''), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      count(upstream);
      joined(client, upstream);
    });
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  }
  function pass(request: IncomingMessage, reply: ServerResponse): void {
    if (isCut) return void request.socket.destroy();
    const { url = '', method, headers } = request;
    const upstream = ask(url, { method, headers }, (answer) => {
      count(answer);
      reply.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(reply);
    });
    upstream.on('error', () => reply.destroy());
    request.pipe(upstream);
  }

  await once(server.listen(0, host), 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const login = proxy?.username ? `${proxy.username}:${proxy.password}@` : '';
  return {
    url: `http://${login}${host}:${portOf(server)}/`,
    bytes: () => bytes,
    cut,
    restore: () => void (isCut = false),
    [Symbol.dispose]() {
      cut();
      server.close();
    },
  };
}

/** The port at which a server listens. */
export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
