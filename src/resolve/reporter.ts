/**
 * Keeps the account of one launch while it runs.
 *
 * @module
 */
import { constants, renameSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import type { ToldLog } from '../verify/logged.ts';
import type { CopyLine, DocumentCounts, Fill, PastUs, Receipt, ReportLine } from './report.ts';
import { copiesNote, receiptText, submittable, totals } from './receipt.ts';

/** A pipe that nobody reads is an error: to wait for it would hold up every launch of the agent. */
const APPENDING = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NONBLOCK ?? 0);

/** How many of those that went past us are named, for each host. */
const NAMED = 3;

/** How many documents of neighbours are told one by one. */
const COPIES_LIMIT = 10_000;

/** The account of one launch. */
export interface Reporter {
  /**
   * Records an artifact, once however often the tool asks for it. One that was linked and is asked for all the same
   * counts as what came of that, and one that could not be had and comes at last as what came. Resolves once it stands in `$PYRSIA_REPORT`, so wait for it before the reply ends.
   */
  add(line: ReportLine): Promise<void>;
  /**
   * This is lacking, and is brought for the launch before its tool asks: if upstream sends it, that is where it is
   * from, even for a tool that is given it out of the cache. What is returned is to be told whether upstream did.
   */
  brings(what: Pick<ReportLine, 'purl' | 'upstream'>): (isUpstreams: boolean) => void;
  /** How the tool's own cache was filled. */
  filled(fill: Fill): void;
  /** What the tool has to fetch past us; what comes through us all the same does not count. */
  pastUs(packages: readonly (Pick<ReportLine, 'purl'> & Pick<PastUs, 'host' | 'reason'>)[]): void;
  /** A neighbour's copy stands for the document of the package or image with this purl; what is named there alone is labelled so from then on. Undefined: it does not. */
  copied(purl: string, copy: CopyLine | undefined): void;
  /** Counts a document by where its answer came from. */
  document(from: keyof DocumentCounts): void;
  /**
   * Says something once that is worth a line in the receipt. Of all that concerns one `topic` the first is
   * enough: a full disk is no news with every package; of what is `deep` in dependencies the last, which has counted all.
   */
  note(text: string, topic?: 'storing' | 'deep'): void;
  /** Why nothing is stored, which is worth a line once there is something that would have been. */
  unstored(reason: string): void;
  /** What the view of the log is worth that was asked. */
  asked(log: ToldLog): void;
  /** What was noted so far has been said to whoever waits for the tool, who is not to hear it again. */
  said(): void;
  receipt(endedAt?: number): Receipt;
  /** The tool has ended: what comes now it did not get, and nobody waits to read of it. */
  close(): void;
}

/** Where an account is told while it is kept, besides the receipt that outlives the launch. Absolute paths. */
export interface ReporterFiles {
  /** As `$PYRSIA_REPORT` names it. */
  readonly report?: string;
  /** What is said on the terminal once the tool has ended; none while there is nothing to say. */
  readonly receipt?: string;
}

