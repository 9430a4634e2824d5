/**
 * What an authority lets into the log: the same on every authority, as it depends on nothing but what was committed, the
 * batch, and the network's file.
 *
 * @module
 */
import { EMPTY_ROOT, leafHash } from '../content/merkle.ts';
import { isPyrsiaError } from '../errors.ts';
import { type Block, blockStatement } from '../log/block.ts';
import { countOf } from '../log/buckets.ts';
import { type Entry, formatEntry, parseEntry } from '../log/entry.ts';
import { RECENT_LIMIT, recentFile, snapshotFiles } from '../log/index-files.ts';
import type { Verifier } from '../log/keys.ts';
import { agreed, type Network } from '../log/network.ts';
import { observersOf, type Sighting } from '../log/observation.ts';
import { recordsIn } from '../log/records.ts';
import { encodeBase64 } from '../log/text.ts';
import type { Position } from './log-core.ts';
import { openRecentList } from './recent-list.ts';
import { digestsOf, type Said, type Snapshot, type Where } from './said.ts';

/** How long what may change has to stay the same before it is worth another entry, in seconds: a day. */
const SAME_AGAIN = 24 * 60 * 60;

/** What a judge goes by. */
export interface JudgeOptions {
  /** The name of the log. */
  readonly origin: string;
  readonly network: Network;
  readonly said: Said;
  /** Whether coordinates may mean other bytes one day, as an image's tag does. */
  readonly mayChange: (purl: string) => boolean;
}

/** What may become part of the log. */
export interface Judging {
  /** Reads an entry, the same one once. @throws PyrsiaError as `parseEntry` */
  readonly read: (bytes: Uint8Array) => Entry;
  /** Why an entry may not be the next; undefined where it may. It throws when what was committed cannot be taken in. */
  readonly entry: (entry: Uint8Array) => string | undefined;
  /** Why a batch, the last entry of which is its block, may not be the next; null where it may. It throws as {@link Judging.entry}. */
  readonly batch: (batch: readonly Uint8Array[], after: Position) => string | null;
  /** The block that closes a batch at `time`, in seconds since 1970. */
  readonly close: (entries: readonly Uint8Array[], after: Position, time: number) => Uint8Array;
  /** Takes in what was committed. */
  readonly committed: (entries: readonly Uint8Array[], first: bigint) => void;
}

