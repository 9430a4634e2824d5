/**
 * Where the bytes of a connection land. Node allocates 64 KiB for whatever a socket reads, and what is allocated at
 * the rate of a fast line has V8 mark its whole heap all the time. Here a long answer lands in memory that is used
 * again, one read behind the other; what is short is copied out of a place that all connections share.
 *
 * @module
 */
import type { Socket } from 'node:net';
import { giveBack, PIECE, takeBufferInParts } from '../content/buffers.ts';

/** What comes after so many bytes without a question in between belongs to a body that is passed on in pieces: 128 KiB. */
const LONG = 2 ** 17;
/** Where less is left of a buffer another one is taken: 64 KiB. */
const ROOM = 2 ** 16;

/** A read ends before the next one of any connection begins. */
let common: Uint8Array | undefined;

/** Where reads go, and what becomes of them; as `onread` of a connection. */
export interface Landing {
  buffer(this: void): Uint8Array;
  callback(this: void, length: number): boolean;
}

/** The landing of a connection, which is there when its first byte is. */
export function landingOf(connection: () => Pick<Socket, 'push' | 'bytesWritten'>): Landing {
  let own: Uint8Array | undefined;
  let at = 0;
  let come = 0;
  let asked = 0;

  /** Where the next read lands; the bytes that no read has room for are given back. */
  const room = (): Uint8Array => {
    if (own && PIECE - at < ROOM) {
      giveBack(own.subarray(at));
      own = undefined;
    }
    if (!own) [own, at] = [takeBufferInParts(), 0];
    return own.subarray(at);
  };

  return {
    buffer: () => (come > LONG ? room() : (common ??= new Uint8Array(ROOM))),
    callback(length) {
      const socket = connection();
      const place = come > LONG ? own : undefined;
      if (asked !== socket.bytesWritten) [come, asked] = [0, socket.bytesWritten];
      const isLong = come > LONG;
      come += length;
      if (!place) return socket.push(Buffer.from(common!.subarray(0, length)));
      const chunk = Buffer.from(place.buffer, at, length);
      // The beginning of another answer: somebody may keep it for as long as he likes.
      if (!isLong) return socket.push(Buffer.from(chunk));
      at += length;
      return socket.push(chunk);
    },
  };
}
