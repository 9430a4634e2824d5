import { describe, expect, it } from 'vitest';
import { openFinding } from '../../src/authority/finding.ts';
import { openSaid } from '../../src/authority/said.ts';
import { parseEntry } from '../../src/log/entry.ts';
import { observation, QUORUM } from '../simulation/parties.ts';

const said = openSaid(':memory:');
const entries = Array.from({ length: 1500 }, (_, n) => parseEntry(observation(n, `${n}`, QUORUM)));
said.add(entries, 0n);
const found = (query: string, final = 1500n): unknown =>
  JSON.parse(openFinding(said, () => final)(new URLSearchParams(query)).body);

describe('Finding entries', () => {
  it('tells of nothing that is not final', () => {
    expect(found('builder=a0.example', 3n)).toEqual({ entries: [0, 1, 2] });
    expect(found('purl=pkg:npm/p7@1.0.0', 7n)).toEqual({ entries: [] });
    expect(found('purl=pkg:npm/p7@1.0.0', 8n)).toEqual({ entries: [7] });
  });

  it('lists a thousand at once, and says where to go on', () => {
    const first = found('builder=a0.example') as { entries: number[]; next: number };
    expect([first.entries.length, first.entries.at(-1), first.next]).toEqual([1000, 999, 1000]);
    const second = found(`builder=a0.example&from=${first.next}`) as { entries: number[] };
    expect(second).toEqual({ entries: Array.from({ length: 500 }, (_, n) => 1000 + n) });
  });
});
