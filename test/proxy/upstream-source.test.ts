import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isPyrsiaError } from '../../src/errors.ts';
import { openUpstreams } from '../../src/proxy/upstream.ts';
import { upstreamSource } from '../../src/proxy/upstream-source.ts';
import { sourceConformance } from '../conformance/source.ts';
import { bytesOf } from '../support/streams.ts';

describe.each([
  ['an upstream that knows ranges', true],
  ['an upstream that ignores them', false],
])('%s', (_, ranges) => {
  sourceConformance(async (content) => {
    return sourceOf(({ headers }, response) => {
      const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec((ranges && headers.range) || '') ?? [];
      const last = Math.min(to ? Number(to) : Infinity, content.byteLength - 1);
      const body = content.subarray(Number(from), last + 1);
      const total = content.byteLength;
      if (ranges && headers.range)
        response.writeHead(206, { 'content-range': `bytes ${from}-${last}/${total}` });
      else response.setHeader('content-length', total);
      response.end(body);
    });
  });
});

describe('an upstream', () => {
  it('that sends another part than it was asked for is not believed', async () => {
    await using opened = await sourceOf((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-3/10' }).end('abcd');
    });
    await expect(opened.source.open({ digests: [] }, { offset: 4 })).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
    });
  });

  it('is asked for the bytes as they are, and to go on only with the same file', async () => {
    const asked: unknown[] = [];
    await using opened = await sourceOf(({ headers }, response) => {
      asked.push([headers['accept-encoding'], headers.range, headers['if-range']]);
      response.writeHead(200, { etag: '"one"' }).end('abcdefghij');
    });
    for (const offset of [0, 4]) {
      const content = await opened.source.open({ digests: [] }, { offset });
      expect(Buffer.from(await bytesOf(content!.chunks)).toString()).toBe('abcdefghij'.slice(offset));
    }
    expect(asked).toEqual([
      ['identity', undefined, undefined],
      ['identity', 'bytes=4-', '"one"'],
    ]);
  });

  it.each([
    [404, 'nothing'],
    [410, 'nothing'],
    [401, 'CREDENTIALS_NEEDED'],
    [403, 'CREDENTIALS_NEEDED'],
    [418, 'UPSTREAM_FAILED'],
  ])('that answers %i ends in %s', async (status, end) => {
    await using opened = await sourceOf((_, response) => void response.writeHead(status).end());
    const content = opened.source.open({ digests: [] }).then(
      (found) => found ?? 'nothing',
      (error: unknown) => (isPyrsiaError(error) ? error.code : error),
    );
    expect(await content).toBe(end);
  });
});

/** The source of a server that answers like this. */
async function sourceOf(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstreams = openUpstreams({ silenceMs: 1000 });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/file`);
  return {
    source: upstreamSource(upstreams, { url, headers: {}, connection: { strictSsl: true } }),
    async [Symbol.asyncDispose]() {
      await upstreams[Symbol.asyncDispose]();
      server.close();
      server.closeAllConnections();
    },
  };
}
