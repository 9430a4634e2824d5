import { describe, expect, it } from 'vitest';
import { openJudge } from '../../src/authority/judge.ts';
import { openSaid } from '../../src/authority/said.ts';
import { EMPTY_ROOT } from '../../src/content/merkle.ts';
import { formatEntry } from '../../src/log/entry.ts';
import type { Signer } from '../../src/log/keys.ts';
import { parseNetwork } from '../../src/log/network.ts';
import {
  disputeStatement,
  observe,
  observeStatement,
  type Observation,
  type Sighting,
} from '../../src/log/observation.ts';
import { policyText, signer, vkey, witnesses } from '../log/signers.ts';

const where = { purl: 'pkg:docker/library/nginx@1', upstream: 'docker', file: '1' };
const nodes = witnesses.slice(0, 4).map((_, i) => signer(`w${i + 1}`, 60 + i));
const T = 1_800_000_000;

/** What `by` have seen at a time; `text` stands for the bytes. */
function seen(text: string, observedAt: number, by: readonly Signer[]): Sighting {
  const sighting = {
    digest: { sha256: text.repeat(64).slice(0, 64) },
    size: 1,
    mediaType: 'application/octet-stream',
    observedAt,
    chunks: { size: 1, root: 'c'.repeat(64) },
  };
  return { ...sighting, observers: by.map((node) => observe(where, sighting, node)) };
}

const observation = (sighting: Sighting): Uint8Array => {
  const all: Observation = { ...where, ...sighting };
  return formatEntry(observeStatement(all));
};
const dispute = (...sightings: Sighting[]): Uint8Array =>
  formatEntry(disputeStatement({ ...where, seen: sightings }));

/** A log of four observers, three of whom have to agree; what `put` takes is committed. */
function openLog() {
  const observers = nodes.map((node, i) => `# pyrsia observer w${i + 1} ${vkey(node)}\n`).join('');
  const network = parseNetwork(Buffer.from(`${observers}${policyText(3, witnesses.slice(0, 4))}`));
  const judging = openJudge({
    origin: 'log.example/1',
    network,
    said: openSaid(':memory:'),
    mayChange: () => true,
  });
  let size = 0n;
  return {
    judging,
    put(entry: Uint8Array, time: number) {
      expect(judging.entry(entry)).toBeUndefined();
      const after = { seq: size, size, root: EMPTY_ROOT };
      const batch = [entry, judging.close([entry], after, time)];
      expect(judging.batch(batch, after)).toBeNull();
      judging.committed(batch, size);
      size += 2n;
    },
  };
}

const [one, two, three, four] = nodes as [Signer, Signer, Signer, Signer];

describe('A dispute', () => {
  it('is of bytes that were seen at one time', () => {
    const { judging } = openLog();
    expect(judging.entry(dispute(seen('a', T, [one, two]), seen('b', T, [three])))).toBeUndefined();
  });

  it('is not made of what was seen at different times, which everybody reads in the log', () => {
    const { judging, put } = openLog();
    const [before, after] = [seen('a', T, [one, two, three]), seen('b', T + 60, [one, two, four])];
    put(observation(before), T);
    put(observation(after), T + 60);
    expect(judging.entry(dispute(before, after))).toContain('not seen at one time');
  });

  it('is not handed in over and over, when there is a newer one', () => {
    const { judging, put } = openLog();
    const first = dispute(seen('a', T, [one, two]), seen('b', T, [three]));
    const second = dispute(seen('b', T + 60, [one, two]), seen('d', T + 60, [three]));
    put(first, T);
    put(second, T + 60);
    expect(judging.entry(first)).toContain('is newer');
    expect(judging.entry(dispute(seen('a', T, [one, two]), seen('b', T, [four])))).toContain('is newer');
  });

  it('names each observer once: one liar does not make it as long as he likes', () => {
    const { judging } = openLog();
    const lies = ['b', 'd', 'e'].map((text) => seen(text, T, [three]));
    expect(judging.entry(dispute(seen('a', T, [one, two]), ...lies))).toContain('several things at once');
  });
});
