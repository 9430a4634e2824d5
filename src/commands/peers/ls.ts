import { knownPeers } from '../../command/known-peers.ts';
import { peerRow } from '../../command/peer-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { table } from '../../command/table.ts';
import type { PeerKnown } from '../../control/protocol.ts';

export default class PeersLs extends PyrsiaCommand {
  static override summary = 'List the other computers that are known, those that are connected first';
  static override description =
    'FAILED counts what was asked for and did not come, STRIKES what came and was wrong. Where no agent is running, it is what the last one wrote down. ' +
    'The address at which this machine is reached stands in pyrsia status.';
  static override examples = ['<%= config.bin %> peers ls', '<%= config.bin %> peers ls --json'];

  async run(): Promise<readonly PeerKnown[]> {
    await this.parse(PeersLs);
    await using session = this.openSession();
    const peers = await knownPeers(session);
    const now = Date.now();
    if (peers.length > 0) {
      this.print(
        table(
          [
            { heading: 'PEER' },
            { heading: 'SEEN' },
            { heading: 'RATE', right: true },
            { heading: 'FAILED', right: true },
            { heading: 'STRIKES', right: true },
            { heading: 'SAID' },
            { heading: 'ADDRESS' },
          ],
          peers.map((peer) => peerRow(peer, now)),
        ),
      );
    } else if (!this.jsonEnabled()) this.say('No other computer is known yet');
    return peers;
  }
}
