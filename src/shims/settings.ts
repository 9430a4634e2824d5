/**
 * What a tool is configured to do in one directory, as the agent needs it. Reading a tool's own
 * configuration is I/O, so it lives with the shims and not in the ecosystems.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { Choice, InstallTerms, Replacing } from '../ecosystems/ecosystem.ts';

/** A registry that a tool would ask. */
export interface UpstreamSettings {
  /** As configured, without userinfo, ending in `/`. */
  readonly url: string;
  /** For what it is: a scope (`@acme`), the repository or mirror of this id; undefined for the default registry. */
  readonly scope?: string;
  /** Whether it is the default that the tool itself ships. */
  readonly shipped: boolean;
  /** Value for an Authorization header, where the user has one for this registry. Never logged, never stored. */
  readonly authorization?: string;
  /** Set where the tool itself proves there who its user is. */
  readonly proof?: OwnProof;
  /** Why only the tool itself can ask it (a client certificate). */
  readonly unsupported?: string;
}

/** How a tool proves to a registry who its user is. With neither of these it does not, and shows us no credential all the same. */
export interface OwnProof {
  /** By a name and a password, once it is asked for them. */
  readonly byPassword: boolean;
  /** By these headers, in lower case, with each request. */
  readonly headers: readonly string[];
}

/** How the user's connections are to be made. */
export interface ConnectionSettings {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  /** Comma-separated, as in NO_PROXY. */
  readonly noProxy?: string;
  /** PEM certificates to trust besides Node's own. */
  readonly ca?: readonly string[];
  /** Whether certificates are checked. */
  readonly strictSsl: boolean;
  /** Who the user is to one host (with its port where it has one), as PEM. It is shown to nobody else, and never logged or stored. */
  readonly identity?: Identity & { readonly host: string };
}

/** A client certificate, as PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** A file that settings are read from. */
export interface SettingsSource {
  readonly path: string;
  /** Whether there was one. */
  readonly exists: boolean;
}

/** One tool's effective configuration in one directory. */
export interface ToolSettings {
  readonly upstreams: readonly UpstreamSettings[];
  readonly connection: ConnectionSettings;
  /** The project itself decides how connections are made or who is trusted with them, so that only it should believe what they bring. */
  readonly ownTrust?: boolean;
  /** Text of the tool's own global configuration file; empty when there is none. */
  readonly globalConfig: string;
  /** Text of its user's own, where that may have to be replaced to lead the tool. */
  readonly userConfig?: string;
  /** The files that say all this besides the project's own, also those that are not there. */
  readonly sources: readonly SettingsSource[];
  /** The tool is another one in another directory, so that none of this need hold there. */
  readonly varies?: boolean;
  /** Hosts (with port) that the directory's lockfile names, each once. */
  readonly lockedHosts: readonly string[];
  /** The host that the tool, meeting it in a lockfile, replaces by its default registry's; undefined: the user has said otherwise. */
  readonly replacedHost?: string;
  /** What decides which addresses of a lockfile the tool leads to its default registry, besides us. */
  readonly replacing?: Omit<Replacing, 'registries'>;
  /** Whom else the tool asks past us because this file, which it is given, names them; none in most. */
  readonly namedIn?: (file: string, text: string) => readonly string[];
  /** Of the URLs in `upstreams`, the one that the project's own script for the tool has it from; undefined where it is none of them. */
  readonly distribution?: string;
  /** Set for a call that installs packages, where the tool would look for them in its own cache. */
  readonly install?: InstallSettings;
  /** Set for a call that builds a project out of a local repository, where the tool looks before it asks anybody. */
  readonly build?: BuildSettings;
}

/** A build by a tool that keeps what it fetches by the names of artifacts. */
export interface BuildSettings {
  /** Path of its local repository. */
  readonly local: string;
  /** Path of the project's own description, and a digest of that and of all others of the project. */
  readonly project: string;
  readonly digest: Digest;
}

/** An install by a tool that has a cache of its own. */
export interface InstallSettings extends Omit<InstallTerms, 'installed'> {
  /** The tool's own cache. */
  readonly cache: string;
  /** Where the lockfile may lie; the first that is there counts. */
  readonly lockfiles: readonly string[];
  /** How many connections to one registry the user allows the tool; none where it is to ask nobody. Undefined: they do not say. */
  readonly connections?: number;
  /** Where the tool keeps its list of what is installed and stays. */
  readonly installed?: string;
  /** Set where the tool chooses versions itself, in a way that can be followed. */
  readonly choice?: Pick<Choice, 'named' | 'peers'> & {
    /** Where the manifest lies whose dependencies are installed. */
    readonly manifest?: string;
  };
}

/** Where and how a tool is started. */
export interface ToolContext {
  readonly cwd: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}
