/**
 * One fetch, as its parts share it.
 *
 * @module
 */
import type { Cut } from '../../content/chunks.ts';
import type { Wanted } from '../../content/descriptor.ts';
import type { Source } from '../../content/source.ts';
import type { Blame } from './blame.ts';
import type { Clock } from '../clock.ts';
import type { PeerName } from '../contract.ts';
import type { Hand } from './hand.ts';
import type { Proving } from './proving.ts';
import type { Team } from './team.ts';
import type { Window } from './window.ts';

/** The most bytes that are taken from peers though nobody can tell a wrong chunk until all is there: 64 MiB. */
const PLAIN_LIMIT = 64 * 2 ** 20;

/** A registry that has the content. */
export interface Registry {
  readonly source: Source;
  readonly hand: Hand;
  /** What it failed with. */
  error?: Error;
}

/** What is fetched, from whom, and how far it is. */
export interface Fetching {
  readonly wanted: Wanted;
  readonly cut: Cut;
  readonly window: Window;
  readonly team: Team;
  readonly registry?: Registry;
  readonly proving: Proving;
  readonly blame: Blame;
  /** What has been passed on, by peer; undefined: upstream. */
  readonly given: Map<PeerName | undefined, { readonly bytes: number; readonly chunks: number }>;
  readonly clock: Clock;
  /** Aborts at its end. */
  readonly over: AbortSignal;
  /** The next change. */
  waitForChange(this: void): Promise<void>;
  /** Something has changed: there may be something to ask for, or to read. */
  changed(this: void): void;
}

/** Whether peers are asked for chunks though nothing verifies them. */
export function isPlain({ proving, cut }: Fetching): boolean {
  return proving.state === 'none' && cut.size <= PLAIN_LIMIT;
}
