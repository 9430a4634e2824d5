import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type Block, blockStatement } from '../../src/log/block.ts';
import { formatEntry, parseEntry } from '../../src/log/entry.ts';
import {
  type Dispute,
  disputeStatement,
  type Observation,
  observe,
  observersOf,
  observeStatement,
  type Sighting,
} from '../../src/log/observation.ts';
import { canonicalText, statementOf } from '../../src/log/statement.ts';
import { signer } from './signers.ts';

const place = { purl: 'pkg:npm/left@1.0.0', upstream: 'https://registry.example/', file: 'left-1.0.0.tgz' };
const seen: Omit<Sighting, 'observers'> = {
  digest: { sha256: 'a'.repeat(64), sha512: 'b'.repeat(128) },
  size: 1234,
  mediaType: 'application/octet-stream',
  observedAt: 1_800_000_000,
  chunks: { size: 65_536, root: 'c'.repeat(64) },
};
const nodes = Array.from({ length: 3 }, (_, i) => signer(`node${i}.example`, 50 + i));
const known = nodes.map(({ verifier }) => verifier);
const observation: Observation = {
  ...place,
  ...seen,
  observers: nodes.map((node) => observe(place, seen, node)),
};
const other = { ...seen, digest: { sha256: 'd'.repeat(64) }, size: 1235 };
const dispute: Dispute = {
  ...place,
  seen: [
    { ...seen, observers: [observe(place, seen, nodes[0]!)] },
    { ...other, observers: [observe(place, other, nodes[1]!), observe(place, other, nodes[2]!)] },
  ],
};
const block: Block = {
  origin: 'log.example/1',
  height: 3,
  epoch: 0,
  time: 1_800_000_000,
  beacon: 'e'.repeat(64),
  previous: { size: 70_000, root: 'f'.repeat(64) },
  revoked: '0'.repeat(64),
};
const bytes = formatEntry(observeStatement(observation));
const read = (text: string) => parseEntry(Buffer.from(text));
const text = Buffer.from(bytes).toString();

const replaced = (find: string | RegExp, by: string): string => {
  expect(text).toMatch(find);
  return text.replace(find, by);
};

