import { peerArg, SayOfPeer, type SaidOfPeer } from '../../command/say-of-peer.ts';

export default class PeersRm extends SayOfPeer {
  static override summary = 'Take back all that was said of a peer: that it was added, banned or trusted';
  static override examples = [
    '<%= config.bin %> peers rm 12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w',
  ];
  static override args = { peer: peerArg };

  async run(): Promise<SaidOfPeer> {
    const { args } = await this.parse(PeersRm);
    return this.tell(args.peer, { forget: true }, { said: 'Forgot what was said of' });
  }
}
