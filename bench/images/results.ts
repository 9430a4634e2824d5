/**
 * What a run leaves behind: every single measurement, so that whatever is said of it can be worked out again.
 *
 * @module
 */

/** Who pulls. */
export const CLIENTS = ['skopeo', 'podman', 'dockerd'] as const;
export type ClientName = (typeof CLIENTS)[number];

/** From where. */
export const WAYS = {
  direct: 'the registry itself',
  warm: 'through Pyrsia, which has it',
  cold: 'through Pyrsia, new and empty',
  'mirror-warm': 'through docker-registry as a pull-through mirror, which has it',
  'mirror-cold': 'through docker-registry as a pull-through mirror, new and empty',
  'direct-100': 'the registry itself, 100 Mbit/s, 40 ms',
  'cold-100': 'through Pyrsia, new and empty, 100 Mbit/s, 40 ms',
  'mirror-cold-100': 'through docker-registry as a pull-through mirror, new and empty, 100 Mbit/s, 40 ms',
} as const;
export type Way = keyof typeof WAYS;

/** What a server has taken so far: CPU seconds, and its peak RSS in bytes. */
export interface Spent {
  readonly cpu: number;
  readonly peakRss: number;
}

/** One pull. */
export interface Sample {
  readonly seconds: number;
  /** Blobs that upstream was asked for. */
  readonly blobs: number;
  /** What is between client and upstream: its CPU seconds for this pull, and its peak RSS in bytes so far. */
  readonly server?: Spent;
}

/** The ways of one client to one image, interleaved: the nth samples of all belong to one round. */
export interface Run {
  readonly client: ClientName;
  readonly version: string;
  /** Bytes of the image, and its layers. */
  readonly bytes: number;
  readonly layers: number;
  readonly rounds: number;
  /** When it began. */
  readonly at: string;
  /** Processors and memory. */
  readonly machine: string;
  readonly ways: Readonly<Partial<Record<Way, readonly Sample[]>>>;
}

/** The runs, with the ways of `later` in the place of earlier ones of the same client, image and number of rounds. */
export function merged(earlier: readonly Run[], later: readonly Run[]): Run[] {
  const keyOf = ({ client, bytes, ways }: Run): string =>
    `${client} ${bytes} ${Object.keys(ways).some((way) => way.endsWith('-100'))}`;
  return [...new Map([...earlier, ...later].map((run) => [keyOf(run), run])).values()];
}
