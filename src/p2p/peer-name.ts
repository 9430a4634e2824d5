/**
 * Names and addresses of peers, as people hand them on.
 *
 * @see https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
 * @see https://github.com/libp2p/specs/blob/master/addressing/README.md
 * @module
 */
import { isIP } from 'node:net';
import { base58btc } from 'multiformats/bases/base58';
import { PyrsiaError } from '../errors.ts';
import type { PeerName } from './contract.ts';

/** The multihash "identity" of 36 bytes, then type Ed25519 and a length of 32 in protobuf. */
const PREFIX = Buffer.from('002408011220', 'hex');

/** The bare Ed25519 key that a peer's name stands for, 32 bytes; undefined for what is no such name. */
export function keyOfPeer(name: string): Uint8Array | undefined {
  if (!/^[1-9A-HJ-NP-Za-km-z]{52}$/.test(name)) return undefined;
  const bytes = base58btc.baseDecode(name);
  const isKey =
    bytes.byteLength === PREFIX.length + 32 && Buffer.compare(bytes.subarray(0, PREFIX.length), PREFIX) === 0;
  return isKey ? bytes.subarray(PREFIX.length) : undefined;
}

/** The name of the peer that has this bare Ed25519 key. */
export function peerOfKey(key: Uint8Array): PeerName {
  return base58btc.baseEncode(Buffer.concat([PREFIX, key]));
}

/** Where a peer is, and who it has to prove to be. */
export interface PeerAddress {
  readonly peer: PeerName;
  /** Without the peer's name: `/ip4/192.168.1.5/tcp/4001`. */
  readonly address: string;
}

/**
 * Reads `/ip4/192.168.1.5/tcp/4001/p2p/12D3…`; `ip6`, `dns`, `dns4` and `dns6` as well.
 *
 * @throws PyrsiaError `REFERENCE_MALFORMED`
 */
export function parsePeerAddress(text: string): PeerAddress {
  const [, address = '', kind = '', host = '', port = '', peer = ''] =
    /^(\/(ip4|ip6|dns|dns4|dns6)\/([^/\s]{1,253})\/tcp\/(\d{1,5}))\/p2p\/([^/\s]+)$/.exec(text) ?? [];
  const isHost =
    kind === 'ip4' ? isIP(host) === 4 : kind === 'ip6' ? isIP(host) === 6 : /^[\w.-]+$/.test(host);
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  if (isHost && isPort && keyOfPeer(peer)) return { peer, address };
  const reason = 'expected /ip4/ADDRESS/tcp/PORT/p2p/PEER, as pyrsia peers ls of that machine shows it';
  throw new PyrsiaError('REFERENCE_MALFORMED', { text: text.slice(0, 300), reason });
}

/** The name of a peer, also of one whose whole address is given. @throws PyrsiaError `REFERENCE_MALFORMED` */
export function parsePeerName(text: string): PeerName {
  if (text.startsWith('/')) return parsePeerAddress(text).peer;
  if (keyOfPeer(text)) return text;
  throw new PyrsiaError('REFERENCE_MALFORMED', {
    text: text.slice(0, 300),
    reason: 'expected the name of a peer (12D3KooW…), as pyrsia peers ls shows it',
  });
}
