import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Incoming, readerOf } from '../../src/proxy/docker-reader.ts';
import { handingOver, passOn } from '../../src/proxy/pieces.ts';

const LARGE = randomBytes(8 * 2 ** 20);

describe('What is only passed on', () => {
  let root: string;
  let server: Server;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'pieces-'));
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await once(server.listen(join(root, 'socket')), 'listening');
  });
  afterEach(() => {
    server.close();
    rmSync(root, { recursive: true });
  });

  /** Both ends of a connection. */
  const open = async (): Promise<{ readonly client: Socket; readonly accepted: Socket }> => {
    const client = connect({ path: join(root, 'socket'), allowHalfOpen: true });
    const [accepted] = (await once(server, 'connection')) as [Socket];
    return { client, accepted };
  };

  it('waits for whoever is slower, and is what it was', async () => {
    const [from, to] = [await open(), await open()];
    const read = handingOver(from.accepted, (bytes, done) => passOn(bytes, done, read, to.accepted));
    read.once('end', () => to.accepted.end());
    from.client.end(LARGE);
    to.client.pause();
    await expect.poll(() => read.isPaused()).toBe(true);
    expect(to.accepted.writableLength).toBeLessThan(2 ** 20);
    expect((await buffer(to.client)).equals(LARGE)).toBe(true);
    from.client.destroy();
    read.destroy();
  });

  it('is read as always where a connection is of another kind', () => {
    const stranger = new Socket();
    const seen: string[] = [];
    expect(handingOver(stranger, (bytes) => seen.push(bytes.toString()))).toBe(stranger);
    stranger.emit('data', Buffer.from('some'));
    expect(seen).toEqual(['some']);
  });

  describe('by a request’s reader', () => {
    let client: Socket;
    let incoming: Incoming;
    beforeEach(async () => {
      const found = await open();
      client = found.client;
      incoming = readerOf(found.accepted);
    });
    afterEach(() => {
      client.destroy();
      incoming.client.destroy();
    });

    it('is not overwritten while a part of it still waits', async () => {
      client.write('mine and others');
      const released: (() => void)[] = [];
      await incoming.give(
        (_, done) => {
          released.push(done);
          return 4;
        },
        () => released.length > 0,
      );
      released[0]!();
      // Two more, since one lies ready already.
      for (const [text, size] of [
        ['XXXXXXXXXXXXXXX', 30],
        ['YYYYYYYYYYYYYYY', 45],
      ] as const) {
        client.write(text);
        await expect.poll(() => incoming.client.bytesRead).toBe(size);
      }
      client.end();
      await expect.poll(() => incoming.gone.aborted).toBe(true);
      expect(incoming.rest().toString()).toBe(' and othersXXXXXXXXXXXXXXXYYYYYYYYYYYYYYY');
    });

    it('ends with what its user says against it', async () => {
      client.write('bytes');
      const given = incoming.give(() => {
        throw new Error('not like this');
      });
      await expect(given).rejects.toThrow('not like this');
    });
  });
});
