/**
 * What pyrsia knows of one package manager. An ecosystem is a folder that exports one
 * {@link Ecosystem}; nothing outside the folder knows its URLs, files or flags.
 *
 * All of it is pure. The proxy does the fetching and the shims the launching; an ecosystem only tells
 * them what to do. Every implementation runs `test/conformance/ecosystem.ts`.
 *
 * @module
 */
import type { EcosystemName } from '../content/coordinates.ts';
import type { Reference, RegistryProtocol } from './registry-protocol.ts';
import type { Tool } from './tool.ts';

export type * from './installs.ts';
export type * from './registry-protocol.ts';
export type * from './tool.ts';

/** One package manager, as seen by the proxy and the shims. */
export interface Ecosystem {
  readonly name: EcosystemName;
  /**
   * Reads what a user types after `pyrsia pull`; undefined when it is not of this ecosystem.
   *
   * Rejects with `REFERENCE_MALFORMED` when it is, but cannot be read.
   */
  parse(text: string): Promise<Reference | undefined>;
  /**
   * For what of its tool's settings the registry is there that has this; undefined: the default one. Absent where
   * each of those that the tool is configured with may have it.
   */
  scopeOf?(this: void, reference: Reference): string | undefined;
  readonly registry: RegistryProtocol;
  readonly tools: readonly Tool[];
  /** Who says what an artifact depends on; absent where nobody is asked. */
  readonly closure?: ClosureBy;
}

/** How the ecosystem's own tool says what an artifact depends on: what it resolves for a project that has nothing else. */
export interface ClosureBy {
  /** The file of a user's project that says where such artifacts may be. */
  readonly manifest: string;
  /** That project: its files, by name. `manifest` is the text of the user's own, where there is one. */
  project(this: void, reference: Reference, manifest?: string): Readonly<Record<string, string>>;
  /** Lists what is resolved for it, into one of its files; `pathOf` tells where those lie. */
  command(this: void, pathOf: (file: string) => string, list: string): readonly string[];
  /** References of all that is listed, what was asked for first. */
  resolved(this: void, list: string, first: Pick<Reference, 'name'>): readonly string[];
}
