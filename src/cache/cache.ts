/**
 * The cache on the disk, as the rest of the house sees it.
 *
 * Three things lie side by side: *content* under its sha256; *bindings*, the memory of which bytes an
 * upstream gave for which coordinates, which outlive the content; and *documents*, the mutable answers
 * of registries. Only the agent writes; commands that read open the same directory read-only.
 *
 * @module
 */
import type { Coordinates, EcosystemName } from '../content/coordinates.ts';
import type { Wanted } from '../content/descriptor.ts';
import type { Digest, Sha256 } from '../content/digest.ts';
import type { Store, Stored } from '../content/source.ts';

/** Where coordinates are meaningful. */
export interface BindingKey {
  /** Canonical upstream: the ecosystem's name if it is the public one, else its URL without userinfo, ending in `/`. */
  readonly upstream: string;
  readonly coordinates: Coordinates;
}

/** What an upstream was first seen to give for coordinates. It survives eviction, `rm` and `gc`. */
export interface Binding extends BindingKey {
  /** Digests of the bytes seen, sha256 first; after `trust accept`, of the bytes accepted. */
  readonly digests: readonly Digest[];
  /** Length in bytes; absent when only a declaration was accepted. */
  readonly size?: number;
  /** Whether upstream is not a public registry: never offered, looked up or named to anybody. */
  readonly private: boolean;
  /** When it was first seen, in milliseconds since 1970. */
  readonly seenAt: number;
  /** Why a human accepted a change, where one did. */
  readonly reason?: string;
}

/** The memory of first uses. Reading is synchronous: it is on the path of every request. */
export interface Bindings {
  get(key: BindingKey): Binding | undefined;
  /**
   * Records a binding; one that exists is replaced only by `trust accept` (a binding with a reason), or by what may be
   * other bytes each time.
   */
  put(binding: Binding, options?: { readonly changes?: boolean }): Promise<void>;
  /** Every binding of content with this digest, or of this package (any version when it is left out). */
  find(
    what: { readonly digest: Digest } | (Omit<Coordinates, 'version'> & { readonly version?: string }),
  ): readonly Binding[];
}

/** Which document: the same path may answer differently by Accept. */
export interface DocumentKey {
  /** Canonical upstream, as in {@link BindingKey}. */
  readonly upstream: string;
  /** Path with query. */
  readonly path: string;
  readonly accept: string;
}

/** A mutable answer of a registry, byte for byte. */
export interface StoredDocument extends DocumentKey {
  /** The body exactly as it came over the wire, still in its Content-Encoding. */
  readonly body: Uint8Array;
  /** Reply headers worth keeping, by lower-case name: content-type, content-encoding, etag, last-modified. */
  readonly headers: Readonly<Record<string, string>>;
  /** When upstream last said that this is current, in milliseconds since 1970. */
  readonly checkedAt: number;
  readonly private: boolean;
}

/** Cached answers of registries; each replaces the one before it. */
export interface Documents {
  /** Undefined when there is none or when its file is damaged (it is then forgotten). */
  get(key: DocumentKey): Promise<StoredDocument | undefined>;
  /** Those at a path that matches a pattern with `*` and `?`, one after the other; damaged ones are left out. */
  find(path: string): Iterable<StoredDocument>;
  put(document: StoredDocument): Promise<void>;
  /** Upstream said 304: the copy is current as of `checkedAt`. */
  touch(key: DocumentKey, checkedAt: number): void;
}

/** An artifact as `cache ls` shows it: one line for each binding whose content is there. */
export interface Artifact {
  readonly purl: string;
  readonly ecosystem: EcosystemName;
  readonly name: string;
  readonly version: string;
  readonly file?: string;
  readonly upstream: string;
  readonly digest: Sha256;
  /** Length in bytes. */
  readonly size: number;
  readonly storedAt: number;
  readonly usedAt: number;
  readonly private: boolean;
  /** Whether an install from a lockfile needs nothing else: the bytes are here and bound by a strong digest. */
  readonly offline: boolean;
}

/** One line of a table of artifacts: a bare tuple, because there may be twenty thousand. 1 stands for yes. */
export type ArtifactRow = readonly [
  purl: string,
  size: number,
  usedAt: number,
  isPrivate: 0 | 1,
  isOffline: 0 | 1,
];

/** What to list, most recently used first unless `sort` says otherwise. */
export interface ArtifactQuery {
  readonly ecosystem?: EcosystemName;
  /** Not of this one. */
  readonly besides?: EcosystemName;
  /** Name pattern with `*` and `?`. */
  readonly name?: string;
  readonly sort?: 'name' | 'size' | 'used';
  readonly limit?: number;
}

/** A file of the cache's own. */
export interface HashedFile {
  /** Absolute. */
  readonly path: string;
  /** Length in bytes. */
  readonly size: number;
}

/** A file of the cache's own that is for others, too. */
export interface OfferedFile extends HashedFile {
  readonly sha256: Sha256;
  /** How many bytes from the start are there: fewer than `size` while it arrives. */
  readonly available: number;
}

