/**
 * A slow line to a server on this machine: what passes through it in either direction is delayed, and all
 * connections share so many bits a second. The kernel's own (netem) is not to be had everywhere.
 *
 * A token bucket: a piece of up to 8 KiB leaves when those before it have left, and arrives half a round trip
 * later. Connections take turns, piece by piece. Whoever connects waits for the round trip that TCP would take.
 * Not imitated: loss, and that TCP begins slowly.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const PIECE = 8 * 2 ** 10;

/** How far the bucket fills: timers of a few milliseconds must not cost bandwidth. */
const BURST_MS = 5;

/** What a line is like. */
export interface LineSpec {
  /** Bits a second, each way. */
  readonly bits: number;
  /** From one end to the other and back. */
  readonly roundTripMs: number;
}

/** An open line. */
export interface Line extends AsyncDisposable {
  /** At 127.0.0.1. */
  readonly port: number;
}

/** Opens a line to `port` of 127.0.0.1. */
export async function openLine(port: number, { bits, roundTripMs }: LineSpec): Promise<Line> {
  const sockets = new Set<Socket>();
  const [up, down] = [bucket(bits), bucket(bits)];
  const delay = roundTripMs / 2;

  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    void relay(near, far, up, roundTripMs);
    void relay(far, near, down, 0);
  });

  /** Carries everything from one socket to the other; the first byte waits for `handshakeMs` besides. */
  async function relay(from: Socket, to: Socket, through: Bucket, handshakeMs: number): Promise<void> {
    try {
      if (handshakeMs > 0) await sleep(handshakeMs);
      for await (const chunk of from as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; at += PIECE) {
          const piece = chunk.subarray(at, at + PIECE);
          await through.take(piece.length);
          setTimeout(() => to.writable && to.write(piece), delay);
        }
      }
      setTimeout(() => to.end(), delay);
    } catch {
      to.destroy();
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

interface Bucket {
  /** Resolves when so many bytes have left. */
  take(bytes: number): Promise<void>;
}

function bucket(bits: number): Bucket {
  const bytesPerMs = bits / 8 / 1000;
  let freeAt = 0;
  return {
    async take(bytes) {
      const now = performance.now();
      freeAt = Math.max(now - BURST_MS, freeAt) + bytes / bytesPerMs;
      if (freeAt > now) await sleep(freeAt - now);
    },
  };
}
