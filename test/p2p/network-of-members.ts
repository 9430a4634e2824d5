/**
 * A private network whose key a test holds, and peers of it.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Identity, identityOf } from '../../src/p2p/identity.ts';
import { memberFiles } from '../../src/p2p/members/member-files.ts';
import { type Members, openMembers } from '../../src/p2p/members/members.ts';
import { ADMITS_S, MEMBER_S, signMembership, signRevocation } from '../../src/p2p/members/membership.ts';

/** A key, and what it is known by. */
export function newKey(): { readonly key: KeyObject; readonly raw: Uint8Array; readonly identity: Identity } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  const [seed, raw] = [d, x].map((each) => Buffer.from(each, 'base64url'));
  return { key: privateKey, raw: raw!, identity: identityOf(Buffer.concat([seed!, raw!])) };
}

/** A network. */
export interface NetworkOfMembers extends Disposable {
  readonly key: KeyObject;
  readonly raw: Uint8Array;
  /** In seconds since 1970, as all its peers have it unless they have a clock of their own. */
  now: number;
  /** A peer with a state directory of its own. */
  peer(options?: {
    readonly admits?: boolean;
    readonly member?: boolean;
    readonly clock?: () => number;
  }): Peer;
  /** A card that the network's key signs. */
  card(
    peer: string,
    options?: { readonly admits?: boolean; readonly from?: number; readonly until?: number },
  ): string;
  revocation(peer: string): string;
}

/** One of its peers. */
export interface Peer {
  readonly identity: Identity;
  readonly key: KeyObject;
  readonly state: string;
  readonly members: Members;
  /** The same, as after a restart. */
  reopened(): Members;
}

/** Makes a network. */
export function networkOfMembers(): NetworkOfMembers {
  const { key, raw } = newKey();
  const root = mkdtempSync(join(tmpdir(), 'members-'));
  let count = 0;
  const network: NetworkOfMembers = {
    key,
    raw,
    now: Math.floor(Date.now() / 1000),
    card(peer, { admits = false, from = network.now, until = from + (admits ? ADMITS_S : MEMBER_S) } = {}) {
      return signMembership(raw, { peer, from, until, admits }, key);
    },
    revocation: (peer) => signRevocation(raw, { peer, at: network.now }, key),
    peer({ admits = false, member = true, clock = () => network.now } = {}) {
      const { identity, key: own } = newKey();
      const state = join(root, String(count++));
      const files = memberFiles(state, raw);
      if (member) files.keepCard(network.card(identity.name, { admits }));
      const open = (): Members => openMembers({ network: raw, identity, files, now: () => clock() * 1000 });
      return { identity, key: own, state, members: open(), reopened: open };
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
  return network;
}
