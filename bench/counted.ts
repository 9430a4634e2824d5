/**
 * What a mirror of a registry has in common with another one: it is on this machine, and counts what it is asked.
 *
 * @module
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Longer than any pause between two requests of one install or build. */
export const KEEP_ALIVE_MS = 60_000;

/** A running mirror; `url` ends in `/`. */
export interface Mirror extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Requests since it was asked last. */
  count(): number;
}

/** Has a server listen at a port of 127.0.0.1, and counts what it is asked. */
export async function counted(server: Server | SecureServer, protocol: 'http' | 'https'): Promise<Mirror> {
  let requests = 0;
  server.on('request', () => (requests += 1));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${protocol}://127.0.0.1:${port}/`,
    port,
    count() {
      const before = requests;
      requests = 0;
      return before;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
