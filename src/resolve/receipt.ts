/**
 * The sum of a launch, and the one line that a user reads after it.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import { formatBytes, formatDuration } from '../content/format.ts';
import { linesOf } from '../content/harmless.ts';
import type { CopyLine, Receipt, ReportLine, Totals } from './report.ts';

/** Adds up the artifacts of a launch. */
export function totals(lines: readonly ReportLine[]): Totals {
  const count = (holds: (line: ReportLine) => boolean): number => lines.filter(holds).length;
  const had = lines.filter(({ outcome }) => outcome === 'delivered' || outcome === 'linked');
  const from = (source: ReportLine['source']): ReportLine[] => had.filter((line) => line.source === source);
  const onTheWordOf = (...words: readonly ReportLine['word'][]): number =>
    had.filter(({ word }) => words.includes(word)).length;

  return {
    artifacts: lines.length,
    cache: from('cache').length,
    peer: from('peer').length,
    upstream: from('upstream').length,
    linked: count(({ outcome }) => outcome === 'linked'),
    passed: count(({ outcome }) => outcome === 'passed'),
    refused: count(({ outcome }) => outcome === 'refused'),
    unavailable: count(({ outcome }) => outcome === 'unavailable'),
    notFound: count(({ outcome }) => outcome === 'not found'),
    verified: onTheWordOf('published', 'declared'),
    logged: had.filter(({ log }) => log?.says === 'logged').length,
    claimed: onTheWordOf('claimed'),
    unknown: onTheWordOf('unknown'),
    bytes: sumOf(lines),
    saved: sumOf([...from('cache'), ...from('peer')]) - fromUpstream(from('peer')),
  };
}

/**
 * What of a launch may be submitted to the log: what the tool got of a public registry, and the log was asked for and does not
 * know. What only a part of something is called has no name that could be submitted.
 */
export function submittable(lines: readonly ReportLine[]): readonly ReportLine[] {
  return lines.filter(
    ({ outcome, private: isPrivate, log, purl }) =>
      (outcome === 'delivered' || outcome === 'linked') &&
      !isPrivate &&
      log?.says === 'unknown' &&
      !purl.includes('#'),
  );
}

/** What of a launch the tool got that the log has, with the entries that say so. */
export function loggedIn(
  lines: readonly ReportLine[],
): readonly { readonly purl: string; readonly digest: Digest; readonly entry: number }[] {
  return lines.flatMap(({ purl, digest, log }) =>
    digest !== undefined && log?.says === 'logged' && log.entry !== undefined
      ? [{ purl, digest, entry: log.entry }]
      : [],
  );
}

/**
 * What is said on stderr when a launch is over: one line, and one more for why something was refused or
 * could not be had. Undefined when nothing was fetched, neither through us nor past us. Parts that are zero are left out.
 *
 * `pyrsia: 503 packages · 488 cache · 15 upstream · 488 linked into npm's cache · 503 verified · 21.3 MB, 20.9 MB not downloaded · 4.3 s  (pyrsia why last)`
 */
export function receiptLine(receipt: Receipt): string | undefined {
  const { artifacts } = receipt;
  if (artifacts.length === 0 && !receipt.pastUs) return undefined;

  const worst =
    artifacts.find(({ outcome }) => outcome === 'refused') ??
    artifacts.find(({ outcome }) => outcome === 'unavailable');
  const lines = [`${summary(receipt)}  (pyrsia why last)`, worst && reasonOf(worst)];
  return lines.flatMap((line) => (line ? [`pyrsia: ${line}`] : [])).join('\n');
}

/** All that is said on stderr when a launch is over, notes included but those that were `said` before. */
export function receiptText(receipt: Receipt, said: ReadonlySet<string>): string {
  const notes = receipt.notes.filter((note) => !said.has(note));
  return [...notes, receiptLine(receipt)].flatMap((text) => (text ? [`${linesOf(text)}\n`] : [])).join('');
}

