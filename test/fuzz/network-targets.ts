/**
 * What members of a network hand to each other and to clients, and what has to be so whatever the bytes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { consistencyRanges, leafHash, nodeHash, prove } from '../../src/content/merkle.ts';
import { keyOf } from '../../src/log/buckets.ts';
import { parseCheckpoint } from '../../src/log/checkpoint.ts';
import { formatEntry, parseEntry } from '../../src/log/entry.ts';
import { verifyEvidence } from '../../src/log/evidence.ts';
import { formatFork, parseFork, verifyFork } from '../../src/log/fork.ts';
import { readBucketFile, readRecent, recentFile, snapshotFiles } from '../../src/log/index-files.ts';
import { formatVerifierKey } from '../../src/log/keys.ts';
import { parseNetwork } from '../../src/log/network.ts';
import { type Card, formatNetwork, networkKeyOf, parseCard } from '../../src/log/network-file.ts';
import { observe, observeStatement } from '../../src/log/observation.ts';
import { parsePolicy } from '../../src/log/policy.ts';
import type { LogProof } from '../../src/log/proof.ts';
import { provenLog } from '../../src/log/read-tiles.ts';
import { cosignaturesIn, formatCosignatures } from '../../src/log/witness.ts';
import { entriesOf, memoryLog } from '../log/memory-log.ts';
import { checkpoint, log, policy, signer, vkey, witnesses } from '../log/signers.ts';
import type { Target } from './target.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const key = signer('net.example', 90);
const cardOf = (n: number): Card => ({
  organisation: `org${n}`,
  url: `https://a${n}.example/`,
  log: signer(`log.a${n}.example`, 100 + n).verifier,
  cosign: signer(`a${n}.example`, 110 + n, 'cosignature/v1').verifier,
  attest: signer(`a${n}.example`, 120 + n).verifier,
});
const cards = [1, 2, 3, 4].map(cardOf);
const networkText = formatNetwork(cards, key);
const cardText = ({ organisation, url, ...keys }: Card): string =>
  [
    `organisation ${organisation}`,
    `url ${url}`,
    ...Object.entries(keys).map(([keyword, verifier]) => `${keyword} ${formatVerifierKey(verifier)}`),
    'peer AAAA',
    '',
  ].join('\n');

const records = Array.from({ length: 400 }, (_, n) => ({
  key: keyOf(`pkg:npm/p${n}@1`),
  sha256: Buffer.alloc(32, n),
  entry: BigInt(n),
  kind: 1,
  rung: 4,
}));
const snapshot = snapshotFiles(records, 400n);
const list = recentFile(records.slice(0, 4));

const trusted = parsePolicy(policy(5));
const five = [log, ...witnesses.slice(0, 5)];
const [mine, other] = [memoryLog(), memoryLog()];
const short = mine.add(entriesOf(0, 20));
const begun = other.add(entriesOf(50, 70));
const long = other.add(entriesOf(70, 90));
const fork = {
  shorter: checkpoint(short, five),
  longer: checkpoint(long, five),
  root: begun.root,
  proof: await prove(consistencyRanges(20n, 40n), provenLog(other, long).readHashes),
};

const signed = checkpoint(short, five);
const cosigned = parseCheckpoint(signed);
const cosigners = witnesses.map(({ verifier }) => verifier);
const lines = formatCosignatures(cosigned.note.signatures.slice(1));

const purl = 'pkg:npm/left@1.0.0';
const place = { purl, upstream: 'npm', file: 'left-1.0.0.tgz' };
const sha256 = 'a'.repeat(64);
const seen = {
  digest: { sha256 },
  size: 1234,
  mediaType: 'application/gzip',
  observedAt: 1_800_000_000,
  chunks: { size: 65_536, root: 'c'.repeat(64) },
};
const observer = signer('w1.example', 60);
const entry = formatEntry(
  observeStatement({ ...place, ...seen, observers: [observe(place, seen, observer)] }),
);
const witness = signer('w1.example', 10, 'cosignature/v1');
const network = parseNetwork(
  Buffer.from(
    `# pyrsia observer w1 ${vkey(observer)}\nlog ${vkey(log)}\nwitness w1 ${vkey(witness)}\nquorum w1\n`,
  ),
);
/** That a log whose only entry this is has it. */
const onlyEntry = (bytes: Uint8Array): LogProof => ({
  index: 0n,
  path: [],
  checkpoint: checkpoint({ size: 1n, root: leafHash(bytes) }, [log, witness]),
});

