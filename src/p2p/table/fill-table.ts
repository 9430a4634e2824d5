/**
 * Fills the routing table of whoever has just come. kad-dht 16.4.5 asks for itself at the start, when it knows nobody, and again
 * after five minutes; and a walk of its goes from one peer only to others that are nearer, so that it ends early where the first
 * table is small. Each walk for our own place has peers named to us whom the next one begins with as well.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../host/host.ts';

/** A table of so many is kept up by kad-dht itself. */
const ENOUGH = 20;

/** How long those who were named have to show that they are there, in milliseconds, before the next walk. */
const PAUSE_MS = 150;

/** How many walks in a row may bring nobody new, and how long one may take, in milliseconds. */
const IDLE_WALKS = 3;
const WALK_MS = 5000;

/** Walks again and again until the table grows no more. Call it when somebody was connected; does nothing while it runs. */
export function tableFiller({ libp2p }: Pick<Host, 'libp2p'>, signal: AbortSignal): () => void {
  const { dht } = libp2p.services;
  let isFilling = false;

  async function fill(): Promise<void> {
    const self = libp2p.peerId.toMultihash().bytes;
    for (let idle = 0, size = 0; idle < IDLE_WALKS && dht.size() < ENOUGH;) {
      await delay(PAUSE_MS, undefined, { signal, ref: false });
      idle = dht.size() > size ? 0 : idle + 1;
      size = dht.size();
      if (size === 0) continue;
      const walk = dht.getClosestPeers(self, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(WALK_MS)]),
      });
      for await (const _ of walk);
    }
  }

  return () => {
    if (isFilling || signal.aborted || dht.size() >= ENOUGH) return;
    isFilling = true;
    void fill()
      .catch(() => undefined)
      .finally(() => (isFilling = false));
  };
}
