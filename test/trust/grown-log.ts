/**
 * A network of four organisations and its log, grown by what ships, with keys of its own: the files are in memory, and a test
 * may alter them.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { TreeHead } from '../../src/content/merkle.ts';
import { blockStatement } from '../../src/log/block.ts';
import type { IndexRecord } from '../../src/log/buckets.ts';
import { formatEntry, parseEntry } from '../../src/log/entry.ts';
import { recentFile, snapshotFiles } from '../../src/log/index-files.ts';
import type { Signer } from '../../src/log/keys.ts';
import { formatNetwork } from '../../src/log/network-file.ts';
import { disputeStatement, observe, observeStatement } from '../../src/log/observation.ts';
import { recordsIn } from '../../src/log/records.ts';
import { type OwnNetwork, readNetwork } from '../../src/trust/network-of.ts';
import { type MemoryLog, memoryLog } from '../log/memory-log.ts';
import { checkpoint, log, signer } from '../log/signers.ts';

/** When everything here was signed, in seconds since 1970: an hour ago of {@link NOW_MS}. */
export const SIGNED = 1_800_000_000;

/** What the clients of these tests take the time to be, in milliseconds. */
export const NOW_MS = (SIGNED + 3600) * 1000;

/** Something that observers saw. */
export interface Seen {
  readonly purl: string;
  /** The bytes, or their sha256 in hex. */
  readonly bytes: string | Uint8Array;
  /** How many observers; all without. */
  readonly observers?: number;
  readonly upstream?: string;
}

/** A log that grows. */
export interface GrownLog extends MemoryLog {
  readonly network: OwnNetwork;
  readonly networkText: string;
  readonly witnesses: readonly Signer[];
  readonly observers: readonly Signer[];
  readonly head: () => TreeHead;
  /** Appends observations, and a block; signs. */
  append(seen: readonly Seen[], options?: { cosigners?: number; time?: number; snapshot?: boolean }): void;
  /** Appends a dispute about what each of these saw. */
  dispute(purl: string, bytes: readonly string[]): void;
}

const ORGANISATIONS = ['org1', 'org2', 'org3', 'org4'];

/** Begins a log of `organisations`; `url` is where it is to be read. */
export function grownLog({
  url = 'http://log.example/',
  organisations = ORGANISATIONS,
  entries = [],
  signed = SIGNED,
}: {
  url?: string;
  organisations?: readonly string[];
  entries?: readonly Uint8Array[];
  /** When all is signed, in seconds since 1970. */
  signed?: number;
} = {}): GrownLog {
  const witnesses = organisations.map((name, i) => signer(`${name}.example`, 10 + i, 'cosignature/v1'));
  const observers = organisations.map((name, i) => signer(`${name}.example`, 50 + i));
  const networkText = formatNetwork(
    organisations.map((organisation, i) => ({
      organisation,
      url,
      log: log.verifier,
      cosign: witnesses[i]!.verifier,
      attest: observers[i]!.verifier,
    })),
    signer('net.example', 90),
  );
  const files = memoryLog();
  let [head, height] = [{ size: 0n, root: Buffer.alloc(32) } as TreeHead, 0];
  let snapshot = snapshotFiles([], 0n);
  for (const { path, bytes } of snapshot.files) files.files.set(path, bytes);
  const records: IndexRecord[] = [];
  let fresh: IndexRecord[] = [];

  const add = (
    added: readonly Uint8Array[],
    { cosigners = 3, time = signed, snapshot: anew = false }: Parameters<GrownLog['append']>[1] = {},
  ): void => {
    if (anew) {
      records.push(...fresh);
      fresh = [];
      snapshot = snapshotFiles(records, head.size);
      for (const { path, bytes } of snapshot.files) files.files.set(path, bytes);
    }
    fresh.push(...added.flatMap((entry, i) => recordsIn(parseEntry(entry), head.size + BigInt(i))));
    const { file, recent } = recentFile(fresh);
    const block = {
      origin: log.verifier.name,
      height: height++,
      epoch: 0,
      time,
      beacon: '0'.repeat(64),
      previous: { size: Number(head.size), root: Buffer.from(head.root).toString('hex') },
      revoked: '0'.repeat(64),
      index: { ...snapshot.index, recent },
    };
    head = files.add([...added, formatEntry(blockStatement(block))]);
    files.files.set(file.path, file.bytes);
    const by = [log, ...witnesses.slice(0, cosigners)];
    files.files.set('checkpoint', Buffer.from(checkpoint(head, by, { time: BigInt(time) })));
  };

  if (entries.length > 0) add(entries);
  return {
    ...files,
    network: readNetwork(Buffer.from(networkText), 'the network'),
    networkText,
    witnesses,
    observers,
    head: () => head,
    append: (seen, options) =>
      add(
        seen.map((each) => observed(each, observers)),
        options,
      ),
    dispute(purl, bytes) {
      const seen = bytes.map((each, i) => sightingOf(purl, each, [observers[i % observers.length]!]));
      add([formatEntry(disputeStatement({ ...placeOf(purl), seen }))]);
    },
  };
}

/** The sha256 of bytes, or of what is one already. */
export function sha256Of(bytes: Seen['bytes']): string {
  return typeof bytes === 'string' && /^[0-9a-f]{64}$/.test(bytes) ? bytes : hash('sha256', bytes, 'hex');
}

/** An entry about what `observers` saw. */
export function observed(
  { purl, bytes, observers: count, upstream }: Seen,
  by: readonly Signer[],
): Uint8Array {
  const place = { ...placeOf(purl), ...(upstream && { upstream }) };
  const all = sightingOf(purl, bytes, by.slice(0, count), place);
  return formatEntry(observeStatement({ ...place, ...all }));
}

function placeOf(purl: string) {
  return { purl, upstream: 'https://registry.example/', file: `${purl.split('/').at(-1)}.tgz` };
}

function sightingOf(purl: string, bytes: Seen['bytes'], by: readonly Signer[], place = placeOf(purl)) {
  const sighting = {
    digest: { sha256: sha256Of(bytes) },
    size: typeof bytes === 'string' ? 1 : bytes.byteLength,
    mediaType: 'application/gzip',
    observedAt: SIGNED - 60,
    chunks: { size: 65_536, root: 'c'.repeat(64) },
  };
  return { ...sighting, observers: by.map((each) => observe(place, sighting, each)) };
}
