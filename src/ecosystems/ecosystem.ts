/**
 * What pyrsia knows of one package manager. An ecosystem is a folder that exports one
 * {@link Ecosystem}; nothing outside the folder knows its URLs, files or flags.
 *
 * All of it is pure. The proxy does the fetching and the shims the launching; an ecosystem only tells
 * them what to do. Every implementation runs `test/conformance/ecosystem.ts`.
 *
 * @module
 */
import type { Coordinates, EcosystemName } from '../content/coordinates.ts';
import type { Digest, DigestAlgorithm } from '../content/digest.ts';

/** One package manager, as seen by the proxy and the shims. */
export interface Ecosystem {
  readonly name: EcosystemName;
  /**
   * Reads what a user types after `pyrsia pull`; undefined when it is not of this ecosystem.
   *
   * Rejects with `REFERENCE_MALFORMED` when it is, but cannot be read.
   */
  parse(text: string): Promise<Reference | undefined>;
  readonly registry: RegistryProtocol;
  readonly tools: readonly Tool[];
}

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
  listings(coordinates: Pick<Coordinates, 'name'>): readonly DocumentAddress[];

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

  /** The host (with port) at which a listing says that its artifacts lie; undefined when it does not say. */
  artifactHost(body: Uint8Array): string | undefined;

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
  /** Immutable bytes, from whoever has them. `claimed` when the request itself names the digest. `path` where it is not the request's own. */
  | {
      readonly kind: 'artifact';
      readonly coordinates: Coordinates;
      readonly claimed?: Digest;
      readonly path?: string;
    }
  /** A mutable answer (packument, tag, maven-metadata.xml): fresh from upstream, or stale when offline. */
  | ({ readonly kind: 'metadata'; readonly what: string } & DocumentAddress)
  /** The digest of an artifact or a document, in hex: told of the bytes that are delivered, whatever upstream says. */
  | {
      readonly kind: 'digest';
      readonly algorithm: DigestAlgorithm;
      readonly of: Extract<Route, { readonly kind: 'artifact' | 'metadata' }>;
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

/** One command line tool, as a stand-in of it has to know it. */
export interface CalledTool {
  /** The executable a shim stands in for. */
  readonly executable: string;
  /** What a stand-in of a few lines of sh can tell by itself; whatever else is asked, {@link stepAside} decides. */
  readonly calls: KnownCalls;
  /** What decides whom the tool asks, besides its arguments. */
  readonly settings: SettingNames;
  /** Whether this call must run as if we were not there, and why; undefined when it goes through us. */
  stepAside(args: readonly string[]): string | undefined;
}

/** A tool, and how it fetches through us. */
export interface Tool extends CalledTool {
  /** How to start it so that it fetches through us. */
  redirect(call: ToolCall): Redirection;
  /**
   * What a lockfile has it look for in its own cache, by digest, before it asks anybody: what comes last it asks
   * for first. Absent where it never does.
   */
  pinnedBy?(lockfile: string, terms: InstallTerms): readonly PinnedContent[];
  /**
   * What a lockfile says besides of content that is followed: adds the packages that it names by the same digest, and
   * gives undefined for a digest that is in doubt. Undefined for a lockfile that the tool may read otherwise than we do.
   */
  besidesIn?(lockfile: string): ((content: PinnedContent) => PinnedContent | undefined) | undefined;
  /** What an install on these terms takes from the addresses that a lockfile gives, each package once; absent where lockfiles give none. */
  lockedBy?(lockfile: string, terms: InstallTerms): readonly Locked[];
  /** Why it does not ask us, led as it is, for what a lockfile has at `address`; undefined where it does. Absent where it always does. */
  pastUs?(redirection: Redirection, replacing: Replacing, address: URL): string | undefined;
  /** Follows it as it chooses versions itself; absent where that helps nobody. */
  follow?(choice: Choice, terms: InstallTerms): Promise<Follower>;
}

/** Of what a tool chooses versions itself. */
export interface Choice {
  /** Packages that the call names, in the tool's own words. */
  readonly named: readonly string[];
  /** The text of the project's own manifest, whose dependencies are chosen, too. */
  readonly manifest?: string;
  /** The text of the lockfile, by which the rest stays. */
  readonly lockfile?: string;
  /** Whether what a package wants beside itself is installed without being asked for. */
  readonly peers: boolean;
}

/** A document that a tool was given as its registry has it now. */
export interface GivenDocument {
  /** Its text, without Content-Encoding; undefined where it is gone, or too long. */
  read(): Promise<Uint8Array | undefined>;
  /** With which the tool has asked. */
  readonly headers: Headers;
}

/** Follows a tool as it chooses. */
export interface Follower {
  /**
   * Takes note that the tool was given the listing of a package, and resolves to the content that it is likely to
   * look for now that it knows it. One call at a time.
   */
  given(name: string, document: GivenDocument): Promise<readonly PinnedContent[]>;
}

/** What decides, besides us, which addresses of a lockfile a tool replaces by others. */
export interface Replacing {
  /** The tool's version, where it is known. */
  readonly version?: string;
  /** What it replaces unless we say otherwise, in its own words; `isUsers` where its user has said so. */
  readonly replaces: string;
  readonly isUsers: boolean;
  /** The registries that it is configured with, the default one first. */
  readonly registries: readonly { readonly url: string; readonly scope?: string }[];
}

/** A package with the address that a lockfile gives for it. */
export interface Locked extends Pinned {
  readonly resolved: string;
  /** The digest by which the tool looks for it in its own cache. */
  readonly digest?: Digest;
}

/** What an install leaves out. */
export interface InstallTerms {
  /** Kinds of dependencies: `dev`, `optional`, `peer`. */
  readonly omit: readonly string[];
  /** The platform that it is for, in Node's words. */
  readonly os: string;
  readonly cpu: string;
  /** `glibc` or `musl`, where there is one of them. */
  readonly libc?: string;
  /** The tool's own list of what is installed already and stays. */
  readonly installed?: string;
}

/** Content, and every package that a lockfile says it is. */
export interface PinnedContent {
  readonly digest: Digest;
  readonly packages: readonly Pinned[];
}

/** A package as a lockfile names it. */
export interface Pinned {
  readonly name: string;
  readonly version: string;
  /** The URL that it gives for it, where it does. */
  readonly resolved?: string;
}

/**
 * Calls by their first word that is no option, as users type it. A word is in one list at most, and none of
 * those that fetch is one for which the tool steps aside.
 */
export interface KnownCalls {
  /** The tool must run as if we were not there. */
  readonly aside: readonly string[];
  /** Nobody is asked for anything. Options may stand here, too, wherever they come. */
  readonly idle: readonly string[];
  /** Something is fetched. */
  readonly fetching: readonly string[];
  /** Any other word is a call that fetches, and what follows it is not the tool's own. */
  readonly anyWord?: true;
  /** Words that say nothing without the one behind them (`docker image pull`). */
  readonly groups?: readonly string[];
  /**
   * Options that never take the next word as their value, and do not change whom the tool asks: patterns of
   * sh, made of letters, digits, `-`, `=` and `*`.
   */
  readonly options: readonly string[];
}

/** Names of what a tool reads its settings from. */
export interface SettingNames {
  /** Variables of the environment that decide whom the tool asks, as far as their names are identifiers. */
  readonly variables: readonly string[];
  /** How the names begin of those that are none. */
  readonly otherVariables: readonly string[];
  /** Those that {@link Tool.redirect} may set, as far as their names are identifiers. */
  readonly led: readonly string[];
  /** Files in the project's directory or above it that may decide it. */
  readonly projectFiles: readonly string[];
  /** Files there that name what is to be fetched, and from where. */
  readonly lockfiles: readonly string[];
}

/** One registry that a tool would have used, and our way to it. */
export interface Leading {
  /** The registry's URL as the tool's own configuration has it. */
  readonly upstream: string;
  /** Our base URL for it, ending in `/`. */
  readonly base: string;
  /** For what it is: a scope (`@acme`), a repository's id; undefined for the default one. */
  readonly scope?: string;
}

/** One call of a tool, as the user made it, and the way to us. */
export interface ToolCall {
  /** What the user has given it. */
  readonly args: readonly string[];
  readonly leading: readonly Leading[];
  /** The host (with port) at which the default registry is known to keep its artifacts. */
  readonly artifactHost?: string;
  /** Registries that the tool asks without us. */
  readonly besides: readonly string[];
  /** What the tool must show us; it belongs in a file, never in an argument. */
  readonly credential: string;
  /** The text of the tool's own global configuration file, to be kept in force. */
  readonly globalConfig: string;
  /** The text of its user's own, where that says whom to ask, so that one with our answer has to take its place. */
  readonly userConfig?: string;
  /** Hosts (with port) that the project's lockfile names. */
  readonly lockedHosts: readonly string[];
  /** The host that the tool, meeting it in a lockfile, replaces by its default registry's; undefined: the user has said otherwise. */
  readonly replacedHost?: string;
  /** Hosts, separated by commas, that the tool reaches without the proxy it is configured with; undefined: it has none. */
  readonly unproxied?: string;
  /** Path at which a file of {@link Redirection.files} will lie. */
  pathOf(this: void, file: string): string;
}

/** What a shim adds to the tool's own environment before it steps aside. */
export interface Redirection {
  readonly env: Readonly<Record<string, string>>;
  /** Arguments put before the user's own (`mvn -gs …`). */
  readonly args?: readonly string[];
  /** How many of the user's come before those all the same (`ctr images pull --hosts-dir …`). */
  readonly after?: number;
  /** Configuration files to write first (0600), by name in the launch's own directory, or by path below it. */
  readonly files?: Readonly<Record<string, string>>;
}
