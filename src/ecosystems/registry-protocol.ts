/**
 * The protocol between a package manager and its registry, as the proxy has to know it.
 *
 * @module
 */
import type { Coordinates, EcosystemName } from '../content/coordinates.ts';
import type { Digest, DigestAlgorithm } from '../content/digest.ts';

/** What a user asked for: a package, and which version of it in the ecosystem's own words (`^5`, `latest`). */
export interface Reference {
  readonly ecosystem: EcosystemName;
  readonly name: string;
  /** A version, a range or a tag. */
  readonly wanted: string;
  /** Which of a version's files, in the words of its purl (`type`, `classifier`); absent: its main one. */
  readonly qualifiers?: Readonly<Record<string, string>>;
}

/** A mutable document of a registry: where it is, and in which of its forms. */
export interface DocumentAddress {
  /** Path with query, starting with `/`, relative to the registry's root. */
  readonly path: string;
  /** What to send as Accept; documents are cached per value. */
  readonly accept: string;
}

/** A version that a document offers. */
export interface Selected {
  readonly coordinates: Coordinates;
  /** Where the artifact is, relative to the registry's root. */
  readonly path: string;
  /** What the document says its digest is. */
  readonly digest?: Digest;
  /** It may be other bytes the next time. */
  readonly changes?: true;
}

/** What a listing is about: a package, of which something may be wanted. */
export interface Listed extends Pick<Coordinates, 'name'>, Partial<Pick<Reference, 'wanted'>> {}

/** Where everybody finds an artifact in the public registry, which the tool itself asks unless it is told otherwise. */
export interface PublicPlace extends Selected {
  /** That registry's URL, ending in `/`, where it is part of what names mean; where it is absent, only the tool knows. */
  readonly registry?: string;
  /** What has to be sent with the request. */
  readonly headers?: Headers;
  /** What the artifact is, where the registry need not be asked. */
  readonly mediaType?: string;
}

/** The HTTP protocol between the package manager and its registry: the proxy's part. */
export interface RegistryProtocol {
  /** Classifies a request. `path` starts with `/` and is still percent-encoded; header names are lower case. */
  route(method: string, path: string, query: string, headers: Headers): Route;

  /**
   * Where `upstream`, the registry that the user's own configuration names, keeps the same path with query.
   *
   * @throws PyrsiaError `REFERENCE_MALFORMED` when the path leads out of the registry.
   */
  locate(path: string, upstream: URL): URL;

  /**
   * The small document by which the registry itself binds these coordinates to a digest; undefined where it has
   * none, because it names content by its digest: there, having it under a name is saying so.
   */
  document(coordinates: Coordinates): DocumentAddress | undefined;

  /**
   * Set where that document lies beside each artifact and there need not be one: it is asked for once upstream is
   * sending the artifact, unless the reply's `headers` name digests already.
   */
  readonly beside?: {
    /** The strongest digest that upstream names in the reply with which it sends an artifact. */
    declared(this: void, headers: Headers): Digest | undefined;
    /** Further documents that may lie there and name stronger digests, the strongest first. */
    stronger(this: void, coordinates: Coordinates): readonly DocumentAddress[];
  };

  /** Whether what begins with `start` cannot be what these coordinates name: a login page, where they name an archive. */
  isForeign?(coordinates: Coordinates, start: Uint8Array): boolean;

  /** What clients are told of what upstream has not (404), for a while without asking it again; absent: upstream's own answer each time. */
  readonly absent?: { readonly reply: Reply; readonly forMs: number };

  /** Headers that spare a client asking for the digests of what it gets. */
  headersFor?(this: void, digests: readonly Digest[]): Headers;

  /** The largest document there is, in bytes, as sent and as decoded; absent: 128 MiB. */
  readonly documentLimit?: number;

  /** Documents that would say the same and may be at hand already, best first. */
  listings(of: Listed): readonly DocumentAddress[];

