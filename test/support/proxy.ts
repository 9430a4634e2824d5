/**
 * A proxy that a company might have: it passes on what it is asked, and remembers whom for.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A running proxy. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Where it was asked to connect to. */
  readonly tunnels: string[];
  /** Hosts of which it was asked to fetch something itself, without a tunnel. */
  readonly fetched: string[];
}

/** Starts a proxy. */
export async function startProxy(): Promise<Proxy> {
  const tunnels: string[] = [];
  const fetched: string[] = [];
  const server = createServer((request, reply) => {
    const { url = '', method, headers } = request;
    fetched.push(new URL(url).host);
    const upstream = ask(url, { method, headers }, (answer) => {
      reply.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(reply);
    });
    request.pipe(upstream).on('error', () => reply.destroy());
  });
  server.on('connect', (request, client, head) => {
    tunnels.push(request.url!);
    const { hostname, port } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) socket.on('error', () => upstream.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    tunnels,
    fetched,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
