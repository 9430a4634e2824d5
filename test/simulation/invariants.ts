/**
 * What has to be true in any world, and worlds by their seeds.
 *
 * @module
 */
import { expect } from 'vitest';
import { openLog } from '../../src/authority/open-log.ts';
import { leafHash } from '../../src/content/merkle.ts';
import { parseEntry } from '../../src/log/entry.ts';
import { provenLog, type ProvenLog } from '../../src/log/read-tiles.ts';
import { encodeBase64 } from '../../src/log/text.ts';
import type { Machine, Simulation } from './authorities.ts';
import { QUORUM } from './parties.ts';
import { type Story, told } from './story.ts';
import { simulatedFiles } from './world.ts';

/** How many worlds there are, half of them with two histories; `SEEDS=100000` for more, `SEED=n` for that one alone. */
const SEEDS = Number(process.env['SEEDS'] ?? 10_000);
const only = process.env['SEED'];

/** How many worlds with two histories, or with one, there are in a whole run: those of odd and of even seeds. */
export const isWhole = only === undefined && SEEDS >= 1000;

/** Lets each world pass whose seed is even, or odd where the sequencer equivocates, and checks it. */
export async function inEachWorld(
  equivocates: boolean,
  check: (story: Story) => Promise<void>,
): Promise<void> {
  const all = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(only)];
  for (const seed of all) {
    if ((seed % 2 === 1) !== equivocates) continue;
    const story = await untraced(async () => told(seed, equivocates));
    try {
      await checkAny(story);
      await check(story);
    } catch (error) {
      throw new Error(`SEED=${seed} vitest run test/simulation`, { cause: error });
    } finally {
      story.simulation.close();
    }
  }
}

/** What goes wrong in a world is not looked at, and traces are dear. */
async function untraced<T>(act: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await act();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What a machine would go on from if it were started now. */
export async function logOf({ world }: Simulation, machine: Machine): Promise<ProvenLog> {
  const files = simulatedFiles(world, machine.log, { isDead: false }, machine.name);
  const core = await openLog(files, () => 'nothing is added');
  return provenLog(core.source, core.last());
}

/** All entries; no world has more than one bundle of them. */
export async function entriesOf(whole: ProvenLog): Promise<Uint8Array[]> {
  return whole.head.size === 0n ? [] : whole.entries(0n);
}

async function checkAny({ simulation, acknowledged, final }: Story): Promise<void> {
  const { cosigners, signatures, broken } = simulation;
  expect(broken, 'no crash leaves what cannot be gone on from').toEqual([]);
  const roots = new Map<bigint, string>();
  for (const { size, root } of final.values()) {
    expect(roots.get(size) ?? root, `one final checkpoint of ${size} entries`).toBe(root);
    roots.set(size, root);
  }
  for (const { index, final: size } of acknowledged)
    expect(size, `entry ${index} was final when it was acknowledged`).toBeGreaterThan(index);
  for (const cosigner of cosigners) {
    if (!cosigner.log.has('position')) continue;
    const whole = await logOf(simulation, cosigner);
    await checkSigned(
      whole,
      signatures.filter(({ by }) => by === cosigner),
    );
    checkEntries(await entriesOf(whole));
  }
}

/** Whatever a machine has signed is the beginning of what it has: nothing of it was taken back, and of no size two trees were signed. */
export async function checkSigned(
  whole: ProvenLog,
  signed: readonly { readonly size: bigint; readonly root: string }[],
): Promise<void> {
  const checked = new Map<bigint, string>();
  for (const { size, root } of signed) {
    if (checked.get(size) === root) continue;
    expect(checked.get(size), `two trees of ${size} entries`).toBeUndefined();
    expect(size, 'what was signed is on the disk').toBeLessThanOrEqual(whole.head.size);
    expect(encodeBase64(await whole.rootAt(size)), `one history of ${size} entries`).toBe(root);
    checked.set(size, root);
  }
}

function checkEntries(entries: readonly Uint8Array[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const read = parseEntry(entry);
    if (read.kind !== 'observe') continue;
    expect(read.observation.observers.length, 'no entry below validity').toBeGreaterThanOrEqual(QUORUM);
    expect(seen.has(read.observation.purl), '32: no second observation').toBe(false);
    seen.add(read.observation.purl);
  }
}

/** Whether what was acknowledged is where it was said to be. */
export function checkAcknowledged({ acknowledged }: Story, entries: readonly Uint8Array[]): void {
  for (const { index, leaf } of acknowledged)
    expect(encodeBase64(leafHash(entries[Number(index)]!)), `entry ${index}`).toBe(leaf);
}
