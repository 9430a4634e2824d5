/**
 * Peers, as one more place that content may come from.
 *
 * @module
 */
import type { Digest } from '../content/digest.ts';
import type { Given, Source } from '../content/source.ts';
import type { Fetch, Peers } from '../p2p/contract.ts';

const NOTHING_PROVEN: readonly Digest[] = [];

/** Whom content is asked of: those who say at once whether they have it, or everybody who can be found. */
export type Distance = 'near' | 'far';

/** Peers that are asked. */
export type AskedPeers = Pick<Peers, Distance>;

/**
 * Peers as a {@link Source} of one artifact, which is known by a strong digest. What they are too slow with is
 * asked of `upstream`, where that is one.
 *
 * `open` resolves to undefined when nobody has it.
 */
export function peerSource(peers: AskedPeers, distance: Distance, upstream: Source | undefined): Source {
  const fetches: Fetch[] = [];

  return {
    name: 'peer',
    async open(wanted, { offset = 0, length, signal } = {}) {
      const held = await peers[distance](wanted, signal ? { signal } : {});
      if (!held || (wanted.size ?? held.size) !== held.size) return undefined;
      const fetch = held.fetch({
        offset,
        ...(length !== undefined && { length }),
        ...(upstream && { upstream }),
        ...(signal && { signal }),
      });
      fetches.push(fetch);
      return { size: held.size, proven: NOTHING_PROVEN, chunks: fetch.chunks };
    },
    given: () => summed(fetches.flatMap((fetch) => fetch.given())),
    wrong() {
      for (const fetch of fetches) fetch.wrong();
    },
  };
}

/** One line for each who gave something. */
function summed(given: readonly Given[]): readonly Given[] {
  return [...Map.groupBy(given, ({ peer }) => peer).values()].map((theirs) => ({
    ...theirs[0]!,
    bytes: theirs.reduce((sum, { bytes }) => sum + bytes, 0),
    chunks: theirs.reduce((sum, { chunks }) => sum + chunks, 0),
  }));
}
