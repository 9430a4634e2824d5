/**
 * Which kind of byte stream should run through the house: 1 GB from a file, hashed, over loopback HTTP,
 * with Node streams, web streams and async iterables, interleaved.
 *
 *     node bench/streams.ts [rounds]
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const rounds = Number(process.argv[2] ?? 5);
const size = 1e9;
const directory = await mkdtemp(join(tmpdir(), 'streams-'));
const file = join(directory, 'content');

async function* hashed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  hash.digest();
}

const ways: readonly (readonly [string, (response: ServerResponse) => Promise<void>])[] = [
  [
    'Node streams',
    async (response) => {
      const hash = createHash('sha256');
      const through = new Transform({
        transform(chunk: Uint8Array, _encoding, done) {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(createReadStream(file), through, response);
    },
  ],
  [
    'web streams',
    async (response) => {
      const hash = createHash('sha256');
      const through = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          hash.update(chunk);
          controller.enqueue(chunk);
        },
      });
      const source = Readable.toWeb(createReadStream(file)) as unknown as ReadableStream<Uint8Array>;
      await source.pipeThrough(through).pipeTo(Writable.toWeb(response) as WritableStream<Uint8Array>);
    },
  ],
  [
    'async iterables',
    async (response) => {
      for await (const chunk of hashed(createReadStream(file))) {
        if (!response.write(chunk)) await once(response, 'drain');
      }
      response.end();
    },
  ],
];

try {
  await pipeline(function* () {
    for (let left = size; left > 0; left -= 1e6) yield Buffer.alloc(1e6, left % 251);
  }, createWriteStream(file));
  const names = ways.map(([name]) => name);
  const server = createServer((request, response) => void ways[Number(request.url?.slice(1))]![1](response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const seconds = names.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i] of names.entries()) {
      const startedAt = performance.now();
      const [reply] = (await once(get({ port, path: `/${i}`, agent: false }), 'response')) as [Readable];
      await once(reply.resume(), 'end');
      if (round >= 0) seconds[i]!.push((performance.now() - startedAt) / 1000);
    }
  }
  server.close();
  for (const [i, name] of names.entries()) {
    const sorted = seconds[i]!.toSorted((a, b) => a - b);
    const [low, middle, high] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!];
    console.log(
      `${name.padEnd(16)} ${(size / middle / 2 ** 20).toFixed(0)} MiB/s  (${low.toFixed(2)}–${high.toFixed(2)} s)`,
    );
  }
} finally {
  await rm(directory, { recursive: true });
}