/** Opens the account of a launch. */
export function openReporter(
  about: Pick<Receipt, 'launch' | 'command' | 'cwd' | 'startedAt' | 'policy' | 'offline'>,
  files: ReporterFiles = {},
  /** Whether its user lets what the log does not know be submitted to it. */
  submits = false,
): Reporter {
  const artifacts: ReportLine[] = [];
  /** By package and upstream: where its line stands. */
  const at = new Map<string, number>();
  const brought = new Set<string>();
  /** By package. */
  const past = new Map<string, Pick<PastUs, 'host' | 'reason'>>();
  /** By the purl of a package or an image. */
  const copies = new Map<string, CopyLine>();
  let fill: Fill | undefined;
  const documents = { upstream: 0, unchanged: 0, stale: 0 };
  /** By topic. */
  const notes = new Map<string, string>();
  let unstored: string | undefined;
  let log: ToldLog | undefined;
  const said = new Set<string>();
  let receiptFile = files.receipt;
  let isClosed = false;
  let pending: ReportLine[] = [];
  let flushing: Promise<void> | undefined;

  function note(text: string, topic = text): void {
    if (topic === 'deep' || !notes.has(topic))
      notes.set(topic, topic === 'storing' ? (unstored ?? text) : text);
  }

  /** One write for all that end in the same turn of the event loop. */
  async function flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const lines = pending;
    pending = [];
    flushing = undefined;
    if (files.report !== undefined && lines.length > 0) await append(files.report, lines);
    if (receiptFile !== undefined) keep(receiptFile);
  }

  async function append(path: string, lines: readonly ReportLine[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify({ launch: about.launch, ...line })}\n`).join('');
    await appendFile(path, text, { mode: 0o600, flag: APPENDING }).catch((error: Error) => {
      note(`the report could not be written: ${error.message}`);
    });
  }

  /** By renaming, since it is read whenever the tool ends. */
  function keep(path: string): void {
    const text = receiptText(receipt(Date.now()), said);
    if (text === '') return;
    try {
      writeFileSync(`${path}.new`, text, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch {
      // Its directory was tidied away, or is full: the receipt that outlives the launch says it all.
    }
  }

  function receipt(endedAt?: number): Receipt {
    return {
      ...about,
      ...(endedAt === undefined ? {} : { endedAt }),
      artifacts: [...artifacts],
      documents: { ...documents },
      ...(fill && { fill }),
      ...(past.size > 0 && { pastUs: byHost(past) }),
      totals: totals(artifacts),
      notes: [...notes.values(), ...copiesNote(copies)],
      ...(copies.size > 0 && { copies: [...copies].map(([purl, copy]) => ({ purl, ...copy })) }),
      ...(submits && log && about.offline === undefined && { submitted: submittable(artifacts).length }),
      ...(log && { log }),
    };
  }

  return {
    brings(what) {
      const key = keyOf(what);
      if (!at.has(key)) brought.add(key);
      return (isUpstreams) => void (isUpstreams || brought.delete(key));
    },
    async add(added) {
      const key = keyOf(added);
      const isBrought = added.source === 'cache' && brought.delete(key);
      // It has waited for the same transfer.
      if (added.source === 'upstream' && added.outcome === 'delivered') brought.delete(key);
      const line = labelled(isBrought ? { ...added, source: 'upstream' as const } : added, copies);
      past.delete(line.purl);
      if (unstored !== undefined && line.source === 'upstream') note(unstored, 'storing');
      // What came too late for the tool did nothing for it.
      if (isClosed) return;
      const index = at.get(key);
      const before = index === undefined ? undefined : artifacts[index];
      if (before && isTold(before, line)) return;
      if (index !== undefined && before && isOvertaken(before, line)) artifacts[index] = line;
      else at.set(key, artifacts.push(line) - 1);
      if (files.report === undefined && receiptFile === undefined) return;
      pending.push(line);
      await (flushing ??= flush());
    },
    filled: (made) => void (isClosed || (fill = made)),
    pastUs(packages) {
      const ours = new Set(artifacts.map(({ purl }) => purl));
      for (const { purl, host, reason } of packages) if (!ours.has(purl)) past.set(purl, { host, reason });
      if (receiptFile !== undefined) void (flushing ??= flush());
    },
    copied(purl, copy) {
      if (copy === undefined) copies.delete(purl);
      else if (copies.size < COPIES_LIMIT) copies.set(purl, copy);
      if (receiptFile !== undefined) void (flushing ??= flush());
    },
    document(from) {
      documents[from]++;
      if (receiptFile !== undefined) void (flushing ??= flush());
    },
    note,
    asked: (told) => void (log = told),
    unstored: (reason) => void (unstored = `nothing is stored: ${reason}`),
    said: () => [...notes.values()].forEach((each) => said.add(each)),
    receipt,
    close() {
      receiptFile = undefined;
      isClosed = true;
    },
  };
}

/** What nobody but a neighbour's copy names is said to be so: a lockfile would have spared the document. */
function labelled(line: ReportLine, copies: ReadonlyMap<string, CopyLine>): ReportLine {
  const copy = line.word === 'claimed' ? copies.get(/^[^@#?]*/.exec(line.purl)?.[0] ?? '') : undefined;
  return copy ? { ...line, by: "a neighbour's copy", copy } : line;
}

function keyOf({ purl, upstream }: Pick<ReportLine, 'purl' | 'upstream'>): string {
  return `${purl} ${upstream}`;
}

/** Whether `line` says nothing that `before`, of the same package, does not: a tool asks for it wherever it installs it. */
function isTold(before: ReportLine, line: ReportLine): boolean {
  if (line.outcome === 'linked') return true;
  return before.outcome === line.outcome && before.digest === line.digest && !isSent(before, line);
}

/** Whether `line` takes the place of `before`. */
function isOvertaken(before: ReportLine, line: ReportLine): boolean {
  if (before.outcome === 'linked') return true;
  if (before.outcome === 'unavailable') return line.outcome === 'delivered';
  return before.outcome === line.outcome && before.digest === line.digest && isSent(before, line);
}

/** Whether upstream had to send after all what another answer had from the cache. */
function isSent(before: ReportLine, line: ReportLine): boolean {
  return before.source === 'cache' && line.source === 'upstream';
}

function byHost(past: ReadonlyMap<string, Pick<PastUs, 'host' | 'reason'>>): readonly PastUs[] {
  const hosts = Map.groupBy(past, ([, { host }]) => host);
  const found = [...hosts].map(([host, all]) => ({
    host,
    packages: all.length,
    purls: all.slice(0, NAMED).map(([purl]) => purl),
    reason: all[0]![1].reason,
  }));
  return found.toSorted((a, b) => b.packages - a.packages);
}
