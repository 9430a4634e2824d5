/**
 * What a peer may do to a node that asks it.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Connection, Stream } from '@libp2p/interface';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Digest } from '../../src/content/digest.ts';
import { openHaveAsker } from '../../src/p2p/find/ask-have.ts';
import { openLane } from '../../src/p2p/fetch/ask-lane.ts';
import { openBucket } from '../../src/p2p/wire/bucket.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import { type Host, openHost } from '../../src/p2p/host/host.ts';
import type { Lane } from '../../src/p2p/wire/lane.ts';
import {
  BLOB_PROTOCOL,
  type BlobAnswer,
  formatBlobAnswer,
  formatHaveAnswer,
  frame,
  HAVE_PROTOCOL,
  parseHaveQuestion,
} from '../../src/p2p/wire/wire.ts';
import { someone } from '../support/peer-hosts.ts';
import { testClock } from '../support/test-clock.ts';

const SOON = { timeout: 30_000, interval: 5 };
const wanted: Digest = `sha256:${'0'.repeat(64)}`;
const unlimited = openBucket(undefined, 0, monotonicClock);
const options = { clock: monotonicClock, download: unlimited };

const hundred = Buffer.alloc(100, 7);
const start = (part: Partial<BlobAnswer> = {}): Uint8Array =>
  formatBlobAnswer({ status: 'here', size: 1000, available: 1000, length: 100, ...part });

describe('a node that asks', () => {
  const hosts: Host[] = [];
  afterEach(async () => {
    for (const each of hosts.splice(0)) await each[Symbol.asyncDispose]();
  });

  /** Connects with a peer that does this with each message on such a stream; the message is a request of at most 47 bytes. */
  async function peer(
    protocol: string,
    does: (stream: Stream, message: Uint8Array, nth: number) => void,
    begins: (stream: Stream) => void = () => {},
  ): Promise<Connection> {
    const listen = ['/ip4/127.0.0.1/tcp/0'];
    const [one, other] = await Promise.all([
      openHost({ identity: someone(), listen }),
      openHost({ identity: someone() }),
    ]);
    hosts.push(other, one);
    let nth = 0;
    await one.libp2p.handle(protocol, (stream) => {
      begins(stream);
      stream.addEventListener('message', ({ data }) => does(stream, data.subarray(), nth++));
    });
    return (await other.dial(one.name, one.addresses(), { deadlineMs: 20_000 }))!;
  }
  const laneTo = async (does: (stream: Stream, message: Uint8Array, nth: number) => void): Promise<Lane> =>
    openLane(await peer(BLOB_PROTOCOL, does), options);

  describe('names it when a peer', () => {
    it.each([
      ['gives fewer bytes than asked for', [start({ length: 99 })]],
      ['gives more bytes than asked for', [start({ length: 101 })]],
      ['gives bytes that it says it has not', [start({ available: 99 })]],
      ['sends something after its answer', [start(), hundred, Buffer.alloc(1)]],
      ['sends a second answer', [start(), hundred, start(), hundred]],
      [
        'sends something after it has said that it has nothing',
        [start({ status: 'none', length: 0 }), hundred],
      ],
    ])('lies: it %s', async (_, bytes) => {
      const lane = await laneTo((stream) => stream.send(Buffer.concat(bytes)));
      await lane.fetch(wanted, 0, 100).catch(() => undefined);
      await vi.waitFor(() => expect(lane.open).toBe(false), SOON);
      await expect(lane.fetch(wanted, 0, 100)).rejects.toMatchObject({ kind: 'lied', peer: lane.peer });
    });

    it('lies: it gives what was asked for, and says that all is of another length than before', async () => {
      const lane = await laneTo((stream, _, nth) =>
        stream.send(Buffer.concat([start({ size: 1000 + nth }), hundred])),
      );
      expect(await lane.fetch(wanted, 0, 100)).toHaveLength(100);
      await expect(lane.fetch(wanted, 0, 100)).rejects.toMatchObject({ kind: 'lied' });
    });

    it('lies: it sends something before it was asked anything', async () => {
      const connection = await peer(
        BLOB_PROTOCOL,
        () => {},
        (stream) => stream.send(Buffer.alloc(1)),
      );
      const lane = await openLane(connection, options);
      await vi.waitFor(() => expect(lane.open).toBe(false), SOON);
      await expect(lane.fetch(wanted, 0, 100)).rejects.toMatchObject({ kind: 'lied' });
    });

    it.each([
      ['is of no kind', Buffer.alloc(21, 9)],
      ['is about more than there may be', start({ length: 100, size: 5, available: 7 })],
    ])('sends what is no answer: it %s', async (_, bytes) => {
      const lane = await laneTo((stream) => stream.send(bytes));
      await expect(lane.fetch(wanted, 0, 100)).rejects.toMatchObject({ kind: 'malformed' });
      expect(lane.open).toBe(false);
    });

    it.each([
      ['closes the stream instead of an answer', (stream: Stream) => void stream.close()],
      ['resets it instead', (stream: Stream) => stream.abort(new Error('away'))],
      [
        'ends in the middle of an answer',
        (stream: Stream) => {
          stream.send(start());
          stream.send(hundred.subarray(1));
          void stream.close();
        },
      ],
    ])('cuts: it %s', async (_, does) => {
      const lane = await laneTo(does);
      const all = await Promise.allSettled([1, 2, 3].map(() => lane.fetch(wanted, 0, 100)));
      expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(all).toMatchObject([
        { reason: { kind: 'cut' } },
        { reason: { kind: 'cut' } },
        { reason: { kind: 'cut' } },
      ]);
      expect(lane.open).toBe(false);
    });

    it('is slow: it answers nothing, or less than 64 KiB in a second', async () => {
      for (const drip of [0, 30_000]) {
        const clock = testClock();
        const streams: Stream[] = [];
        const connection = await peer(BLOB_PROTOCOL, (stream) => {
          streams.push(stream);
          if (drip) stream.send(start({ size: 2 ** 22, available: 2 ** 22, length: 2 ** 22 }));
        });
        const lane = await openLane(connection, { clock, download: unlimited });
        const fetching = lane.fetch(wanted, 0, 2 ** 22).catch((error: unknown) => error);
        await vi.waitFor(() => expect(streams).toHaveLength(1), SOON);
        for (let second = 0; second < 9; second++) {
          if (drip) streams[0]!.send(Buffer.alloc(drip));
          await settle(connection);
          await clock.pass(1000);
        }
        expect(lane.open).toBe(true);
        for (let second = 0; second < 15 && lane.open; second++) {
          if (drip) streams[0]!.send(Buffer.alloc(drip));
          await settle(connection);
          await clock.pass(1000);
        }
        expect(await fetching).toMatchObject({ kind: 'slow' });
      }
    });

    it('answers a question that was not asked, or another number of digests', async () => {
      const { ask } = openHaveAsker(monotonicClock);
      for (const [kind, answers] of [
        ['lied', (id: number) => formatHaveAnswer({ id: id + 1, holdings: [undefined], hints: [] })],
        ['lied', (id: number) => formatHaveAnswer({ id, holdings: [], hints: [] })],
        ['malformed', () => Buffer.alloc(9, 1)],
      ] as const) {
        const connection = await peer(HAVE_PROTOCOL, (stream, message) => {
          stream.send(frame(answers(parseHaveQuestion(message.subarray(4)).id)));
        });
        await expect(ask(connection, [wanted])).rejects.toMatchObject({ kind });
      }
    });

    it('does not answer a question, or ends instead; and asks again on another stream', async () => {
      const clock = testClock();
      const { ask } = openHaveAsker(clock);
      const connection = await peer(HAVE_PROTOCOL, (stream, message, nth) => {
        if (nth === 1) void stream.close();
        const { id } = parseHaveQuestion(message.subarray(4));
        if (nth === 2)
          stream.send(frame(formatHaveAnswer({ id, holdings: [{ size: 1, available: 1 }], hints: [] })));
      });
      const first = ask(connection, [wanted]).catch((error: unknown) => error);
      await settle(connection);
      await vi.waitFor(async () => {
        await clock.pass(1000);
        expect(clock.now()).toBeGreaterThan(12_000);
      }, SOON);
      expect(await first).toMatchObject({ kind: 'slow' });
      await expect(ask(connection, [wanted])).rejects.toMatchObject({ kind: 'cut' });
      expect((await ask(connection, [wanted])).holdings).toEqual([{ size: 1, available: 1 }]);
    });

    it('does not speak the protocol', async () => {
      const connection = await peer('/other/1', () => {});
      await expect(openLane(connection, options)).rejects.toMatchObject({ kind: 'cut' });
      await expect(openHaveAsker(monotonicClock).ask(connection, [])).rejects.toMatchObject({ kind: 'cut' });
    });
  });

  it('goes on after it has given up a request, and drops what comes for it', async () => {
    const over = new AbortController();
    const lane = await laneTo((stream, _, nth) => {
      if (nth === 0) over.abort('enough');
      stream.send(Buffer.concat([start(), Buffer.alloc(100, nth)]));
    });
    await expect(lane.fetch(wanted, 0, 100, { signal: over.signal })).rejects.toBe('enough');
    expect(await lane.fetch(wanted, 0, 100)).toEqual(Buffer.alloc(100, 1));
    await expect(lane.fetch(wanted, 0, 100, { signal: over.signal })).rejects.toBe('enough');
    lane.close();
  });

  it('has no more than 16 requests and 16 MiB on their way', async () => {
    let asked = 0;
    const lane = await laneTo((_, message) => {
      asked += message.byteLength / 47;
    });
    const fetching = Array.from({ length: 20 }, () => lane.fetch(wanted, 0, 100).catch(() => 'over'));
    await vi.waitFor(() => expect(asked).toBe(16), SOON);
    lane.close();
    expect(new Set(await Promise.all(fetching))).toEqual(new Set(['over']));
    asked = 0;
    const other = await laneTo((_, message) => {
      asked += message.byteLength / 47;
    });
    const large = Array.from({ length: 6 }, () => other.fetch(wanted, 0, 2 ** 22).catch(() => 'over'));
    await vi.waitFor(() => expect(asked).toBe(4), SOON);
    other.close();
    expect(new Set(await Promise.all(large))).toEqual(new Set(['over']));
  });

  it('takes no more than its limit', async () => {
    const clock = testClock();
    let came = 0;
    const answer = Buffer.concat([
      start({ size: 2 ** 20, available: 2 ** 20, length: 2 ** 16 }),
      randomBytes(2 ** 16),
    ]);
    const connection = await peer(BLOB_PROTOCOL, (stream, message) => {
      for (let i = 0; i < message.byteLength; i += 47) stream.send(answer);
    });
    const lane = await openLane(connection, { clock, download: openBucket(2 ** 18, 100, clock) });
    const all = Array.from({ length: 16 }, () => lane.fetch(wanted, 0, 2 ** 16).then(() => came++));
    const passed = async (seconds: number): Promise<void> => {
      await settle(connection);
      await clock.pass(seconds * 1000 - clock.now());
    };
    await passed(2);
    await vi.waitFor(() => expect(came).toBeGreaterThan(3), SOON);
    expect(came).toBeLessThanOrEqual(12);
    await vi.waitFor(async () => {
      await clock.pass(500);
      expect(came).toBe(16);
    }, SOON);
    await Promise.all(all);
    // 1 MiB, at 256 KiB in a second, of which the first 4 requests went in one go.
    expect(clock.now()).toBeGreaterThanOrEqual(3000);
    lane.close();
  });
});

/** Resolves once whatever was sent before has come. */
async function settle(connection: Connection): Promise<void> {
  const stream = await connection.newStream('/ipfs/ping/1.0.0');
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.addEventListener('message', () => resolve());
  stream.send(randomBytes(32));
  await promise;
  stream.abort(new Error('settled'));
}
