/**
 * Other computers: whether they can be found and reach us, and whether we may take part.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { identityFile, openIdentity } from '../p2p/identity.ts';
import { memberFiles } from '../p2p/members/member-files.ts';
import { openMembers } from '../p2p/members/members.ts';
import type { Refusal } from '../p2p/members/membership.ts';
import { readSaid } from '../p2p/said-of-peers.ts';
import { networkOf } from '../trust/network-of.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';

/** What keeps this machine from being a member, in words that go on from "it". */
const REASONS: Readonly<Record<Refusal | 'none', string>> = {
  none: 'was never let in',
  malformed: 'has a card that is damaged',
  'other-network': 'has a card of another network',
  'other-peer': 'has the card of another machine',
  forged: 'has a card that nobody has signed',
  early: 'has a card that is not valid yet, so a clock is wrong',
  expired: 'was a member for too long without meeting one who could let it stay',
  revoked: 'was revoked, or whoever let it in was',
};

/** Looks whether others can reach us, and be found, as the agent that is running tells. */
export async function lookForPeers({ agents }: Pick<Patient, 'agents'>): Promise<readonly Finding[]> {
  const { deaf, lonely } = (await agents()).ours?.status?.peers ?? {};
  const findings: Finding[] = [];
  if (deaf !== undefined)
    findings.push({
      id: 'peers-deaf',
      level: 'note',
      title: `Other computers cannot reach this machine: ${deaf}`,
      cost: 'It asks others for what is missing, and gives them nothing',
      remedy: 'pyrsia config set peers.port auto',
    });
  if (lonely !== undefined)
    findings.push({
      id: 'peers-unseen',
      level: 'note',
      title: `Neighbours cannot be looked for: ${lonely}`,
      cost: 'Only computers that were added are asked',
      remedy: 'pyrsia peers add ADDRESS, which pyrsia status shows there',
    });
  return findings;
}

/** Looks whether what the user has said of peers can be read. */
export function lookAtSaid({ paths }: Pick<Patient, 'paths'>): readonly Finding[] {
  try {
    readSaid(paths.state);
    return [];
  } catch (error) {
    return [
      {
        id: 'peers-said',
        level: 'wrong',
        title: error instanceof Error ? error.message : String(error),
        cost: 'Whom you have banned is not known, so no other computer is asked or answered',
        remedy: 'rm that file, and say again whom to leave alone: pyrsia peers ban PEER',
      },
    ];
  }
}

/** Looks whether this machine is a member of the private network that its user believes. */
export async function lookAtMembership({ paths }: Pick<Patient, 'paths'>): Promise<readonly Finding[]> {
  const network = networkOf(paths);
  if (!network?.private) return [];
  const { publicKey, name } = network.key;
  const files = memberFiles(paths.state, publicKey);
  // Which would make one.
  const standing = existsSync(identityFile(paths.state))
    ? openMembers({
        network: publicKey,
        identity: await openIdentity(paths.state),
        files,
        now: Date.now,
      }).standing()
    : 'none';
  if (typeof standing === 'object') return [];
  return [
    {
      id: 'membership',
      level: 'wrong',
      title: `This machine is no member of ${name}: it ${REASONS[standing]}`,
      cost: 'No other computer is asked or answered',
      remedy: 'pyrsia network join TOKEN, which a member makes by pyrsia network invite',
    },
  ];
}
