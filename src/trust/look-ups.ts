/**
 * Looking coordinates up in a log without telling anybody which: whole buckets of its index are read, and kept.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { PyrsiaError } from '../errors.ts';
import type { BlockIndex } from '../log/block.ts';
import { bucketOf, bucketPath, keyOf, recordsWithin } from '../log/buckets.ts';
import { INDEX_FILE_LIMIT, RECENT_PATH, readBucketFile, readRecent } from '../log/index-files.ts';
import type { TileSource } from '../log/read-tiles.ts';
import { type Finding, findingOf, type Standing } from '../verify/logged.ts';
import type { Kept } from './checkpoints.ts';
import type { LogClient } from './log-client.ts';

/** How long a view is good enough before a newer checkpoint is asked for, in milliseconds. */
const REFRESH_MS = 5 * 60 * 1000;

/** How long a log that could not be asked is left alone, in milliseconds. */
const REST_MS = 60_000;

/** How long somebody waits for the log, in milliseconds; what comes later is there the next time. */
const PATIENCE_MS = 10_000;

/** The same within {@link REST_MS} of when that was too short: what is here already takes no longer. */
const IMPATIENCE_MS = 200;

/** How often the index is read again when the log grows while it is read. */
const TRIES = 3;

/** Look-ups in one log. */
export interface LookUps {
  /** Reads what is needed to answer for these. Never rejects; what could not be had is told by {@link LookUps.finding}. */
  lookUp(this: void, purls: readonly string[]): Promise<void>;
  /** What the log says, as far as it was looked up. */
  finding(this: void, purl: string): Finding;
  /** What the view is worth, and why it could not be made newer. */
  standing(this: void): Standing & { readonly problem?: string };
  settled(this: void): Promise<void>;
}

/** A checkpoint, and the index that it leads to. */
interface View {
  readonly kept: Kept;
  readonly index: BlockIndex;
  /** The list of what came since the snapshot; undefined where only the snapshot is here. */
  readonly recent: Uint8Array | undefined;
}

