/**
 * What a tool is about to install, as far as that is known beforehand.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { Headers } from './registry-protocol.ts';

/** A package as a lockfile names it. */
export interface Pinned {
  readonly name: string;
  readonly version: string;
  /** The URL that it gives for it, where it does. */
  readonly resolved?: string;
}

/** Content, and every package that a lockfile says it is. */
export interface PinnedContent {
  readonly digest: Digest;
  readonly packages: readonly Pinned[];
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
