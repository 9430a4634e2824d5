import { rmSync } from 'node:fs';
import { demandNetwork } from '../../command/own-log.ts';
import { renewPeers } from '../../command/peer-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { formatVerifierKey } from '../../log/keys.ts';
import { memberFiles } from '../../p2p/members/member-files.ts';
import { networkPath } from '../../trust/network-of.ts';

export default class NetworkLeave extends PyrsiaCommand {
  static override summary = 'Believe no network any more, and be no member of it';
  static override description =
    'What was read of its log stays, and is there when you join again. A private network lets you in again by a new token.';
  static override examples = ['<%= config.bin %> network leave'];

  async run(): Promise<{ left: string }> {
    await this.parse(NetworkLeave);
    await using session = this.openSession();
    const { key } = demandNetwork(session);
    const left = formatVerifierKey(key);
    rmSync(networkPath(session.paths));
    memberFiles(session.paths.state, key.publicKey).leave();
    await renewPeers(session);
    this.print(`Left ${left}`);
    return { left };
  }
}