/** Looks up in the log of `client`; one without sources answers from what is kept. */
export function openLookUps(
  client: LogClient,
  now: () => number,
  { patienceMs = PATIENCE_MS }: { readonly patienceMs?: number } = {},
): LookUps {
  const { files, sources } = client;
  const all: readonly TileSource[] = [files, ...sources];
  let view: View | undefined;
  let problem: string | undefined;
  let checkedAt = -Infinity;
  /** When a source was asked last, as far as that was taken up here. */
  let knownAt: number | undefined;
  let restsUntil = -Infinity;
  let lateAt = -Infinity;
  let standing: Standing = { old: false };
  let renewing: Promise<void> | undefined;
  const buckets = new Map<number, Uint8Array>();
  const reading = new Map<number, Promise<void>>();

  /** The first of the sources' files that `take` is content with, kept where it was not. */
  async function proven(path: string, take: (bytes: Uint8Array) => Uint8Array): Promise<Uint8Array> {
    let failure: unknown = new PyrsiaError('NOT_FOUND', { what: `${path} of ${client.network.origin}` });
    for (const source of all) {
      try {
        const bytes = await source.read(path, INDEX_FILE_LIMIT);
        if (bytes === undefined) continue;
        const content = take(bytes);
        if (source !== files) files.keep(path, bytes);
        return content;
      } catch (error) {
        if (!(error instanceof PyrsiaError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async function viewOf(kept: Kept): Promise<View> {
    const index = await client.index(kept);
    if (index === undefined)
      throw new PyrsiaError('NOT_FOUND', { what: `an index of ${client.network.origin}` });
    const { recent } = index;
    if (recent === undefined) return { kept, index, recent: undefined };
    const list = proven(RECENT_PATH, (bytes) => readRecent(bytes, recent));
    // Without those who have it the snapshot is better than nothing.
    return { kept, index, recent: await (sources.length > 0 ? list : list.catch(() => undefined)) };
  }

  function see(next: View): void {
    if (next.index.root !== view?.index.root || next.index.size !== view.index.size) {
      buckets.clear();
      void files.only(`index/${next.index.size}`);
    }
    view = next;
  }

  /** Takes the newest view that can be had. */
  async function renew(): Promise<void> {
    const latest = client.latest();
    if (sources.length === 0) {
      if (latest) see(await viewOf(latest));
      else problem = 'it was never read here';
      return;
    }
    const askedAt = client.askedAt() ?? -Infinity;
    if (latest && now() - askedAt < REFRESH_MS && now() >= askedAt) {
      // Another process has asked a moment ago. What it has not kept is asked for below.
      const kept = await viewOf(latest).catch(() => undefined);
      if (kept) return see(kept);
    }
    for (let tries = 1; ; tries++) {
      const kept = await client.refresh();
      if (kept.text === view?.kept.text) return;
      try {
        return see(await viewOf(kept));
      } catch (error) {
        // The list may be that of a later checkpoint already.
        if (!(error instanceof PyrsiaError) || error.code !== 'NOT_PROVEN' || tries === TRIES) throw error;
      }
    }
  }

  async function renewed(): Promise<void> {
    const at = now();
    const isDue = at - checkedAt >= REFRESH_MS || at < checkedAt;
    const isResting = at < restsUntil && at >= restsUntil - REST_MS;
    // What another process of this user has learned since, as log submit has, is taken up at once.
    const isNews = client.askedAt() !== knownAt;
    if (!isNews && ((view !== undefined && !isDue) || isResting)) return;
    renewing ??= (async () => {
      try {
        await renew();
        [checkedAt, problem] = [now(), view === undefined ? problem : undefined];
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
        restsUntil = now() + REST_MS;
        const latest = client.latest();
        if (view === undefined && latest) see(await viewOf(latest));
      } finally {
        standing = client.standing();
        knownAt = client.askedAt();
        renewing = undefined;
      }
    })().catch(() => undefined);
    await renewing;
  }

  async function read(number: number, { index }: View): Promise<void> {
    const known = reading.get(number);
    if (known) return known;
    const path = bucketPath(BigInt(index.size), number);
    const work = (async () => {
      try {
        const bucket = await proven(path, (bytes) => readBucketFile(bytes, number, index));
        if (view?.index.root === index.root) buckets.set(number, bucket);
      } catch (error) {
        problem ??= error instanceof Error ? error.message : String(error);
        if (sources.length > 0) restsUntil = now() + REST_MS;
      } finally {
        reading.delete(number);
      }
    })();
    reading.set(number, work);
    return work;
  }

  async function lookUp(purls: readonly string[]): Promise<void> {
    await renewed();
    const current = view;
    if (current === undefined) return;
    const numbers = new Set(purls.map((purl) => bucketOf(keyOf(purl), current.index.bits)));
    const missing = [...numbers].filter((number) => !buckets.has(number));
    if (missing.length > 0) await Promise.all(missing.map((number) => read(number, current)));
  }

  return {
    async lookUp(purls) {
      if (purls.length === 0) return;
      const over = new AbortController();
      const wasLate = now() >= lateAt && now() < lateAt + REST_MS;
      const late = delay(wasLate ? IMPATIENCE_MS : patienceMs, 'late' as const, {
        signal: over.signal,
        ref: false,
      }).catch(() => 'over');
      const end = await Promise.race([lookUp(purls).catch(() => undefined), late]);
      over.abort();
      if (end !== 'late') return;
      if (!wasLate) lateAt = now();
      problem ??= `it has not answered within ${patienceMs / 1000} s`;
    },
    finding(purl) {
      if (view === undefined) return { kind: 'unasked', reason: problem ?? 'it was not asked yet' };
      const bucket = buckets.get(bucketOf(keyOf(purl), view.index.bits));
      const records = [
        ...(bucket ? recordsWithin(bucket, purl) : []),
        ...(view.recent ? recordsWithin(view.recent, purl) : []),
      ];
      const found = findingOf(records);
      if (
        found.kind !== 'unknown' ||
        (bucket !== undefined && (view.recent ?? view.index.recent) === view.recent)
      )
        return found;
      return { kind: 'unasked', reason: problem ?? 'this part of its index is not here' };
    },
    standing: () => ({ ...standing, ...(problem !== undefined && { problem }) }),
    settled: async () => files.settled(),
  };
}
