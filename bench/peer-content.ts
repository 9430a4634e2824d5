/**
 * Content from a peer on this machine, beside what Node itself does between two processes: small blobs and HTTP that keeps
 * its connections alive, a large file from disk to disk and HTTPS, and how much memory whoever receives it needs.
 *
 *     node bench/peer-content.ts [rounds]
 *
 * Whoever receives hashes it. Files are what the page cache holds, so disks count for little.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync, hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { Agent, createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { giveBack, takeChunkBuffer } from '../src/content/buffers.ts';
import { openAllowance } from '../src/p2p/serve/allowance.ts';
import { openLane } from '../src/p2p/fetch/ask-lane.ts';
import { openBucket } from '../src/p2p/wire/bucket.ts';
import { monotonicClock } from '../src/p2p/clock.ts';
import type { Offer } from '../src/p2p/contract.ts';
import { type Host, openHost } from '../src/p2p/host/host.ts';
import { type Identity, identityOf } from '../src/p2p/identity.ts';
import type { Lane } from '../src/p2p/wire/lane.ts';
import { makePeerCertificate } from '../src/p2p/host/peer-certificate.ts';
import { serve } from '../src/p2p/serve/serve.ts';
import { columns } from './columns.ts';

const MiB = 2 ** 20;
const SMALL = 20 * 2 ** 10;
const SMALLS = 500;
const REQUESTS = 8000;
const AT_ONCE = 8;
const CHUNK = MiB;
const CHUNKS_AT_ONCE = 4;

/** Where the other process serves, and what. */
interface Served {
  readonly peer: string;
  readonly addresses: readonly string[];
  readonly http: number;
  readonly https: number;
  readonly small: readonly Offer[];
  readonly large: Offer;
}

/** Makes content in a directory, and serves it in each way. */
async function serveAll(directory: string): Promise<void> {
  const make = async (name: string, size: number): Promise<Offer> => {
    const path = join(directory, name);
    const file = await open(path, 'w');
    const [first, rest] = [randomBytes(Math.min(size, MiB)), Math.max(0, size / MiB - 1)];
    await file.write(first);
    for (let i = 0; i < rest; i++) await file.write(first);
    await file.close();
    const sha256 = `sha256:${hash('sha256', name)}` as const;
    return { sha256, size, available: size, path };
  };
  const small = await Promise.all(Array.from({ length: SMALLS }, (_, i) => make(`small-${i}`, SMALL)));
  const large = await make('large', 1024 * MiB);
  const offers = new Map([...small, large].map((offer) => [offer.sha256 as string, offer]));

  const host = await openHost({ identity: someone(), listen: ['/ip4/127.0.0.1/tcp/0'] });
  await serve(host.libp2p, {
    offers: { find: (digest) => offers.get(digest), async *sets() {} },
    allowance: openAllowance(monotonicClock),
    clock: monotonicClock,
    gives: () => true,
    tells: () => true,
    self: host.name,
    lists: async () => undefined,
    hints: async () => [],
    fault: (fault) => process.stderr.write(`${fault.message}\n`),
  });
  const listener: RequestListener = (request, response) => {
    const offer = offers.get(`sha256:${request.url?.slice(1)}`)!;
    response.writeHead(200, { 'content-length': offer.size });
    if (offer.size === SMALL) response.end(readFileSync(offer.path));
    else createReadStream(offer.path, { highWaterMark: 256 * 2 ** 10 }).pipe(response);
  };
  const plain = createServer(listener);
  const secure = https.createServer(await makePeerCertificate(privateKeyFromRaw(someone().secret)), listener);
  for (const server of [plain, secure]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const served: Served = {
    peer: host.name,
    addresses: host.addresses(),
    http: (plain.address() as AddressInfo).port,
    https: (secure.address() as AddressInfo).port,
    small,
    large,
  };
  process.send!(served);
}

/** Receives in the way that it is told to, and says how long it took, and how much memory. */
async function receiveAll(): Promise<void> {
  process.on('message', ({ served, way, target }: { served: Served; way: string; target: string }) => {
    void receive(served, way, target).then((measured) => process.send!(measured));
  });
}

async function receive(served: Served, way: string, target: string): Promise<Measured> {
  await using host = await openHost({ identity: someone() });
  const lane = await laneTo(host, served);
  // Everything that is compiled is compiled.
  await lane.fetch(served.large.sha256, 0, 4 * MiB);
  const base = process.memoryUsage.rss();
  let most = base;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 10);
  const started = performance.now();
  const cpu = process.cpuUsage();
  await ways[way]!(served, lane, target);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(timer);
  lane.close();
  return { ms, rss: most - base, cpu: (user + system) / 1000 };
}

