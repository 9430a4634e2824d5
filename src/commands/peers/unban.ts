import { peerArg, SayOfPeer, type SaidOfPeer } from '../../command/say-of-peer.ts';

export default class PeersUnban extends SayOfPeer {
  static override summary = 'Ask and answer a peer again; its faults are forgotten';
  static override examples = [
    '<%= config.bin %> peers unban 12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w',
  ];
  static override args = { peer: peerArg };

  async run(): Promise<SaidOfPeer> {
    const { args } = await this.parse(PeersUnban);
    return this.tell(args.peer, { banned: false }, { said: 'Unbanned', forgive: true });
  }
}
