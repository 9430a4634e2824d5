import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe } from 'vitest';
import { openUpstreams } from '../../src/proxy/upstream.ts';
import { upstreamSource } from '../../src/proxy/upstream-source.ts';
import { sourceConformance } from '../conformance/source.ts';

describe.each([
  ['an upstream that knows ranges', true],
  ['an upstream that ignores them', false],
])('%s', (_, ranges) => {
  sourceConformance(async (content) => {
    const server = createServer(({ headers }, response) => {
      const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec((ranges && headers.range) || '') ?? [];
      const last = Math.min(to ? Number(to) : Infinity, content.byteLength - 1);
      const body = content.subarray(Number(from), last + 1);
      const total = content.byteLength;
      if (ranges && headers.range)
        response.writeHead(206, { 'content-range': `bytes ${from}-${last}/${total}` });
      else response.setHeader('content-length', total);
      response.end(body);
    }).listen(0, '127.0.0.1');
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
  });
});
