import * as Flags from '@oclif/core/flags';
import { keyOfNetwork, openOwnMembership } from '../../command/network-key.ts';
import { renewPeers } from '../../command/peer-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { peerArg } from '../../command/say-of-peer.ts';
import { PyrsiaError } from '../../errors.ts';
import { signRevocation } from '../../p2p/members/membership.ts';
import { parsePeerName } from '../../p2p/peer-name.ts';

export default class NetworkRevoke extends PyrsiaCommand {
  static override summary =
    'Let a peer out of a private network for good, and with it all whom it has let in';
  static override description =
    'Members tell each other, each as soon as it hears of it, and no longer speak with that peer. It takes the network’s key.';
  static override examples = [
    '<%= config.bin %> network revoke 12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w --key net.example.key',
  ];
  static override args = { peer: peerArg };
  static override flags = {
    key: Flags.string({ summary: 'the file with the network’s key', helpValue: 'FILE', required: true }),
  };

  async run(): Promise<{ readonly revoked: string; readonly network: string }> {
    const { args, flags } = await this.parse(NetworkRevoke);
    await using session = this.openSession();
    const peer = parsePeerName(args.peer);
    const { network, members } = await openOwnMembership(session);
    const key = await keyOfNetwork(network, flags.key);
    const at = Math.floor(Date.now() / 1000);
    if (members.hear(signRevocation(network.key.publicKey, { peer, at }, key)) === undefined)
      throw new PyrsiaError('AGENT_REFUSED', { reason: 'as many are revoked as can be: make a new network' });
    await renewPeers(session);
    this.print(`Revoked ${peer}`);
    return { revoked: peer, network: network.key.name };
  }
}
