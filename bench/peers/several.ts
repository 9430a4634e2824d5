/**
 * How long 256 MiB take that one, two or four peers have, each of which sends 100 Mbit/s at most: in namespaces, so for root on Linux
 * only. Whoever receives hashes it, and is a process of its own for each time.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Digest, digestOf, type Sha256 } from '../../src/content/digest.ts';
import { openPeers } from '../../src/p2p/peers.ts';
import { type Host, openLan } from '../../test/support/lan.ts';
import type { Rows } from './row.ts';

const SIZE = 256 * 2 ** 20;
const COUNTS = [1, 2, 4] as const;
const MEGABITS = 100;

/** Gives what lies at `path`, and says where. */
async function give(state: string, path: string, sha256: Sha256): Promise<void> {
  const offer = { sha256, size: SIZE, available: SIZE, path };
  const { status } = await openPeers({
    state,
    share: 'lan',
    neighbours: false,
    offers: { find: (digest) => (digest === sha256 ? offer : undefined), async *sets() {} },
    log: console.error,
  });
  process.send!(status().listening[0]);
}

/** Takes it from those at `bootstrap`, and says how many milliseconds that took. */
async function take(state: string, sha256: Digest, bootstrap: readonly string[]): Promise<void> {
  const offers = { find: () => undefined, async *sets() {} };
  await using peers = await openPeers({
    state,
    share: 'lan',
    neighbours: false,
    offers,
    bootstrap,
    log: console.error,
  });
  while (peers.status().connected.length < bootstrap.length) await delay(10);
  let held = await peers.near({ digests: [sha256] });
  for (; held?.peers.length !== bootstrap.length; held = await peers.near({ digests: [sha256] }))
    await delay(10);
  const startedAt = performance.now();
  const whole = createHash('sha256');
  for await (const chunk of held.fetch({}).chunks) whole.update(chunk);
  process.send!(performance.now() - startedAt);
  if (`sha256:${whole.digest('hex')}` !== sha256) throw new Error('Something else came');
}

/** Has four givers ready. */
export async function open(): Promise<Rows> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-several-'));
  const lan = openLan(Math.max(...COUNTS) + 1);
  const [taker, ...givers] = lan.hosts;
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    for (const child of children.filter(({ exitCode }) => exitCode === null)) {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    }
    lan[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  };
  const start = async (host: Host, ...args: string[]): Promise<{ said: unknown; child: ChildProcess }> => {
    const [program, ...rest] = host.command([process.execPath, import.meta.filename, ...args]);
    const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    children.push(child);
    const [said] = (await once(child, 'message')) as [unknown];
    return { said, child };
  };
  try {
    const content = randomBytes(SIZE);
    const sha256 = digestOf(content, 'sha256');
    const path = join(directory, 'content');
    writeFileSync(path, content);
    const addresses: string[] = [];
    for (const [i, host] of givers.entries()) {
      host.limit(MEGABITS);
      const { said } = await start(host, 'give', join(directory, `giver-${i}`), path, sha256);
      addresses.push(String(said));
    }
    const measure = async (count: number): Promise<number> => {
      const state = join(directory, 'taker');
      const { said, child } = await start(taker!, 'take', state, sha256, ...addresses.slice(0, count));
      if (child.exitCode === null) await once(child, 'exit');
      rmSync(state, { recursive: true });
      return Number(said);
    };
    return {
      rows: COUNTS.map((count) => ({
        name: `from ${count}, ${MEGABITS} Mbit/s each`,
        unit: 'ms',
        measure: () => measure(count),
      })),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

if (import.meta.main) {
  const [, , what, state = '', ...rest] = process.argv;
  if (what === 'give') await give(state, rest[0]!, rest[1] as Sha256);
  else await take(state, rest[0] as Digest, rest.slice(1));
}
