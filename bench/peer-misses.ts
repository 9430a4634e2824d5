/**
 * What a miss costs with peers that have nothing of it: nobody, five of them, fifty, and five that do not answer. And how long
 * it takes to learn of a thousand digests at once what they have.
 *
 *     node bench/peer-misses.ts [misses]
 *
 * The peers run in another process on this machine, so fifty of them share one core of it.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { digestOf, type Digest } from '../src/content/digest.ts';
import { HAVE_PROTOCOL } from '../src/p2p/wire/wire.ts';
import { openHost } from '../src/p2p/host/host.ts';
import { openIdentity } from '../src/p2p/identity.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerNode } from '../test/support/peer-nodes.ts';
import { columns } from './columns.ts';

type Kind = 'useless' | 'hanging';

/** Runs so many peers until this process ends, and says where they are. */
async function run(kind: Kind, count: number): Promise<void> {
  const addresses: string[] = [];
  for (let at = 0; at < count; at++) {
    if (kind === 'useless') {
      addresses.push((await peerNode()).address);
      continue;
    }
    const state = await mkdtemp(join(tmpdir(), 'pyrsia-hanging-'));
    const host = await openHost({ identity: await openIdentity(state), listen: ['/ip4/127.0.0.1/tcp/0'] });
    await rm(state, { recursive: true });
    await host.libp2p.handle(HAVE_PROTOCOL, () => undefined);
    addresses.push(host.addresses()[0]!);
  }
  process.send?.(addresses);
}

async function start(kind: Kind, count: number): Promise<{ addresses: string[]; child: ChildProcess }> {
  const child = fork(import.meta.filename, [kind, String(count)]);
  const [addresses] = (await once(child, 'message')) as [string[]];
  return { addresses, child };
}

const [, , kind, count] = process.argv;
if (kind === 'useless' || kind === 'hanging') await run(kind, Number(count));
else await measure(Number(kind ?? 300));

async function measure(misses: number): Promise<void> {
  const rows: string[][] = [['peers', 'p50', 'p95', 'worst', '1000 digests']];
  for (const [label, which, peers] of [
    ['none', 'useless', 0],
    ['5', 'useless', 5],
    ['50', 'useless', 50],
    ['5 that do not answer', 'hanging', 5],
  ] as const) {
    const { addresses, child } = await start(which, peers);
    const node = await peerNode({ bootstrap: addresses });
    while (node.peers.status().connected.length < peers) await new Promise((done) => setTimeout(done, 50));
    // Whether they are prompt shows at once.
    await new Promise((done) => setTimeout(done, 1500));
    const times: number[] = [];
    for (let at = 0; at < misses; at++) {
      times.push(await timed(() => node.peers.near({ digests: [digest(`${label} ${at}`)] })));
      // What is asked for more quickly goes into one message.
      await new Promise((done) => setTimeout(done, 60));
    }
    const many = Array.from({ length: 1000 }, (_, at) => digest(`${label} many ${at}`));
    const prepared = await timed(() => node.peers.prepare(many));
    times.sort((a, b) => a - b);
    const at = (share: number): string => `${times[Math.floor((times.length - 1) * share)]!.toFixed(1)} ms`;
    rows.push([label, at(0.5), at(0.95), at(1), `${prepared.toFixed(0)} ms`]);
    await node[Symbol.asyncDispose]();
    child.kill();
  }
  process.stdout.write(`${columns(rows).join('\n')}\n`);
}

function digest(text: string): Digest {
  return digestOf(Buffer.from(text), 'sha256');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}
