/**
 * What a log says of coordinates, and what follows from that. Decisions, so pure functions.
 *
 * @module
 */
import { type Digest, parseDigest } from '../content/digest.ts';
import { type IndexRecord, recordKinds } from '../log/buckets.ts';
import type { Policy } from './expect.ts';

/** What the log says of coordinates. */
export type Finding =
  /** These are the bytes. */
  | { readonly kind: 'logged'; readonly digest: Digest; readonly entry: number }
  /** Observers saw different bytes. */
  | { readonly kind: 'disputed'; readonly digests: readonly Digest[]; readonly entry: number }
  /** It was called back. */
  | { readonly kind: 'revoked'; readonly digest: Digest; readonly entry: number }
  | { readonly kind: 'unknown' }
  /** It could not be asked. */
  | { readonly kind: 'unasked'; readonly reason: string };

/** What a client's own view of its log is worth. */
export interface Standing {
  /** How many entries; undefined when it has never been read. */
  readonly size?: number;
  /** When those who cosign vouched for it, in milliseconds since 1970. */
  readonly vouchedAt?: number;
  /** It is so old that it is worth a word, so that what is new in it may be hidden. */
  readonly old: boolean;
  /** The file that proves that it has shown two histories. */
  readonly fork?: string;
}

/** What is told of the log in a receipt. */
export interface ToldLog extends Standing {
  /** Which log. */
  readonly origin: string;
  /** Why it could not be asked. */
  readonly problem?: string;
}

/** The log that a user believes, asked. Whoever is offline asks nobody, and hears what is kept. */
export interface LogWord {
  /** Reads what is needed to answer for these, without naming them to anybody. Never rejects. */
  lookUp(this: void, purls: readonly string[], offline: boolean): Promise<void>;
  /** What the log says, as far as it was looked up; undefined where no network is configured. */
  finding(this: void, purl: string, offline: boolean): Finding | undefined;
  /** What the view is worth; undefined where no network is configured. */
  told(this: void, offline: boolean): ToldLog | undefined;
  /** What is worth a line in a receipt, such as that the view is old. */
  notes(this: void, offline: boolean): readonly string[];
  /** The file with the proof of an entry about an artifact; undefined where it cannot be had. */
  prove(
    this: void,
    about: { readonly purl: string; readonly digest: Digest; readonly entry: number },
    offline: boolean,
  ): Promise<string | undefined>;
  /** What the chunks of an artifact have to be, as its entry says; undefined where that cannot be had. */
  chunks?(
    this: void,
    about: { readonly purl: string; readonly digest: Digest; readonly entry: number },
    offline: boolean,
  ): Promise<{ readonly size: number; readonly chunkSize: number; readonly root: Uint8Array } | undefined>;
}

/** What the records of coordinates, oldest first, say. */
export function findingOf(records: readonly IndexRecord[]): Finding {
  const disputed = records.filter(({ kind }) => kind === recordKinds.dispute);
  const [latest] = records
    .filter(({ kind }) => kind === recordKinds.revoke || kind === recordKinds.unrevoke)
    .toReversed();
  if (latest?.kind === recordKinds.revoke)
    return { kind: 'revoked', digest: digestIn(latest), entry: Number(latest.entry) };
  // What was logged first holds: a second word about the same coordinates is no word.
  const first =
    records.find(({ kind }) => kind === recordKinds.publish) ??
    records.find(({ kind }) => kind === recordKinds.observe);
  if (first) return { kind: 'logged', digest: digestIn(first), entry: Number(first.entry) };
  if (disputed.length > 0)
    return {
      kind: 'disputed',
      digests: disputed.map(digestIn),
      entry: Number(disputed[0]!.entry),
    };
  return { kind: 'unknown' };
}

/**
 * Why `policy` does not let an artifact through by what the log says; undefined where it does. Under `observe` only what was
 * called back is refused. `locked` and `strict` refuse what observers disagree about, and whatever the log does not vouch
 * for while it cannot be known what it says now: what was proven once does not expire.
 */
export function objection(policy: Policy, finding: Finding, standing: Standing): string | undefined {
  if (finding.kind === 'revoked') return `revoked by entry ${finding.entry} of the log`;
  if (policy === 'observe' || finding.kind === 'logged') return undefined;
  if (finding.kind === 'disputed') return `disputed by entry ${finding.entry} of the log`;
  if (standing.fork !== undefined) return 'unknown to a log that has shown two histories';
  return standing.old ? 'unknown to a log whose view is too old' : undefined;
}

function digestIn({ sha256 }: IndexRecord): Digest {
  return parseDigest(`sha256:${Buffer.from(sha256).toString('hex')}`);
}