/** The root of an index of which these bytes would be bucket `number`. */
function rootBy(bytes: Uint8Array, number: number): string {
  const { bits } = snapshot.index;
  let node = leafHash(bytes.subarray(32 * bits));
  for (let i = 0; i < bits; i++) {
    const beside = bytes.subarray(32 * i, 32 * (i + 1));
    node = ((number >> i) & 1) === 1 ? nodeHash(beside, node) : nodeHash(node, beside);
  }
  return Buffer.from(node).toString('hex');
}

/** Files and messages of a network. */
export const networkTargets: readonly Target[] = [
  {
    name: 'network-file',
    seeds: [networkText, formatNetwork(cards.slice(0, 1), key)].map((each) => Buffer.from(each)),
    read(bytes) {
      parseNetwork(bytes);
      const by = networkKeyOf(bytes);
      // Whoever makes a network of his own has his own key; in the name of this one nobody says anything else.
      if (by.id === key.verifier.id)
        assert.ok([networkText, formatNetwork(cards.slice(0, 1), key)].includes(text(bytes)));
    },
  },
  {
    name: 'card',
    seeds: cards.slice(0, 2).map((card) => Buffer.from(cardText(card))),
    read(bytes) {
      const card = parseCard(bytes, 'a card');
      assert.deepEqual(
        { ...parseCard(Buffer.from(cardText(card)), 'a card'), log: 0, cosign: 0, attest: 0 },
        { ...card, log: 0, cosign: 0, attest: 0 },
      );
    },
  },
  {
    name: 'bucket-file',
    seeds: [snapshot.files[1]!.bytes],
    read(bytes) {
      // Whoever roots an index may root anything.
      readBucketFile(bytes, 1, { ...snapshot.index, root: rootBy(bytes, 1) });
      const bucket = readBucketFile(bytes, 1, snapshot.index);
      assert.ok(Buffer.from(snapshot.files[1]!.bytes).subarray(-bucket.byteLength).equals(bucket));
    },
  },
  {
    name: 'recent-list',
    seeds: [list.file.bytes, recentFile(records.slice(0, 3)).file.bytes],
    read(bytes) {
      readRecent(bytes, Buffer.from(leafHash(bytes)).toString('hex'));
      assert.ok(Buffer.from(readRecent(bytes, list.recent)).equals(list.file.bytes));
    },
  },
  {
    name: 'fork',
    seeds: [fork, { ...fork, longer: fork.shorter, proof: [] }].map((each) => Buffer.from(formatFork(each))),
    read(bytes) {
      const read = parseFork(bytes);
      assert.equal(formatFork(read), text(bytes));
      // The log of this key has shown these two histories and no others.
      assert.deepEqual(
        Object.values(verifyFork(read, trusted))
          .slice(0, 2)
          .map(({ size }: { size: bigint }) => size),
        [20n, 40n],
      );
    },
  },
  {
    name: 'cosignatures',
    seeds: [lines, formatCosignatures(cosigned.note.signatures.slice(1, 2))].map((each) => Buffer.from(each)),
    read: (bytes) => {
      const all = cosignaturesIn(text(bytes), cosigned, cosigners);
      const known = cosigned.note.signatures.map(({ signature }) => Buffer.from(signature).toString('hex'));
      for (const { signature } of all) assert.ok(known.includes(Buffer.from(signature).toString('hex')));
    },
  },
  {
    name: 'evidence',
    seeds: [entry],
    read(bytes) {
      verifyEvidence({ purl, sha256 }, bytes, onlyEntry(bytes), network);
      const read = parseEntry(bytes);
      assert.ok(read.kind === 'observe');
      // Strangers may have signed besides; what was seen nobody can alter.
      assert.deepEqual({ ...read.observation, observers: [] }, { ...place, ...seen, observers: [] });
    },
  },
];
