/**
 * Whole nodes on this machine's loopback, as agents have them, for the tests of how they find each other.
 *
 * @module
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digest, digestOf, type Sha256 } from '../../src/content/digest.ts';
import type { Held, Offer } from '../../src/p2p/contract.ts';
import type { Link } from '../../src/p2p/lan.ts';
import type { OpenPeers, PeersOptions } from '../../src/p2p/open-peers.ts';
import { openPeers } from '../../src/p2p/peers.ts';

/** The only link that these nodes have. */
const LOOPBACK: Link = { name: 'lo', addresses: ['127.0.0.1/8'] };

/** Has a node share with everybody, though it is reached at the loopback only. */
export const PUBLIC_HERE: Partial<PeersOptions> = {
  share: 'public',
  links: () => [LOOPBACK, { name: 'metered', addresses: ['192.0.2.1/24'] }],
  isQuiet: ({ name }) => name === 'metered',
};

/** One node. */
export interface PeerNode extends AsyncDisposable {
  readonly peers: OpenPeers;
  readonly lines: readonly string[];
  /** Where its state and what it offers lie. */
  readonly state: string;
  /** Where it is, as others are given it to begin with. */
  readonly address: string;
  /** Has it offer content, which is known by sha256 and sha512; what it gives then may be something else. */
  offer(bytes: Uint8Array, given?: Uint8Array): Promise<Sha256>;
  withdraw(digest: Digest): void;
}

/** Starts a node; not even neighbours find it. */
export async function peerNode(options: Partial<PeersOptions> = {}): Promise<PeerNode> {
  const state = await mkdtemp(join(tmpdir(), 'pyrsia-peer-'));
  const offers = new Map<Digest, Offer>();
  const lines: string[] = [];
  const peers = await openPeers({
    state,
    share: 'lan',
    offers: {
      find: (digest) => offers.get(digest),
      async *sets() {
        for (const digest of offers.keys()) if (digest.startsWith('sha256:')) yield digest;
      },
    },
    links: () => [LOOPBACK],
    neighbours: false,
    log: (line) => lines.push(line),
    ...options,
  });
  return {
    peers,
    lines,
    state,
    get address() {
      return peers.status().listening[0] ?? '';
    },
    async offer(bytes, given = bytes) {
      const sha256 = digestOf(bytes, 'sha256');
      const path = join(state, sha256.slice(7));
      await writeFile(path, given);
      const offer = { sha256, size: bytes.byteLength, available: bytes.byteLength, path };
      offers.set(sha256, offer).set(digestOf(bytes, 'sha512'), offer);
      return sha256;
    },
    withdraw: (digest) => void offers.delete(digest),
    async [Symbol.asyncDispose]() {
      await peers[Symbol.asyncDispose]();
      await rm(state, { recursive: true });
    },
  };
}

/** Fetches all of it. */
export async function fetched(held: Held): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(held.fetch({}).chunks));
}
