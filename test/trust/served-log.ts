/**
 * A grown log on a plain static server.
 *
 * @module
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type GrownLog, grownLog } from './grown-log.ts';

/** A log that is served. */
export interface ServedLog extends GrownLog, AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for since this was emptied. */
  readonly requests: string[];
}

/** Serves a new log, signed now. */
export async function serveLog(options: Parameters<typeof grownLog>[0] = {}): Promise<ServedLog> {
  const requests: string[] = [];
  let log: GrownLog | undefined;
  const server = createServer(({ url: path = '' }, response) => {
    requests.push(path);
    const bytes = log?.files.get(path.slice('/log/'.length));
    if (bytes) response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log/`;
  log = grownLog({ url, signed: Math.floor(Date.now() / 1000), ...options });
  return {
    ...log,
    url,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