/** A public registry's answer, for others who know where it lies. */
export interface OfferedDocument {
  readonly accept: string;
  /** Content-Encoding of the body; `identity` for none. */
  readonly encoding: string;
  /** Of the body, by which {@link Cache.offered} has it from then on. */
  readonly sha256: Sha256;
  /** Length of the body in bytes. */
  readonly size: number;
  /** When upstream last said that this is current, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** The answers of public registries, for others. */
export interface OfferedDocuments {
  /** Where they lie, the one used last first. */
  places(this: void): Iterable<{ readonly key: string; readonly upstream: string; readonly path: string }>;
  /** By that key; undefined: gone, private, or too large. */
  find(this: void, key: string): OfferedDocument | undefined;
}

/** Totals in bytes and counts. */
export interface CacheSize {
  readonly artifacts: number;
  readonly bytes: number;
  readonly documents: number;
  readonly documentBytes: number;
  /** What the cache takes on the disk, everything included. */
  readonly diskBytes: number;
  readonly limit: number;
}

/**
 * Content that is arriving, for whoever wants to go on with a broken transfer or to read along with one in
 * flight. It becomes visible in the store by {@link finish}, without being copied.
 *
 * The one who opened it writes, one chunk at a time, from any number of sources after each other.
 */
export interface PartialContent {
  /**
   * How many bytes are here. More than none at first where an earlier transfer broke off, even in a process
   * that was killed: they are untrusted until `finish`, and the transfer goes on behind them.
   */
  readonly size: number;
  /**
   * Appends, a little later; the chunk is its own from then on, and its memory is used again. Rejects with `SIZE_MISMATCH`
   * at a byte too many, and, it or `finish`, with `CACHE_READ_ONLY` when something cannot be written.
   */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Follows the writer from `offset` on, any number of times. The last 64 KiB come only when `finish` has
   * proven the whole; the iteration fails with the error that ended it otherwise.
   */
  read(options?: { readonly offset?: number; readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  /**
   * Anybody may have it from now on, as far as it has come: some public upstream sends it, or names its digest. It is to have `size`
   * bytes. Only what is known by a sha256 is found.
   */
  offer(size: number): void;
  /** Checks the whole and stores it. Rejects with `SIZE_MISMATCH` or `DIGEST_MISMATCH`, and has then removed it. */
  finish(): Promise<Stored>;
  /** Breaks off, keeping what is here for the next who wants the same content, where a digest was named. */
  suspend(reason: Error): Promise<void>;
  /** Breaks off and removes it. */
  discard(reason: Error): Promise<void>;
}

/** What `cache verify` found. Damaged content has been removed when `removed` says so. */
export interface Verification {
  readonly checked: number;
  readonly damaged: readonly {
    readonly digest: Sha256;
    readonly actual: string;
    readonly purls: readonly string[];
    readonly removed: boolean;
  }[];
  /** Files that no record names (a writer was killed between two steps); harmless, freed by `gc`. */
  readonly orphans: number;
  /** Damaged documents, by upstream and path; forgotten when the cache is writable. */
  readonly damagedDocuments: readonly string[];
  /** Whether the catalogue was rebuilt from the record. */
  readonly rebuilt: boolean;
}

/** What `cache gc` freed, or would free. */
export interface Collected {
  readonly artifacts: readonly { readonly digest: Sha256; readonly size: number }[];
  readonly orphans: number;
  readonly partials: number;
  readonly bytes: number;
}

/** The cache, opened. */
export interface Cache extends AsyncDisposable {
  readonly path: string;
  /** Why nothing can be stored; undefined when the cache is writable. */
  readonly readOnlyBecause: string | undefined;
  readonly content: Store;
  readonly bindings: Bindings;
  readonly documents: Documents;
  /**
   * Content that is going to satisfy `wanted`, with the beginning that an earlier transfer left. Where
   * another one of the same digest is open in this process, this is a second one that starts at nothing.
   *
   * Rejects with `CACHE_READ_ONLY`.
   */
  partial(wanted: Wanted): Promise<PartialContent>;
  artifacts(query?: ArtifactQuery): Artifact[];
  /** The same as rows of a table, in half the time. */
  artifactRows(query?: ArtifactQuery): readonly ArtifactRow[];
  size(): CacheSize;
  /** Path of the finished file of this content; undefined when it is not here. */
  pathOf(digest: Digest): string | undefined;
  /**
   * Content that anybody may have, by any digest that was computed from it: some public upstream's coordinates are bound to it.
   * Also what is arriving and was offered as such, by its sha256.
   */
  offered(digest: Digest): OfferedFile | undefined;
  /** Public registries' answers that anybody may have who knows their names; absent in a cache that is only read. */
  readonly offeredDocuments?: OfferedDocuments;
  /** A digest of each set of such content: manifests, artifacts, and any file of at least `large` bytes. */
  offeredSets(large: number): Iterable<Digest>;
  /**
   * The file of what is wanted, of which each byte has just been read and is right. Undefined when it is not here.
   *
   * @throws PyrsiaError `CACHE_CORRUPT`, once the damaged file is removed; `DIGEST_MISMATCH` for sound content that
   * has not all of the digests that are wanted.
   */
  hashed(wanted: Wanted): Promise<HashedFile | undefined>;
  /** Reads every file again. `rebuild` makes the catalogue anew from the record first. Needs a writable cache to repair. */
  verify(options?: {
    readonly rebuild?: boolean;
    readonly onProgress?: (checked: number, total: number) => void;
  }): Promise<Verification>;
  /** Frees the least recently used beyond the limit, unnamed files and stale partial ones. */
  gc(options?: { readonly dryRun?: boolean }): Promise<Collected>;
}
