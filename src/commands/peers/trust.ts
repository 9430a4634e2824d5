import { peerArg, SayOfPeer, type SaidOfPeer } from '../../command/say-of-peer.ts';

export default class PeersTrust extends SayOfPeer {
  static override summary = 'Need no other’s word on what content is made of, where this peer has said it';
  static override description =
    'For another machine of yours. Its content is still measured: the digest decides, whoever sends it. pyrsia peers rm takes it back.';
  static override examples = [
    '<%= config.bin %> peers trust 12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w',
  ];
  static override args = { peer: peerArg };

  async run(): Promise<SaidOfPeer> {
    const { args } = await this.parse(PeersTrust);
    return this.tell(args.peer, { trusted: true }, { said: 'Trusted' });
  }
}
