import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Stream } from '@libp2p/interface';
import { afterEach, expect, it, vi } from 'vitest';
import type { Digest } from '../../src/content/digest.ts';
import { giveBack, takeChunkBuffer } from '../../src/content/buffers.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import { openLane } from '../../src/p2p/fetch/ask-lane.ts';
import { openHost } from '../../src/p2p/host/host.ts';
import { openBucket } from '../../src/p2p/wire/bucket.ts';
import { BLOB_PROTOCOL, formatBlobRequest, LENGTH_LIMIT } from '../../src/p2p/wire/wire.ts';
import { someone } from '../support/peer-hosts.ts';

const MiB = 2 ** 20;

let child: ChildProcess | undefined;
afterEach(async () => {
  if (child?.connected) {
    child.disconnect();
    await once(child, 'exit');
  }
});

/** Starts a process that gives 64 MiB. */
async function giving(): Promise<{ name: string; addresses: string[]; sha256: Digest }> {
  child = fork(join(import.meta.dirname, '../fixtures/giver.ts'));
  const [said] = (await once(child, 'message')) as [{ name: string; addresses: string[]; sha256: Digest }];
  return said;
}

/** How much memory it takes, in bytes. */
async function memory(): Promise<number> {
  child!.send('memory');
  return ((await once(child!, 'message')) as [number])[0];
}

it('A peer that asks for all it may on every lane, and reads nothing, takes little memory', async () => {
  const { name, addresses, sha256 } = await giving();
  const before = await memory();
  const takers = await Promise.all(Array.from({ length: 2 }, () => openHost({ identity: someone() })));
  const streams: Stream[] = [];
  for (const taker of takers) {
    const connection = await taker.dial(name, addresses, { deadlineMs: 20_000 });
    for (let i = 0; i < 8; i++) {
      const stream = await connection!.newStream(BLOB_PROTOCOL);
      stream.pause();
      for (let n = 0; n < 8; n++)
        stream.send(
          formatBlobRequest({
            kind: 'bytes',
            digest: sha256,
            offset: n * LENGTH_LIMIT,
            length: LENGTH_LIMIT,
          }),
        );
      streams.push(stream);
    }
  }
  // As much of the first answer as a stream takes has come on each, but for those that wait for their turn.
  const served = (): number => streams.filter(({ readBufferLength }) => readBufferLength > 200_000).length;
  await vi.waitFor(() => expect(served()).toBe(2 * 4), { timeout: 30_000, interval: 20 });
  const grown = (await memory()) - before;
  await Promise.all(takers.map((taker) => taker[Symbol.asyncDispose]()));
  // 512 MiB were asked for.
  expect(grown / MiB).toBeLessThan(48);
});

it('Whoever receives takes little memory, however much comes', async () => {
  const { name, addresses, sha256 } = await giving();
  await using taker = await openHost({ identity: someone() });
  const connection = await taker.dial(name, addresses, { deadlineMs: 20_000 });
  const lane = await openLane(connection!, {
    clock: monotonicClock,
    download: openBucket(undefined, 0, monotonicClock),
    memory: takeChunkBuffer,
  });
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let came = 0; came < 256 * MiB; came += MiB) {
    giveBack(await lane.fetch(sha256, came % (64 * MiB), MiB));
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  lane.close();
  // V8 itself looks for what nobody needs any more when it is 64 MB.
  expect(most / MiB).toBeLessThan(32);
});
