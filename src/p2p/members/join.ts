/**
 * Being let into a private network, by a token of one of its members.
 *
 * @module
 */
import { channelOver } from '../wire/channel.ts';
import { type Host, openHost } from '../host/host.ts';
import type { JoinToken } from './join-token.ts';
import { type MemberFiles, memberFiles } from './member-files.ts';
import { askToJoin, MEMBER, Stranger } from './member-talk.ts';
import { openMembers } from './members.ts';
import { type Identity, openIdentity } from '../identity.ts';

/** How long it may take to connect, and then to be let in, in milliseconds. */
const JOIN_MS = 10_000;

/** What came of it; `file` is the network's, which is not verified here, and `until` is in milliseconds since 1970. */
export type Joined =
  | { readonly file: Uint8Array; readonly until: number }
  /** Nobody was reached who is that peer; the token was not taken; what came is no membership of that network. */
  | { readonly refused: 'unreachable' | 'refused' | 'forged' };

/** Who wants to be let in. */
export interface Joiner {
  /** Without a guard: nobody is a member yet. */
  readonly host: Host;
  readonly identity: Identity;
  readonly state: string;
  /** In milliseconds since 1970. */
  readonly now: () => number;
}

/** Is let in, and keeps what was given: this peer is a member then. Rejects with what the file system says. */
export async function joinBy(
  { host, identity, state, now }: Joiner,
  token: JoinToken,
  signal?: AbortSignal,
): Promise<Joined> {
  const connection = await host.dial(token.peer, token.addresses, {
    deadlineMs: JOIN_MS,
    ...(signal && { signal }),
  });
  if (!connection) return { refused: 'unreachable' };
  try {
    const stream = await connection.newStream(MEMBER, { signal: AbortSignal.timeout(JOIN_MS) });
    const channel = channelOver(stream, token.peer, 'flood');
    const late = setTimeout(() => channel.close('slow', 'it does not answer'), JOIN_MS);
    const given = await askToJoin(channel, token, identity.name).finally(() => clearTimeout(late));
    const files = memberFiles(state, token.network);
    return keep(given, files, { network: token.network, identity, now });
  } catch (error) {
    if (error instanceof Stranger || !isOfFiles(error)) return { refused: 'refused' };
    throw error;
  } finally {
    await connection.close().catch(() => undefined);
  }
}

/** The same by the identity in a state directory; whatever host there is goes on beside it. Rejects as {@link openHost}, too. */
export async function joinNetwork(state: string, token: JoinToken, signal: AbortSignal): Promise<Joined> {
  const identity = await openIdentity(state);
  await using host = await openHost({ identity });
  return await joinBy({ host, identity, state, now: Date.now }, token, signal);
}

function keep(
  { card, revocations, file }: Awaited<ReturnType<typeof askToJoin>>,
  files: MemberFiles,
  parts: { readonly network: Uint8Array; readonly identity: Identity; readonly now: () => number },
): Joined {
  const members = openMembers({ ...parts, files });
  if (members.hear(revocations) === undefined) return { refused: 'forged' };
  members.renewed(card);
  const standing = members.standing();
  return typeof standing === 'object' ? { file, until: standing.ends * 1000 } : { refused: 'forged' };
}

/** Whether the file system says it: everything else a peer is to blame for. */
function isOfFiles(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}
