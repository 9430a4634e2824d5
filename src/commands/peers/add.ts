import * as Args from '@oclif/core/args';
import { SayOfPeer, type SaidOfPeer } from '../../command/say-of-peer.ts';
import { parsePeerAddress } from '../../p2p/peer-name.ts';

export default class PeersAdd extends SayOfPeer {
  static override summary = 'Tell where another computer is, which is then asked as neighbours are';
  static override description =
    'The address is what pyrsia status shows there. Whoever answers at it has to prove that it is that peer.';
  static override examples = [
    '<%= config.bin %> peers add /ip4/192.168.1.5/tcp/4001/p2p/12D3KooWFFx86bsV3kCsSk2afGPKtGtZzur4tMMcwuYLz1W4hB4w',
  ];
  static override args = {
    address: Args.string({ description: 'where it is, and its name', required: true }),
  };

  async run(): Promise<SaidOfPeer> {
    const { args } = await this.parse(PeersAdd);
    const { peer, address } = parsePeerAddress(args.address);
    return this.tell(peer, { add: address }, { said: 'Added' });
  }
}
