/**
 * The two messages of the distributed hash table that are written here. kad-dht writes them as well, but one on each stream, after
 * one walk for each key.
 *
 * @see https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */

const ADD_PROVIDER = 2;
const PING = 5;

/** The numbers of the fields, of Message and of Peer. */
const TYPE = 1;
const KEY = 2;
const PROVIDERS = 9;
const ID = 1;
const ADDRESSES = 2;

/** That this peer provides what has this key. There is no answer. */
export function addProvider(key: Uint8Array, peer: Uint8Array, addresses: readonly Uint8Array[]): Uint8Array {
  const provider = Buffer.concat([bytes(ID, peer), ...addresses.map((address) => bytes(ADDRESSES, address))]);
  return Buffer.concat([number(TYPE, ADD_PROVIDER), bytes(KEY, key), bytes(PROVIDERS, provider)]);
}

/** Asks for an answer, which says that everything before was read. */
export const PING_MESSAGE: Uint8Array = number(TYPE, PING);

function number(field: number, value: number): Uint8Array {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([varint((field << 3) | 2), varint(value.byteLength), value]);
}

function varint(value: number): Uint8Array {
  const all: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) all.push((rest & 127) | 128);
  return Uint8Array.from([...all, rest]);
}
