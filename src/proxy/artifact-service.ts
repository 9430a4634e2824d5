/**
 * Artifacts of any ecosystem, as those who hand them on ask for them.
 *
 * @module
 */
import type { BindingKey } from '../cache/cache.ts';
import type { Coordinates } from '../content/coordinates.ts';
import type { Wanted } from '../content/descriptor.ts';
import type { Digest, DigestAlgorithm } from '../content/digest.ts';
import type { ByteStream } from '../content/source.ts';
import type { Headers } from '../ecosystems/ecosystem.ts';
import type { Outcome, ReportLine } from '../resolve/report.ts';
import type { Finding } from '../verify/logged.ts';
import type { Asker } from './asker.ts';

/** What the log says that bytes are. */
export type Logged = Finding & { readonly kind: 'logged' };

/** What is asked for. */
export interface ArtifactRequest {
  readonly coordinates: Coordinates;
  /** Where the registry keeps it. */
  readonly path: string;
  /** The digest that the client names. */
  readonly claimed?: Digest;
  /** The digest that the registry's own document has just named. */
  readonly declared?: Digest;
  /** The client's own headers that may go to upstream. */
  readonly headers?: Headers;
  /** What the log says that it is. */
  readonly logged?: Logged;
  readonly signal?: AbortSignal;
  /** It may be another one each time: upstream is asked, where it can be. */
  readonly changes?: boolean;
  /** Nobody waits for it. */
  readonly ahead?: boolean;
}

/** An artifact on its way to the client. */
export interface Delivery {
  /** Length in bytes, where it is known before the end. */
  readonly size?: number;
  readonly chunks: ByteStream;
  /** Digests that it has for certain once the last chunk was read. */
  readonly digests: readonly Digest[];
  /** What is to be written into the report once the last byte is known to be right. */
  line(this: void): Promise<ReportLine>;
}

/** An artifact that nobody has to be asked about. */
export interface Known {
  readonly wanted: Wanted;
  /** Length in bytes, where it was ever measured. */
  readonly size?: number;
  /** It has just come, and these digests were computed from what came. */
  readonly arrived?: boolean;
  /** What is reported when its `size` bytes, read or fetched since `startedAt`, were put into the tool's own cache. */
  linked(size: number, startedAt: number): ReportLine;
}

/** A digest that contradicted what was known, kept so that `trust accept` can name it. */
export interface Contradiction extends BindingKey {
  readonly expected: Digest;
  readonly actual: Digest;
  readonly private: boolean;
  readonly at: number;
}

/** Artifacts of any ecosystem. */
export interface ArtifactService {
  /**
   * Finds an artifact and settles on whose word it is what its coordinates say, before a byte is sent.
   * Undefined when upstream says that there is none.
   *
   * @throws PyrsiaError `CONTRADICTED`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `EVIDENCE_TOO_LOW`: refused;
   * `OFFLINE_MISS`, `UPSTREAM_FAILED`: unavailable; `CREDENTIALS_NEEDED`
   */
  deliver(asker: Asker, asked: ArtifactRequest): Promise<Delivery | undefined>;
  /**
   * A digest of what would be delivered, which is fetched where it is not here. Undefined: upstream has none.
   *
   * @throws PyrsiaError as `deliver` does
   */
  digest(asker: Asker, asked: ArtifactRequest, algorithm: DigestAlgorithm): Promise<Digest | undefined>;
  /**
   * Holds what upstream says the digest is against the bytes that were seen; nothing where none were.
   *
   * @throws PyrsiaError `CONTRADICTED`, and as `deliver` does where they have to be read again
   */
  heldAgainst(asker: Asker, asked: ArtifactRequest, said: Digest): Promise<void>;
  /**
   * Fetches an artifact that nobody has asked for yet, exactly as `deliver` would, and resolves once it is stored.
   * Undefined when there is none, when it could not be stored, and when it is only somebody's claim that
   * it is what its coordinates say.
   *
   * @throws PyrsiaError as `deliver` does; whatever `signal` aborts with
   */
  bring(asker: Asker, asked: ArtifactRequest & { readonly signal: AbortSignal }): Promise<Known | undefined>;
  /**
   * The same chunks, which upstream gave when it was asked again, maybe with the user's own credential: held
   * against all that is known of them, and never kept.
   *
   * @throws PyrsiaError as `deliver` does for what is refused
   */
  passed(asker: Asker, asked: ArtifactRequest, chunks: ByteStream): AsyncIterable<Uint8Array>;
  /**
   * What is known of an artifact that would be delivered out of the cache without asking anybody, if it is there;
   * undefined when somebody would have to be asked, or it would be refused.
   */
  knownOf(asker: Asker, asked: Pick<ArtifactRequest, 'coordinates' | 'claimed'>): Known | undefined;
  /** Reads what the log says of many that will be asked for, at once. Never rejects. */
  prepare(asker: Asker, coordinates: readonly Coordinates[]): Promise<void>;
  /** A report line for a request that ended without delivery. */
  lineFor(
    asker: Asker,
    coordinates: Coordinates,
    outcome: Outcome,
    startedAt: number,
    reason?: string,
  ): ReportLine;
  /** Resolves when everything delivered so far is stored and bound. */
  settled(): Promise<void>;
}
