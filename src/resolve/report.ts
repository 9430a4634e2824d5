/**
 * What is told about a launch: one record an artifact, and their sum. The records are `$PYRSIA_REPORT`'s
 * lines and what `pyrsia why last` explains; `docs/report.md` has the schema, which is stable.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { Given, SourceName } from '../content/source.ts';
import type { Policy, Witness, Word } from '../verify/expect.ts';
import type { Finding, ToldLog } from '../verify/logged.ts';

/** The evidence ladder as far as it exists: what stands behind an artifact. */
export type Rung = 'none' | 'registry digest' | 'observed';

/** How one request for an artifact ended. */
export type Outcome =
  | 'delivered'
  /** Put into the tool's own cache, so that it did not have to ask. */
  | 'linked'
  /** Contradicted, or less evidence than policy asks for. */
  | 'refused'
  /** Nobody could deliver it: offline and not cached, or upstream failed. */
  | 'unavailable'
  /** Upstream itself says that there is no such thing. */
  | 'not found'
  /** Fetched past the cache with the user's own credentials. */
  | 'passed';

/** One artifact of one launch. */
export interface ReportLine {
  readonly purl: string;
  readonly outcome: Outcome;
  /** sha256 of the bytes delivered. */
  readonly digest?: Digest;
  /** Length in bytes. */
  readonly bytes?: number;
  readonly source?: SourceName;
  /** Which peers gave how much of it, and upstream besides; absent where no peer gave anything. */
  readonly given?: readonly Given[];
  /** How it reached the tool: what was put into the tool's own cache is a hard link to our file, or a copy of it. */
  readonly via: 'response' | 'linked' | 'copied';
  readonly word: Word;
  readonly by: Witness;
  readonly rung: Rung;
  /** What the log says of it; absent where it was not asked: no network is configured, or it is private. */
  readonly log?: LogLine;
  /** Set where nobody but a neighbour says that it is what was asked for. */
  readonly copy?: CopyLine;
  /** Only a weak digest (sha1) stands behind the word. */
  readonly weak?: boolean;
  /** Canonical upstream. */
  readonly upstream: string;
  readonly private: boolean;
  /** From the request to the last byte, in milliseconds. */
  readonly ms: number;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** Sources that could not be asked or had no good bytes, and why. */
  readonly passedOver?: readonly { readonly source: SourceName; readonly reason: string }[];
  /** Why it was refused or unavailable. */
  readonly reason?: string;
}

/** What the log says of an artifact, and the entry that says it. */
export interface LogLine {
  readonly says: Finding['kind'];
  readonly entry?: number;
}

/** A registry's document, or what a tag means, as a neighbour had it. */
export interface CopyLine {
  /** The neighbour's name among peers. */
  readonly peer: string;
  /** When the registry had said so, as the neighbour says, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** How often documents (packuments) were asked for, by where the answer came from. */
export interface DocumentCounts {
  /** Fetched anew. */
  readonly upstream: number;
  /** Upstream said that the cached copy is current. */
  readonly unchanged: number;
  /** Served from the cache because upstream could not be asked. */
  readonly stale: number;
}

/** The document behind `pyrsia why last --json`, and behind the receipt's one line. */
export interface Receipt {
  readonly launch: string;
  /** The command as the user typed it. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly startedAt: number;
  /** Undefined while it runs. */
  readonly endedAt?: number;
  readonly policy: Policy;
  /** Why upstream was not asked, where it was not. */
  readonly offline?: string;
  readonly artifacts: readonly ReportLine[];
  readonly documents: DocumentCounts;
  readonly totals: Totals;
  /** Documents that a neighbour's copy stood for, by the purl of the package or image; absent where there were none. */
  readonly copies?: readonly (CopyLine & { readonly purl: string })[];
  /** What was put into the tool's own cache when it started; absent where nothing was to be. */
  readonly fill?: Fill;
  /** What the tool fetched without us; absent where there is no such thing. */
  readonly pastUs?: readonly PastUs[];
  /** Things worth a line: nothing can be stored, a registry was left alone. */
  readonly notes: readonly string[];
  /** How many of them are submitted to the log, which does not know them; absent where nothing is. */
  readonly submitted?: number;
  /** What the view of the log was worth; absent where no network is configured, so nothing was asked. */
  readonly log?: ToldLog;
}

/** Packages that a tool, led to us, has to fetch from a host that it cannot be led from. */
export interface PastUs {
  /** As the lockfile names it, with its port. */
  readonly host: string;
  /** How many. */
  readonly packages: number;
  /** The first of them; absent in receipts of earlier versions. */
  readonly purls?: readonly string[];
  /** Why it is not led from there, and what helps. */
  readonly reason: string;
}

/** How a tool's own cache was filled when it started. */
export interface Fill {
  /** Files that are hard links to ours. */
  readonly linked: number;
  /** Files that are copies. */
  readonly copied: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Files that were left to the tool, because no more may be written; absent where there are none. */
  readonly beyond?: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  /** Why it was not filled, or not wholly. */
  readonly problem?: string;
}

/** Sums over {@link Receipt.artifacts}. */
export interface Totals {
  readonly artifacts: number;
  /** Delivered or linked from the cache, as from those below. */
  readonly cache: number;
  readonly peer: number;
  readonly upstream: number;
  /** Those among them that were put into the tool's own cache. */
  readonly linked: number;
  readonly passed: number;
  readonly refused: number;
  readonly unavailable: number;
  readonly notFound: number;
  /** Delivered or linked on the word of a log, of the registry, or of bytes seen before. */
  readonly verified: number;
  /** Of these, those that the log knows. */
  readonly logged: number;
  /** Delivered or linked on the lockfile's word alone. */
  readonly claimed: number;
  readonly unknown: number;
  /** Bytes delivered or linked. */
  readonly bytes: number;
  /** Of these, bytes that upstream did not have to send. */
  readonly saved: number;
}
