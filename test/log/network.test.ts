import { describe, expect, it } from 'vitest';
import { keyOf } from '../../src/log/buckets.ts';
import { agreed, parseNetwork } from '../../src/log/network.ts';
import { recordsIn } from '../../src/log/records.ts';
import { policyText, signer, vkey, witnesses } from './signers.ts';

const observers = witnesses.map((_, i) => signer(`w${i + 1}.example`, 30 + i));
const line = (i: number): string => `# pyrsia observer w${i + 1} ${vkey(observers[i]!)}\n`;
const text = (lines: string): Buffer => Buffer.from(`${lines}${policyText(5)}`);
const all = observers.map((_, i) => line(i)).join('');

describe('The file of a network', () => {
  it('is a policy that says in comments what a policy has no lines for', () => {
    const network = parseNetwork(
      text(`# pyrsia network id+of+it\n# pyrsia bootstrap /ip4/192.0.2.1\n# pyrsia later words\n# x\n${all}`),
    );
    expect(network).toMatchObject({ id: 'id+of+it', bootstrap: ['/ip4/192.0.2.1'] });
    expect(network.policy.witnesses.size).toBe(7);
    expect(network.observers.map(({ organisation }) => organisation)).toEqual(
      witnesses.map((_, i) => `w${i + 1}`),
    );
  });

  it('may leave all of that out', () => {
    const network = parseNetwork(text(''));
    expect(network).toMatchObject({ bootstrap: [], observers: [] });
    expect(network.id).toBeUndefined();
  });

  it.each([
    ['# pyrsia network\n', 'expected # pyrsia network <id>'],
    ['# pyrsia network a\n# pyrsia network b\n', 'line 2: there is a second network'],
    ['# pyrsia bootstrap a b\n', 'expected # pyrsia bootstrap'],
    [`# pyrsia observer w8 ${vkey(observers[0]!)}\n`, 'w8 is no witness'],
    [`# pyrsia observer w1 ${vkey(witnesses[0]!)}\n`, 'expected a key for ed25519'],
    ['# pyrsia observer w1 x\n', 'line 1: Cannot read reference'],
    [line(0) + line(0).replace('w1 ', 'w2 '), 'line 2: the key of w1.example is there twice'],
  ])('is refused when it says %j', (lines, reason) => {
    expect(() => parseNetwork(text(lines))).toThrow(reason);
  });

  it('lets as many observers vouch as witnesses make a checkpoint final', () => {
    const network = parseNetwork(text(all));
    const keys = network.observers.map(({ verifier }) => verifier);
    expect(agreed(network, keys.slice(0, 5))).toBe(true);
    expect(agreed(network, keys.slice(0, 4))).toBe(false);
    expect(agreed(network, [])).toBe(false);
  });

  it('33: gives one operator with five keys one vote', () => {
    const others = observers.map((_, i) => signer('w1.example', 50 + i));
    const lines = others.map((each) => `# pyrsia observer w1 ${vkey(each)}\n`).join('');
    const network = parseNetwork(text(lines));
    const keys = network.observers.map(({ verifier }) => verifier);
    expect(keys).toHaveLength(7);
    expect(agreed(network, keys)).toBe(false);
    const grouped = [
      ...witnesses.map((each, i) => `witness w${i + 1} ${vkey(each)}`),
      'group operator any w1 w2 w3 w4 w5',
      'group all-of-them all operator w6 w7',
      'quorum all-of-them',
    ].join('\n');
    const operator = parseNetwork(Buffer.from(`${all}${grouped}\n`));
    const theirs = operator.observers.map(({ verifier }) => verifier);
    expect(agreed(operator, theirs.slice(0, 5))).toBe(false);
    expect(agreed(operator, theirs.slice(4))).toBe(true);
  });

  it('lets any observer vouch where no witness is needed', () => {
    const network = parseNetwork(Buffer.from(`# pyrsia observer me ${vkey(observers[0]!)}\nquorum none\n`));
    expect(agreed(network, [network.observers[0]!.verifier])).toBe(true);
    expect(agreed(network, [])).toBe(false);
  });
});

const sighting = (byte: string) => ({
  digest: { sha256: byte.repeat(64) },
  size: 1,
  mediaType: 'application/gzip',
  observedAt: 0,
  chunks: { size: 1, root: '0'.repeat(64) },
  observers: [],
});

describe('The index', () => {
  const place = { purl: 'pkg:npm/x@1.0.0', upstream: 'https://registry.example/', file: 'x-1.0.0.tgz' };

  it('has one record of an observation, one of each digest in dispute, and none of other entries', () => {
    const observed = recordsIn({ kind: 'observe', observation: { ...place, ...sighting('a') } }, 7n);
    expect(observed).toMatchObject([{ entry: 7n, kind: 1, rung: 4, key: keyOf(place.purl) }]);
    const dispute = { ...place, seen: [sighting('a'), sighting('b')] };
    expect(recordsIn({ kind: 'dispute', dispute }, 8n)).toMatchObject([
      { kind: 2, rung: 0, sha256: Buffer.alloc(32, 0xaa) },
      { kind: 2, rung: 0, sha256: Buffer.alloc(32, 0xbb) },
    ]);
    expect(recordsIn({ kind: 'other', predicateType: 'x' }, 9n)).toEqual([]);
  });
});