interface Measured {
  readonly ms: number;
  readonly cpu: number;
  readonly rss: number;
}

async function laneTo(host: Host, { peer, addresses }: Served): Promise<Lane> {
  const connection = await host.dial(peer, addresses, { deadlineMs: 10_000 });
  const download = openBucket(undefined, 0, monotonicClock);
  return openLane(connection!, { clock: monotonicClock, download, memory: takeChunkBuffer });
}

const ways: Readonly<Record<string, (served: Served, lane: Lane, target: string) => Promise<void>>> = {
  async 'small, http'({ http, small }) {
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    await atOnce(AT_ONCE, REQUESTS, async (i) => {
      const offer = small[i % small.length]!;
      const [response] = (await once(
        get({ port: http, agent, path: `/${offer.sha256.slice(7)}` }),
        'response',
      )) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      hash('sha256', Buffer.concat(chunks));
    });
    agent.destroy();
  },
  async 'small, lane'({ small }, lane) {
    await atOnce(AT_ONCE, REQUESTS, async (i) => {
      const { sha256, size } = small[i % small.length]!;
      hash('sha256', await lane.fetch(sha256, 0, size));
    });
  },
  async 'large, https'({ https: port, large }, _, target) {
    const path = `/${large.sha256.slice(7)}`;
    const [response] = (await once(https.get({ port, path, rejectUnauthorized: false }), 'response')) as [
      IncomingMessage,
    ];
    await using file = await open(target, 'w');
    let at = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash('sha256', chunk);
      await file.write(chunk, 0, chunk.length, at);
      at += chunk.length;
    }
  },
  async 'large, lane'({ large }, lane, target) {
    await using file = await open(target, 'w');
    await atOnce(CHUNKS_AT_ONCE, large.size / CHUNK, async (i) => {
      const chunk = await lane.fetch(large.sha256, i * CHUNK, CHUNK);
      hash('sha256', chunk);
      await file.write(chunk, 0, chunk.byteLength, i * CHUNK);
      giveBack(chunk);
    });
  },
  async 'large, lane to memory'({ large }, lane) {
    await atOnce(CHUNKS_AT_ONCE, large.size / CHUNK, async (i) => {
      const chunk = await lane.fetch(large.sha256, i * CHUNK, CHUNK);
      hash('sha256', chunk);
      giveBack(chunk);
    });
  },
};

async function atOnce(width: number, count: number, one: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await one(next++);
    }),
  );
}

async function measure(rounds: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'peer-content-'));
  const children: ChildProcess[] = [];
  const child = (...args: string[]): ChildProcess => {
    const started = fork(import.meta.filename, args);
    children.push(started);
    return started;
  };
  try {
    const [served] = (await once(child('serve', directory), 'message')) as [Served];
    const all = new Map(Object.keys(ways).map((way) => [way, [] as Measured[]]));
    for (let round = 0; round < rounds; round++) {
      for (const [way, measured] of all) {
        const receiver = child('receive');
        const target = join(directory, 'received');
        receiver.send({ served, way, target });
        measured.push(((await once(receiver, 'message')) as [Measured])[0]);
        receiver.kill();
        await rm(target, { force: true });
      }
    }
    const rows = [...all].map(([way, measured]) => {
      const ms = median(measured.map((each) => each.ms));
      const speed = way.startsWith('small')
        ? `${((REQUESTS / ms) * 1000).toFixed(0)} blobs/s`
        : `${((served.large.size / MiB / ms) * 1000).toFixed(0)} MiB/s`;
      const cpu = `${median(measured.map((each) => each.cpu)).toFixed(0)} ms CPU`;
      return [
        way,
        speed,
        cpu,
        `${(Math.max(...measured.map(({ rss }) => rss)) / MiB).toFixed(0)} MiB more memory`,
      ];
    });
    process.stdout.write(`${columns(rows).join('\n')}\n`);
  } finally {
    for (const each of children) each.kill();
    await rm(directory, { recursive: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function someone(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  return identityOf(Buffer.concat([seed, publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)]));
}

const [mode, argument = ''] = process.argv.slice(2);
if (mode === 'serve') await serveAll(argument);
else if (mode === 'receive') await receiveAll();
else await measure(Number(mode ?? 3));
