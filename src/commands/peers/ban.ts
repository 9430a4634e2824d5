import { peerArg, SayOfPeer, type SaidOfPeer } from '../../command/say-of-peer.ts';

export default class PeersBan extends SayOfPeer {
  static override summary = 'Leave a peer alone: it is neither asked nor answered, until it is unbanned';
  static override examples = [
    '<%= config.bin %> peers ban 12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w',
  ];
  static override args = { peer: peerArg };

  async run(): Promise<SaidOfPeer> {
    const { args } = await this.parse(PeersBan);
    return this.tell(args.peer, { banned: true }, { said: 'Banned' });
  }
}
