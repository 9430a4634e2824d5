import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PIECE, takeBuffer } from '../../src/content/buffers.ts';
import { leavingBy } from '../../src/proxy/leaving.ts';

describe('Content on its way to a client', () => {
  let server: Server;
  let client: IncomingMessage;
  let response: ServerResponse;
  const gone = (): AbortSignal => {
    const abort = new AbortController();
    response.once('close', () => abort.abort());
    return abort.signal;
  };

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false });
    request.on('error', () => undefined);
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
    response.flushHeaders();
    [client] = await answered;
    client.on('error', () => undefined);
  });
  afterEach(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  it('waits for whoever does not read it, with no more than a few pieces in memory', async () => {
    const leaving = leavingBy(response, gone());
    let added = 0;
    const adding = (async () => {
      for (; added < 400; added++) await leaving.add(takeBuffer().fill(added));
    })();
    let before = -1;
    // What the system takes for both ends comes first.
    await expect
      .poll(() => [before, (before = added)], { interval: 200 })
      .toSatisfy(([one, two]: number[]) => one === two && two! > 0);
    expect(added).toBeLessThan(400);
    expect(response.writableLength).toBeLessThan(6 * PIECE);

    const read: number[] = [];
    client.on('data', (chunk: Buffer) => read.push(chunk.byteLength));
    await adding;
    response.end();
    await once(client, 'end');
    expect(read.reduce((sum, size) => sum + size, 0)).toBe(400 * PIECE);
  });

  it('is given up when the client is gone', async () => {
    const leaving = leavingBy(response, gone());
    const failure = (async () => {
      for (;;) await leaving.add(takeBuffer());
    })().catch(String);
    await expect.poll(() => response.writableLength).toBeGreaterThan(4 * PIECE);
    client.destroy();
    expect(await failure).toContain('abort');
  });
});
