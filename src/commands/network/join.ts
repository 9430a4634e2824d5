import { renameSync, writeFileSync } from 'node:fs';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { wholeFile } from '../../command/log-place.ts';
import { type ToldNetwork, toldNetwork } from '../../command/network-talk.ts';
import { renewPeers } from '../../command/peer-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { PyrsiaError } from '../../errors.ts';
import { formatVerifierKey } from '../../log/keys.ts';
import { NETWORK_LIMIT } from '../../log/network-file.ts';
import { makeOurs } from '../../ours.ts';
import { isJoinToken, parseJoinToken } from '../../p2p/members/join-token.ts';
import type { Session } from '../../session.ts';
import { networkOf, networkPath, readNetwork } from '../../trust/network-of.ts';

export default class NetworkJoin extends PyrsiaCommand {
  static override summary = 'Believe a network: what its log says of a package binds from then on';
  static override description =
    'FILE is the network file that its creator gave you, or the token by which a member of a private one lets you in. A file signed by another key than that of the network that you believe now is refused without --replace.';
  static override examples = [
    '<%= config.bin %> network join example.policy',
    '<%= config.bin %> network join example.policy --key net.example+5f1a9f2c+AeHT…',
    '<%= config.bin %> network join pyrsia-join-eyJuZXR3…',
  ];
  static override args = {
    file: Args.string({ description: 'the file of the network, or a token', required: true }),
  };
  static override flags = {
    key: Flags.string({ summary: 'the key that it has to be signed by', helpValue: 'NAME+ID+KEY' }),
    replace: Flags.boolean({ summary: 'also in place of another network' }),
  };

  async run(): Promise<ToldNetwork> {
    const { args, flags } = await this.parse(NetworkJoin);
    await using session = this.openSession();
    const token = isJoinToken(args.file) ? parseJoinToken(args.file) : undefined;
    const what = token ? 'the token' : args.file;
    const refused = (reason: string): PyrsiaError => new PyrsiaError('NOT_PROVEN', { what, reason });
    const before = networkOf(session.paths);
    if (token && before && !flags.replace && Buffer.compare(before.key.publicKey, token.network) !== 0)
      throw refused(
        `you believe the network ${formatVerifierKey(before.key)}: leave it first, or say --replace`,
      );
    const bytes = token ? await letIn(session, args.file) : await wholeFile(args.file, NETWORK_LIMIT);
    const network = readNetwork(bytes, what);
    const key = formatVerifierKey(network.key);
    if (token && Buffer.compare(network.key.publicKey, token.network) !== 0)
      throw refused(`it is of another network than ${key}, whose file came`);
    if (flags.key !== undefined && flags.key !== key) throw refused(`it is signed by ${key}`);
    if (before && formatVerifierKey(before.key) !== key && !flags.replace)
      throw refused(
        `you believe the network ${formatVerifierKey(before.key)}: leave it first, or say --replace`,
      );
    const path = networkPath(session.paths);
    makeOurs(session.paths.config);
    writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    await renewPeers(session);
    if (network.private && !token)
      this.say('Its peers speak with members only: one of them lets you in by pyrsia network invite');
    const { rows, value } = toldNetwork(network);
    this.print(facts([...rows, ['kept in', path]]));
    return value;
  }
}

/** Has a member let this machine in: the network's file. */
async function letIn(session: Session, token: string): Promise<Uint8Array> {
  const { file } = await (await session.agent()).call('network.join', { token });
  return Buffer.from(file, 'base64');
}
