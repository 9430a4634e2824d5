/**
 * The commands that say something of one peer.
 *
 * @module
 */
import * as Args from '@oclif/core/args';
import { parsePeerName } from '../p2p/peer-name.ts';
import { sayOfPeer, type Saying } from '../p2p/said-of-peers.ts';
import { renewPeers } from './peer-talk.ts';
import { PyrsiaCommand } from './pyrsia-command.ts';

/** Whom it is about. */
export const peerArg = Args.string({ description: 'name of the peer, or its address', required: true });

/** What holds of a peer. */
export interface SaidOfPeer {
  readonly peer: string;
  readonly addresses: readonly string[];
  readonly banned: boolean;
  readonly trusted: boolean;
}

/** A command that says something of the peer that is its only argument. */
export abstract class SayOfPeer extends PyrsiaCommand {
  /** Says it, and has the agent act upon it. @throws PyrsiaError `REFERENCE_MALFORMED`, `DOCUMENT_INVALID` */
  protected async tell(
    name: string,
    saying: Saying,
    { said, forgive = false }: { readonly said: string; readonly forgive?: boolean },
  ): Promise<SaidOfPeer> {
    await using session = this.openSession();
    const peer = parsePeerName(name);
    const holds = sayOfPeer(session.paths.state, peer, saying);
    await renewPeers(session, forgive ? peer : undefined);
    this.print(`${said} ${peer}`);
    return { peer, ...(holds ?? { addresses: [], banned: false, trusted: false }) };
  }
}
