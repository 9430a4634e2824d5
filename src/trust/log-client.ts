/**
 * What one user knows of a log: the newest checkpoint, which only grows, and what was read below it.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  consistencyRanges,
  EMPTY_ROOT,
  equalHashes,
  inclusionRanges,
  leafHash,
  prove,
} from '../content/merkle.ts';
import { PyrsiaError } from '../errors.ts';
import type { BlockIndex } from '../log/block.ts';
import { parseEntry } from '../log/entry.ts';
import { formatFork, parseFork, verifyFork } from '../log/fork.ts';
import { OLD_MS, vouchedAt } from '../log/freshness.ts';
import { provenCheckpoint } from '../log/policy.ts';
import { formatProof, parseProof, verifyProof } from '../log/proof.ts';
import { type ProvenLog, provenLog, type TileSource } from '../log/read-tiles.ts';
import { decodeText } from '../log/text.ts';
import { TILE_WIDTH } from '../log/tiles.ts';
import type { Standing } from '../verify/logged.ts';
import { type Kept, openCheckpoints } from './checkpoints.ts';
import { type KeptFiles, openKeptFiles } from './kept-files.ts';
import type { OwnNetwork } from './network-of.ts';

/** An empty file, written when a source has answered. */
const ASKED = 'asked';

/** The most bytes of a checkpoint: 256 KiB. */
const CHECKPOINT_LIMIT = 256 * 2 ** 10;

/** An entry, and the proof that it is in the log, as it is kept. */
export interface ProvenEntry {
  readonly index: bigint;
  readonly entry: Uint8Array;
  readonly proof: string;
}

/** A log as its user knows it. */
export interface LogClient {
  readonly network: OwnNetwork;
  readonly files: KeptFiles;
  /** Those who are asked, the kept files left out. */
  readonly sources: readonly TileSource[];
  /** The newest checkpoint that was ever believed. */
  latest(this: void): Kept | undefined;
  /**
   * Asks for a newer checkpoint.
   *
   * @throws PyrsiaError `LOG_FORKED` when it has shown two histories, now or before; whatever the last source failed with when none
   * has one that can be believed
   */
  refresh(this: void): Promise<Kept>;
  /** When a source was asked last, by whatever process of this user, in milliseconds since 1970. */
  askedAt(this: void): number | undefined;
  /** What the view is worth now. */
  standing(this: void): Standing;
  /** The log below a checkpoint, from what is kept and then from those who are asked. */
  below(this: void, kept: Kept): ProvenLog;
  /** The index that the newest block names; undefined where there is none. */
  index(this: void, kept: Kept): Promise<BlockIndex | undefined>;
  /** An entry of the newest view, and its proof, which was checked. */
  entry(this: void, index: bigint): Promise<ProvenEntry>;
}