/** A launch in one line: `503 packages · 488 cache · …`. */
export function summary(receipt: Receipt): string {
  const { artifacts, documents, totals: sum, startedAt, endedAt, offline, pastUs = [] } = receipt;
  const copied = artifacts.filter(({ via }) => via === 'copied').length;
  const byCopy = artifacts.filter(({ outcome, copy }) => copy && outcome === 'delivered').length;
  const noun = artifacts.every(({ purl }) => purl.startsWith('pkg:npm/')) ? 'package' : 'artifact';
  const parts = [
    sum.artifacts === 0 && pastUs.length > 0
      ? `no ${noun} through us`
      : `${sum.artifacts} ${noun}${sum.artifacts === 1 ? '' : 's'}`,
    some(sum.cache, 'cache'),
    some(sum.peer, 'peers'),
    some(sum.upstream, 'upstream'),
    some(sum.linked - copied, `linked into ${filledIn(receipt)}`),
    some(copied, `copied into ${filledIn(receipt)}`),
    some(sum.passed, 'passed with your own credentials'),
    some(
      pastUs.reduce((all, { packages }) => all + packages, 0),
      'past us',
    ),
    some(sum.refused, 'REFUSED'),
    some(sum.unavailable, 'unavailable'),
    some(sum.notFound, 'not found'),
    some(sum.verified, 'verified'),
    // Receipts of earlier versions have no such count.
    some(sum.logged ?? 0, 'in the log'),
    some(receipt.submitted ?? 0, 'submitted to it'),
    some(sum.claimed - byCopy, 'named by the lockfile only'),
    some(byCopy, "named by a neighbour's copy only"),
    some(sum.unknown, 'named by nobody'),
    offline && `offline: ${offline}`,
    some(documents.stale, `stale ${documents.stale === 1 ? 'document' : 'documents'}`),
    sum.bytes > 0 &&
      formatBytes(sum.bytes) + (sum.saved > 0 ? `, ${formatBytes(sum.saved)} not downloaded` : ''),
    endedAt !== undefined && artifacts.length > 0 && formatDuration(fetchedAt(artifacts) - startedAt),
  ];
  return parts.filter(Boolean).join(' · ');
}

/** What was filled when the tool started. */
export function filledIn({ artifacts }: Pick<Receipt, 'artifacts'>): string {
  return artifacts.some(({ purl }) => purl.startsWith('pkg:maven/'))
    ? "Maven's local repository"
    : "npm's cache";
}

/** What is said of documents that are neighbours' copies: one line for all. */
export function copiesNote(copies: ReadonlyMap<string, CopyLine>): readonly string[] {
  const times = [...copies.values()].map(({ seenAt }) => seenAt);
  if (times.length === 0) return [];
  const [oldest, newest] = [Math.min(...times), Math.max(...times)].map((at) => new Date(at).toISOString());
  const [first = ''] = copies.keys();
  return [
    copies.size === 1
      ? `${first} is a neighbour's copy, seen at ${newest}`
      : `${copies.size} documents are neighbours' copies, seen at ${oldest} to ${newest}`,
  ];
}

/** When the last of them was there. What the tool did afterwards is not ours to count, nor always known. */
function fetchedAt(artifacts: readonly ReportLine[]): number {
  return artifacts.reduce((last, { at, ms }) => Math.max(last, at + ms), 0);
}

/** Why an artifact was not delivered, with its name; undefined where no reason is known. */
export function reasonOf({ purl, reason }: ReportLine): string | undefined {
  return reason && (reason.includes(purl) ? reason : `${purl}: ${reason}`);
}

function sumOf(lines: readonly ReportLine[]): number {
  return lines.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
}

/** Bytes that upstream gave beside peers. */
function fromUpstream(lines: readonly ReportLine[]): number {
  return lines
    .flatMap(({ given = [] }) => given)
    .reduce((sum, { peer, bytes }) => sum + (peer === undefined ? bytes : 0), 0);
}

function some(count: number, what: string): string | undefined {
  return count > 0 ? `${count} ${what}` : undefined;
}
