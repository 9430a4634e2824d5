/**
 * What a run leaves behind: every single measurement, so that whatever is said of it can be worked out again.
 *
 * @module
 */

/** What is measured, by how npm gets its packages. */
export const WAYS = {
  direct: 'direct',
  floor: 'npm’s own cache, warm (floor)',
  warm: 'pyrsia, warm',
  exec: 'pyrsia exec, warm',
  bare: 'pyrsia, warm, fill = off',
  cold: 'pyrsia, cold',
  proxy: 'a plain caching proxy, warm',
  verdaccio: 'verdaccio, warm',
  'safe-chain': 'safe-chain',
  'direct-100': 'direct, 100 Mbit/s, 40 ms',
  'cold-100': 'pyrsia, cold, 100 Mbit/s, 40 ms',
  'direct-10': 'direct, 10 Mbit/s, 40 ms',
  'cold-10': 'pyrsia, cold, 10 Mbit/s, 40 ms',
} as const;

export type Way = keyof typeof WAYS;

/** Which way the time of a way is measured against. */
export function against(way: Way): Way {
  if (way.endsWith('-100')) return 'direct-100';
  return way.endsWith('-10') ? 'direct-10' : 'direct';
}

/** One `npm ci`. */
export interface Sample {
  readonly seconds: number;
  /** Seconds of CPU that npm took, with all that it started and waited for. */
  readonly cpu: number;
  /** Requests that npm made, by its own log. */
  readonly requests: number;
  /** Requests that upstream saw; missing where it is not ours. */
  readonly upstream?: number;
  /** The server's part, where there is one: its CPU seconds for this install, and its peak RSS in bytes so far. */
  readonly server?: { readonly cpu: number; readonly peakRss: number };
  readonly fill?: {
    readonly linked: number;
    /** How long the fill took by its own account. */
    readonly ms: number;
    /** From the launch file until the last file was linked, as the file system tells. */
    readonly doneMs: number;
  };
}

/** The ways of one project with one npm, interleaved: the nth samples of all belong to one round. */
export interface Run {
  readonly project: string;
  readonly packages: number;
  readonly npm: string;
  readonly node: string;
  /** `mirror`: a copy of the registry on this machine, over TLS; `registry`: the one that npm is configured with. */
  readonly upstream: 'mirror' | 'registry';
  readonly rounds: number;
  /** When it began. */
  readonly at: string;
  /** Processors and memory. */
  readonly machine: string;
  /** What the slow lines delivered when they were tried, in Mbit/s, and their round trip in milliseconds. */
  readonly lines: Readonly<Record<string, { readonly mbits: number; readonly roundTripMs: number }>>;
  readonly ways: Readonly<Partial<Record<Way, readonly Sample[]>>>;
  /** Ways that could not be measured, and why. */
  readonly left: Readonly<Partial<Record<Way, string>>>;
}

/** The runs, with those of `later` in the place of earlier ones of the same project and npm. */
export function merged(earlier: readonly Run[], later: readonly Run[]): Run[] {
  const keyOf = ({ project, npm, upstream }: Run): string => `${project} ${npm.split('.')[0]} ${upstream}`;
  const runs = new Map([...earlier, ...later].map((run) => [keyOf(run), run]));
  return [...runs.values()];
}
