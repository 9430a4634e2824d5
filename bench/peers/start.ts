/**
 * How long a process takes that starts a peer, and gets the first byte from a neighbour: from its start to its end.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerNode } from '../../test/support/peer-nodes.ts';
import type { Rows } from './row.ts';

const BUNDLE = join(import.meta.dirname, '../../dist/peers.cjs');

/** What a new peer does: it opens, and where it is told of content, gets its first bytes. */
const NEWCOMER = `
const [, bundle, state, address, digest] = process.argv;
const offers = { find: () => undefined, async *sets() {} };
const options = { state, offers, share: 'lan', neighbours: false, log: console.error, bootstrap: address ? [address] : [] };
require(bundle).openPeers(options).then(async (peers) => {
  if (!digest) process.exit();
  for (;;) {
    const held = await peers.near({ digests: [digest] });
    if (held) for await (const _ of held.fetch({}).chunks) process.exit();
    await new Promise(setImmediate);
  }
});`;

/** Has a giver ready. */
export async function open(): Promise<Rows> {
  const state = mkdtempSync(join(tmpdir(), 'bench-peers-'));
  const giver = await peerNode();
  const digest = await giver.offer(randomBytes(2 ** 20));
  const run = async (...args: string[]): Promise<number> => {
    const startedAt = performance.now();
    const env = { ...process.env, NODE_COMPILE_CACHE: join(state, 'compiled') };
    const [code] = (await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit')) as [number];
    if (code !== 0) throw new Error(`It ended with ${code}`);
    return performance.now() - startedAt;
  };
  await run('-e', NEWCOMER, BUNDLE, state);
  return {
    rows: [
      { name: 'node -e 0', unit: 'ms', measure: () => run('-e', '0') },
      { name: 'a peer is open', unit: 'ms', measure: () => run('-e', NEWCOMER, BUNDLE, state) },
      {
        name: 'first byte from a neighbour',
        unit: 'ms',
        measure: () => run('-e', NEWCOMER, BUNDLE, state, giver.address, digest),
      },
    ],
    async [Symbol.asyncDispose]() {
      await giver[Symbol.asyncDispose]();
      rmSync(state, { recursive: true });
    },
  };
}
