import type { PeerName } from './contract.ts';
import type { FaultKind } from './wire/lane.ts';

/** What a peer did that it should not have, or could not do. */
export class PeerFault extends Error {
  override readonly name = 'PeerFault';
  readonly kind: FaultKind;
  readonly peer: PeerName;

  constructor(kind: FaultKind, peer: PeerName, reason: string, options?: { cause: unknown }) {
    super(`Peer ${peer}: ${reason}`, options);
    this.kind = kind;
    this.peer = peer;
  }
}

/** Whether `error` is a fault of a peer, and of this kind where one is given. */
export function isPeerFault(error: unknown, kind?: FaultKind): error is PeerFault {
  return error instanceof PeerFault && (kind === undefined || error.kind === kind);
}
