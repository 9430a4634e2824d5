import { rmSync } from 'node:fs';
import { demandNetwork } from '../../command/own-log.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { formatVerifierKey } from '../../log/keys.ts';
import { networkPath } from '../../trust/network-of.ts';

export default class NetworkLeave extends PyrsiaCommand {
  static override summary = 'Believe no network any more';
  static override description = 'What was read of its log stays, and is there when you join again.';
  static override examples = ['<%= config.bin %> network leave'];

  async run(): Promise<{ left: string }> {
    await this.parse(NetworkLeave);
    await using session = this.openSession();
    const left = formatVerifierKey(demandNetwork(session).key);
    rmSync(networkPath(session.paths));
    this.print(`Left ${left}`);
    return { left };
  }
}
