/**
 * A grown log on a plain static server.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type GrownLog, grownLog, type Seen, sha256Of } from './grown-log.ts';

/** A log that is served. */
export interface ServedLog extends GrownLog, AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for since this was emptied. */
  readonly requests: string[];
  /** What was submitted: each request's path, headers and body. */
  readonly submissions: string[];
  /** What is answered to a submission in place of an entry. */
  refusal: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined;
}

/** Serves a new log, signed now. */
export async function serveLog(
  options: Parameters<typeof grownLog>[0] & {
    /** The bytes that everybody sees of what is submitted, or their sha256 in hex. */
    bytesOf?: (purl: string) => Seen['bytes'];
  } = {},
): Promise<ServedLog> {
  const requests: string[] = [];
  const submissions: string[] = [];
  let log: GrownLog | undefined;
  /** Writes down what is submitted, as if all had seen the same bytes. */
  async function submit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    submissions.push(`${request.url} ${JSON.stringify(request.headers)} ${body}`);
    if (served.refusal) {
      response.writeHead(served.refusal.status, served.refusal.headers).end();
      return;
    }
    const { purl }: { purl: string } = JSON.parse(body);
    const entry = Number(log!.head().size);
    const bytes = options.bytesOf?.(purl) ?? 'what everybody saw';
    log!.append([{ purl, bytes }]);
    response.end(JSON.stringify({ entry, kind: 'observe', purl, sha256: sha256Of(bytes) }));
  }
  const server = createServer((request, response) => {
    const { method, url: path = '' } = request;
    if (method === 'POST') {
      void submit(request, response);
      return;
    }
    requests.push(path);
    const bytes = log?.files.get(path.slice('/log/'.length));
    if (bytes) response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log/`;
  log = grownLog({ url, signed: Math.floor(Date.now() / 1000), ...options });
  const served: ServedLog = {
    ...log,
    url,
    requests,
    submissions,
    refusal: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return served;
}
