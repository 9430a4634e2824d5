/**
 * Servers that answer everything, with TLS and without.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from '../fixtures/registry/certificate.ts';

/** A request that came. */
export interface Asked {
  readonly url: string | undefined;
}

/** A running server. */
export interface Registry extends AsyncDisposable {
  readonly host: string;
  readonly asked: Asked[];
  /** By which it is to be known, as PEM. */
  readonly certificate?: string;
}

export async function startPlainServer(): Promise<Registry> {
  return running((listener) => createServer(listener));
}

/** Its certificate is nobody's. */
export async function startTlsServer(): Promise<Registry> {
  const { key, cert } = selfSigned();
  return running((listener) => createTlsServer({ key, cert }, listener), cert);
}

async function running(open: (listener: RequestListener) => Server, certificate?: string): Promise<Registry> {
  const asked: Asked[] = [];
  const server = open(({ url }, response) => {
    asked.push({ url });
    response.end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    asked,
    ...(certificate === undefined ? {} : { certificate }),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}
