/**
 * A package manager's command line tool: what a stand-in of it has to know, and how it is led.
 *
 * @module
 */
import type { Choice, Follower, InstallTerms, Locked, PinnedContent } from './installs.ts';

/** One command line tool, as a stand-in of it has to know it. */
export interface CalledTool {
  /** The executable a shim stands in for. */
  readonly executable: string;
  /** The script by which projects start the version of it that they want (`mvnw`); it passes its arguments on. */
  readonly wrapper?: string;
  /** What a stand-in of a few lines of sh can tell by itself; whatever else is asked, {@link stepAside} decides. */
  readonly calls: KnownCalls;
  /** What decides whom the tool asks, besides its arguments. */
  readonly settings: SettingNames;
  /** The file of a launch at which the tool connects to us as soon as it has started; absent: it has none. */
  readonly socket?: string;
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
  /** No option behind a word that fetches changes whom the tool asks. */
  readonly anyOption?: true;
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
