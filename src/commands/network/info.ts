import { join } from 'node:path';
import { demandNetwork } from '../../command/own-log.ts';
import { type ToldNetwork, toldNetwork } from '../../command/network-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { openLogClient } from '../../trust/log-client.ts';

export default class NetworkInfo extends PyrsiaCommand {
  static override summary = 'Show which network you believe, and what is known of its log';
  static override description = 'Nobody is asked.';
  static override examples = ['<%= config.bin %> network info'];

  async run(): Promise<ToldNetwork> {
    await this.parse(NetworkInfo);
    await using session = this.openSession();
    const network = demandNetwork(session);
    const { state, cache } = session.paths;
    const client = openLogClient(network, {
      state: join(state, 'log', network.directory),
      cache: join(cache, 'log', network.directory),
      sources: [],
      now: Date.now,
    });
    const { rows, value } = toldNetwork(network, client.standing());
    this.print(facts(rows));
    return value;
  }
}
