/**
 * Sockets whose bytes are only passed on, in memory that is used again (`content/buffers.ts`). What Node reads otherwise
 * is new memory each time, and for a gigabyte of it the whole heap is searched for garbage more than a hundred times.
 *
 * @module
 */
import { Socket } from 'node:net';
import { giveBack, takeBuffer } from '../content/buffers.ts';

/** How much may wait until it can be written: 512 KiB. */
const WAITING_LIMIT = 2 ** 19;

/** Takes what was read. It belongs to whoever takes it, who may give it back by calling `done`, once. */
export type Take = (bytes: Buffer, done: () => void) => void;

/** What a socket that hands over what it reads is opened with. */
export interface Reading {
  readonly onread: {
    readonly buffer: () => Buffer;
    readonly callback: (size: number, buffer: Buffer) => boolean;
  };
}

/** Reads for `take`. */
export function reading(take: Take): Reading {
  return {
    onread: {
      buffer: () => Buffer.from(takeBuffer().buffer),
      callback(size, buffer) {
        take(buffer.subarray(0, size), () => giveBack(buffer));
        return true;
      },
    },
  };
}

/**
 * The same connection as a socket that hands over what it reads. Node has that for connections that it opens, and
 * none for those that a server accepts, though they are the same below; where they are not, it reads as it always does.
 */
export function handingOver(accepted: Socket, take: Take): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null)
    return accepted.on('data', (bytes: Buffer) => take(bytes, () => undefined)).resume();
  const options: object = { handle, allowHalfOpen: true, ...reading(take) };
  return new Socket(options);
}

/** Writes bytes from one socket to another, and has the one wait where the other is slower. */
export function passOn(bytes: Buffer, done: () => void, from: Socket, to: Socket): void {
  to.write(bytes, done);
  if (to.writableLength <= WAITING_LIMIT || from.isPaused()) return;
  from.pause();
  to.once('drain', () => void from.resume());
}
