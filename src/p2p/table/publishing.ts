/**
 * What a host does in the distributed hash table: it looks for providers, and is one.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { lpStream } from '@libp2p/utils';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Digest } from '../../content/digest.ts';
import type { Offers } from '../contract.ts';
import { cidOf, keyOf } from './dht-keys.ts';
import type { Contact } from '../find/discovery.ts';
import type { Host } from '../host/host.ts';
import { addProvider, PING_MESSAGE } from './kad-messages.ts';
import type { Publishing, TablePeer } from './providing.ts';
import { TABLE_PROTOCOL } from './table.ts';

/** How many records are sent before the peer has to answer, and how long it may take for them, in milliseconds. */
const RECORDS_AT_ONCE = 64;
const PATIENCE_MS = 10_000;

/** How long a walk may take, in milliseconds. */
const WALK_MS = 30_000;

/** How often to look whether anybody is in the table, in milliseconds. */
const LOOK_MS = 20;

/** The longest answer to a ping that is read, in bytes. */
const ANSWER_LIMIT = 1024;

/** How this host publishes what is offered, as long as `isPublic` says that anybody may know of it. */
export function publishingOf(
  { libp2p }: Host,
  offers: Pick<Offers, 'sets'>,
  isPublic: () => boolean,
): Publishing {
  const { dht } = libp2p.services;
  return {
    offers: {
      async *sets() {
        for await (const digest of offers.sets()) {
          if (!isPublic()) return;
          yield digest;
        }
      },
    },
    peers: () => dht.size(),
    keep: (keys) => dht.records.keep(isPublic() ? keys : []),
    now: () => performance.now(),

    async nearest(key, { signal }) {
      const found: TablePeer[] = [];
      const within = AbortSignal.any([signal, AbortSignal.timeout(WALK_MS)]);
      for await (const event of dht.getClosestPeers(key, { signal: within })) {
        if (event.name !== 'FINAL_PEER') continue;
        const { id } = event.peer;
        found.push({ peer: id.toString(), id: id.toMultihash().bytes });
      }
      return found;
    },

    async tell(peer, keys, { signal }) {
      const [self, addresses] = [
        libp2p.peerId.toMultihash().bytes,
        libp2p.getMultiaddrs().map(({ bytes }) => bytes),
      ];
      if (!isPublic()) throw new Error('What is here is not public any more');
      // Nobody could reach us.
      if (addresses.length === 0) return;
      const within = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      const stream = await libp2p.dialProtocol(peerIdFromString(peer), TABLE_PROTOCOL, { signal: within() });
      try {
        const messages = lpStream(stream, { maxDataLength: ANSWER_LIMIT });
        for (let at = 0; at < keys.length; at += RECORDS_AT_ONCE) {
          const records = keys
            .slice(at, at + RECORDS_AT_ONCE)
            .map((key) => addProvider(key, self, addresses));
          const limit = { signal: within() };
          await messages.writeV([...records, PING_MESSAGE], limit);
          await messages.read(limit);
        }
        await stream.close({ signal: within() });
      } catch (error) {
        stream.abort(error instanceof Error ? error : new Error(String(error)));
        throw error;
      }
    },
  };
}

/** Whom the table names as providers of a digest, as they are found. */
export async function* walkOf(
  { libp2p }: Host,
  digest: Digest,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Contact> {
  const key = keyOf(digest);
  if (!key) return;
  const { dht } = libp2p.services;
  // Whoever was connected a moment ago is asked first whether he is in the table.
  while (dht.size() === 0) await delay(LOOK_MS, undefined, { signal });
  for await (const event of dht.findProviders(cidOf(key), { signal })) {
    if (event.name !== 'PROVIDER') continue;
    for (const { id, multiaddrs } of event.providers)
      if (!id.equals(libp2p.peerId)) yield { peer: id.toString(), addresses: multiaddrs.map(String) };
  }
}