/** Opens the judgement of one log. */
export function openJudge({ origin, network, said, mayChange }: JudgeOptions): Judging {
  const known = network.observers.map(({ verifier }) => verifier);
  /** What was read, and whose signatures were checked, is not done again when it is committed. */
  const read = new WeakMap<Uint8Array, Entry>();
  const proven = new WeakSet<Uint8Array>();

  const recent = openRecentList(said);
  /** The snapshot that was made last. */
  let renewed: Snapshot | undefined;

  /** What was committed and is not taken in yet, because the disk has failed. */
  const backlog: { readonly entries: readonly Entry[]; readonly first: bigint }[] = [];

  /** Nothing is judged by less than all that was committed. */
  const catchUp = (): void => {
    for (let next = backlog[0]; next !== undefined; next = backlog[0]) {
      said.add(next.entries, next.first);
      backlog.shift();
    }
  };

  const parsed = (bytes: Uint8Array): Entry => {
    let entry = read.get(bytes);
    if (entry === undefined) read.set(bytes, (entry = parseEntry(bytes)));
    return entry;
  };

  const signers = (where: Where, seen: readonly Sighting[]): string | Verifier[] => {
    const all: Verifier[] = [];
    for (const sighting of seen) {
      const signed = observersOf(where, sighting, known);
      if (signed.length !== sighting.observers.length) return 'it names observers twice, or unknown ones';
      all.push(...signed);
    }
    if (new Set(all).size < all.length) return 'one observer has seen several things at once';
    return all;
  };

  const unsigned = (bytes: Uint8Array, where: Where, seen: readonly Sighting[]): string | undefined => {
    if (proven.has(bytes)) return undefined;
    const signed = signers(where, seen);
    if (typeof signed === 'string') return signed;
    if (!agreed(network, signed)) return `${signed.length} of ${known.length} observers are too few`;
    proven.add(bytes);
    return undefined;
  };

  const reasonAgainst = (bytes: Uint8Array): string | undefined => {
    const entry = parsed(bytes);
    if (entry.kind === 'observe') {
      const { observation } = entry;
      const before = said.newest('observe', observation);
      const sha256 = observation.digest['sha256']!;
      if (before !== undefined) {
        if (!mayChange(observation.purl))
          return before.sha256 === sha256
            ? `entry ${before.entry} says it already`
            : `entry ${before.entry} has seen other bytes, sha256:${before.sha256}`;
        const next = before.observedAt + (before.sha256 === sha256 ? SAME_AGAIN : 1);
        if (observation.observedAt < next) return `entry ${before.entry} says it already, or is newer`;
      }
      return unsigned(bytes, observation, [observation]);
    }
    if (entry.kind === 'dispute') {
      const { dispute } = entry;
      const [first, ...others] = dispute.seen;
      // Else anybody makes one of two observations of what has changed between them: all that takes is public.
      if (others.some(({ observedAt }) => observedAt !== first!.observedAt))
        return 'what it has was not seen at one time';
      const before = said.newest('dispute', dispute);
      // Nor are old ones handed in over and over.
      if (before?.sha256 === digestsOf(dispute.seen) || first!.observedAt <= (before?.observedAt ?? -1))
        return `entry ${before!.entry} says it already, or is newer`;
      return unsigned(bytes, dispute, dispute.seen);
    }
    return 'it is of a kind that nobody submits';
  };

  const judged = (bytes: Uint8Array): string | undefined => {
    catchUp();
    try {
      return reasonAgainst(bytes);
    } catch (error) {
      if (isPyrsiaError(error)) return error.message;
      throw error;
    }
  };

  /** The index that holds once these entries are part of the log. */
  const indexWith = (
    entries: readonly Uint8Array[],
    { size }: Position,
  ): NonNullable<Block['index']> & { recent: string } => {
    const fresh = entries.flatMap((entry, i) => recordsIn(parsed(entry), size + BigInt(i)));
    const snapshot = said.snapshot() ?? snapshotFiles([], 0n).index;
    const since = recent(BigInt(snapshot.size), size);
    if (countOf(since) + fresh.length <= RECENT_LIMIT)
      return { ...snapshot, recent: recentFile(fresh, since).recent };
    // Several batches may be tried at one place.
    if (renewed?.size !== Number(size)) renewed = snapshotFiles(said.records(0n, size), size).index;
    return { ...renewed, recent: recentFile(fresh).recent };
  };

  const close = (entries: readonly Uint8Array[], after: Position, time: number): Uint8Array => {
    const root = Buffer.from(after.root).toString('hex');
    return formatEntry(
      blockStatement({
        origin,
        height: Number(after.seq),
        epoch: 0,
        time: Math.max(time, said.time()),
        // Nothing is drawn by it yet.
        beacon: Buffer.from(leafHash(after.root)).toString('hex'),
        previous: { size: Number(after.size), root },
        revoked: Buffer.from(EMPTY_ROOT).toString('hex'),
        index: indexWith(entries, after),
      }),
    );
  };

  return {
    read: parsed,
    entry: judged,
    close,
    batch(batch, after) {
      catchUp();
      const entries = batch.slice(0, -1);
      const last = batch.at(-1);
      if (last === undefined || entries.length === 0) return 'it has no entries besides its block';
      const seen = new Set<string>();
      for (const [i, entry] of entries.entries()) {
        const reason = judged(entry) ?? repeated(parsed(entry), seen);
        if (reason !== undefined) return `entry ${after.size + BigInt(i)}: ${reason}`;
      }
      const reason = judgedBlock(last);
      if (typeof reason === 'string') return reason;
      if (reason.time < said.time()) return 'its block is older than the one before';
      const expected = close(entries, after, reason.time);
      return encodeBase64(expected) === encodeBase64(last) ? null : 'its block is not that of these entries';
    },
    committed(entries, first) {
      backlog.push({ entries: entries.map(parsed), first });
      try {
        catchUp();
      } catch {
        // It is part of the log all the same; whoever judges the next one hears of it.
      }
    },
  };

  function judgedBlock(bytes: Uint8Array): string | Block {
    try {
      const entry = parsed(bytes);
      return entry.kind === 'block' ? entry.block : 'it does not end with a block';
    } catch (error) {
      if (isPyrsiaError(error)) return error.message;
      throw error;
    }
  }
}

/** Why an entry may not stand beside those that were `seen`, which it is then. */
function repeated(entry: Entry, seen: Set<string>): string | undefined {
  if (entry.kind !== 'observe' && entry.kind !== 'dispute') return undefined;
  const { purl, upstream, file } = entry.kind === 'observe' ? entry.observation : entry.dispute;
  const key = JSON.stringify([entry.kind, purl, upstream, file]);
  if (seen.has(key)) return 'another entry of its batch is about the same';
  seen.add(key);
  return undefined;
}
