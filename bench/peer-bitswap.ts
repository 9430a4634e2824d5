/**
 * A large file from a peer on this machine: by our lane, from disk to disk and from disk to memory, and by bitswap as helia has it, from
 * memory to memory. In turns.
 *
 *     mkdir DIR && (cd DIR && npm init -y && npm install helia)
 *     node bench/peer-bitswap.ts DIR [rounds]
 *
 * Both encrypt as they do by default: ours TLS in the socket, helia's Noise. Blocks are of 1 MiB, as our chunks are, 16 asked for at once.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { columns } from './columns.ts';

const MiB = 2 ** 20;
const BLOCKS = 256;
const AT_ONCE = 16;

/** What of a helia is used here. */
interface Helia {
  start(): Promise<void>;
  readonly blockstore: {
    put(cid: unknown, bytes: Uint8Array): Promise<unknown>;
    get(cid: unknown): AsyncIterable<Uint8Array>;
  };
  readonly libp2p: {
    getMultiaddrs(): readonly { toString(): string }[];
    dial(address: unknown): Promise<unknown>;
  };
}

/** Blocks that another process has. */
interface Blocks {
  readonly address: string;
  readonly cids: readonly string[];
}

async function heliaIn(directory: string): Promise<{
  readonly helia: Helia;
  cidOf(sha256: Uint8Array): { toString(): string };
  parsed(cid: string): unknown;
  address(text: string): unknown;
}> {
  // A helia imports what it needs from beside itself.
  const entry = createRequire(join(directory, 'package.json')).resolve('helia');
  const beside = createRequire(entry);
  const from = async (name: string): Promise<Record<string, never>> =>
    import(pathToFileURL(beside.resolve(name)).href) as Promise<Record<string, never>>;
  const [core, bitswap, libp2p, tcp, noise, yamux, identify, cids, digests, addresses] = await Promise.all(
    [
      'helia',
      '@helia/bitswap',
      '@helia/libp2p',
      '@libp2p/tcp',
      '@libp2p/noise',
      '@libp2p/yamux',
      '@libp2p/identify',
      'multiformats/cid',
      'multiformats/hashes/digest',
      '@multiformats/multiaddr',
    ].map(from),
  );
  const options = {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [call(tcp!, 'tcp')],
    connectionEncrypters: [call(noise!, 'noise')],
    streamMuxers: [call(yamux!, 'yamux')],
    services: { identify: call(identify!, 'identify') },
  };
  const light = call(libp2p!, 'withLibp2pLight', call(core!, 'createHeliaLight'), options);
  const helia = call(bitswap!, 'withBitswap', light) as Helia;
  await helia.start();
  const { CID } = cids as unknown as {
    CID: { createV1(code: number, digest: unknown): { toString(): string }; parse(text: string): unknown };
  };
  return {
    helia,
    cidOf: (sha256) => CID.createV1(0x55, call(digests!, 'create', 0x12, sha256)),
    parsed: (text) => CID.parse(text),
    address: (text) => call(addresses!, 'multiaddr', text),
  };
}

/** Calls what a module exports by this name. */
function call(module: Record<string, unknown>, name: string, ...args: unknown[]): unknown {
  return (module[name] as (...args: unknown[]) => unknown)(...args);
}

async function serveBlocks(directory: string): Promise<void> {
  const { helia, cidOf } = await heliaIn(directory);
  const cids: string[] = [];
  for (let i = 0; i < BLOCKS; i++) {
    const bytes = randomBytes(MiB);
    const cid = cidOf(createHash('sha256').update(bytes).digest());
    await helia.blockstore.put(cid, bytes);
    cids.push(cid.toString());
  }
  process.send!({ address: String(helia.libp2p.getMultiaddrs()[0]), cids } satisfies Blocks);
}

async function fetchBlocks(directory: string): Promise<void> {
  const { helia, parsed, address } = await heliaIn(directory);
  const [blocks] = (await once(process, 'message')) as [Blocks];
  await helia.libp2p.dial(address(blocks.address));
  const left = blocks.cids.values();
  const started = performance.now();
  const one = async (): Promise<void> => {
    for (const cid of left) for await (const _ of helia.blockstore.get(parsed(cid)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  process.send!({ ms: performance.now() - started });
}

async function measure(directory: string, rounds: number): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'peer-bitswap-'));
  const children: ChildProcess[] = [];
  const child = (file: string, ...args: string[]): ChildProcess => {
    const started = fork(file, args);
    children.push(started);
    return started;
  };
  const ours = join(import.meta.dirname, 'peer-content.ts');
  try {
    const [served] = (await once(child(ours, 'serve', place), 'message')) as [{ large: { size: number } }];
    const [blocks] = (await once(child(import.meta.filename, directory, 'serve'), 'message')) as [Blocks];
    const speeds: Record<'lane' | 'lane to memory' | 'bitswap', number[]> = {
      lane: [],
      'lane to memory': [],
      bitswap: [],
    };
    for (let round = 0; round < rounds; round++) {
      const target = join(place, 'received');
      for (const way of ['lane', 'lane to memory'] as const) {
        const lane = child(ours, 'receive');
        lane.send({ served, way: `large, ${way}`, target });
        const [one] = (await once(lane, 'message')) as [{ ms: number }];
        speeds[way].push((served.large.size / MiB / one.ms) * 1000);
        lane.kill();
        await rm(target, { force: true });
      }
      const fetcher = child(import.meta.filename, directory, 'fetch');
      fetcher.send(blocks);
      const [other] = (await once(fetcher, 'message')) as [{ ms: number }];
      speeds.bitswap.push((BLOCKS / other.ms) * 1000);
      fetcher.kill();
    }
    const rows = Object.entries(speeds).map(([way, all]) => [way, `${spread(all, 0)} MiB/s`]);
    for (const way of ['lane', 'lane to memory'] as const) {
      const ratios = speeds[way].map((each, i) => each / speeds.bitswap[i]!);
      rows.push([`${way} / bitswap`, `${spread(ratios, 1)} ×`]);
    }
    console.log(columns(rows).join('\n'));
  } finally {
    for (const each of children) each.kill();
    await rm(place, { recursive: true });
  }
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [median, least, most] = [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)];
  return `${median!.toFixed(digits)} (${least!.toFixed(digits)} to ${most!.toFixed(digits)})`;
}

const [directory, what = '3'] = process.argv.slice(2);
if (directory === undefined) throw new TypeError('Where is helia? See the top of this file');
if (what === 'serve') await serveBlocks(directory);
else if (what === 'fetch') await fetchBlocks(directory);
else await measure(directory, Number(what));
