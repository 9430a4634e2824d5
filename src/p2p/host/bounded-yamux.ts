/**
 * yamux whose frames are bounded. libp2p's own (`@libp2p/yamux` 8.0.3) gathers a frame in memory before it looks whether
 * it may be as long as it says, and it may say 4 GiB.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md
 * @module
 */
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface';
import { serviceCapabilities } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';

/** How long a frame may be in bytes, without its header. A stream takes half of that before the other side has heard from us. */
export const MUXER_FRAME_LIMIT = 512 * 2 ** 10;

const HEADER = 12;
/** Where the header has the frame's type, and the length of what follows in frames with data. */
const TYPE = 1;
const LENGTH = 8;
const DATA = 0;

/** A component of libp2p's. Whoever announces a longer frame is cut off. */
export function boundedYamux(): () => StreamMuxerFactory {
  const make = yamux();
  return () => {
    const factory = make();
    return {
      protocol: factory.protocol,
      [Symbol.toStringTag]: 'bounded-yamux',
      [serviceCapabilities]: ['@libp2p/stream-multiplexing'],
      createStreamMuxer(connection: MessageStream) {
        const isTooLong = frameWatcher();
        // Before that of the muxer, which is called all the same, but for the last time.
        connection.addEventListener('message', ({ data }) => {
          for (const chunk of data instanceof Uint8Array ? [data] : data)
            if (isTooLong(chunk)) return connection.abort(new Error('It announces a frame that is too long'));
        });
        return factory.createStreamMuxer(connection);
      },
    };
  };
}

/** Says of each part of what comes whether a frame that begins in it is longer than it may be. */
export function frameWatcher(): (chunk: Uint8Array) => boolean {
  const header = Buffer.alloc(HEADER);
  let filled = 0;
  let left = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.byteLength;) {
      const skipped = Math.min(left, chunk.byteLength - at);
      left -= skipped;
      at += skipped;
      const part = chunk.subarray(at, at + HEADER - filled);
      if (left > 0 || part.byteLength === 0) continue;
      header.set(part, filled);
      filled += part.byteLength;
      at += part.byteLength;
      if (filled < HEADER) continue;
      filled = 0;
      if (header[TYPE] === DATA) left = header.readUInt32BE(LENGTH);
      if (left > MUXER_FRAME_LIMIT) return true;
    }
    return false;
  };
}