describe('An observation', () => {
  it('is read as it was written', () => {
    const back = parseEntry(bytes);
    expect(back).toMatchObject({
      kind: 'observe',
      observation: { ...observation, observers: expect.any(Array) },
    });
    expect(back.kind === 'observe' && observersOf(back.observation, back.observation, known)).toEqual(known);
    expect(back.kind === 'observe' && formatEntry(observeStatement(back.observation))).toEqual(bytes);
  });

  it('is a Statement in canonical JSON, with all that is to be known', () => {
    expect(text).toMatch(/^\{"_type":"https:\/\/in-toto\.io\/Statement\/v1","predicate":\{"chunks":/);
    expect(JSON.parse(text)).toMatchObject({
      subject: [{ name: 'pkg:npm/left@1.0.0', digest: seen.digest }],
      predicateType: 'https://pyrsia.io/log/observe/v1',
      predicate: {
        file: 'left-1.0.0.tgz',
        observedAt: '2027-01-15T08:00:00Z',
        size: 1234,
        chunks: { size: 65_536 },
      },
    });
  });

  it('counts each observer once, and strangers not at all', () => {
    const strange = observe(place, seen, signer('stranger.example', 90));
    const twice = { ...seen, observers: [...observation.observers, observation.observers[0]!, strange] };
    expect(observersOf(place, twice, known)).toEqual(known);
    expect(observersOf(place, { ...seen, observers: [strange] }, known)).toEqual([]);
  });

  it.each([
    ['other bytes', place, { ...seen, digest: other.digest }],
    ['another size', place, { ...seen, size: 1 }],
    ['another time', place, { ...seen, observedAt: 1 }],
    ['other chunks', place, { ...seen, chunks: { size: 1, root: seen.chunks.root } }],
    ['another type', place, { ...seen, mediaType: 'text/plain' }],
    ['3: other coordinates', { ...place, purl: 'pkg:npm/right@1.0.0' }, seen],
    ['56: another registry', { ...place, upstream: 'https://other.example/' }, seen],
    ['another file', { ...place, file: 'x' }, seen],
  ])('of %s was not signed', (_, where, what) => {
    expect(() => observersOf(where, { ...what, observers: observation.observers }, known)).toThrow(
      'the signature of node0.example does not match',
    );
  });
});

describe('A dispute', () => {
  it('is read as it was written, and shows who saw what', () => {
    const back = parseEntry(formatEntry(disputeStatement(dispute)));
    expect(back).toMatchObject({ kind: 'dispute', dispute: place });
    if (back.kind !== 'dispute') return;
    expect(back.dispute.seen.map((sighting) => observersOf(place, sighting, known))).toEqual([
      [known[0]],
      known.slice(1),
    ]);
  });

  it.each([
    ['about the same bytes', [dispute.seen[0]!, dispute.seen[0]!]],
    ['with one side', [dispute.seen[0]!]],
  ])('%s is none', (_, sides) => {
    const entry = formatEntry(disputeStatement({ ...dispute, seen: sides }));
    expect(() => parseEntry(entry)).toThrow('expected seen to be two or more that differ');
  });

  it('names the artifacts that were seen', () => {
    const entry = Buffer.from(formatEntry(disputeStatement(dispute))).toString();
    const swapped = entry.replace(
      /("subject":\[\{"digest":\{"sha256":")d{64}|("subject":\[.*"sha256":")d{64}/,
      `$1$2${'9'.repeat(64)}`,
    );
    expect(swapped).not.toBe(entry);
    expect(() => read(swapped)).toThrow('expected subject to be one artifact for each of those seen');
  });
});

describe('A block', () => {
  it.each([block, { ...block, index: { size: 65_536, bits: 9, root: '1'.repeat(64) } }])(
    'is read as it was written',
    (made) => {
      expect(parseEntry(formatEntry(blockStatement(made)))).toEqual({ kind: 'block', block: made });
    },
  );

  it('is about the tree before it', () => {
    const wrong = Buffer.from(formatEntry(blockStatement(block)))
      .toString()
      .replace(/f{64}/, '9'.repeat(64));
    expect(() => read(wrong)).toThrow('expected subject to be the tree before the block');
    const index = { size: 1, bits: 33, root: '1'.repeat(64) };
    expect(() => parseEntry(formatEntry(blockStatement({ ...block, index })))).toThrow(
      'expected bits to be 32 at most',
    );
  });
});

describe('An entry', () => {
  it('of a kind that is not known is proven all the same', () => {
    const entry = formatEntry(
      statementOf('https://other.example/v9', [{ name: 'x', digest: { sha256: 'a'.repeat(64) } }], {}),
    );
    expect(parseEntry(entry)).toEqual({ kind: 'other', predicateType: 'https://other.example/v9' });
  });

  it('of a kind that is not known is nested 16 deep at most', () => {
    const nested = (depth: number) => {
      const predicate = JSON.parse(`${'{"x":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`) as object;
      return formatEntry(statementOf('https://other.example/v9', [subject], predicate));
    };
    const subject = { name: 'x', digest: { sha256: 'a'.repeat(64) } };
    expect(parseEntry(nested(15))).toMatchObject({ kind: 'other' });
    expect(() => parseEntry(nested(16))).toThrow('it is nested more than 16 deep');
  });

  it.each([String.raw`\"`.repeat(2 ** 14), `${String.raw`\"`.repeat(2 ** 14 - 1)}\\`])(
    'that is nothing but quotes is refused in no time',
    (quotes) => {
      const before = process.cpuUsage();
      expect(() => read(quotes)).toThrow('it is no JSON');
      const { user } = process.cpuUsage(before);
      expect(user).toBeLessThan(100_000);
    },
  );

  it('has 32 KiB at most', () => {
    const large = { ...observation, file: 'x'.repeat(2 ** 15) };
    expect(() => formatEntry(observeStatement(large))).toThrow('larger than the limit of 32768 bytes');
    expect(() => parseEntry(Buffer.alloc(2 ** 15 + 1, ' '))).toThrow('larger than the limit of 32768 bytes');
  });

  it.each([
    ['empty', () => ''],
    ['a number', () => '1'],
    ['null', () => 'null'],
    ['with a space', () => replaced('{', '{ ')],
    ['with a member twice', () => replaced('"size":1234', '"size":1234,"size":1234')],
    ['with members in another order', () => `{"predicateType":1,"_type":2}`],
    ['with a number in two spellings', () => replaced('"size":1234', '"size":1.234e3')],
    ['with an escape where none is needed', () => replaced('left', '\\u006ceft')],
    ['with half a character', () => replaced('left-', '\\ud800')],
    ['of another type', () => replaced('Statement/v1', 'Statement/v2')],
    ['with a member that there is not', () => replaced('"size":1234', '"size":1234,"zeal":1')],
    ['without its file', () => replaced(/"file":"[^"]*",/, '')],
    ['with a name that is no purl', () => replaced('pkg:npm', 'npm')],
    ['with a negative size', () => replaced('"size":1234', '"size":-1')],
    ['with a size beyond what is exact', () => replaced('"size":1234', '"size":9007199254740992')],
    ['with a fraction of a byte', () => replaced('"size":1234', '"size":0.5')],
    ['with a digest in capitals', () => replaced(/a{64}/, 'A'.repeat(64))],
    ['with a digest that is too short', () => replaced(/a{64}/, 'a'.repeat(63))],
    ['with an unknown digest', () => replaced('"sha512"', '"sha999"')],
    ['without a sha256', () => replaced(`"sha256":"${'a'.repeat(64)}",`, '')],
    ['with a day that there is not', () => replaced('2027-01-15', '2027-02-31')],
    ['with a time elsewhere', () => replaced('08:00:00Z', '08:00:00+01:00')],
    ['without observers', () => replaced(/"observers":\[[^\]]*\]/, '"observers":[]')],
    ['with a signature in two spellings', () => replaced(/"signature":"[^"]*"/, '"signature":"AAAAAAB"')],
    ['with a subject that is a list', () => replaced('"subject":[{', '"subject":[[],{')],
    ['with two subjects', () => replaced(/"subject":\[(.*)\]/, '"subject":[$1,$1]')],
    ['without subjects', () => replaced(/"subject":\[.*\]/, '"subject":[]')],
    ['nested without end', () => '['.repeat(30_000)],
    ['nested deeply', () => `${'['.repeat(17)}${']'.repeat(17)}`],
  ])('that is %s is refused', (_, made) => {
    expect(() => read(made())).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
  });

  test.prop([fc.json()])('is read in one spelling only, whatever the JSON', (json) => {
    const canonical = canonicalText(JSON.parse(json) as unknown);
    expect(canonicalText(JSON.parse(canonical) as unknown)).toBe(canonical);
    expect(() => read(json)).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
  });
});