  /** What a document says the digest of `coordinates` is; undefined when it does not say so legibly. */
  digest(body: Uint8Array, coordinates: Coordinates): Digest | undefined;

  /** The version that a listing offers for what the user wanted; undefined when none fits. @throws PyrsiaError `DOCUMENT_INVALID` */
  select(body: Uint8Array, wanted: Reference): Selected | undefined;

  /** What a reference that names one version exactly stands for, and where the registry keeps it; undefined for a range or a tag. */
  exact(wanted: Reference): Selected | undefined;

  /**
   * Whether a body can be a document of this registry at all, and is not about something else than what lies
   * at `path`.
   *
   * @throws PyrsiaError `DOCUMENT_INVALID`
   */
  check(body: Uint8Array, what: string, path?: string): void;

  /**
   * What of a document at `path` that nobody vouches for a tool may be given: nothing that leads past this registry, and no
   * artifact without a strong digest. Absent: none of its documents is taken from anybody else.
   *
   * @throws PyrsiaError `DOCUMENT_INVALID`
   */
  unvouched?(this: void, body: Uint8Array, path: string, upstream: URL): Uint8Array;

  /** Where everybody finds what a reference names exactly, be it a name that may mean something else later; undefined for a range, and for what is elsewhere. */
  inPublic(this: void, wanted: Reference): PublicPlace | undefined;

  /** Whether a version may mean other bytes one day, as an image's tag does; absent: none may. */
  mayChange?(this: void, version: string): boolean;

  /** The host (with port) at which a listing says that its artifacts lie; undefined when it does not say. */
  artifactHost(body: Uint8Array): string | undefined;

  /** What a user's own copy of it is called; absent: as the registry calls it. */
  fileName?(this: void, coordinates: Coordinates): string;

  /** How this ecosystem's clients are told that they do not get it, so that they stop at once and show why. */
  refuse(kind: 'refused' | 'unavailable', message: string): Reply;
}

/** Request or reply headers by lower-case name. */
export type Headers = Readonly<Record<string, string>>;

/** A whole reply. */
export interface Reply {
  readonly status: number;
  /** What stands behind the status, for clients that show only that; printable ASCII. Absent: the status's own. */
  readonly phrase?: string;
  readonly headers: Headers;
  readonly body: string;
}

/** What a package manager asked for. */
export type Route =
  /**
   * Immutable bytes, from whoever has them. `claimed` when the request itself names the digest. `path` where it is not the request's own.
   * What `changes` all the same is asked for each time, and kept for when nobody can be asked.
   */
  | {
      readonly kind: 'artifact';
      readonly coordinates: Coordinates;
      readonly claimed?: Digest;
      readonly path?: string;
      readonly changes?: true;
    }
  /** A mutable answer (packument, tag, maven-metadata.xml): fresh from upstream, or stale when offline. */
  | ({ readonly kind: 'metadata'; readonly what: string } & DocumentAddress)
  /**
   * The digest of an artifact or a document, in hex: told of the bytes that are delivered, whatever upstream says. With
   * `word`, upstream's own document that says it, where it has one, held against bytes that were seen.
   */
  | {
      readonly kind: 'digest';
      readonly algorithm: DigestAlgorithm;
      readonly of: Extract<Route, { readonly kind: 'artifact' | 'metadata' }>;
      readonly word?: DocumentAddress;
    }
  /** A question about the registry itself, answered without asking anyone. */
  | { readonly kind: 'answer'; readonly reply: Reply }
  /** Not ours (audit, search, ping): forwarded untouched, never kept. */
  | {
      readonly kind: 'passthrough';
      /** Set for a package's bytes at an address that does not tell which: nothing can be held against them. */
      readonly nameless?: string;
    }
  /** Something a proxy must not do for anybody (a PUT, a path that climbs out). */
  | { readonly kind: 'refused'; readonly reason: string };
