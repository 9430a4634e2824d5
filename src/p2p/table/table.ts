/**
 * The distributed hash table, as kad-dht has it, with what it keeps for others put into limits.
 *
 * What of kad-dht 16.4.5 is done otherwise than it would:
 *
 * - It asks nobody before it has asked for itself, a second after the start, and drops private addresses.
 * - It keeps whatever is sent: {@link ProviderRecords} does not, and values are refused.
 * - It breaks off the answer to GET_PROVIDERS where one of the providers is not in the peer store: those are left out.
 * - It adds up all addresses that a provider ever said: only the latest count.
 *
 * @module
 */
import type { PeerStore } from '@libp2p/interface';
import {
  type KadDHT,
  kadDHT,
  type KadDHTComponents,
  passthroughMapper,
  type SingleKadDHT,
} from '@libp2p/kad-dht';
import { peerIdFromString } from '@libp2p/peer-id';
import { ProviderRecords } from './provider-records.ts';

/** The protocol: the table is ours alone. */
export const TABLE_PROTOCOL = '/pyrsia/kad/1.0.0';

/** The most addresses that are believed of one peer. */
const ADDRESSES = 8;

/** The table, and what it keeps for others. */
export type Table = KadDHT & {
  readonly records: ProviderRecords;
  /** How many peers are in the routing table. */
  size(this: void): number;
};

/** Makes the table of one host. `resident`: it answers others, and keeps their records. */
export function table({ resident }: { readonly resident: boolean }): (components: KadDHTComponents) => Table {
  return ({
    peerId,
    privateKey,
    registrar,
    addressManager,
    peerStore,
    connectionManager,
    events,
    logger,
    ping,
  }) => {
    const records = new ProviderRecords(
      peerId.toString(),
      async (peer) => peerStore.has(peerIdFromString(peer)),
      () => performance.now(),
    );
    const dht = kadDHT({
      protocol: TABLE_PROTOCOL,
      clientMode: !resident,
      peerInfoMapper: passthroughMapper,
      initialQuerySelfInterval: 0,
      allowQueryWithZeroPeers: true,
      alpha: 3,
      disjointPaths: 3,
      validators: { pk: refuse },
    })({
      peerId,
      privateKey,
      registrar,
      addressManager,
      connectionManager,
      events,
      logger,
      ping,
      peerStore: thrifty(peerStore),
      datastore: records,
    });
    return Object.assign(dht, { records, size: () => (isSingle(dht) ? dht.routingTable.size : 0) });
  };
}

/** The same peer store, but what a provider says of its addresses takes the place of what it has said before. */
function thrifty(store: PeerStore): PeerStore {
  return {
    forEach: async (...args) => store.forEach(...args),
    all: async (...args) => store.all(...args),
    delete: async (...args) => store.delete(...args),
    has: async (...args) => store.has(...args),
    get: async (...args) => store.get(...args),
    getInfo: async (...args) => store.getInfo(...args),
    save: async (...args) => store.save(...args),
    patch: async (...args) => store.patch(...args),
    consumePeerRecord: async (...args: Parameters<PeerStore['consumePeerRecord']>) =>
      store.consumePeerRecord(...args),
    async merge(peer, { multiaddrs, ...data }, options) {
      if (multiaddrs === undefined) return store.merge(peer, data, options);
      return store.patch(peer, { ...data, multiaddrs: multiaddrs.slice(0, ADDRESSES) }, options);
    },
  };
}

function isSingle(dht: KadDHT): dht is SingleKadDHT {
  return 'routingTable' in dht;
}

function refuse(): never {
  throw new Error('Values are not kept here');
}
