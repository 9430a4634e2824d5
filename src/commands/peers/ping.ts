import * as Flags from '@oclif/core/flags';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { peerArg } from '../../command/say-of-peer.ts';
import { formatDuration } from '../../content/format.ts';
import type { Methods } from '../../control/protocol.ts';
import { parsePeerName } from '../../p2p/peer-name.ts';

export default class PeersPing extends PyrsiaCommand {
  static override summary = 'Connect to a peer, and measure how long it takes to answer';
  static override examples = [
    '<%= config.bin %> peers ping 12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w',
  ];
  static override args = { peer: peerArg };
  static override flags = {
    count: Flags.integer({ char: 'c', summary: 'how often', default: 3, min: 1, max: 100 }),
  };

  async run(): Promise<Methods['peers.ping']['result']> {
    const { args, flags } = await this.parse(PeersPing);
    await using session = this.openSession();
    parsePeerName(args.peer);
    const agent = await session.agent();
    const show = (ms: number): void => this.print(formatDuration(ms));
    return await agent.call(
      'peers.ping',
      { peer: args.peer, count: flags.count },
      { onProgress: ({ ms }) => show(ms) },
    );
  }
}
