/**
 * The key of a private network, in the hands of its creator.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { PyrsiaError } from '../errors.ts';
import { formatVerifierKey } from '../log/keys.ts';
import { NETWORK_LIMIT } from '../log/network-file.ts';
import { openIdentity } from '../p2p/identity.ts';
import { type MemberFiles, memberFiles } from '../p2p/members/member-files.ts';
import { type Members, openMembers } from '../p2p/members/members.ts';
import type { Session } from '../session.ts';
import type { OwnNetwork } from '../trust/network-of.ts';
import { wholeFile } from './log-place.ts';
import { demandNetwork } from './own-log.ts';

/** This machine in the user's private network. */
export interface OwnMembership {
  readonly network: OwnNetwork;
  readonly files: MemberFiles;
  readonly members: Members;
}

/** Opens it. Rejects with `NOT_FOUND` where there is no network, with `CONFIG_INVALID` where it is not private. */
export async function openOwnMembership(session: Session): Promise<OwnMembership> {
  const network = demandNetwork(session);
  if (!network.private)
    throw new PyrsiaError('CONFIG_INVALID', {
      problems: [
        `${network.key.name} is open to everybody: pyrsia network create --private makes one that is not`,
      ],
    });
  const { state } = session.paths;
  const { publicKey } = network.key;
  const files = memberFiles(state, publicKey);
  const identity = await openIdentity(state);
  return { network, files, members: openMembers({ network: publicKey, identity, files, now: Date.now }) };
}

/** Reads the private key of a network from its file. Rejects with `NOT_PROVEN` for another's, and with what reading rejects with. */
export async function keyOfNetwork({ key }: OwnNetwork, path: string): Promise<KeyObject> {
  const pem = Buffer.from(await wholeFile(path, NETWORK_LIMIT)).toString();
  let found: KeyObject;
  try {
    found = createPrivateKey(pem);
  } catch (cause) {
    throw new PyrsiaError('DOCUMENT_INVALID', { what: path, reason: 'it is no private key' }, { cause });
  }
  const { x = '' } = createPublicKey(found).export({ format: 'jwk' });
  if (Buffer.compare(Buffer.from(x, 'base64url'), key.publicKey) !== 0)
    throw new PyrsiaError('NOT_PROVEN', {
      what: path,
      reason: `it is not the key of ${formatVerifierKey(key)}`,
    });
  return found;
}
