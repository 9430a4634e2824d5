/**
 * The peers of one agent. A bundle of its own: the agent imports it when it first looks for something that it lacks.
 *
 * @module
 */
import { type Host, type HostOptions, openHost } from './host.ts';
import { openIdentity } from './identity.ts';

/** How peers are opened. */
export interface PeersOptions extends Omit<HostOptions, 'identity'> {
  /** The state directory, which has the identity. */
  readonly state: string;
}

/** Starts this machine among its peers. Rejects when it has no identity, or libp2p cannot be started. */
export async function openPeers({ state, ...options }: PeersOptions): Promise<Host> {
  return openHost({ ...options, identity: await openIdentity(state) });
}
