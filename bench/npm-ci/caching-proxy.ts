/**
 * A caching proxy with nothing but that: a tarball is kept under the digest by which npm asks for it, and sent from
 * the disk from then on. What a proxy can gain at all, without verifying what it has, lists, policies or peers.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { get, Agent } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';

/** Opens one for `upstream`, whose URL ends in `/`, which keeps what it has in `dir`. */
export async function openCachingProxy(
  upstream: string,
  ca: string | undefined,
  dir: string,
): Promise<AsyncDisposable & { readonly url: string }> {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 16 });
  mkdirSync(dir, { recursive: true });

  async function serve({ url, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const integrity = /sha512-\S+/.exec(String(headers['pacote-integrity']))?.[0];
    const file = join(
      dir,
      Buffer.from(integrity ?? url!)
        .toString('hex')
        .slice(0, 250),
    );
    if (!existsSync(file)) {
      const [reply] = (await once(get(upstream + url!.slice(1), { agent }), 'response')) as [IncomingMessage];
      const body = await buffer(reply);
      const digest = `sha512-${createHash('sha512').update(body).digest('base64')}`;
      if (reply.statusCode !== 200 || digest !== integrity) {
        response.writeHead(502).end();
        return;
      }
      writeFileSync(`${file}.new`, body);
      renameSync(`${file}.new`, file);
    }
    response.writeHead(200, { 'content-length': statSync(file).size });
    createReadStream(file).pipe(response);
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
