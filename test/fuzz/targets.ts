/**
 * What reads bytes of strangers, and what has to be so whatever the bytes: it returns or throws one of our errors, and
 * what it has read is written back as it was. Anything else is a finding.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { inclusionRanges, leafHash, prove } from '../../src/content/merkle.ts';
import { blockStatement } from '../../src/log/block.ts';
import { formatBuckets, keyOf, parseBucket } from '../../src/log/buckets.ts';
import { checkpointText, parseCheckpoint } from '../../src/log/checkpoint.ts';
import { formatEntry, parseEntry } from '../../src/log/entry.ts';
import { formatVerifierKey, parseVerifierKey } from '../../src/log/keys.ts';
import { formatNote, parseNote } from '../../src/log/note.ts';
import { disputeStatement, type Dispute, observe, observeStatement } from '../../src/log/observation.ts';
import { parsePolicy, provenCheckpoint } from '../../src/log/policy.ts';
import { formatProof, parseProof, verifyProof } from '../../src/log/proof.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { formatBundle, parseBundle, parseTile } from '../../src/log/tiles.ts';
import { answerAddCheckpoint, formatAddCheckpoint, parseAddCheckpoint } from '../../src/log/witness.ts';
import { entriesOf, memoryLog } from '../log/memory-log.ts';
import { checkpoint, log, policy, signer, vkey, witnesses } from '../log/signers.ts';
import { memberTargets } from './member-targets.ts';
import { certificateTarget } from './certificate-target.ts';
import { imageTargets } from './image-targets.ts';
import { networkTargets } from './network-targets.ts';
import { peerTargets } from './peer-targets.ts';
import type { Target } from './target.ts';
import { wireTargets } from './wire-targets.ts';

const files = memoryLog();
const head = files.add(entriesOf(0, 300));
const signed = checkpoint(head, [log, ...witnesses.slice(0, 5)]);
const path = await prove(inclusionRanges(77n, head.size), provenLog(files, head).readHashes);
const leaf = leafHash(Buffer.from('entry 77'));
const trusted = parsePolicy(policy(5));
const proof = { index: 77n, path, checkpoint: signed };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const same = (written: string | Uint8Array, bytes: Uint8Array): void =>
  assert.ok(
    Buffer.from(bytes).equals(typeof written === 'string' ? Buffer.from(written) : written),
    'it is written otherwise',
  );

const place = { purl: 'pkg:npm/left@1.0.0', upstream: 'https://registry.example/', file: 'left-1.0.0.tgz' };
const seen = {
  digest: { sha256: 'a'.repeat(64) },
  size: 1234,
  mediaType: 'application/gzip',
  observedAt: 1_800_000_000,
  chunks: { size: 65_536, root: 'c'.repeat(64) },
};
const node = signer('node.example', 50);
const sighting = { ...seen, observers: [observe(place, seen, node)] };
const dispute: Dispute = { ...place, seen: [sighting, { ...sighting, digest: { sha256: 'b'.repeat(64) } }] };
const hash = (byte: string): string => byte.repeat(64);
const records = Array.from({ length: 4 }, (_, n) => ({
  key: keyOf(`pkg:npm/p${n}@1`),
  sha256: Buffer.alloc(32, n),
  entry: BigInt(n),
  kind: 1,
  rung: 4,
}));

/** All that are fuzzed. */
export const targets: readonly Target[] = [
  {
    name: 'note',
    seeds: [signed, checkpoint(head), 'text\n\nmore\n\n\u2014 a.example AAAAAAA=\n'].map((each) =>
      Buffer.from(each),
    ),
    read: (bytes) => same(formatNote(parseNote(text(bytes))), Buffer.from(text(bytes))),
  },
  {
    name: 'checkpoint',
    seeds: [signed, checkpoint({ size: 0n, root: head.root })].map((each) => Buffer.from(each)),
    read(bytes) {
      const read = parseCheckpoint(text(bytes));
      if (read.extensions.length === 0) assert.equal(checkpointText(read), read.note.text);
      const proven = provenCheckpoint(text(bytes), trusted);
      // Nobody has signed anything else.
      assert.deepEqual([proven.size, Buffer.from(proven.root)], [head.size, Buffer.from(head.root)]);
    },
  },
  {
    name: 'verifier-key',
    seeds: [log, witnesses[0]!].map((each) => Buffer.from(vkey(each))),
    read: (bytes) => same(formatVerifierKey(parseVerifierKey(text(bytes))), Buffer.from(text(bytes))),
  },
  {
    name: 'policy',
    seeds: [policy(5), Buffer.from(`log ${vkey(log)} https://log.example/\n# x\nquorum none\n`)],
    read: (bytes) => void parsePolicy(bytes),
  },
  {
    name: 'proof',
    seeds: [formatProof(proof), formatProof({ ...proof, extra: Buffer.from('x') })].map((each) =>
      Buffer.from(each),
    ),
    read(bytes) {
      const read = parseProof(bytes);
      same(formatProof(read), bytes);
      const proven = verifyProof(read, leaf, trusted);
      assert.deepEqual([proven.size, read.index], [head.size, 77n]);
    },
  },
  {
    name: 'tile',
    seeds: [files.files.get('tile/0/000')!.subarray(0, 96), files.files.get('tile/0/001.p/44')!],
    read: (bytes) => same(Buffer.concat(parseTile(bytes, 3, 'it')), bytes.subarray(0, 96)),
  },
  {
    name: 'bundle',
    seeds: [
      formatBundle(entriesOf(0, 3)),
      formatBundle([Buffer.alloc(0), Buffer.alloc(300), Buffer.alloc(0)]),
    ],
    read(bytes) {
      const written = formatBundle(parseBundle(bytes, 3, 'it'));
      same(written, bytes.subarray(0, written.byteLength));
    },
  },
  {
    name: 'bucket',
    seeds: formatBuckets(records, 0).buckets,
    read: (bytes) => same(formatBuckets(parseBucket(bytes, leafHash(bytes), 0, 0), 0).buckets[0]!, bytes),
  },
  {
    name: 'entry',
    seeds: [
      observeStatement({ ...place, ...sighting }),
      disputeStatement(dispute),
      blockStatement({
        origin: 'log.example/1',
        height: 1,
        epoch: 0,
        time: 1_800_000_000,
        beacon: hash('a'),
        previous: { size: 1, root: hash('b') },
        revoked: hash('c'),
        index: { size: 1, bits: 0, root: hash('d') },
      }),
    ].map(formatEntry),
    read(bytes) {
      const entry = parseEntry(bytes);
      if (entry.kind === 'observe') same(formatEntry(observeStatement(entry.observation)), bytes);
      if (entry.kind === 'dispute') same(formatEntry(disputeStatement(entry.dispute)), bytes);
      if (entry.kind === 'block') same(formatEntry(blockStatement(entry.block)), bytes);
    },
  },
  {
    name: 'add-checkpoint',
    seeds: [0n, 77n].map((old) =>
      Buffer.from(formatAddCheckpoint({ old, proof: old === 0n ? [] : path, checkpoint: signed })),
    ),
    read(bytes) {
      const request = parseAddCheckpoint(bytes);
      same(formatAddCheckpoint(request), bytes);
      const answer = answerAddCheckpoint(request, [log.verifier], () => undefined);
      if (answer.status === 200) assert.equal(answer.next.size, head.size);
    },
  },
  ...networkTargets,
  ...memberTargets,
  certificateTarget,
  ...wireTargets,
  ...peerTargets,
  ...imageTargets,
];
