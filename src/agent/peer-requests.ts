/**
 * What commands ask about other computers, and have the agent do with them.
 *
 * @module
 */
import type { PeerKnown, PeersStatus } from '../control/protocol.ts';
import type { Handlers } from '../control/server.ts';
import { PyrsiaError } from '../errors.ts';
import { parseJoinToken } from '../p2p/members/join-token.ts';
import type { Paths } from '../paths.ts';

/** The most times that one request pings a peer. */
const PINGS_LIMIT = 100;

/** The peers of an agent, as commands see them. */
export interface PeerDesk {
  status(this: void): PeersStatus;
  known(this: void): readonly PeerKnown[];
  /**
   * Connects to a peer, which is known or has its address in its name, and measures how long it takes to answer.
   *
   * Rejects with `PEER_SILENT` for one that does not answer, or whose address nobody knows.
   */
  ping(
    this: void,
    peer: string,
    options: {
      readonly count: number;
      readonly signal: AbortSignal;
      readonly onAnswer: (ms: number) => void;
    },
  ): Promise<{ readonly peer: string; readonly address: string; readonly ms: readonly number[] }>;
  /** Puts in force what the user has changed; `forgive` names a peer whose faults are forgotten. */
  renew(this: void, forgive?: string): Promise<void>;
}

/** Answers to requests about peers. */
export function peerRequests(
  desk: PeerDesk,
  { state }: Pick<Paths, 'state'>,
): Pick<Handlers, 'peers' | 'peers.ping' | 'peers.renew' | 'network.join'> {
  return {
    peers: () => ({ status: desk.status(), peers: [...desk.known()] }),

    async 'peers.ping'({ peer, count }, { signal, progress }) {
      const times = Math.min(Math.max(1, Math.trunc(count)), PINGS_LIMIT);
      const onAnswer = (ms: number): void => progress({ ms });
      const { ms, ...rest } = await desk.ping(peer, { count: times, signal, onAnswer });
      return { ...rest, ms: [...ms] };
    },

    async 'peers.renew'({ forgive }) {
      await desk.renew(forgive);
      return desk.status();
    },

    async 'network.join'({ token }, { signal }) {
      const { file, until } = await letIn(state, token, signal);
      return { file: Buffer.from(file).toString('base64'), until };
    },
  };
}

/** Has a member of a private network let this machine in. Rejects with `NOT_PROVEN`, `PEER_SILENT`, `REFERENCE_MALFORMED`. */
async function letIn(
  state: string,
  text: string,
  signal: AbortSignal,
): Promise<{ readonly file: Uint8Array; readonly until: number }> {
  const token = parseJoinToken(text);
  if (Date.now() >= token.until * 1000) throw refused('its time is over: ask for a new one');
  const { joinNetwork } = await import('../p2p/peers.ts');
  const joined = await joinNetwork(state, token, signal);
  if (!('refused' in joined)) return joined;
  if (joined.refused === 'refused') throw refused(`${token.peer} takes it no more: ask for a new one`);
  if (joined.refused === 'forged') throw refused(`${token.peer} may not let you into that network`);
  const at = token.addresses.join(', ') || 'any address';
  throw new PyrsiaError('PEER_SILENT', { peer: token.peer, at });
}

function refused(reason: string): PyrsiaError {
  return new PyrsiaError('NOT_PROVEN', { what: 'the token', reason });
}
