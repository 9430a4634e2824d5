/**
 * A local HTTP server on a kept port.
 *
 * @module
 */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Reply } from '../ecosystems/ecosystem.ts';

// Not by import: for that Node makes a façade of all that http can do, and loads its own undici to see what that is.
const { createServer } = process.getBuiltinModule('node:http');

/** A server that listens. */
export interface Gate extends AsyncDisposable {
  /** Ends in `/`. */
  readonly base: string;
  readonly port: number;
}

/** Answers one request. `address` is the server's own, as a client names it. */
export type Serve = (request: IncomingMessage, response: ServerResponse, address: string) => Promise<void>;

/**
 * Listens on an IPv4 loopback address: on `port` if it can be had, else on any.
 *
 * @throws the system's error when no port can be had at all
 */
export async function openServer(
  serve: Serve,
  log: (message: string) => void,
  where: { readonly host: string; readonly port?: number },
): Promise<Gate> {
  const server = createServer({ keepAliveTimeout: 60_000 });
  const port = await listen(server, where.host, where.port);
  const address = `${where.host}:${port}`;

  server.on('request', (request, response) => {
    void serve(request, response, address).catch((error: unknown) => {
      log(`Broke down over ${request.method} ${request.url}: ${String(error)}`);
      response.destroy();
    });
  });
  return {
    base: `http://${address}/`,
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}

async function listen(server: Server, host: string, wanted = 0): Promise<number> {
  for (const port of wanted === 0 ? [0] : [wanted, 0]) {
    try {
      server.listen(port, host);
      await once(server, 'listening');
      const address = server.address();
      if (typeof address === 'object' && address) return address.port;
    } catch (error) {
      const taken =
        error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
      if (port === 0 || !taken) throw error;
    }
  }
  throw new Error('unreachable');
}

/** Path and query of a request. */
export function addressOf({
  url = '/',
}: Pick<IncomingMessage, 'url'>): readonly [path: string, query: string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

/** A reply to whoever has no business here. */
export function plain(status: number, reason: string): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: `pyrsia: ${reason}` }),
  };
}
