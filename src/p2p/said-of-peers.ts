/**
 * What the user has said of peers: where some are, whom to leave alone, whose word is enough. Commands write it, the agent reads it.
 *
 * @module
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { makeOurs } from '../ours.ts';
import type { PeerName } from './contract.ts';
import { keyOfPeer, parsePeerAddress } from './peer-name.ts';

/** The most bytes of the file: 1 MiB. */
const SAID_LIMIT = 2 ** 20;

/** The most addresses of one peer. */
const ADDRESSES_LIMIT = 16;

/** What was said of one peer. */
export interface Said {
  /** Where it is, without its name; that it was added. */
  readonly addresses: readonly string[];
  /** It is neither asked nor answered. */
  readonly banned: boolean;
  /** Its word on what content is made of needs no other's. */
  readonly trusted: boolean;
}

/** What was said, by peer. */
export type SaidOfPeers = ReadonlyMap<PeerName, Said>;

/** Reads it. @throws PyrsiaError `DOCUMENT_INVALID`: a peer that was banned must not come back because a file is damaged. */
export function readSaid(state: string): SaidOfPeers {
  const path = fileIn(state);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return new Map();
  try {
    if (!found.isFile() || found.size > SAID_LIMIT)
      throw new TypeError(`no file of at most ${SAID_LIMIT} bytes`);
    const said: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof said !== 'object' || said === null) throw new TypeError('it is no object');
    return new Map(Object.entries(said).map(([peer, value]) => [checked(peer), saidIn(peer, value)]));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('DOCUMENT_INVALID', { what: path, reason }, { cause: error });
  }
}

/** What may be said of a peer at a time. */
export type Saying =
  | { readonly add: string }
  | { readonly banned: boolean }
  | { readonly trusted: boolean }
  | { readonly forget: true };

/** Says it of one peer, and returns what holds of it then; undefined: nothing. @throws as {@link readSaid} */
export function sayOfPeer(state: string, peer: PeerName, saying: Saying): Said | undefined {
  const all = new Map(readSaid(state));
  const before = all.get(peer) ?? NOTHING;
  const said = after(before, saying);
  if (said.addresses.length === 0 && !said.banned && !said.trusted) all.delete(peer);
  else all.set(peer, said);
  const path = fileIn(state);
  makeOurs(join(state, 'peer'));
  writeFileSync(`${path}.new`, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return all.get(peer);
}

const NOTHING: Said = { addresses: [], banned: false, trusted: false };

function after(before: Said, saying: Saying): Said {
  if ('forget' in saying) return NOTHING;
  if (!('add' in saying)) return { ...before, ...saying };
  const others = before.addresses.filter((address) => address !== saying.add);
  return { ...before, addresses: [saying.add, ...others].slice(0, ADDRESSES_LIMIT) };
}

function checked(peer: string): PeerName {
  if (keyOfPeer(peer)) return peer;
  throw new TypeError(`${peer.slice(0, 100)} is no peer`);
}

function saidIn(peer: string, value: unknown): Said {
  const of = (name: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  const [addresses, banned, trusted] = [of('addresses'), of('banned'), of('trusted')];
  const isAddress = (each: unknown): each is string =>
    typeof each === 'string' && parsePeerAddress(`${each}/p2p/${peer}`).address === each;
  if (!Array.isArray(addresses) || !addresses.every(isAddress))
    throw new TypeError(`${peer} has no list of addresses`);
  if (typeof banned !== 'boolean' || typeof trusted !== 'boolean')
    throw new TypeError(`${peer} is not banned, or is: it is not said`);
  return { addresses: addresses.slice(0, ADDRESSES_LIMIT), banned, trusted };
}

const fileIn = (state: string): string => join(state, 'peer', 'said.json');
