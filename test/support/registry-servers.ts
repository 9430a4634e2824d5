/**
 * Servers that answer everything, with TLS and without.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { selfSigned } from '../fixtures/registry/certificate.ts';

/** A request that came. */
export interface Asked {
  readonly url: string | undefined;
  /** Whether whoever asked has shown a certificate. */
  readonly shown: boolean;
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

/** Its certificate is nobody's. It sends on who asks for some paths. */
export async function startTlsServer(sentOn: Readonly<Record<string, string>> = {}): Promise<Registry> {
  const { key, cert } = selfSigned();
  const options = { key, cert, requestCert: true, rejectUnauthorized: false };
  return running((listener) => createTlsServer(options, listener), cert, sentOn);
}

async function running(
  open: (listener: RequestListener) => Server,
  certificate?: string,
  sentOn: Readonly<Record<string, string>> = {},
): Promise<Registry> {
  const asked: Asked[] = [];
  const server = open(({ url = '/', socket }, response) => {
    const shown = socket instanceof TLSSocket && socket.getPeerX509Certificate() !== undefined;
    asked.push({ url, shown });
    if (url in sentOn) response.writeHead(307, { location: sentOn[url] });
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
