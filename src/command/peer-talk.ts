/**
 * How it stands with other computers, in words.
 *
 * @module
 */
import { formatBytes, formatDuration } from '../content/format.ts';
import type { PeerKnown, PeersStatus } from '../control/protocol.ts';
import type { ShareMode } from '../config/settings.ts';
import type { Session } from '../session.ts';
import { say } from './talk.ts';

/** What a mode of sharing means, in a sentence or two. */
export const MEANING: Readonly<Record<ShareMode, string>> = {
  off: 'Nobody is given anything. Other computers are still asked for what is missing here: pyrsia config set peers off ends that, too',
  lan: 'Computers on links with private addresses are given what is public; what is private never leaves this machine',
  public: 'Everybody is given what is public; what is private never leaves this machine',
};

/**
 * Has a running agent put in force what was changed. Resolves to how it stands then; undefined where none is running, or where
 * it does not take it up, which is said.
 */
export async function renewPeers(session: Session, forgive?: string): Promise<PeersStatus | undefined> {
  try {
    const agent = await session.runningAgent();
    return await agent?.call('peers.renew', forgive === undefined ? {} : { forgive });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`The running agent does not take it up; after pyrsia agent stop the next one does: ${reason}`);
    return undefined;
  }
}

/** A rate as it is told: `1 MB/s`, `unlimited`. */
export function formatRate(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined ? 'unlimited' : `${formatBytes(bytesPerSecond)}/s`;
}

/** The limits of sharing, of which each is in bytes per second: `given up to 1 MB/s, taken without limit`. */
export function formatLimits(up: number | undefined, down: number | undefined): string {
  return `given ${within(up)}, taken ${within(down)}`;
}

function within(rate: number | undefined): string {
  return rate === undefined ? 'without limit' : `up to ${formatRate(rate)}`;
}

/** How it stands, as rows. */
export function peerFacts(status: PeersStatus): (readonly [name: string, value: string | undefined])[] {
  const { running, why, share, deaf, lonely, listening, connected, given, taken, up, down } = status;
  const { network, memberUntil, peer } = status;
  if (!running) return [['peers', `none: ${why ?? 'off'}`]];
  return [
    ['peers', `${connected} connected, ${formatBytes(given)} given, ${formatBytes(taken)} taken`],
    ['sharing', `${share}; ${formatLimits(up, down)}`],
    ['this peer', peer],
    ...listening.map((address) => ['reached at', address] as const),
    ['not reached', deaf],
    ['no neighbours', lonely],
    [
      'members of',
      network === undefined
        ? undefined
        : `${network}${memberUntil === undefined ? '' : `, until ${new Date(memberUntil).toISOString()}`}`,
    ],
  ];
}

/** A peer as a row of a table. */
export function peerRow(known: PeerKnown, now: number): readonly string[] {
  const { peer, connected, said, strikes, failures, rate, lastSeen, bannedUntil, addresses } = known;
  const ago = lastSeen === undefined ? 'never' : `${formatDuration(Math.max(0, now - lastSeen))} ago`;
  const standing = [
    ...said,
    ...(bannedUntil !== undefined && bannedUntil > now && !said.includes('banned')
      ? [`banned for ${formatDuration(bannedUntil - now)}`]
      : []),
  ];
  return [
    peer,
    connected ? 'connected' : ago,
    rate === undefined ? '' : formatRate(rate),
    String(failures),
    String(strikes),
    standing.join(', '),
    addresses[0] ?? '',
  ];
}
