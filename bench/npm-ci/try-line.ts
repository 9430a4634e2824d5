/**
 * What a slow line delivers on this machine.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type LineSpec, openLine } from './line.ts';

const CONNECTIONS = 4;

/** What was measured. */
export interface Tried {
  readonly mbits: number;
  readonly roundTripMs: number;
}

/** Opens a line, and has as much come through it, by four connections, as half a second should take. */
export async function tryLine(spec: LineSpec): Promise<Tried> {
  const share = Math.round(spec.bits / 8 / 2 / CONNECTIONS);
  const server = createServer((socket) => {
    // Two bytes are given back, one by one; the third asks for content.
    let asked = 0;
    socket.on('error', () => {});
    socket.on('data', () => ((asked += 1) < 3 ? socket.write('x') : socket.end(Buffer.alloc(share))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await using line = await openLine((server.address() as AddressInfo).port, spec);
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(line.port, '127.0.0.1'));
    const exchange = async (socket: (typeof sockets)[number]): Promise<void> => {
      socket.write('?');
      await once(socket, 'data');
    };
    // The handshake's round trip is behind them then.
    await Promise.all(sockets.map(exchange));
    const before = performance.now();
    await exchange(sockets[0]!);
    const roundTripMs = performance.now() - before;
    await Promise.all(sockets.slice(1).map(exchange));

    const begun = performance.now();
    await Promise.all(
      sockets.map(async (socket) => {
        socket.write('!');
        await once(socket.resume(), 'end');
      }),
    );
    const ms = performance.now() - begun - spec.roundTripMs;
    return { mbits: (CONNECTIONS * share * 8) / 1000 / ms, roundTripMs };
  } finally {
    server.close();
  }
}
