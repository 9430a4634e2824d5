/**
 * How fast 256 MiB come from another process over one connection, out of its memory and into nothing.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import type { Row, Rows } from './row.ts';
import { type Kind, KINDS, libp2pWith, PROTOCOL, SIZE } from './sender.ts';

const NAMES: Record<Kind, string> = {
  tcp: 'TCP',
  https: 'https of Node',
  native: 'libp2p, TLS in the socket',
  tls: 'libp2p, its own TLS',
  noise: 'libp2p, Noise with keys that are kept',
};

/** Starts a sender for each. */
export async function open(): Promise<Rows> {
  const closing: (() => unknown)[] = [];
  const rows: Row[] = [];
  for (const kind of KINDS) {
    const sender = spawn(process.execPath, [join(import.meta.dirname, 'sender.ts'), kind], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    closing.push(() => sender.kill());
    const [line] = (await once(createInterface(sender.stdout), 'line')) as [string];
    const receive = await receiver(kind, JSON.parse(line) as string, closing);
    const measure = async (): Promise<number> => {
      const startedAt = performance.now();
      await receive();
      return (SIZE / 2 ** 20 / (performance.now() - startedAt)) * 1000;
    };
    rows.push({ name: NAMES[kind], unit: 'MiB/s', measure });
  }
  return {
    rows,
    async [Symbol.asyncDispose]() {
      for (const close of closing.toReversed()) await close();
    },
  };
}

async function receiver(kind: Kind, place: string, closing: (() => unknown)[]): Promise<() => Promise<void>> {
  if (kind === 'tcp') return async () => all(connect(Number(place), '127.0.0.1'));
  if (kind === 'https')
    return async () => {
      const request = get({
        host: '127.0.0.1',
        port: Number(place),
        rejectUnauthorized: false,
        agent: false,
      });
      const [answer] = (await once(request, 'response')) as [Readable];
      await all(answer);
    };
  const node = await createLibp2p(libp2pWith(kind, []));
  closing.push(() => node.stop());
  const connection = await node.dial(multiaddr(place));
  return async () => {
    const stream = await connection.newStream(PROTOCOL);
    const over = Promise.withResolvers<void>();
    let count = 0;
    stream.addEventListener('message', ({ data }) => {
      count += data.byteLength;
      if (count === SIZE) over.resolve();
    });
    stream.addEventListener('close', ({ error }) => over.reject(error ?? new Error('It ended too early')));
    await over.promise;
    stream.abort(new Error('That was all'));
  };
}

async function all(from: Readable): Promise<void> {
  let count = 0;
  from.on('data', (part: Buffer) => (count += part.length));
  await once(from, 'end');
  if (count !== SIZE) throw new Error(`${count} bytes came`);
}
