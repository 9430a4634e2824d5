import type { Digest } from './digest.ts';

/**
 * What content has to be, without the content. Docker and the log state a size; npm and Maven state a
 * digest and no length; and where nobody says anything `digests` is empty.
 */
export interface Wanted {
  /** All of them must hold; of different algorithms. Empty: any content will do, and is digested on the way. */
  readonly digests: readonly Digest[];
  /** Length of the content in bytes, where it is known beforehand. */
  readonly size?: number;
}