/** Opens what is known of the log of a network, and where more is to be had. `state` and `cache` are directories of this log. */
export function openLogClient(
  network: OwnNetwork,
  {
    state,
    cache,
    sources,
    now,
  }: {
    readonly state: string;
    readonly cache: string;
    readonly sources: readonly TileSource[];
    readonly now: () => number;
  },
): LogClient {
  const { policy, origin } = network;
  const checkpoints = openCheckpoints(join(state, 'checkpoints'), policy);
  const forks = join(state, 'forks');
  const files = openKeptFiles(cache);
  const all = [files, ...sources];
  const below = ({ checkpoint }: Kept): ProvenLog =>
    provenLog(all, checkpoint, {
      keep: (path, bytes, source) => source !== files && files.keep(path, bytes),
    });

  const forked = (path: string): PyrsiaError => {
    const { shorter, longer, both } = readFork(path);
    const sizes = [Number(shorter.size), Number(longer.size)];
    return new PyrsiaError('LOG_FORKED', { origin, sizes, signers: both, path });
  };
  const readFork = (path: string) => verifyFork(parseFork(readFileSync(path), path), policy, path);
  const known = (): string | undefined => forksIn(forks)[0];

  /** Two checkpoints of which the shorter is not the beginning of the longer: kept, told, and not gone on from. */
  async function freeze(a: Kept, b: Kept): Promise<PyrsiaError> {
    const [shorter, longer] = a.checkpoint.size <= b.checkpoint.size ? [a, b] : [b, a];
    const { size } = shorter.checkpoint;
    const log = below(longer);
    const root = size === 0n ? EMPTY_ROOT : await log.rootAt(size);
    const proof = await prove(consistencyRanges(size, longer.checkpoint.size), log.readHashes);
    const fork = { shorter: shorter.text, longer: longer.text, root, proof };
    // What does not convince us convinces nobody.
    verifyFork(fork, policy);
    mkdirSync(forks, { recursive: true, mode: 0o700 });
    const path = join(forks, `${size}-${longer.checkpoint.size}.log-fork`);
    writeFileSync(path, formatFork(fork), { mode: 0o600 });
    return forked(path);
  }

  /** Whether `longer` begins with `shorter`. */
  async function begins(longer: Kept, { checkpoint }: Kept): Promise<boolean> {
    if (checkpoint.size === 0n) return equalHashes(checkpoint.root, EMPTY_ROOT);
    return equalHashes(await below(longer).rootAt(checkpoint.size), checkpoint.root);
  }

  /** Puts a checkpoint of a source in its place among those kept. */
  async function take(next: Kept): Promise<Kept> {
    const kept = checkpoints.read();
    const [newest] = kept;
    const isNewest = newest === undefined || next.checkpoint.size >= newest.checkpoint.size;
    if (!isNewest) {
      if (!(await begins(newest, next))) throw await freeze(next, newest);
      return newest;
    }
    for (const each of kept) if (!(await begins(next, each))) throw await freeze(each, next);
    if (newest?.checkpoint.size === next.checkpoint.size && !isFresher(next, newest)) return newest;
    checkpoints.add(next, kept);
    return next;
  }
  const isFresher = (a: Kept, b: Kept): boolean =>
    (vouchedAt(a.checkpoint, policy, now()) ?? 0) > (vouchedAt(b.checkpoint, policy, now()) ?? 0);
  const isOld = ({ checkpoint }: Kept): boolean => {
    if (policy.witnesses.size === 0) return false;
    const at = vouchedAt(checkpoint, policy, now());
    return at === undefined || now() - at > OLD_MS;
  };

  async function refresh(): Promise<Kept> {
    const newest = await newer();
    mkdirSync(state, { recursive: true, mode: 0o700 });
    writeFileSync(join(state, ASKED), '', { mode: 0o600 });
    return newest;
  }

  async function newer(): Promise<Kept> {
    const fork = known();
    if (fork !== undefined) throw forked(fork);
    let taken: Kept | undefined;
    let failure: unknown = new PyrsiaError('NOT_FOUND', { what: `the log ${origin}` });
    for (const source of sources) {
      try {
        const what = `the checkpoint of ${source.name}`;
        const bytes = await source.read('checkpoint', CHECKPOINT_LIMIT);
        if (bytes === undefined) throw new PyrsiaError('NOT_FOUND', { what });
        const text = decodeText(bytes, what, CHECKPOINT_LIMIT);
        taken = await take({ text, checkpoint: provenCheckpoint(text, policy, what) });
        // Somebody may hold back what is new; the next one may not.
        if (!isOld(taken)) return taken;
      } catch (error) {
        if (!(error instanceof PyrsiaError) || error.code === 'LOG_FORKED') throw error;
        failure = error;
      }
    }
    if (taken === undefined) throw failure;
    return taken;
  }

  async function entryBelow(kept: Kept, index: bigint): Promise<Uint8Array> {
    const width = BigInt(TILE_WIDTH);
    const entries = await below(kept).entries(index / width);
    return entries[Number(index % width)]!;
  }

  return {
    network,
    files,
    sources,
    below,
    refresh,
    latest: () => checkpoints.read()[0],
    askedAt: () => statSync(join(state, ASKED), { throwIfNoEntry: false })?.mtimeMs,
    standing() {
      const [newest] = checkpoints.read();
      const at = newest && vouchedAt(newest.checkpoint, policy, now());
      const fork = known();
      return {
        ...(newest && { size: Number(newest.checkpoint.size) }),
        ...(at !== undefined && { vouchedAt: at }),
        old: newest !== undefined && isOld(newest),
        ...(fork !== undefined && { fork }),
      };
    },
    async index(kept) {
      const { size } = kept.checkpoint;
      if (size === 0n) return undefined;
      const last = parseEntry(await entryBelow(kept, size - 1n), `entry ${size - 1n} of ${origin}`);
      return last.kind === 'block' ? last.block.index : undefined;
    },
    async entry(index) {
      const [newest] = checkpoints.read();
      if (newest === undefined || index >= newest.checkpoint.size)
        throw new PyrsiaError('NOT_FOUND', { what: `entry ${index} of ${origin}` });
      const entry = await entryBelow(newest, index);
      const path = await prove(inclusionRanges(index, newest.checkpoint.size), below(newest).readHashes);
      const proof = formatProof({ index, path, checkpoint: newest.text });
      verifyProof(parseProof(Buffer.from(proof)), leafHash(entry), policy, `the proof of entry ${index}`);
      return { index, entry, proof };
    },
  };
}

/** The proofs of forks that were ever found. */
function forksIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.log-fork'))
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}
