import { describe, expect, it } from 'vitest';
import { openAuthorityLog } from '../../src/authority/authority-log.ts';
import { openSaid } from '../../src/authority/said.ts';
import { leafHash } from '../../src/content/merkle.ts';
import { parseEntry } from '../../src/log/entry.ts';
import { provenLog, type ProvenLog } from '../../src/log/read-tiles.ts';
import { encodeBase64 } from '../../src/log/text.ts';
import type { Machine, Simulation } from './authorities.ts';
import { log, network, QUORUM } from './parties.ts';
import { PACKAGES, type Story, told } from './story.ts';
import { simulatedFiles } from './world.ts';

/** How many worlds there are; `SEEDS=10000` for more, `SEED=n` for that one alone. */
const SEEDS = Number(process.env['SEEDS'] ?? 100);
const only = process.env['SEED'];
const seeds = /^\d+$/.test(only ?? '') ? [Number(only)] : Array.from({ length: SEEDS }, (_, i) => i + 1);

/** What a machine would go on from if it were started now. */
async function logOf({ world }: Simulation, machine: Machine): Promise<ProvenLog> {
  const files = simulatedFiles(world, machine.log, { isDead: false }, machine.name);
  const said = openSaid(':memory:');
  const options = { origin: log.verifier.name, network, said, mayChange: () => false };
  const { core } = await openAuthorityLog(files, options);
  said.close();
  return provenLog(core.source, core.last());
}

/** What has to be true in any world. */
async function check({ simulation, final }: Story): Promise<void> {
  const { cosigners, signatures, broken } = simulation;
  expect(broken, 'no crash leaves what cannot be gone on from').toEqual([]);
  const roots = new Map<bigint, string>();
  for (const { size, root } of final.values()) {
    expect(roots.get(size) ?? root, `one final checkpoint of ${size} entries`).toBe(root);
    roots.set(size, root);
  }
  for (const [at, cosigner] of cosigners.entries()) {
    if (!cosigner.log.has('position')) continue;
    const whole = await logOf(simulation, cosigner);
    for (const { by, size, root } of signatures) {
      if (by !== at) continue;
      expect(size, 'what was cosigned is on the disk').toBeLessThanOrEqual(whole.head.size);
      expect(encodeBase64(await whole.rootAt(size)), `one history of ${size} entries`).toBe(root);
    }
    const seen = new Set<string>();
    for (const entry of await entriesOf(whole)) {
      const read = parseEntry(entry);
      if (read.kind !== 'observe') continue;
      expect(read.observation.observers.length, 'no entry below validity').toBeGreaterThanOrEqual(QUORUM);
      expect(seen.has(read.observation.purl), '32: no second observation').toBe(false);
      seen.add(read.observation.purl);
    }
  }
}

async function entriesOf(whole: ProvenLog): Promise<Uint8Array[]> {
  return whole.head.size === 0n ? [] : whole.entries(0n);
}

describe('In worlds that seeds decide', { timeout: 600_000 }, () => {
  it('25, 30: a sequencer and its cosigners lose nothing that was acknowledged, sign no two histories, and go on', async () => {
    let starts = 0;
    for (const seed of seeds) {
      const story = await told(seed, false);
      try {
        await check(story);
        const { simulation, acknowledged, done } = story;
        const entries = await entriesOf(await logOf(simulation, simulation.sequencers[0]!));
        for (const [index, leaf] of acknowledged)
          expect(encodeBase64(leafHash(entries[Number(index)]!)), `entry ${index}`).toBe(leaf);
        expect(done.size, 'everything is in the log in the end').toBe(PACKAGES);
        for (const each of [...simulation.sequencers, ...simulation.cosigners]) starts += each.starts - 1;
      } catch (error) {
        throw new Error(`SEED=${seed} vitest run test/simulation`, { cause: error });
      } finally {
        story.simulation.close();
      }
    }
    if (seeds.length > 50) expect(starts, 'processes did die').toBeGreaterThan(seeds.length);
  });

  it('24, 28: a sequencer that shows two histories gets one of them cosigned, and who saw both has the proof', async () => {
    let forks = 0;
    expect(seeds.length).toBeGreaterThan(0);
    for (const seed of seeds.slice(0, Math.max(1, seeds.length / 2))) {
      const story = await told(seed, true);
      try {
        await check(story);
        for (const { state } of story.simulation.cosigners)
          for (const path of state.keys()) if (path.startsWith('fork-at-')) forks++;
      } catch (error) {
        throw new Error(`SEED=${seed} vitest run test/simulation`, { cause: error });
      } finally {
        story.simulation.close();
      }
    }
    if (seeds.length > 50) expect(forks).toBeGreaterThan(0);
  });
});
