/**
 * One lane to each peer, which all fetches use: opened when it is first needed, and again when it was closed.
 *
 * @module
 */
import type { CallOptions } from '../../content/source.ts';
import type { PeerName } from '../contract.ts';
import type { Lane } from '../wire/lane.ts';

/** Lanes by peer. */
export interface Lanes {
  /** Rejects as opening one does. */
  open(this: void, peer: PeerName, options?: CallOptions): Promise<Lane>;
  close(this: void): void;
}

/** No lane is open. `openOne` opens a new one. */
export function openLanes(openOne: (peer: PeerName) => Promise<Lane>): Lanes {
  const lanes = new Map<PeerName, Promise<Lane>>();

  async function current(peer: PeerName): Promise<Lane> {
    const before = lanes.get(peer);
    const lane = await before?.catch(() => undefined);
    if (lane?.open) return lane;
    const now = lanes.get(peer);
    if (now !== undefined && now !== before) return current(peer);
    const opening = openOne(peer);
    lanes.set(peer, opening);
    opening.catch(() => lanes.get(peer) === opening && lanes.delete(peer));
    return opening;
  }

  return {
    async open(peer, { signal } = {}) {
      signal?.throwIfAborted();
      const opening = current(peer);
      if (!signal) return opening;
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      try {
        return await Promise.race([opening, aborted]);
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    close() {
      for (const lane of lanes.values())
        void lane.then(
          ({ close }) => close(),
          () => undefined,
        );
      lanes.clear();
    },
  };
}
