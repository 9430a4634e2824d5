import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port of 127.0.0.1 at which nobody listened a moment ago. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

/** As {@link freePort}, so many that differ. */
export async function freePorts(n: number): Promise<number[]> {
  const servers = Array.from({ length: n }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(async (server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('It listens at no port');
    return address.port;
  });
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')));
  return ports;
}
