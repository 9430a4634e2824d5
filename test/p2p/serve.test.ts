/**
 * What peers may do to a node that gives.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, Stream } from '@libp2p/interface';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Digest } from '../../src/content/digest.ts';
import { openHaveAsker } from '../../src/p2p/find/ask-have.ts';
import { openLane } from '../../src/p2p/fetch/ask-lane.ts';
import { openBucket } from '../../src/p2p/wire/bucket.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import {
  BLOB_PROTOCOL,
  type BlobRequest,
  formatBlobRequest,
  formatHaveQuestion,
  frame,
  HAVE_PROTOCOL,
  parseBlobAnswer,
} from '../../src/p2p/wire/wire.ts';
import { type Giver, giver } from '../support/peer-hosts.ts';
import { testClock } from '../support/test-clock.ts';

const MiB = 2 ** 20;
/** Longer than any of this takes, on a machine that does other things as well. */
const SOON = { timeout: 30_000, interval: 5 };
const unknown: Digest = `sha256:${'0'.repeat(64)}`;
const lanes = { clock: monotonicClock, download: openBucket(undefined, 0, monotonicClock) };

describe('a node that gives', () => {
  const givers: Giver[] = [];
  const start = async (...args: Parameters<typeof giver>): Promise<Giver> => {
    const one = await giver(...args);
    givers.push(one);
    return one;
  };
  afterEach(async () => {
    for (const each of givers.splice(0)) await each[Symbol.asyncDispose]();
  });

  describe('never answers', () => {
    it('what it does not offer, or does not offer to this peer', async () => {
      let friend = false;
      const one = await start({ gives: () => friend });
      const sha256 = await one.offer(randomBytes(100));
      const connection = await one.connect();
      const lane = await openLane(connection, lanes);
      const { ask } = openHaveAsker(monotonicClock);
      await expect(lane.fetch(sha256, 0, 100)).rejects.toMatchObject({ kind: 'none' });
      await expect(lane.list(sha256)).resolves.toBeUndefined();
      expect(lane.available(sha256)).toBeUndefined();
      expect((await ask(connection, [sha256])).holdings).toEqual([undefined]);
      friend = true;
      await expect(lane.fetch(sha256, 0, 100)).resolves.toHaveLength(100);
      await expect(lane.fetch(unknown, 0, 100)).rejects.toMatchObject({ kind: 'none' });
    });

    it('with bytes that the file does not have any more', async () => {
      const one = await start();
      const [gone, short] = await Promise.all([1, 2].map(() => one.offer(randomBytes(300_000))));
      const lane = await openLane(await one.connect(), lanes);
      const path = (sha256: Digest): string => one.offers.get(sha256)!.path;
      await lane.fetch(short!, 0, 300_000);
      await rm(path(gone!));
      await truncate(path(short!), 100);
      for (const length of [10, 200_000]) {
        await expect(lane.fetch(gone!, 100, length)).rejects.toMatchObject({ kind: 'none' });
        await expect(lane.fetch(short!, 100, length)).rejects.toMatchObject({ kind: 'none' });
      }
      expect(await lane.fetch(short!, 0, 100)).toHaveLength(100);
      // What is only found out on the way cannot be taken back.
      await expect(lane.fetch(short!, 0, 290_000)).rejects.toMatchObject({ kind: 'none' });
      await writeFile(path(short!), randomBytes(250_000));
      await expect(lane.fetch(short!, 0, 290_000)).rejects.toMatchObject({ kind: 'cut' });
    });
  });

  describe('closes the stream of a peer that', () => {
    it('sends what is no request', async () => {
      for (const bytes of [
        randomBytes(200),
        request({ length: 4 * MiB + 1 }),
        request({ length: 0 }),
        request({ kind: 'list', offset: 5 }),
      ]) {
        const one = await start();
        const { stream, closed } = await raw(await one.connect(), BLOB_PROTOCOL);
        stream.send(bytes);
        await closed;
        expect(one.faults).toMatchObject([{ kind: 'malformed' }]);
      }
    });

    it('asks for 65 things before it has one', async () => {
      const one = await start({ lists: () => new Promise(() => {}) });
      const sha256 = await one.offer(randomBytes(100));
      const connection = await one.connect();
      const [lane, other] = [await raw(connection, BLOB_PROTOCOL), await raw(connection, BLOB_PROTOCOL)];
      for (let i = 0; i < 32; i++) {
        lane.stream.send(request({ kind: 'list', digest: sha256 }));
        other.stream.send(request({ kind: 'list', digest: sha256 }));
      }
      await heard(connection);
      expect([lane.stream.status, other.stream.status]).toEqual(['open', 'open']);
      other.stream.send(request({ digest: sha256 }));
      await other.closed;
      expect(one.faults).toMatchObject([{ kind: 'flood' }]);
      expect(lane.stream.status).toBe('open');
      // Those that waited there do so no longer.
      for (let i = 0; i < 32; i++) lane.stream.send(request({ digest: sha256 }));
      await heard(connection);
      expect(lane.stream.status).toBe('open');
    });

    it('sends requests faster than they are read', async () => {
      const one = await start({ lists: () => new Promise(() => {}) });
      const { stream, closed } = await raw(await one.connect(), BLOB_PROTOCOL);
      stream.send(Buffer.concat(Array.from({ length: 4000 }, () => request({}))));
      await closed;
      expect(one.faults).toMatchObject([{ kind: 'flood' }]);
    });

    it('opens a ninth lane, until one of them ends', async () => {
      const one = await start();
      const connection = await one.connect();
      // More than one connection does not make it more.
      const all = await Promise.all(Array.from({ length: 8 }, () => raw(connection, BLOB_PROTOCOL)));
      const { closed } = await raw(connection, BLOB_PROTOCOL);
      await closed;
      expect(all.map(({ stream }) => stream.status)).toEqual(Array.from({ length: 8 }, () => 'open'));
      all[3]!.stream.abort(new Error('enough'));
      await vi.waitFor(async () => {
        const lane = await openLane(connection, lanes);
        await expect(lane.fetch(unknown, 0, 1)).rejects.toMatchObject({ kind: 'none' });
      }, SOON);
    });

    it('takes nothing of what it asked for', async () => {
      const clock = testClock();
      const one = await start({ clock });
      const sha256 = await one.offer(randomBytes(4 * MiB));
      const { stream, closed } = await raw(await one.connect(), BLOB_PROTOCOL);
      stream.pause();
      stream.send(request({ digest: sha256, length: 4 * MiB }));
      await vi.waitFor(() => expect(stream.readBufferLength).toBeGreaterThan(100_000), SOON);
      await clock.pass(9000);
      expect(one.faults).toEqual([]);
      await clock.pass(3000);
      await closed;
      expect(one.faults).toMatchObject([{ kind: 'slow' }]);
    });

    it('asks nothing for half a minute, or lets a byte of a request drip now and then', async () => {
      const clock = testClock();
      const one = await start({ clock });
      const connection = await one.connect();
      const [quiet, drips] = [await raw(connection, BLOB_PROTOCOL), await raw(connection, BLOB_PROTOCOL)];
      const have = await raw(connection, HAVE_PROTOCOL);
      const bytes = request({});
      for (let i = 0; i < 3; i++) {
        drips.stream.send(bytes.subarray(i, i + 1));
        have.stream.send(Buffer.alloc(1));
        await heard(connection);
        await clock.pass(9000);
      }
      expect([quiet, drips, have].map(({ stream }) => stream.status)).toEqual(['open', 'open', 'open']);
      await clock.pass(5000);
      await Promise.all([quiet.closed, drips.closed, have.closed]);
      expect(one.faults).toEqual([]);
    });

    it('asks what there is in frames that are none', async () => {
      for (const bytes of [
        Buffer.from('00010001', 'hex'),
        Buffer.alloc(4),
        frame(randomBytes(100)),
        frame(
          formatHaveQuestion({ id: 1, delegate: false, digests: Array.from({ length: 257 }, () => unknown) }),
        ),
      ]) {
        const one = await start();
        const { stream, closed } = await raw(await one.connect(), HAVE_PROTOCOL);
        stream.send(bytes);
        await closed;
        expect(one.faults).toMatchObject([{ kind: 'malformed' }]);
      }
    });

    it('asks what there is faster than it is answered', async () => {
      const one = await start({ clock: testClock() });
      const connection = await one.connect();
      const { stream, closed } = await raw(connection, HAVE_PROTOCOL);
      const digests = Array.from({ length: 256 }, () => unknown);
      const question = frame(formatHaveQuestion({ id: 1, delegate: false, digests }));
      for (let i = 0; i < 20; i++) {
        stream.send(question);
        await heard(connection);
      }
      expect(stream.status).toBe('open');
      for (let i = 0; i < 20 && stream.status === 'open'; i++) {
        stream.send(question);
        await heard(connection);
      }
      await closed;
      expect(one.faults).toMatchObject([{ kind: 'flood' }]);
    });
  });

  it('answers 20 questions at once, and then 20 in a second', async () => {
    const clock = testClock();
    const one = await start({ clock });
    const connection = await one.connect();
    const { ask } = openHaveAsker(monotonicClock);
    let answered = 0;
    const all = Array.from({ length: 26 }, () => ask(connection, [unknown]).then(() => answered++));
    await vi.waitFor(() => expect(answered).toBe(20), SOON);
    await heard(connection);
    expect(answered).toBe(20);
    for (const more of [1, 2, 3]) {
      await clock.pass(50);
      await vi.waitFor(() => expect(answered).toBe(20 + more), SOON);
    }
    await clock.pass(1000);
    await Promise.all(all);
  });

  it('answers whoever has ended his side, and ends then', async () => {
    const one = await start();
    const bytes = randomBytes(1_000_000);
    const sha256 = await one.offer(bytes);
    const { stream, closed, came } = await raw(await one.connect(), BLOB_PROTOCOL);
    for (let i = 0; i < 4; i++)
      stream.send(request({ digest: sha256, offset: i * 250_000, length: 250_000 }));
    await stream.close();
    await closed;
    const answers = Buffer.concat(came);
    expect(answers).toHaveLength(4 * (21 + 250_000));
    expect(parseBlobAnswer(answers.subarray(-250_021, -250_000))).toMatchObject({ size: 1_000_000 });
    expect(answers.subarray(-250_000).equals(bytes.subarray(-250_000))).toBe(true);
    expect(one.faults).toEqual([]);
  });

  it('is left with nothing by whoever goes away in the middle', async () => {
    const one = await start();
    const sha256 = await one.offer(randomBytes(4 * MiB));
    const connection = await one.connect();
    for (const goes of [
      (stream: Stream) => stream.send(request({}).subarray(0, 20)),
      (stream: Stream) => stream.send(request({ digest: sha256, length: 4 * MiB })),
    ]) {
      const { stream } = await raw(connection, BLOB_PROTOCOL);
      stream.pause();
      goes(stream);
      await heard(connection);
      stream.abort(new Error('away'));
    }
    await vi.waitFor(async () => expect(await openFilesIn(one.directory)).toEqual([]), SOON);
    const lane = await openLane(connection, lanes);
    expect(await lane.fetch(sha256, 0, 10)).toHaveLength(10);
    expect(one.faults).toEqual([]);
  });

  it('sends no more than its limit, and says that it is busy where that would take too long', async () => {
    const one = await start({ upload: 2_000_000 });
    const sha256 = await one.offer(randomBytes(3 * MiB));
    const [lane, other] = await Promise.all([1, 2].map(async () => openLane(await one.connect(), lanes)));
    const started = performance.now();
    await Promise.all([lane!.fetch(sha256, 0, 2 * MiB), other!.fetch(sha256, 0, MiB)]);
    const seconds = (performance.now() - started) / 1000;
    expect((3 * MiB) / seconds / 2_000_000).toBeLessThan(1.1);
    const slow = await start({ upload: 50_000 });
    const large = await slow.offer(randomBytes(2 * MiB));
    const third = await openLane(await slow.connect(), lanes);
    await expect(third.fetch(large, 0, 2 * MiB)).rejects.toMatchObject({ kind: 'busy' });
    expect(await third.fetch(large, 0, 2000)).toHaveLength(2000);
  });
});

