/**
 * What a member of a private network keeps: `peer/networks/<network>/` in the state directory.
 *
 * | file            | what it holds                                                              |
 * | --------------- | -------------------------------------------------------------------------- |
 * | `card`          | what it shows to others                                                    |
 * | `revoked`       | every revocation that was ever heard of                                    |
 * | `invitations/…` | the secret of each invitation that is open, and who has used those that were |
 *
 * @module
 */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeOurs } from '../../ours.ts';
import type { PeerName } from '../contract.ts';
import { CARD_LIMIT, readRevocations, type Revocation } from './membership.ts';

/** The most revocations that are kept. */
export const REVOCATIONS_LIMIT = 4096;
/** The largest file that is read: 2 MiB, which is more than so many revocations. */
const FILE_LIMIT = 2 * 2 ** 20;
/** The most invitations that may be open. */
const INVITATIONS_LIMIT = 100;

/** The files of one network. */
export interface MemberFiles {
  /** What this peer shows; undefined: it is no member. */
  card(this: void): string | undefined;
  keepCard(this: void, card: string): void;
  /** By peer. One that the network's key did not sign counts as none: it is a damaged file. */
  revocations(this: void): Map<PeerName, Revocation>;
  keepRevocations(this: void, all: Iterable<Revocation>): void;
  /** Opens an invitation until `until`, in seconds since 1970. Undefined where too many are open. */
  invite(this: void, id: string, secret: Uint8Array, until: number): boolean;
  /**
   * Uses one up: once, though the same peer may come again until it ends, since an answer may have been lost. `isProven`
   * says whether who comes knows its secret.
   */
  redeem(
    this: void,
    id: string,
    peer: PeerName,
    terms: { readonly now: number; isProven(this: void, secret: Uint8Array): boolean },
  ): boolean;
  /** Forgets that this peer is a member; what was revoked stays. */
  leave(this: void): void;
}

/** The files of the network of this bare key. */
export function memberFiles(state: string, network: Uint8Array): MemberFiles {
  const directory = join(state, 'peer', 'networks', hash('sha256', network, 'hex').slice(0, 16));
  const at = (name: string): string => join(directory, name);
  const invitations = at('invitations');

  function keep(name: string, text: string): void {
    makeOurs(join(state, 'peer'));
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(`${at(name)}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${at(name)}.new`, at(name));
  }

  return {
    card: () => textOf(at('card'), CARD_LIMIT),
    keepCard: (card) => keep('card', card),
    leave: () => rmSync(at('card'), { force: true }),
    revocations() {
      const all = readRevocations(textOf(at('revoked'), FILE_LIMIT) ?? '', network) ?? [];
      return new Map(all.map((each) => [each.peer, each]));
    },
    keepRevocations: (all) => keep('revoked', [...all].map(({ text }) => text).join('')),
    invite(id, secret, until) {
      mkdirSync(invitations, { recursive: true, mode: 0o700 });
      const open = namesIn(invitations);
      const now = Date.now() / 1000;
      for (const name of open)
        if (untilOf(join(invitations, name)) < now) rmSync(join(invitations, name), { force: true });
      if (namesIn(invitations).length >= INVITATIONS_LIMIT) return false;
      const text = `${until} ${Buffer.from(secret).toString('base64')}\n`;
      writeFileSync(join(invitations, id), text, { mode: 0o600, flag: 'wx', flush: true });
      return true;
    },
    redeem(id, peer, { now, isProven }) {
      if (!/^[0-9a-f]{32}$/.test(id)) return false;
      const [fresh, used] = [join(invitations, id), join(invitations, `${id}.${peer}`)];
      const found = textOf(used, CARD_LIMIT) ?? textOf(fresh, CARD_LIMIT);
      const [until = '', secret = ''] = (found ?? '').trim().split(' ');
      if (found === undefined || now >= Number(until)) return false;
      if (!isProven(Buffer.from(secret, 'base64'))) return false;
      if (statSync(used, { throwIfNoEntry: false })) return true;
      try {
        // Of several who come at once, one finds it.
        renameSync(fresh, used);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function untilOf(path: string): number {
  return Number((textOf(path, CARD_LIMIT) ?? '0').split(' ')[0]);
}

function textOf(path: string, limit: number): string | undefined {
  try {
    return statSync(path).size > limit ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
