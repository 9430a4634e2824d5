import { renameSync, writeFileSync } from 'node:fs';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { wholeFile } from '../../command/log-place.ts';
import { type ToldNetwork, toldNetwork } from '../../command/network-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { PyrsiaError } from '../../errors.ts';
import { formatVerifierKey } from '../../log/keys.ts';
import { NETWORK_LIMIT } from '../../log/network-file.ts';
import { makeOurs } from '../../ours.ts';
import { networkOf, networkPath, readNetwork } from '../../trust/network-of.ts';

export default class NetworkJoin extends PyrsiaCommand {
  static override summary = 'Believe a network: what its log says of a package binds from then on';
  static override description =
    'FILE is the network file that its creator gave you. A file signed by another key than that of the network that you believe now is refused without --replace.';
  static override examples = [
    '<%= config.bin %> network join example.policy',
    '<%= config.bin %> network join example.policy --key net.example+5f1a9f2c+AeHT…',
  ];
  static override args = { file: Args.string({ description: 'the file of the network', required: true }) };
  static override flags = {
    key: Flags.string({ summary: 'the key that it has to be signed by', helpValue: 'NAME+ID+KEY' }),
    replace: Flags.boolean({ summary: 'also in place of another network' }),
  };

  async run(): Promise<ToldNetwork> {
    const { args, flags } = await this.parse(NetworkJoin);
    await using session = this.openSession();
    const bytes = await wholeFile(args.file, NETWORK_LIMIT);
    const network = readNetwork(bytes, args.file);
    const key = formatVerifierKey(network.key);
    const refused = (reason: string): PyrsiaError =>
      new PyrsiaError('NOT_PROVEN', { what: args.file, reason });
    if (flags.key !== undefined && flags.key !== key) throw refused(`it is signed by ${key}`);
    const before = networkOf(session.paths);
    if (before && formatVerifierKey(before.key) !== key && !flags.replace)
      throw refused(
        `you believe the network ${formatVerifierKey(before.key)}: leave it first, or say --replace`,
      );
    const path = networkPath(session.paths);
    makeOurs(session.paths.config);
    writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    const { rows, value } = toldNetwork(network);
    this.print(facts([...rows, ['kept in', path]]));
    return value;
  }
}
