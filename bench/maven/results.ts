/**
 * What a run leaves behind: every single measurement, so that whatever is said of it can be worked out again.
 *
 * @module
 */
import type { Timed } from '../npm-ci/place.ts';

/** What is measured, by where mvn has everything from; its local repository is empty but where it says otherwise. */
export const WAYS = {
  direct: 'direct',
  floor: 'Maven’s local repository, full, -o (floor)',
  warm: 'pyrsia, warm',
  offline: 'pyrsia, warm, without a network',
  cold: 'pyrsia, cold',
  nginx: 'nginx proxy_cache, warm',
  'direct-bare': 'direct, no checksums upstream',
  'cold-bare': 'pyrsia, cold, no checksums upstream',
} as const;

export type Way = keyof typeof WAYS;

/** Which way the time and the requests of a way are measured against. */
export const against = (way: Way): Way => (way.endsWith('-bare') ? 'direct-bare' : 'direct');

/** One build. */
export interface Sample extends Omit<Timed, 'requests'> {
  /** Requests that upstream saw; missing where it is not ours. */
  readonly upstream?: number;
  /** The server's part, where there is one: its CPU seconds for this build, and its peak RSS in bytes so far. */
  readonly server?: { readonly cpu: number; readonly peakRss: number };
}

/** The ways of one upstream, interleaved: the nth samples of all belong to one round. */
export interface Run {
  /** Artifacts in the local repository when it is built: poms, jars. */
  readonly artifacts: number;
  readonly maven: string;
  readonly java: string;
  /** `mirror`: a copy on this machine, over http; `repository`: the one that mvn is configured with. */
  readonly upstream: 'mirror' | 'repository';
  /** How far away the mirror is, in milliseconds there and back; undefined: no further than it is. */
  readonly awayMs?: number;
  readonly rounds: number;
  /** When it began. */
  readonly at: string;
  /** Processors and memory. */
  readonly machine: string;
  readonly ways: Readonly<Partial<Record<Way, readonly Sample[]>>>;
  /** Ways that could not be measured, and why. */
  readonly left: Readonly<Partial<Record<Way, string>>>;
}

/** The runs, with those of `later` in the place of earlier ones of the same upstream; without checksums alone is one. */
export function merged(earlier: readonly Run[], later: readonly Run[]): Run[] {
  const keyOf = ({ upstream, awayMs = 0, ways }: Run): string =>
    `${upstream} ${awayMs} ${'direct-bare' in ways && !('direct' in ways)}`;
  return [...new Map([...earlier, ...later].map((run) => [keyOf(run), run])).values()];
}
