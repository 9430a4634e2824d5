/**
 * Sends 256 MiB to whoever connects, over one of several transports, and says where in one line of JSON.
 *
 *     node bench/peers/sender.ts (tcp|https|native|tls|noise)
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import type { Writable } from 'node:stream';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { tls } from '@libp2p/tls';
import { yamux } from '@libp2p/yamux';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import { nativeTls } from '../../src/p2p/host/native-tls.ts';
import { noiseCrypto } from '../../src/p2p/host/noise-crypto.ts';
import { selfSigned } from '../../test/fixtures/registry/certificate.ts';

/** How many bytes are sent. */
export const SIZE = 256 * 2 ** 20;
/** Of libp2p's, on whose streams they are sent. */
export const PROTOCOL = '/bench/1';

/** How bytes may be sent. */
export const KINDS = ['tcp', 'https', 'native', 'tls', 'noise'] as const;
export type Kind = (typeof KINDS)[number];

/** How libp2p is set up with one of its encrypters alone. */
export function libp2pWith(kind: 'native' | 'tls' | 'noise', listen: string[]): Libp2pOptions {
  const encrypters = { native: nativeTls(), tls: tls(), noise: noise({ crypto: noiseCrypto }) };
  return {
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [encrypters[kind]],
    streamMuxers: [yamux()],
  };
}

const PIECE = randomBytes(256 * 2 ** 10);

async function pour(into: Writable): Promise<void> {
  for (let sent = 0; sent < SIZE; sent += PIECE.length) if (!into.write(PIECE)) await once(into, 'drain');
  into.end();
}

async function serve(kind: Kind): Promise<string> {
  if (kind === 'native' || kind === 'tls' || kind === 'noise') {
    const node = await createLibp2p(libp2pWith(kind, ['/ip4/127.0.0.1/tcp/0']));
    await node.handle(PROTOCOL, async (stream) => {
      for (let sent = 0; sent < SIZE; sent += PIECE.length)
        if (!stream.send(PIECE)) await once(stream, 'drain');
    });
    return String(node.getMultiaddrs()[0]);
  }
  const server =
    kind === 'tcp'
      ? createServer((socket) => void pour(socket.on('error', () => {})))
      : createSecureServer(selfSigned(), (_, response) => void pour(response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return String((server.address() as AddressInfo).port);
}

const asked = KINDS.find((each) => each === process.argv[2]);
if (import.meta.main && asked) console.log(JSON.stringify(await serve(asked)));
