/**
 * An HTTP client that hides nothing: no redirects, no decompression, no pool, and a broken reply is a
 * value.
 *
 * @module
 */
import { request as plainRequest, type IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';

/** What is asked. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** PEM to trust. */
  readonly ca?: string;
  /** Gives up when nothing has come for so long (default 5 s); what came until then is the reply. */
  readonly patienceMs?: number;
}

/** What came. */
export interface Reply {
  /** 0 when the connection failed before there was a status. */
  readonly status: number;
  /** What stands behind the status. */
  readonly phrase: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as text. */
  readonly text: string;
  /** Whether the reply ended as HTTP says a reply ends. */
  readonly complete: boolean;
  /** The code of the error that ended it otherwise: `ECONNREFUSED`, `HPE_HEADER_OVERFLOW`, `SILENCE`. */
  readonly error?: string;
}

/** Asks for `url` on a connection of its own. Never rejects. */
export function ask(url: string | URL, question: Question = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body, ca, patienceMs = 5_000 } = question;
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const request = new URL(url).protocol === 'https:' ? tlsRequest : plainRequest;
  const chunks: Buffer[] = [];
  let head: Pick<Reply, 'status' | 'phrase' | 'headers'> = { status: 0, phrase: '', headers: {} };

  const finish = (complete: boolean, error?: NodeJS.ErrnoException): void => {
    const bytes = Buffer.concat(chunks);
    const code = error && { error: error.code ?? error.message };
    resolve({ ...head, body: bytes, text: bytes.toString(), complete, ...code });
  };
  const asked = request(url, { method, headers, agent: false, ...(ca && { ca }) }, (response) => {
    const { statusCode: status = 0, statusMessage: phrase = '' } = response;
    head = { status, phrase, headers: response.headers };
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', (error) => finish(false, error));
    response.on('end', () => finish(response.complete));
  });
  asked.setTimeout(patienceMs, () => asked.destroy(Object.assign(new Error('Silence'), { code: 'SILENCE' })));
  asked.on('error', (error) => finish(false, error));
  asked.end(body);
  return promise;
}
