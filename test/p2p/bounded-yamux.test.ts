import { fc, test } from '@fast-check/vitest';
import type { Connection, MessageStream } from '@libp2p/interface';
import { describe, expect, it, vi } from 'vitest';
import { frameWatcher, MUXER_FRAME_LIMIT } from '../../src/p2p/host/bounded-yamux.ts';
import { giver } from '../support/peer-hosts.ts';

const DATA = 0;
const WINDOW = 1;
const SOON = { timeout: 30_000, interval: 5 };

function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes[1] = type;
  bytes.writeUInt32BE(length, 8);
  return bytes;
}

describe('yamux', () => {
  it('cuts off whoever announces a frame that would fill the memory, before it comes', async () => {
    await using one = await giver();
    const connection = await one.connect();
    await vi.waitFor(() => expect(one.host.libp2p.getConnections()).toHaveLength(1), SOON);
    socketOf(connection).send(header(DATA, 2 ** 31));
    await vi.waitFor(() => expect(one.host.libp2p.getConnections()).toEqual([]), SOON);
  });

  test.prop([
    fc.array(fc.tuple(fc.constantFrom(DATA, WINDOW), fc.constantFrom(0, 1, 11, 12, 13, 700)), {
      maxLength: 20,
    }),
    fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
    fc.boolean(),
  ])('sees each frame, however it is cut up', (frames, cuts, isEvil) => {
    const bytes = Buffer.concat([
      ...frames.flatMap(([type, length]) => [
        header(type, length),
        Buffer.alloc(type === DATA ? length : 0, 255),
      ]),
      // What is no data may have any number there.
      header(WINDOW, 2 ** 32 - 1),
      header(DATA, MUXER_FRAME_LIMIT + Number(isEvil)),
    ]);
    const isTooLong = frameWatcher();
    const said: boolean[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + cuts.next().value;
      said.push(isTooLong(bytes.subarray(at, end)));
      at = end;
    }
    expect(said.slice(0, -1)).not.toContain(true);
    expect(said.at(-1)).toBe(isEvil);
  });
});

/** What a connection's muxer sends its frames on. */
function socketOf(connection: Connection): MessageStream {
  return (connection as unknown as { muxer: { maConn: MessageStream } }).muxer.maConn;
}