/** A request as bytes, which may be none. */
function request(part: Partial<BlobRequest>): Uint8Array {
  return formatBlobRequest({ kind: 'bytes', digest: unknown, offset: 0, length: 1000, ...part });
}

/** A stream, what comes on it, and when it ends. */
async function raw(
  connection: Connection,
  protocol: string,
): Promise<{ readonly stream: Stream; readonly closed: Promise<void>; readonly came: Uint8Array[] }> {
  const stream = await connection.newStream(protocol);
  const { promise, resolve } = Promise.withResolvers<void>();
  const came: Uint8Array[] = [];
  stream.addEventListener('message', ({ data }) => came.push(data.subarray()));
  stream.addEventListener('close', () => resolve());
  if (stream.status !== 'open') resolve();
  return { stream, closed: promise, came };
}

/** Resolves once the other side has got, and had time to answer, what was sent before. */
async function heard(connection: Connection): Promise<void> {
  const lane = await connection.newStream('/ipfs/ping/1.0.0');
  const { promise, resolve } = Promise.withResolvers<void>();
  lane.addEventListener('message', () => resolve());
  lane.send(randomBytes(32));
  await promise;
  lane.abort(new Error('heard'));
  await delay(10);
}

/** Which files in a directory this process has open. */
async function openFilesIn(directory: string): Promise<string[]> {
  const all = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return all.filter((path) => path.startsWith(directory));
}
